"""The analysis engine: runs every instant in its order, and the strategies' hooks within it.

Order inside an instant: fills, order and position hooks, bars, timers, session close, the next
session's corporate actions, session open. What a hook proposes takes effect when it returns.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import chain, islice

import msgspec

from app.core.bars import Bar, Floats, Ints, SymbolRows, no_rows
from app.core.calendar import TradingSession
from app.core.errors import StateError, StrategyError, UsageError
from app.core.intervals import interval_ns
from app.core.messages import EndOfStream
from app.core.orders import REJECTED, IllegalTransition, Order
from app.core.windows import Window
from app.managers.execution_manager.execution_manager import ExecutionManager, Records
from app.managers.execution_manager.ledger import LedgerError
from app.managers.execution_manager.sim_broker import NEVER_NS, BarBook
from app.managers.time_manager.timers import Timers
from app.services.quality import Quality, assess
from app.strategies.indicator import BETWEEN_BARS, Cursor
from app.threads.agenda import Agenda
from app.threads.data_processor import Processed, SessionPart
from app.threads.desk import Proposal, TimerProposal
from app.threads.equity import EquityCurve
from app.threads.plan import Plan
from app.threads.seats import Seat
from app.threads.series_view import SeriesView
from app.threads.session_data import SessionData, snapshot
from app.threads.worker import Worker

BarHook = Callable[[Bar], None]
Step = tuple[Bar, int, BarHook]  # a bar, when it is known, and whom to call


class Results(msgspec.Struct, frozen=True):
    """What one block came to, for the recorder."""

    records: Records
    equity_ns: Ints
    equity: Floats
    bars: int
    through_ns: int


class AnalysisEngine(Worker):
    """The last of the four workers. Only its thread touches strategies and the account."""

    name = "analysis_engine"

    def __init__(
        self,
        plan: Plan,
        seats: list[Seat],
        execution: ExecutionManager,
        curve: EquityCurve,
        cursor: Cursor,
        on_results: Callable[[Results], None],
        equity_by_session: bool = False,
    ) -> None:
        self.execution = execution
        self.curve = curve
        self.sessions = 0
        self.view = SeriesView(
            cursor, len(plan.symbols), {item: number for number, item in enumerate(plan.declared)}
        )
        self.timers = Timers()
        self._plan = plan
        self._seats = seats
        self._cursor = cursor
        self._on_results = on_results
        self._equity_by_session = equity_by_session
        asked = {interval for seat in seats for interval in seat.intervals}
        self._wanted = tuple(name for name in plan.intervals if name in asked)
        self.proposals: list[Proposal] = []  # of the hook that is running; desks append
        self._calling = seats[0]
        self._hooks = [self._bar_hook(interval) for interval in self._wanted]
        self._parts: tuple[SessionPart, ...] = ()
        self._base = no_rows()
        self._rows: SymbolRows | None = None
        self._book = BarBook(self._base, None)
        self._agenda: Agenda
        self._step = 0  # the agenda's next
        self._held: tuple[Step, ...] = ()  # taken from the agenda, and to wait for a timer first
        self._moved = False  # a hook has set or cancelled a timer: another moment may be next
        self._hears_fills = any(seat.hears_orders or seat.hears_positions for seat in seats)
        self._open = False
        self._closes_ns: list[int] = []  # of sessions closed within the block
        self._under_way = threading.Lock()  # held while a block runs; between two, all is at rest
        self._snapshot: SessionData | None = None
        for seat in seats:
            seat.join(self)

    def step(self, message: Processed | EndOfStream) -> Iterator[object]:
        """Run the instants of a block."""
        with self._under_way:
            if isinstance(message, EndOfStream):
                self.execution.cancel_all(self._cursor.now_ns, f"the run ended: {message.reason}")
            else:
                self._load(message)
                try:
                    self._run(message.through_ns)
                except BaseException:
                    self._break_off()
                    raise
            self._report()
        return iter(())

    def publish(self, timeout_seconds: float) -> SessionData | None:
        """For other threads: the run as it stands between two blocks, paused and ended ones too.

        While a block takes longer than the timeout, the snapshot published last.
        """
        if self._under_way.acquire(timeout=min(max(timeout_seconds, 0.0), threading.TIMEOUT_MAX)):
            try:
                part = self._parts[self._cursor.span] if self._cursor.span >= 0 else None
                self._snapshot = snapshot(
                    self._plan, part, self._cursor.now_ns, self.execution, self.equity_units()
                )
            finally:
                self._under_way.release()
        return self._snapshot

    # -- what desks ask ------------------------------------------------------------------------

    @property
    def session(self) -> TradingSession:
        """The session under way, or the last one."""
        return self._part().session

    def window(self, symbol: int, interval: str) -> Window:
        """The anchored series of the session under way."""
        try:
            return self._part().windows[symbol, interval]
        except KeyError:
            has = ", ".join(self._plan.intervals)
            raise UsageError(
                f"There are no {interval} bars in this run, which has {has}; name the interval in "
                "the config's derived_intervals."
            ) from None

    def quality(self, symbol: int) -> Quality:
        """How complete today's base bars of a symbol are, up to now."""
        window = self.window(symbol, self._plan.base_interval)
        starts = window.start_ns[window.today : self.view.row_now(window) + 1]
        segments = self.session.segments(self._plan.extended_hours)
        return assess(starts, segments, interval_ns(self._plan.base_interval), self._cursor.now_ns)

    def equity_units(self) -> int:
        """Cash and positions at their last known closes."""
        units = self.execution.ledger.cash_units
        for positions in self.execution.positions:
            for symbol, position in enumerate(positions):
                if position.units:
                    units += position.value_units(self._mark(symbol))
        return units

    def _mark(self, symbol: int) -> float:
        """A symbol's last close known now, in the terms of the session under way."""
        row = self._book.last_row(symbol, self._cursor.now_ns)
        known_ns, price = -1, self.curve.marks[symbol]
        if row >= 0:
            known_ns, price = self._book.known_ns[row], float(self._base.close[row])
        for at_ns, of, factor in self.execution.actions:
            if of == symbol and at_ns >= known_ns:
                price *= factor
        return price

    # -- one block -----------------------------------------------------------------------------

    def _load(self, processed: Processed) -> None:
        cursor, parts = self._cursor, processed.sessions
        if cursor.span >= 0:  # keep the session under way, or the last one, in reach
            last = self._parts[cursor.span]
            if not parts or parts[0].session.date != last.session.date:
                parts = (last, *parts)
            cursor.span = 0
        self._parts = parts
        self._base, self._rows = processed.base, processed.rows
        plan = self._plan
        self._book = book = BarBook(processed.base, processed.rows)
        self.execution.broker.load(book)
        self._agenda = Agenda(processed, book, parts, plan, self._wanted)
        self._step = 0
        self.view.load(self._agenda, parts)

    def _run(self, through_ns: int) -> None:
        calls = self._agenda.by_interval(self._hooks)
        bars = zip(self._agenda.bars, self._agenda.known_ns, calls, strict=False)
        while True:
            self._moved = False
            special_ns = self._next_special_ns()
            self._run_bars(bars, min(special_ns, through_ns))
            if self._moved:
                continue
            if special_ns > through_ns:
                return
            self._run_special(special_ns)

    def _run_bars(self, bars: Iterator[Step], limit_ns: int) -> None:
        """Run the bars known up to `limit_ns`, or until a hook moves the next special moment.

        This is the hot loop: what is looked up here is looked up once a bar.
        """
        cursor, broker, proposals = self._cursor, self.execution.broker, self.proposals
        step = self._step
        count = bisect_right(self._agenda.known_ns, limit_ns, step) - step
        steps: Iterator[Step] = islice(bars, count)
        if self._held and count:
            steps = chain(self._held, islice(bars, count - 1))
            self._held = ()
        try:
            for bar, now_ns, on_bar in steps:
                if broker.due_ns <= now_ns:
                    self._match_until(now_ns)
                    if self._moved:  # perhaps to before this bar
                        self._held = ((bar, now_ns, on_bar),)
                        break
                cursor.step = step
                cursor.now_ns = now_ns
                step += 1
                on_bar(bar)
                if proposals:
                    self._take(proposals)
                if self._moved:
                    break
        except (LedgerError, IllegalTransition):
            raise  # a defect of ours
        except (Exception, SystemExit) as error:
            raise self._failure(on_bar, error) from error
        self._step = step
        cursor.step, cursor.symbol = BETWEEN_BARS, -1
        if not self._moved:
            self._match_until(limit_ns)

    def _bar_hook(self, interval: str) -> BarHook:
        """What to call with a bar of this interval: one strategy's hook, or each in turn."""
        seats = [seat for seat in self._seats if interval in seat.intervals]
        if len(seats) == 1:
            return seats[0].strategy.on_bar

        def each(bar: Bar) -> None:
            for seat in seats:
                self._calling = seat
                seat.strategy.on_bar(bar)
                if self.proposals:
                    self._take(self.proposals)

        return each

    def _failure(self, on_bar: BarHook, error: BaseException) -> StrategyError:
        """The error of the strategy whose hook this is."""
        owner = getattr(on_bar, "__self__", None)
        seat = next((seat for seat in self._seats if seat.strategy is owner), self._calling)
        return seat.failure("on_bar", error)

    def _match_until(self, limit_ns: int) -> None:
        """Fill what can fill on the base bars known up to `limit_ns`, instant by instant.

        It stops where a hook moves the next special moment, as that may come before the next fill.
        """
        cursor, broker = self._cursor, self.execution.broker
        while broker.due_ns <= limit_ns and not self._moved:
            cursor.now_ns = now_ns = broker.due_ns
            filled = self.execution.match(now_ns)
            if self._hears_fills:
                cursor.step = BETWEEN_BARS
                for order in filled:
                    self._tell(order)
                cursor.symbol = -1

    def _tell(self, order: Order) -> None:
        """The order and position hooks after a fill."""
        seat, self._cursor.symbol = self._seats[order.strategy], order.symbol_index
        if seat.hears_orders:
            self._call(seat, seat.strategy.on_order, order)
        if seat.hears_positions:
            position = self.execution.positions[order.strategy][order.symbol_index]
            self._call(seat, seat.strategy.on_position, order.symbol, position)

    # -- what hooks propose --------------------------------------------------------------------

    def _call(self, seat: Seat, hook: Callable[..., None], *args: object) -> None:
        """Run a hook between bars, then what it proposed."""
        seat.call(hook, *args)
        if self.proposals:
            self._take(self.proposals)

    def _take(self, proposals: list[Proposal]) -> None:
        """Carry out what a hook proposed; refusals are told when all of it is under way."""
        submit, now_ns = self.execution.submit, self._cursor.now_ns
        taken = proposals.copy()
        proposals.clear()
        orders: list[Order] = []
        for proposal in taken:
            if isinstance(proposal, TimerProposal):
                self._set_timer(proposal)
            else:
                orders.append(submit(*proposal, now_ns))
        for order in orders:
            if order.state is REJECTED:
                self._tell_end(order)

    def _tell_end(self, order: Order) -> None:
        """The order hook after a refusal or an expiry."""
        seat, cursor = self._seats[order.strategy], self._cursor
        if seat.hears_orders:
            step, in_hand = cursor.step, cursor.symbol
            cursor.step, cursor.symbol = BETWEEN_BARS, order.symbol_index
            self._call(seat, seat.strategy.on_order, order)
            cursor.step, cursor.symbol = step, in_hand

    def _set_timer(self, proposal: TimerProposal) -> None:
        self._moved = True
        owner = self._seats[proposal.seat].name
        if proposal.at_ns is None:
            self.timers.cancel(owner, proposal.name)
        else:
            self.timers.add(proposal.at_ns, owner, proposal.name, proposal.every_ns)

    # -- timers and sessions -------------------------------------------------------------------

    def _next_special_ns(self) -> int:
        """When the next timer is due, the session under way closes or the next one opens."""
        timer_ns = self.timers.next_ns()
        place = self._cursor.span
        session_ns = self._parts[place].end_ns if self._open else self._next_start_ns()
        return session_ns if timer_ns is None else min(timer_ns, session_ns)

    def _next_start_ns(self) -> int:
        place = self._cursor.span + 1
        return self._parts[place].start_ns if place < len(self._parts) else NEVER_NS

    def _run_special(self, now_ns: int) -> None:
        """Timers, then a close or an open, all at one moment."""
        cursor = self._cursor
        cursor.now_ns = now_ns
        for timer in self.timers.pop_due(now_ns):
            seat = next(seat for seat in self._seats if seat.name == timer.owner)
            self._call(seat, seat.strategy.on_timer, timer.name)
        if self._open and self._parts[cursor.span].end_ns <= now_ns:
            self._close_session(now_ns)
        elif not self._open and self._next_start_ns() <= now_ns:
            self._open_session(now_ns)

    def _open_session(self, now_ns: int) -> None:
        """The session's corporate actions, then its hooks."""
        cursor = self._cursor
        cursor.span += 1
        self._open = True
        part = self._parts[cursor.span]
        for adjustment in part.adjustments:
            symbol = self._plan.symbols.index(adjustment.symbol)
            self.execution.adjust(symbol, adjustment, now_ns)
        for seat in self._seats:
            self._call(seat, seat.strategy.on_session_open, part.session)

    def _close_session(self, now_ns: int) -> None:
        """DAY orders end, then the session's hooks."""
        self._open = False
        self.sessions += 1
        self._closes_ns.append(now_ns)
        session = self._parts[self._cursor.span].session
        for order in self.execution.expire(now_ns):
            self._tell_end(order)
        for seat in self._seats:
            self._call(seat, seat.strategy.on_session_close, session)

    def _part(self) -> SessionPart:
        if self._cursor.span < 0:
            raise StateError("There is no session yet; ask from on_session_open on.")
        return self._parts[self._cursor.span]

    # -- records -------------------------------------------------------------------------------

    def _break_off(self) -> None:
        """A hook failed amid a block: what was known and done until then is recorded."""
        now_ns = self._cursor.now_ns
        self.execution.cancel_all(now_ns, "the run broke off")
        self._base = base = self._base.take(slice(0, bisect_right(self._book.known_ns, now_ns)))
        symbols = len(self._plan.symbols)
        self._rows = SymbolRows(base.symbol, symbols) if symbols > 1 else None
        self._report()

    def _report(self) -> None:
        records = self.execution.take_records()
        at_ns = self._closes_ns if self._equity_by_session else None
        equity_ns, equity = self.curve.advance(
            self._base, self._rows, records.changes, records.actions, at_ns
        )
        self._closes_ns = []
        self._on_results(Results(records, equity_ns, equity, len(self._base), self._cursor.now_ns))
        self._base, self._rows = no_rows(), None  # the curve's marks hold all of it now
        self._book = BarBook(self._base, None)
