"""Everything a live run hears, in the order it came; whoever has something to say never waits."""

import math
import threading

import msgspec

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
from app.core.messages import Command, GapFound
from app.core.money import UNITS
from app.core.order_events import OrderEvent
from app.core.venue import MarketItem, Quote, Tick


class Trades(msgspec.Struct, gc=False):
    """Ticks of one symbol and one minute made into one: bars made of them are the same."""

    symbol: str
    first_ns: int
    last_ns: int
    open: float
    high: float
    low: float
    close: float
    volume_units: int

    @classmethod
    def of(cls, tick: Tick) -> "Trades":
        """One tick alone."""
        at_ns, price = tick.at_ns, tick.price
        volume_units = round(tick.volume * UNITS)
        return cls(tick.symbol, at_ns, at_ns, price, price, price, price, volume_units)

    def add(self, other: "Trades") -> None:
        """More of them; of one moment, those that came first count as earlier."""
        if other.first_ns < self.first_ns:
            self.first_ns, self.open = other.first_ns, other.open
        if other.last_ns >= self.last_ns:
            self.last_ns, self.close = other.last_ns, other.close
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.volume_units += other.volume_units


class Past(msgspec.Struct, frozen=True):
    """What a venue's history answered; no `bars` when it could not be asked."""

    symbol: str
    start_ns: int
    end_ns: int
    bars: BarColumns | None


Heard = MarketItem | Trades | Past | GapFound | OrderEvent | Command

BOUND_ITEMS = 65_536


def is_sane(tick: Tick) -> bool:
    """Whether it can be part of a bar at all."""
    return 0.0 < tick.price < math.inf and 0.0 <= tick.volume < math.inf


class Inbox:
    """Put from any thread, taken by one.

    When it holds `bound_items`, further ticks and quotes are conflated per symbol and minute, and
    counted in `conflated`; a trade told twice counts twice then. Nothing else is, and nothing is
    dropped: what is held beyond the bound is at most two items per symbol and minute, and what
    must not be lost.
    """

    def __init__(self, bound_items: int = BOUND_ITEMS) -> None:
        self._bound_items = bound_items
        self._held: list[Heard] = []
        self._places: dict[tuple[type, str, int], int] = {}  # of what more is conflated into
        self._woken = False
        self._changed = threading.Condition()
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._held)

    def put(self, item: Heard) -> None:
        """Add an item; never waits."""
        with self._changed:
            if len(self._held) < self._bound_items or not isinstance(item, Tick | Quote):
                self._held.append(item)
            elif isinstance(item, Quote) or is_sane(item):
                self._conflate(item)
            self._changed.notify()

    def take(self, timeout_seconds: float) -> list[Heard]:
        """All that is held, in the order it came; waits for something if there is nothing."""
        with self._changed:
            if not self._held and not self._woken:
                self._changed.wait(min(max(timeout_seconds, 0.0), threading.TIMEOUT_MAX))
            taken, self._held = self._held, []
            self._places.clear()
            self._woken = False
            return taken

    def wake(self) -> None:
        """Have whoever waits look up, though nothing came."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def _conflate(self, item: Tick | Quote) -> None:
        key: tuple[type, str, int]
        if isinstance(item, Tick):
            key = (Trades, item.symbol, item.at_ns // MINUTE_NS)
        else:  # the last by the end of a minute is the one in force when the next begins
            key = (Quote, item.symbol, (item.at_ns - 1) // MINUTE_NS)
        place = self._places.setdefault(key, len(self._held))
        if place == len(self._held):
            self._held.append(Trades.of(item) if isinstance(item, Tick) else item)
            return
        self.conflated += 1
        held = self._held[place]
        if isinstance(held, Trades) and isinstance(item, Tick):
            held.add(Trades.of(item))
        elif isinstance(held, Quote) and isinstance(item, Quote) and item.at_ns >= held.at_ns:
            self._held[place] = item
