"""The second worker: keeps bad bars out of the stream, and knows how complete the rest is.

A bar is judged by itself and by the good bars before it, never by its block, so the same bars are
dropped however the stream is cut. A block without a bad bar passes as it is.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from app.core.bars import Block, Ints, SessionSpan, Table, fields_of
from app.core.calendar import TradingSession
from app.core.messages import Backfill, Bars, EndOfStream, Message
from app.services.bar_checks import FAULTS, GOOD, ORDER, all_good, faults
from app.services.blocks import keep_rows
from app.threads.series.gaps import Gaps, OnGap
from app.threads.series.quality_book import BadBar, QualityBook
from app.threads.stream.run_state import QualityState, StateAsked, StateGiven
from app.threads.worker import Worker

_EXAMPLES = 20


class DataQualityManager(Worker):
    """Checks base bars; `book` holds the quality of the sessions that are over.

    `bad` counts what was kept out per symbol, session and reason, `examples` shows the first.
    Where `on_gap` is given, bars that have not come are told to it: the feed asks for them.
    """

    name = "data quality manager"

    def __init__(
        self,
        symbols: Sequence[str],
        interval: str,
        extended_hours: bool,
        on_gap: OnGap | None = None,
    ) -> None:
        self._symbols = tuple(symbols)
        self._extended_hours = extended_hours
        self._order = _Order()
        self._gaps = None if on_gap is None else Gaps(extended_hours, on_gap)
        self._newest: TradingSession | None = None  # the session that began last
        self.book = QualityBook(self._symbols, interval, extended_hours)
        self.bad: Counter[tuple[str, dt.date | None, str]] = Counter()
        self.examples: list[BadBar] = []
        self.filled: Counter[tuple[str, dt.date]] = (
            Counter()
        )  # bars that came late, by symbol and session

    def step(
        self, message: Message | StateAsked | StateGiven
    ) -> Iterator[Message | StateAsked | StateGiven]:
        """Take the bad bars out of a block, or of late ones; all else passes."""
        if isinstance(message, Bars):
            block = self._checked(message.block)
            self.book.add(block)
            if block.spans:
                self._newest = block.spans[-1].session
            if self._gaps is not None:
                self._gaps.follow(block)
            if block is not message.block:
                message = Bars(block, message.sequence)
        elif isinstance(message, Backfill):
            message = Backfill(self._checked_late(message.bars), message.sequence)
        elif isinstance(message, EndOfStream):
            self.book.close_all()
        elif isinstance(message, StateAsked):
            message = msgspec.structs.replace(message, quality=self._state())
        elif isinstance(message, StateGiven):
            self._restore(message.state.quality)
        yield message

    def _state(self) -> QualityState:
        return QualityState(
            self.book.state(),
            [(*place, count) for place, count in self.bad.items()],
            self.examples.copy(),
            self._order.latest_ns,
            sorted(self._order.symbols),
            {} if self._gaps is None else dict(self._gaps.reached_ns),
            self._newest,
            [(*place, count) for place, count in self.filled.items()],
        )

    def _restore(self, state: QualityState) -> None:
        self.book.restore(state.book)
        self.bad.update({(name, date, why): count for name, date, why, count in state.bad})
        self.filled.update({(name, date): count for name, date, count in state.filled})
        self.examples += state.examples
        self._order.latest_ns, self._order.symbols = state.latest_ns, set(state.latest_symbols)
        if self._gaps is not None:
            self._gaps.reached_ns.update(state.reached_ns)
        self._newest = state.newest

    def _checked(self, block: Block) -> Block:
        if not len(block):
            return block
        if self._order.follows(block) and all_good(block, self._extended_hours):
            self._order.take(block)
            return block
        found = faults(block, self._extended_hours)
        for row in np.flatnonzero(found == GOOD).tolist():
            if not self._order.admit(int(block.start_ns[row]), int(block.symbol[row])):
                found[row] = ORDER
        good = found == GOOD
        if good.all():
            return block
        for row in np.flatnonzero(~good).tolist():
            self._keep_out(block, row, FAULTS[found[row]])
        return keep_rows(block, good)

    def _checked_late(self, bars: dict[int, Table]) -> dict[int, Table]:
        """The good bars of the newest session; no block may bring them once more."""
        session, kept = self._newest, {}
        for symbol, table in bars.items():
            columns = {name: getattr(table, name) for name in fields_of(table)}
            spans = (SessionSpan(session, 0, len(table)),) if session is not None else ()
            block = Block(**columns, spans=spans, through_ns=-1)
            found = faults(block, self._extended_hours)
            for row in np.flatnonzero(found != GOOD).tolist():
                self._keep_out(block, row, FAULTS[found[row]])
            good = table.take(found == GOOD)
            if session is not None and len(good):
                kept[symbol] = good
                news = self._news(session, symbol, good.start_ns)
                self.filled[self._symbols[symbol], session.date] += news
                self.book.add_late(session, symbol, good.start_ns)
                self._order.reach(int(good.start_ns[-1]), symbol)
                if self._gaps is not None:
                    self._gaps.fill(symbol, good)
        return kept

    def _news(self, session: TradingSession, symbol: int, starts_ns: Ints) -> int:
        """How many of these have not come before: a recovery asks for the whole day again. Of a
        session that is closed only a bar of its last minute can be.
        """
        known_ns = self.book.starts_of(session, symbol)
        if known_ns is None:
            return sum(not self._order.is_behind(one, symbol) for one in starts_ns.tolist())
        return len(np.setdiff1d(starts_ns, known_ns))

    def _keep_out(self, block: Block, row: int, reason: str) -> None:
        start_ns, symbol = int(block.start_ns[row]), int(block.symbol[row])
        session = next((s.session for s in block.spans if s.first <= row < s.end), None)
        date = session.date if session else None
        bar = BadBar(self._symbols[symbol], date, start_ns, reason)
        self.bad[bar.symbol, date, reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(bar)
        if session:
            self.book.add_bad(session, symbol, start_ns)


class _Order:
    """Knows the latest good bars: time never goes back, and no symbol shows a start twice."""

    def __init__(self) -> None:
        self.latest_ns = -1
        self.symbols: set[int] = set()  # those with a bar that starts at the latest

    def follows(self, block: Block) -> bool:
        """Whether a whole block is in order, in symbol order within one start; fast."""
        starts, symbols = block.start_ns, block.symbol
        if starts[0] <= self.latest_ns:
            rows = int(np.searchsorted(starts, self.latest_ns, side="right"))
            if starts[0] < self.latest_ns or self.symbols.intersection(symbols[:rows].tolist()):
                return False
        later = starts[1:] > starts[:-1]
        if later.all():
            return True
        same = starts[1:] == starts[:-1]
        return bool((later | (same & (symbols[1:] > symbols[:-1]))).all())

    def take(self, block: Block) -> None:
        """Remember a block that follows."""
        last_ns = int(block.start_ns[-1])
        first = int(np.searchsorted(block.start_ns, last_ns))
        here = set(block.symbol[first:].tolist())
        self.symbols = self.symbols | here if last_ns == self.latest_ns else here
        self.latest_ns = last_ns

    def admit(self, start_ns: int, symbol: int) -> bool:
        """Whether one more bar is in order; remembers it if so."""
        if self.is_behind(start_ns, symbol):
            return False
        if start_ns > self.latest_ns:
            self.latest_ns = start_ns
            self.symbols.clear()
        self.symbols.add(symbol)
        return True

    def is_behind(self, start_ns: int, symbol: int) -> bool:
        """Whether it has been passed."""
        is_known = start_ns == self.latest_ns and symbol in self.symbols
        return start_ns < self.latest_ns or is_known

    def reach(self, start_ns: int, symbol: int) -> None:
        """Remember a bar that came by another way."""
        if start_ns >= self.latest_ns:
            self.admit(start_ns, symbol)
