"""The base bars of a live run while they form: out of ticks, of a venue's own bars, of history.

A bar lies in a slot of its session, is let through with all others of the slot, and may be
corrected until the next session begins. Of one start, the venue's own bar counts before one made
of ticks, and of two of its own the one that came last.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np

from app.core.bars import BarColumns, Table
from app.core.inbox import Past, Trades, is_sane
from app.core.intervals import MINUTE_NS, interval_ns
from app.core.money import UNITS
from app.core.venue import Quote, Tick, VenueBar
from app.managers.data_manager.stored_bars import Wanted
from app.services.quality import SlotGrid

LATE_NS = 15 * MINUTE_NS  # ticks later than this change no bar

Prices = tuple[float, float, float, float, float]  # open, high, low, close, volume
Row = tuple[int, Prices]  # slot, values


class Slots:
    """Where the base bars of a run's sessions lie, in the order of time."""

    def __init__(self, wanted: Wanted) -> None:
        step_ns = interval_ns(wanted.base_interval)
        self.start_ns: list[int] = []
        self.end_ns: list[int] = []
        self.first: list[int] = []  # of each session
        for session in wanted.sessions:
            grid = SlotGrid.of(session.segments(wanted.extended_hours), step_ns)
            self.first.append(len(self.start_ns))
            self.start_ns += (grid.start_ns + grid.anchor_ns).tolist()
            self.end_ns += (grid.end_ns + grid.anchor_ns).tolist()

    def __len__(self) -> int:
        return len(self.start_ns)

    def at(self, at_ns: int) -> int:
        """The slot a moment falls into; -1 for none."""
        slot = bisect_right(self.start_ns, at_ns) - 1
        return slot if slot >= 0 and at_ns < self.end_ns[slot] else -1

    def open_at(self, at_ns: int) -> int:
        """The first slot that ends after a moment."""
        return bisect_right(self.end_ns, at_ns)


class _Forming:
    """What is known of one bar."""

    __slots__ = ("pieces", "seen", "told", "trades", "whole")

    def __init__(self) -> None:
        self.trades: Trades | None = None
        self.seen: set[Tick] = set()
        self.pieces: dict[int, Prices] = {}  # the venue's shorter bars, by start
        self.whole: Prices | None = None
        self.told: Prices | None = None  # as it was let through

    def values(self) -> Prices | None:
        """The bar as it stands."""
        if self.whole is not None:
            return self.whole
        if self.pieces:
            parts = [self.pieces[start_ns] for start_ns in sorted(self.pieces)]
            high, low = max(p[1] for p in parts), min(p[2] for p in parts)
            return parts[0][0], high, low, parts[-1][3], float(sum(p[4] for p in parts))
        if self.trades is None:
            return None
        t = self.trades
        return t.open, t.high, t.low, t.close, t.volume_units / UNITS


