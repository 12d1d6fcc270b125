"""What a run's stream must compute, fixed before it starts."""

import msgspec

from app.services.indicators import Computation


class Declared(msgspec.Struct, frozen=True):
    """One indicator of one symbol on one interval."""

    computation: Computation
    symbol: int
    interval: str


class Plan(msgspec.Struct, frozen=True):
    """Symbols, intervals (shortest first, the base among them), histories and indicators."""

    symbols: tuple[str, ...]
    base_interval: str
    intervals: tuple[str, ...]
    history: dict[str, int | None]  # sessions kept per interval; None: all since the run began
    extended_hours: bool
    declared: tuple[Declared, ...]

    @property
    def derived_intervals(self) -> tuple[str, ...]:
        """All but the base."""
        return tuple(name for name in self.intervals if name != self.base_interval)
