"""Events that wait to be shown: at most so many lines a second, and every one counted.

Where more come than that, fills and orders of a run share a line; what needs a person never does.
"""

import threading
from collections.abc import Iterable
from decimal import Decimal

from msgspec import structs

from app.cli.shell.events import (
    ALARM,
    CONFLATED,
    DAY,
    END,
    FILL,
    ORDER,
    STATE,
    Event,
    holding,
)
from app.cli.terminal.figures import count_text
from app.core.errors import UsageError, did_you_mean
from app.core.intervals import SECOND_NS

LINES_A_SECOND = 8
MOST_WAITING = 200
SHOWN = {
    "on": (FILL, ORDER, DAY, STATE, ALARM, END),
    "fills": (FILL, STATE, ALARM, END),
    "off": (ALARM, END),
}
_MOST_SYMBOLS = 4  # that a line of many fills names


class Outbox:
    """Filled by those who follow sessions, emptied by who shows lines; from any thread."""

    def __init__(self) -> None:
        self.level = "on"
        self._lock = threading.Lock()
        self._waiting: list[Event] = []
        self._lost = 0  # beyond the bound, of those that each would have had a line
        self._second_ns = 0  # when the one that is counted began
        self._used = 0  # events shown in it

    def set_level(self, level: str) -> None:
        """Which events are shown from now on."""
        if level not in SHOWN:
            hint = did_you_mean(level, SHOWN)
            raise UsageError(f"Events are {', '.join(SHOWN)}, not '{level}'.{hint}")
        self.level = level

    def put(self, events: Iterable[Event]) -> None:
        """These have happened."""
        kinds = SHOWN[self.level]
        with self._lock:
            self._waiting += [event for event in events if event.kind in kinds]
            if len(self._waiting) > MOST_WAITING:
                self._waiting = _conflated(self._waiting, MOST_WAITING // 2)
            over = max(len(self._waiting) - MOST_WAITING, 0)
            self._lost += over
            del self._waiting[:over]  # the oldest of those that each have a line

    def take(self, now_ns: int, most: int = LINES_A_SECOND) -> list[Event]:
        """What may be shown now, of at most so many a second."""
        with self._lock:
            if now_ns - self._second_ns >= SECOND_NS:
                self._second_ns, self._used = now_ns, 0
            room = most - self._used
            if room <= 0:
                return []
            if self._lost:
                text = f"{count_text(self._lost, 'older event')} not shown; the log has them"
                self._waiting.insert(0, Event("", "", ALARM, "", text))
                self._lost = 0
            self._waiting = _conflated(self._waiting, room)
            taken, self._waiting = self._waiting[:room], self._waiting[room:]
            self._used += len(taken)
        return taken

    def seconds_until_more(self, now_ns: int) -> float | None:
        """How long until something that waits may be shown; None when nothing waits."""
        with self._lock:
            if not (self._waiting or self._lost):
                return None
            return max(self._second_ns + SECOND_NS - now_ns, 0) / SECOND_NS


def _conflated(events: list[Event], room: int) -> list[Event]:
    """So many lines where that can be: the first fills and orders as they are, the rest of each run
    in one line behind them. What needs a person keeps its own line.
    """
    if len(events) <= room:
        return events
    free = [event for event in events if event.kind in CONFLATED]
    runs = len({event.run_id for event in free})
    kept = max(room - (len(events) - len(free)) - runs, 0)
    rest: dict[str, list[Event]] = {}
    for event in free[kept:]:
        rest.setdefault(event.run_id, []).append(event)
    ids = {id(event) for group in rest.values() for event in group}
    shown = [event for event in events if id(event) not in ids]
    return [*shown, *(_summed(group) for group in rest.values())]


def _summed(events: list[Event]) -> Event:
    """Many of one run as one: how many, and what is held after them."""
    fills = sum(event.fills for event in events)
    orders = sum(event.orders for event in events)
    if len(events) == 1 or not (fills or orders):
        return events[-1]  # one day after another: the newest tells which
    held = {symbol: now for event in events for symbol, now in event.held}
    day = max(event.day for event in events)
    parts = [
        count_text(count, what).replace(" ", " more ", 1)
        for count, what in ((fills, "fill"), (orders, "ended order"))
        if count
    ]
    text = f"{day}: {' and '.join(parts)}" if day else f"and {' and '.join(parts)}"
    if held:
        text += f"; holds {_named(held)}"
    return structs.replace(
        events[-1], kind=FILL if fills else ORDER, text=text, fills=fills, orders=orders, day=day,
        held=tuple(held.items()),
    )  # fmt: skip


def _named(held: dict[str, Decimal]) -> str:
    """The largest positions by name, and how many others there are."""
    most = sorted(held.items(), key=lambda one: -abs(one[1]))
    others = sum(1 for _, now in most[_MOST_SYMBOLS:] if now)
    return holding(most[:_MOST_SYMBOLS]) + (f" and {others} more positions" if others else "")
