"""Instants in the time of a run's market, as people write and read them."""

import datetime as dt
from typing import TYPE_CHECKING

from app.core.errors import UsageError

if TYPE_CHECKING:
    from app.managers.time_manager import TimeManager


class Moments:
    """Reads and writes instants in the time of one market."""

    def __init__(self, time: "TimeManager") -> None:
        self.times = time

    def at(self, ns: int) -> str:
        """An instant in the market's time."""
        spec = "seconds" if ns % 1_000_000_000 == 0 else "microseconds"
        return self.times.to_local(ns).isoformat(sep=" ", timespec=spec)

    def ns_of(self, text: str) -> int:
        """An instant that somebody wrote, in the market's time unless it names a zone."""
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(
                f"'{text}' is not a time; give the day and the time, as '2024-11-01 10:31'."
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.times.zone())
        return self.times.to_ns(moment)
