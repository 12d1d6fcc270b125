"""Splits: the gate's count follows the run's, and a venue that has split before it is not wrong."""

from collections.abc import Iterable, Sequence

import msgspec

from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.core.order_events import Split
from app.managers.execution_manager.gate.tracker import Tracker


class ComingSplit(msgspec.Struct, frozen=True):
    """Between two moments a venue may have made `new` shares of each `old`, and the run not yet."""

    symbol: int
    new: int
    old: int
    from_ns: int
    until_ns: int


def coming_splits(
    adjustments: Iterable[Adjustment],
    sessions: Sequence[TradingSession],
    symbols: Sequence[str],
    patience_ns: int,
) -> list[ComingSplit]:
    """The splits of a run's sessions: each from the close before, until a while after the open."""
    places = {session.date: place for place, session in enumerate(sessions)}
    found = []
    for one in adjustments:
        place = places.get(one.session_date)
        if place is not None and one.split_ratio != 1:
            from_ns = sessions[place - 1].close_ns if place else 0
            new, old = one.split_ratio.as_integer_ratio()
            until_ns = sessions[place].open_ns + patience_ns
            found.append(ComingSplit(symbols.index(one.symbol), new, old, from_ns, until_ns))
    return found


class Splits:
    """The splits that are to come, by symbol in their order."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._coming: list[ComingSplit] = []

    def expect(self, coming: Iterable[ComingSplit]) -> None:
        """All that the run's actions say."""
        self._coming = list(coming)

    def take(self, split: Split) -> None:
        """The run has split; or has found that what it had booked was of other shares."""
        self._tracker.split(split)
        if split.new == split.old:
            return
        found = next((one for one in self._coming if one.symbol == split.symbol), None)
        if found is not None:
            self._coming.remove(found)

    def explains(self, symbol: int, theirs_units: int, now_ns: int) -> bool:
        """Whether the venue holds what is held here, split; a part of a share may be paid out."""
        ours_units = self._tracker.held_units(symbol)
        return any(
            abs(theirs_units * one.old - ours_units * one.new) < UNITS * one.old
            for one in self._coming
            if one.symbol == symbol and one.from_ns <= now_ns < one.until_ns
        )
