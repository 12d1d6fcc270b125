"""The outlook: what is known at the instant in hand, for desks and snapshots to ask."""

from collections.abc import Collection, Iterable

import numpy as np

from app.core.bars import Floats, SymbolRows, Table, no_rows
from app.core.calendar import TradingSession
from app.core.errors import StateError, UsageError
from app.core.intervals import interval_ns
from app.core.kept import Fields
from app.core.money import to_units
from app.core.windows import Window
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim.bar_book import NEVER_NS, BarBook
from app.services.quality import Quality, assess
from app.strategies.indicator import Cursor
from app.threads.data_processor import SessionPart
from app.threads.stream.plan import Plan
from app.threads.views.equity import EquityCurve
from app.threads.views.measures import Measures, Quoted, Quotes, in_basis_points


class Outlook:
    """Reads the block in hand up to the cursor, and nothing beyond it."""

    def __init__(
        self, plan: Plan, cursor: Cursor, execution: ExecutionManager, curve: EquityCurve
    ) -> None:
        self._plan = plan
        self._cursor = cursor
        self._execution = execution
        self._curve = curve
        self.parts: tuple[SessionPart, ...] = ()  # the sessions of the block in hand
        self.book = BarBook(no_rows(), None)  # its base bars
        # the last bar of each symbol before this block
        self._last_close = np.zeros(len(plan.symbols))
        self._last_start_ns = np.full(len(plan.symbols), -1, np.int64)
        self._last_spread = np.zeros(len(plan.symbols))
        self._step_ns = interval_ns(plan.base_interval)
        self._measured: SessionPart | None = None
        self._measures: dict[int, Measures] = {}  # of its symbols
        self._quoted: BarBook | None = None
        self._quotes: dict[int, Quotes] = {}  # of its symbols, too

    def state(self) -> Fields:
        """The last bars, as columns."""
        return {
            "close": self._last_close.copy(),
            "start_ns": self._last_start_ns.copy(),
            "spread": self._last_spread.copy(),
        }

    def restore(self, state: Fields, part: SessionPart | None) -> None:
        """The last bars, and the session that was under way or over last."""
        self._last_close, self._last_start_ns = state["close"].copy(), state["start_ns"].copy()
        self._last_spread = state["spread"].copy()
        if part is not None:
            self.parts, self._cursor.span = (part,), 0

    @property
    def now_ns(self) -> int:
        """The instant being processed."""
        return self._cursor.now_ns

    @property
    def has_session(self) -> bool:
        """Whether a session has begun."""
        return self._cursor.span >= 0

    @property
    def part(self) -> SessionPart:
        """The session under way, or the last one, with its windows."""
        span = self._cursor.span
        if span < 0:
            raise StateError("There is no session yet; ask from on_session_open on.")
        return self.parts[span]

    @property
    def session(self) -> TradingSession:
        """The session under way, or the last one."""
        return self.part.session

    @property
    def end_ns(self) -> int:
        """When all trading of that session ends."""
        return self.part.end_ns

    def window(self, symbol: int, interval: str) -> Window:
        """The anchored series of the session under way."""
        try:
            return self.part.windows[symbol, interval]
        except KeyError:
            has = ", ".join(self._plan.intervals)
            raise UsageError(
                f"There are no {interval} bars in this run, which has {has}; name the interval in "
                "the config's derived_intervals."
            ) from None

    def rows_now(self, window: Window) -> int:
        """How many rows of a window are known now."""
        return window.row_at(self._cursor.now_ns) + 1

    def quality(self, symbol: int) -> Quality:
        """How complete today's base bars of a symbol are, up to now."""
        window = self.window(symbol, self._plan.base_interval)
        starts = window.start_ns[window.today : self.rows_now(window)]
        segments = self.session.segments(self._plan.extended_hours)
        return assess(starts, segments, self._step_ns, self._cursor.now_ns)

    def measures(self, symbol: int) -> Measures:
        """What limits ask of a symbol's base bars in that session."""
        part = self.part
        if part is not self._measured:
            self._measured, self._measures = part, {}
        found = self._measures.get(symbol)
        if found is None:
            segments = part.session.segments(self._plan.extended_hours)
            window = part.windows[symbol, self._plan.base_interval]
            found = self._measures[symbol] = Measures(window, segments, self._step_ns)
        return found

    def spread_units(self, symbol: int) -> int:
        """The spread of the quote at the open of a symbol's last bar, in basis points of its
        close, in units; 0 for none in this session, and where bid was not below ask.
        """
        if self.book is not self._quoted:
            self._quoted, self._quotes = self.book, {}
        quotes = self._quotes.get(symbol)
        if quotes is None:
            rows = self.book.rows
            own = slice(None) if rows is None else rows.of(symbol)
            quotes = self._quotes[symbol] = Quotes(self.book.base, own)
        start_ns, close, spread = quotes.last(self._cursor.now_ns) or self._last_quoted(symbol)
        return in_basis_points(spread, close) if start_ns >= self.part.start_ns else 0

    def spreads_bps(self) -> Floats:
        """By symbol, the same of the bars before this block, for people; 0 for none."""
        started = self._last_start_ns >= (self.part.start_ns if self.has_session else NEVER_NS)
        known = started & (self._last_spread > 0) & (self._last_close > 0)
        bps = np.zeros(len(known))
        np.divide(self._last_spread * 10_000, self._last_close, out=bps, where=known)
        return bps

    def _last_quoted(self, symbol: int) -> Quoted:
        """The quote of a symbol's last bar before this block."""
        close, spread = self._last_close[symbol], self._last_spread[symbol]
        return int(self._last_start_ns[symbol]), to_units(float(close)), to_units(float(spread))

    def last_start_ns(self) -> int:
        """When the last base bar of the session under way starts; its close, where it has none."""
        for part in reversed(self.session.segments(self._plan.extended_hours)):
            length_ns = part.end_ns - part.start_ns
            if length_ns > 0:  # a break up to the close leaves nothing behind it
                step_ns = min(self._step_ns, length_ns)
                return part.start_ns + (length_ns - 1) // step_ns * step_ns
        return self.session.close_ns

    def equity_units(self) -> int:
        """Cash and positions at their last known closes."""
        return self._execution.account.equity_units(self.mark)

    def mark(self, symbol: int) -> float:
        """A symbol's last close known now, in the terms of the session under way; 0 for none."""
        price = self.book.last_close(symbol, self._cursor.now_ns)
        if not price or self._execution.diary.actions:
            return self._adjusted_mark(symbol)
        return price

    def marks(self, symbols: Collection[int]) -> Iterable[float]:
        """The same of several."""
        closes = self.book.last_closes(symbols, self._cursor.now_ns)
        is_whole = all(closes) and not self._execution.diary.actions
        return closes if is_whole else map(self.mark, symbols)

    def _adjusted_mark(self, symbol: int) -> float:
        """The same, by all that may have changed it; of what this block has not shown, too."""
        book = self.book
        row = book.last_row(symbol, self._cursor.now_ns)
        known_ns, price = -1, self._curve.marks[symbol]
        if row >= 0:
            known_ns, price = book.known_ns[row], float(book.base.close[row])
        for at_ns, of, factor in self._execution.diary.actions:
            if of == symbol and at_ns >= known_ns:
                price *= factor
        return price or self._last_of_history(symbol)

    def keep_last(self, base: Table, rows: SymbolRows | None) -> None:
        """A block is over: its last bars stay known."""
        if not len(base):
            return
        table, last = (base, slice(-1, None)) if rows is None else (rows.table, rows.last())
        symbols = table.symbol[last]
        self._last_close[symbols] = table.close[last]
        self._last_start_ns[symbols] = table.start_ns[last]
        if table.spread is not None:
            self._last_spread[symbols] = table.spread[last]

    def last_in_session(self, symbol: int) -> tuple[float, int] | None:
        """A symbol's last close in the regular hours under way, and that bar's start."""
        row, session = self.book.last_row(symbol, self._cursor.now_ns), self.session
        close, start_ns = self._last_close[symbol], self._last_start_ns[symbol]
        if row >= 0:
            close, start_ns = self.book.base.close[row], self.book.start_ns[row]
        inside = session.open_ns <= start_ns < session.close_ns
        return (float(close), int(start_ns)) if inside else None

    def highest(self, symbol: int) -> float:
        """No mark of it is higher until this block ends, or its next corporate action."""
        known_ns, closes = self.book.closes_of(symbol)
        if not len(closes):
            return self.mark(symbol)
        highest = float(closes.max())
        is_among = bool(known_ns[0] <= self._cursor.now_ns)
        if is_among and highest and not self._execution.diary.actions:
            return highest
        return max(self.mark(symbol), highest)

    def _last_of_history(self, symbol: int) -> float:
        """The last close from before the run, while the run has shown none; 0 for none, and
        before the first session: history is of a session.
        """
        if not self.has_session:  # whoever looks at a live run by night is not to be refused
            return 0.0
        window = self.part.windows[symbol, self._plan.base_interval]
        rows = self.rows_now(window)
        return float(window.close[rows - 1]) if rows else 0.0