class LiveBars:
    """Takes what a venue says of its market; `counts` tells what of it was of no use, and why."""

    def __init__(self, wanted: Wanted, venue_interval: str, in_order: bool) -> None:
        self.slots = Slots(wanted)
        self.next = 0  # the first slot that was not let through
        self.counts: Counter[str] = Counter()
        self._numbers = {name: number for number, name in enumerate(wanted.symbols)}
        self._piece_ns = interval_ns(venue_interval)
        self._in_order = in_order
        self._quoted = wanted.quotes
        self._forming: dict[int, dict[int, _Forming]] = {}  # by slot and symbol
        self._since = 0  # ticks of earlier slots are of no use: not all of them were heard
        self._first = 0  # bars of earlier slots can be corrected no more
        self._latest = [-1] * len(wanted.symbols)  # the last slot known to have begun
        self._late: dict[tuple[int, int], Prices] = {}
        # by symbol and the slot that starts next: when a quote came, and its spread
        self._quotes: list[dict[int, tuple[int, float]]] = [{} for _ in wanted.symbols]
        self._none = self._table([])

    def skip(self, slot: int) -> None:
        """Let nothing before a slot through: it had passed when the run began."""
        self.next = self._since = slot

    def begin_session(self, number: int) -> None:
        """Those before it are over for good."""
        self._first = self.slots.first[number]
        for slot in [slot for slot in self._forming if slot < self._first]:
            del self._forming[slot]
        self._late = {key: bar for key, bar in self._late.items() if key[1] >= self._first}
        over_ns = self.slots.end_ns[self._first - 1] if number else 0
        for quotes in self._quotes:  # a session's first spread is not that of the one before
            for slot in [slot for slot, quote in quotes.items() if quote[0] < over_ns]:
                del quotes[slot]

    # -- what comes in -------------------------------------------------------------------------

    def take_tick(self, tick: Tick) -> None:
        """One trade; told twice, it counts once."""
        if not is_sane(tick):
            self.counts["bad"] += 1
            return
        found = self._for_trades(tick.symbol, tick.at_ns)
        if found is None:
            return
        slot, forming = found
        if tick in forming.seen:
            self.counts["duplicates"] += 1
            return
        forming.seen.add(tick)
        self._add(slot, forming, Trades.of(tick))

    def take_trades(self, trades: Trades) -> None:
        """Several trades in one."""
        found = self._for_trades(trades.symbol, trades.first_ns)
        if found is not None:
            self._add(*found, trades)

    def take_bar(self, bar: VenueBar) -> None:
        """A bar the venue has closed."""
        values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        slot, symbol = self._place(bar.symbol, bar.start_ns)
        if slot >= 0:
            self._latest[symbol] = max(self._latest[symbol], slot)
            self._put(slot, symbol, bar.start_ns, bar.start_ns + self._piece_ns, values)

    def take_past(self, past: Past) -> None:
        """Base bars of the venue's history; those that had not ended when it was asked wait."""
        for start_ns, values in _rows(past.bars):
            slot, symbol = self._place(past.symbol, start_ns)
            if slot >= 0 and self.slots.end_ns[slot] <= past.end_ns:
                end_ns = self.slots.end_ns[slot]
                self._put(slot, symbol, self.slots.start_ns[slot], end_ns, values)

    def take_quote(self, quote: Quote) -> None:
        """Bid and ask, for the spread at the opens that follow."""
        symbol = self._numbers.get(quote.symbol)
        if symbol is None or not self._quoted:
            return
        if not 0.0 < quote.bid <= quote.ask < np.inf:
            self.counts["bad"] += 1
            return
        slot, quotes = bisect_left(self.slots.start_ns, quote.at_ns), self._quotes[symbol]
        if quote.at_ns >= quotes.get(slot, (0, 0.0))[0]:
            quotes[slot] = quote.at_ns, round((quote.ask - quote.bid) * UNITS) / UNITS

    # -- what goes out -------------------------------------------------------------------------

    def is_complete(self, slot: int) -> bool:
        """Whether every symbol has its bar there, or is known to have none."""
        here, last_ns = self._forming.get(slot, {}), self.slots.end_ns[slot] - self._piece_ns
        for symbol, latest in enumerate(self._latest):
            forming = here.get(symbol)
            if latest > slot or (forming is not None and forming.whole is not None):
                continue
            if forming is None or max(forming.pieces, default=-1) < last_ns:
                return False
        return True

    def no_bars(self) -> Table:
        """Time passes, and no more: with the columns of every other block."""
        return self._none

    def close(self) -> Table:
        """Let the next slot through: its bars, in the order of the symbols."""
        slot, self.next = self.next, self.next + 1
        rows = []
        for symbol, forming in sorted(self._forming.get(slot, {}).items()):
            forming.told = forming.values()
            if forming.told is not None:
                rows.append((symbol, slot, forming.told))
        self._forget_ticks(self.slots.end_ns[slot] - LATE_NS)
        return self._table(rows)

    def late(self) -> dict[int, Table]:
        """Bars that came after theirs were let through, and corrected ones, by symbol; once."""
        by_symbol: dict[int, list[tuple[int, int, Prices]]] = {}
        for (symbol, slot), values in sorted(self._late.items()):
            by_symbol.setdefault(symbol, []).append((symbol, slot, values))
        self._late.clear()
        return {symbol: self._table(rows) for symbol, rows in by_symbol.items()}

    def has_whole(self, slot: int, symbol: int) -> bool:
        """Whether the venue's own bar is there."""
        forming = self._forming.get(slot, {}).get(symbol)
        return forming is not None and forming.whole is not None

    # -- leaves --------------------------------------------------------------------------------

    def _place(self, name: str, at_ns: int) -> tuple[int, int]:
        """Slot and symbol; slot -1 where there is no use for it."""
        symbol, slot = self._numbers.get(name, -1), self.slots.at(at_ns)
        if symbol < 0 or slot < 0:
            self.counts["outside"] += 1
            return -1, -1
        if slot < self._first:
            self.counts["late"] += 1
            return -1, -1
        return slot, symbol

    def _for_trades(self, name: str, at_ns: int) -> tuple[int, _Forming] | None:
        slot, symbol = self._place(name, at_ns)
        if slot < 0:
            return None
        if slot < self._since:
            self.counts["late"] += 1
            return None
        if self._in_order:
            self._latest[symbol] = max(self._latest[symbol], slot)
        return slot, self._forming_at(slot, symbol)

    def _forming_at(self, slot: int, symbol: int) -> _Forming:
        return self._forming.setdefault(slot, {}).setdefault(symbol, _Forming())

    def _add(self, slot: int, forming: _Forming, trades: Trades) -> None:
        if forming.trades is None:
            forming.trades = trades
        else:
            forming.trades.add(trades)
        symbol = self._numbers[trades.symbol]
        self._check(slot, symbol, forming)

    def _put(self, slot: int, symbol: int, start_ns: int, end_ns: int, values: Prices) -> None:
        """A bar of the venue's own: the whole of a slot, or a part of it."""
        forming = self._forming_at(slot, symbol)
        if start_ns <= self.slots.start_ns[slot] and end_ns >= self.slots.end_ns[slot]:
            if forming.whole == values:
                self.counts["duplicates"] += 1
            forming.whole = values
        else:
            forming.pieces[start_ns] = values
        self._check(slot, symbol, forming)

    def _check(self, slot: int, symbol: int, forming: _Forming) -> None:
        """Once a slot is let through, what changes in it is a correction."""
        if slot >= self.next:
            return
        values = forming.values()
        if values is not None and values != forming.told:
            forming.told = values
            self._late[symbol, slot] = values

    def _forget_ticks(self, before_ns: int) -> None:
        for slot in range(self._since, bisect_left(self.slots.end_ns, before_ns)):
            for forming in self._forming.get(slot, {}).values():
                forming.seen.clear()
            self._since = slot + 1

    def _table(self, rows: list[tuple[int, int, Prices]]) -> Table:
        slots = [slot for _, slot, _ in rows]
        starts = [self.slots.start_ns[slot] for slot in slots]
        prices = np.array([values for _, _, values in rows], np.float64).reshape(-1, 5)
        table = Table(
            np.array([symbol for symbol, _, _ in rows], np.int32),
            np.array(starts, np.int64),
            np.array([self.slots.end_ns[slot] for slot in slots], np.int64),
            *np.ascontiguousarray(prices.T),
        )
        if self._quoted:
            spread = np.array([self._spread(symbol, slot) for symbol, slot, _ in rows], np.float64)
            table = msgspec.structs.replace(table, spread=spread)
        return table

    def _spread(self, symbol: int, slot: int) -> float:
        """The spread of the quote in force when a slot starts; 0 where there was none yet."""
        quotes = self._quotes[symbol]
        last = max((earlier for earlier in quotes if earlier <= slot), default=-1)
        for earlier in [earlier for earlier in quotes if earlier < last]:
            del quotes[earlier]
        return quotes[last][1] if last >= 0 else 0.0


def _rows(bars: BarColumns | None) -> Iterator[tuple[int, Prices]]:
    """Start and values of each bar."""
    if bars is not None:
        prices = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        columns = [column.tolist() for column in prices]
        yield from zip(bars.start_ns.tolist(), zip(*columns, strict=True), strict=True)
