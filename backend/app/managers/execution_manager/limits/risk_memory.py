"""What limits of loss remember: what a portfolio was worth as the session began, and at its peak.

A peak is seen when a session opens and when an order asks, so it follows from the inputs alone; it
is part of a run's saved states.
"""

from collections.abc import Iterable
from typing import ClassVar, Protocol

from app.core.kept import Fields, kept, put_back


class Past:
    """What is remembered of one portfolio."""

    __slots__ = ("day_units", "peak_units")
    STATE: ClassVar[tuple[str, ...]] = ("day_units", "peak_units")

    def __init__(self, worth_units: int) -> None:
        self.day_units = self.peak_units = worth_units


class Remembered(Protocol):
    """A portfolio that has a past."""

    past: Past

    def worth_units(self) -> int:
        """What it is worth now."""
        ...

    def may_be_above(self, units: int) -> bool:
        """Whether that may be more than so much; False is sure."""
        ...


class RiskMemory:
    """Remembers the portfolios whose limits look back, and no others."""

    def __init__(self, portfolios: Iterable[Remembered]) -> None:
        self._portfolios = list(portfolios)

    def open_session(self) -> None:
        """A session begins: whatever it brings, the night's interest too, is the new day's."""
        for portfolio in self._portfolios:
            portfolio.past.day_units = portfolio.worth_units()
        self.look()

    def look(self) -> None:
        """See whether any is at its peak."""
        for portfolio in self._portfolios:
            past = portfolio.past
            if portfolio.may_be_above(past.peak_units):
                past.peak_units = max(past.peak_units, portfolio.worth_units())

    def state(self) -> list[Fields]:
        """All that is remembered."""
        return [kept(portfolio.past, Past.STATE) for portfolio in self._portfolios]

    def restore(self, state: Iterable[Fields]) -> None:
        """Remember it again."""
        for portfolio, fields in zip(self._portfolios, state, strict=True):
            put_back(portfolio.past, fields)
