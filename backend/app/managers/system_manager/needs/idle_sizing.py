"""Refuses a sizing that nobody asks for: whoever wrote it believes that it sizes orders."""

from collections.abc import Sequence

from app.core.config import SessionConfig
from app.core.errors import ConfigError
from app.strategies.size import ASKED_BY, asks_for_sizes
from app.threads.hooks.seats import Seat


def refuse_idle_sizing(config: SessionConfig, seats: Sequence[Seat]) -> None:
    """Refuse a sizing of a strategy that never asks for a size, or of a run where none does."""
    by_run: list[bool] = []
    for item, seat in zip(config.strategies, seats, strict=True):
        if config.sizing_of(item) is None:
            continue
        asks = asks_for_sizes(seat.sources)
        if item.sizing is None:
            by_run.append(asks)
        elif not asks:
            raise ConfigError(_told(f"sizing of strategy {seat.name}", "it"))
    if by_run and not any(by_run):
        raise ConfigError(_told("sizing", "no strategy that reads it"))


def _told(what: str, who: str) -> str:
    who += " never calls" if who == "it" else " calls"
    return (
        f"The config's {what} would do nothing: {who} {ASKED_BY}(). Ask for a size, as in "
        f"self.order(symbol, self.{ASKED_BY}(symbol)), or leave the sizing out."
    )
