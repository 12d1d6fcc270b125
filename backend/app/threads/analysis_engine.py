"""The analysis engine: runs every instant in its order, and the strategies' hooks within it.

Order inside an instant: fills, order and position hooks, bars, timers, session close, the next
session's corporate actions, session open. What a hook proposes takes effect when it returns.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import partial

from app.core.bars import Bar, SymbolRows, no_rows
from app.core.messages import BrokerNews, Command, EndOfStream, LastNews
from app.core.orders import REJECTED, RUN_ENDED, IllegalTransition, Order
from app.core.transfers import Conversion
from app.managers.execution_manager.books.ledger import LedgerError
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.execution_manager.sim.bar_book import NEVER_NS, BarBook
from app.managers.time_manager.timers import Timers
from app.strategies.indicator import BETWEEN_BARS, Cursor
from app.threads.data_processor import Processed
from app.threads.desk.desk import ACTED
from app.threads.desk.order_desk import Amendment, Proposal, TimerProposal, Withdrawal
from app.threads.hooks.engine_state import EngineKeeper, OnState
from app.threads.hooks.floods import Floods
from app.threads.hooks.isolation import OnTrouble, isolation_of
from app.threads.hooks.order_news import OrderNews
from app.threads.hooks.seats import Seat
from app.threads.hooks.session_course import SessionCourse
from app.threads.hooks.session_data import Moment, moment_of
from app.threads.stream.commands import obey
from app.threads.stream.plan import Plan
from app.threads.stream.reloading import News
from app.threads.stream.results import Results
from app.threads.stream.run_state import StateAsked, StateGiven
from app.threads.views.agenda import Agenda
from app.threads.views.equity import EquityCurve
from app.threads.views.outlook import Outlook
from app.threads.views.series_view import SeriesView
from app.threads.worker import Worker

_NEAR = 256  # bars: what fills later than that is looked for again behind them
BarHook = Callable[[Bar], None]
Input = Processed | News | LastNews | EndOfStream | StateAsked | StateGiven


class AnalysisEngine(Worker):
    """The last of the four workers. Only its thread touches strategies and the account."""

    name = "analysis_engine"
    is_over = False  # a replay that was killed ends by itself

    def __init__(
        self,
        plan: Plan,
        seats: list[Seat],
        execution: ExecutionManager,
        curve: EquityCurve,
        cursor: Cursor,
        on_results: Callable[[Results], None],
        equity_by_session: bool = False,
        on_trouble: OnTrouble | None = None,
        on_state: OnState | None = None,
    ) -> None:
        """With `on_trouble`, of several strategies one that fails stops alone, and is told of."""
        self.execution, self.curve = execution, curve
        self.view = SeriesView(
            cursor, len(plan.symbols), {item: number for number, item in enumerate(plan.declared)}
        )
        self.outlook = Outlook(plan, cursor, execution, curve)
        execution.value_by(self.outlook)
        self._reports, self.timers = OrderReports(execution), Timers()
        self._plan, self._seats, self._cursor = plan, seats, cursor
        self._on_results, self._equity_by_session = on_results, equity_by_session
        self._wanted = tuple(n for n in plan.intervals if any(n in s.intervals for s in seats))
        self._news = OrderNews(seats, cursor, execution, self._call)
        if execution.protection is not None:
            execution.protection.on_sooner = partial(setattr, self, "_moved", True)
        self.proposals: list[Proposal] = []  # of the hook that is running; desks append
        self._floods = Floods(seats, cursor, self._call)
        self._calling = seats[0]
        self._isolation = isolation_of(seats, execution, on_trouble)
        self._on_bar = self._bar_hook()
        self._base = no_rows()
        self._rows: SymbolRows | None = None
        self._agenda: Agenda
        self._step = self._through_ns = 0  # the agenda's next, and how far all is known
        self._moved = False  # a hook has set or cancelled a timer: another moment may be next
        self._course = SessionCourse(
            plan, seats, cursor, self.outlook, execution, self._news, self._call
        )
        rooms = curve, self.outlook, self.timers, self._course
        self._keeper = EngineKeeper(
            seats, cursor, execution, self._reports, rooms, self._isolation, on_state
        )
        self._under_way = threading.Lock()  # held while a block runs; between two, all is at rest
        self.thread = 0  # the one that runs it; nobody else gives orders
        self._last_moment: Moment | None = None
        for seat in seats:
            seat.join(self)

    def step(self, message: Input) -> Iterator[object]:
        """Run the instants of a block; a broker's news and commands are instants of their own."""
        with self._under_way:
            self.thread = threading.get_ident()
            if isinstance(message, StateAsked | StateGiven):
                self._through_ns = self._keeper.take(message, self._through_ns)
                return iter(())
            try:
                if isinstance(message, Processed):
                    self._load(message)
                    self._run(message.through_ns)
                    self._through_ns = message.through_ns
                elif isinstance(message, EndOfStream):
                    reason = f"{RUN_ENDED}: {message.reason}"
                    self.execution.cancel_all(self._cursor.now_ns, reason)
                elif isinstance(message, LastNews):
                    self._cursor.stand(message.at_ns)
                    self._reports.take_last(message.events, message.at_ns)
                else:
                    self._cursor.stand(max(self._through_ns, self._cursor.now_ns))
                    self._answer(message)
            except BaseException:
                self._break_off(message.sequence)
                raise
            self._report(message.sequence)
        return iter(())

    def _answer(self, message: News) -> None:
        """Book what the broker tells and call the hooks; do what somebody asks."""
        if isinstance(message, Command):
            obey(message, self.execution, self._flatten, self._cursor.now_ns)
        elif isinstance(message, BrokerNews):
            filled = self._reports.take(message.events, self._cursor.now_ns)
            self._news.tell_fills(filled)
        self._news.tell_untold()

    @property
    def sessions(self) -> int:
        """How many have begun."""
        return self._course.begun

    @property
    def now_ns(self) -> int:
        """The instant being processed."""
        return self._cursor.now_ns

    def publish(self, timeout_seconds: float) -> Moment | None:
        """For other threads: the run between two blocks, paused and ended ones too; while a block
        takes longer than the timeout, the very moment published last.
        """
        if self._under_way.acquire(timeout=min(max(timeout_seconds, 0.0), threading.TIMEOUT_MAX)):
            try:
                run = self._plan, self.outlook, self.execution, self._seats
                self._last_moment = moment_of(*run, self._through_ns)
            finally:
                self._under_way.release()
        return self._last_moment

    # -- one block -----------------------------------------------------------------------------

    def _load(self, processed: Processed) -> None:
        cursor, parts, plan = self._cursor, processed.sessions, self._plan
        if cursor.span >= 0:  # keep the session under way, or the last one, in reach
            last = self.outlook.parts[cursor.span]
            if not parts or parts[0].session.date != last.session.date:
                parts = (last, *parts)
            cursor.span = 0
        self.outlook.parts = parts
        self._base, self._rows = processed.base, processed.rows
        self.outlook.book = book = BarBook(processed.base, processed.rows)
        self.execution.load(book)
        self._agenda, self._step = Agenda(processed, book, parts, plan, self._wanted), 0
        cursor.known_ns = self._agenda.known_ns
        self.view.load(self._agenda, parts)

    def _run(self, through_ns: int) -> None:
        bars = self._agenda.bars
        while True:
            if self.is_over:
                return
            self._moved = False
            special_ns = self._next_special_ns()
            self._run_until(bars, min(special_ns, through_ns))
            if self._moved:
                continue
            if special_ns > through_ns:
                self._match_close(through_ns)
                return
            self._run_special(special_ns)

    def _run_until(self, bars: Iterator[Bar], limit_ns: int) -> None:
        """Run fills and bars up to `limit_ns`, or until a hook moves the next special moment."""
        known_ns, broker = self._agenda.known_ns, self.execution.broker
        end = bisect_right(known_ns, limit_ns, self._step)
        while self._step < end and not self._moved:
            if broker.closing:  # the rest of the instant, then what fills at its close
                rest = bisect_right(known_ns, broker.closing_ns, self._step, end)
                if rest > self._step:
                    self._hand_out(bars, rest)
                else:
                    self._match_close(limit_ns)
            elif broker.due_ns <= known_ns[self._step]:  # fills come first in their instant
                self._match_until(known_ns[self._step])
            else:
                self._hand_out(bars, end)
        if not self._moved:
            self._match_until(limit_ns)

    def _hand_out(self, bars: Iterator[Bar], end: int) -> None:
        """The hot loop: the hooks of the bars up to the step `end`, or until one leaves more to do
        first; what is due on the way is filled before the bars of its instant."""
        cursor, proposals, known_ns = self._cursor, self.proposals, self._agenda.known_ns
        on_bar, broker, step = self._on_bar, self.execution.broker, self._step
        while step < end:
            until, due_ns = end, broker.due_ns
            if due_ns < NEVER_NS:  # soon, most often
                until = bisect_left(known_ns, due_ns, step + 1, min(end, step + _NEAR))
            steps, until_ns = range(step, until), known_ns[until - 1]  # nothing fills up to there
            try:
                for step, bar in zip(steps, bars, strict=False):  # steps end first: no bar is lost
                    cursor.step = step
                    on_bar(bar)
                    if proposals:
                        self._take(proposals, known_ns[step])
                        if self._moved or broker.closing:
                            break
                        if broker.due_ns <= until_ns:
                            next_ns = known_ns[step + 1]
                            if broker.due_ns == next_ns:  # most often: no need to look further
                                self._news.match(next_ns)
                            elif broker.due_ns < next_ns:
                                self._match_until(next_ns)
                            if broker.due_ns <= until_ns or self._moved or broker.closing:
                                break
            except BaseException as error:
                is_ours = isinstance(error, LedgerError | IllegalTransition)
                if is_ours or cursor.step == BETWEEN_BARS:  # or told by a hook among the fills
                    raise
                raise self._calling.failure("on_bar", error) from error
            step += 1
            if step < end and broker.due_ns <= known_ns[step]:
                self._match_until(known_ns[step])
            if self._moved or broker.closing:
                break
        self._step = step
        cursor.stand(cursor.now_ns)
        cursor.symbol = -1

    def _bar_hook(self) -> BarHook:
        """What to call with a bar: the one strategy's hook, or each that wants its interval."""
        seats = {name: [s for s in self._seats if name in s.intervals] for name in self._wanted}
        if len(self._seats) == 1:
            return self._seats[0].strategy.on_bar
        guarded = self._isolation.call if self._isolation is not None else None

        def each(bar: Bar) -> None:
            acted = False
            for seat in seats[bar.interval]:
                self._calling = seat
                if guarded is None:
                    seat.strategy.on_bar(bar)
                else:
                    guarded(seat, seat.strategy.on_bar, bar)
                if self.proposals:
                    self._take(self.proposals, self._cursor.now_ns)
                    acted = True
            if acted:
                self.proposals.append(ACTED)  # the loop looks for fills and timers anew

        return each

    def _match_until(self, limit_ns: int) -> None:
        """Fill what can fill on the base bars known up to `limit_ns`, instant by instant.

        It stops where a hook moves the next special moment, as that may come before the next fill.
        """
        broker = self.execution.broker
        while not self._moved:
            now_ns = broker.due_ns
            if broker.closing and broker.closing_ns < min(now_ns, limit_ns):
                self._match_close(limit_ns)
                continue
            if now_ns > limit_ns:
                return
            self._news.match(now_ns)

    def _match_close(self, limit_ns: int) -> None:
        """At the end of an instant up to `limit_ns`: fill the orders given for its close."""
        now_ns = self.execution.broker.closing_ns
        if self.execution.broker.closing and now_ns <= limit_ns and not self._moved:
            self._cursor.stand(now_ns)
            self._news.tell_fills(self.execution.match_close(now_ns))
            self.execution.broker.settle(now_ns)
            self._news.tell_untold()

    # -- what hooks propose --------------------------------------------------------------------

    def _call(self, seat: Seat, hook: Callable[..., None], *args: object) -> None:
        """Run a hook between bars, then what it proposed."""
        if self._isolation is None:
            seat.call(hook, *args)
        else:
            self._isolation.call(seat, hook, *args)
        if self.proposals:
            self._take(self.proposals, self._cursor.now_ns)

    def _flatten(self) -> None:
        """Close all that strategies hold, those that have failed too."""
        for seat in self._seats:
            seat.call(seat.strategy.flatten)
            if self.proposals:
                self._take(self.proposals, self._cursor.now_ns)

    def _take(self, proposals: list[Proposal], now_ns: int) -> None:
        """Carry out what a hook proposed; what ended is told when all of it is under way."""
        self.outlook.book.near_row = self._cursor.step
        if len(proposals) == 1 and type(order := proposals[0]) is Order:  # most often so
            proposals.clear()
            self.execution.submit(order, now_ns)
            if order.state is REJECTED:
                self._news.tell_ends([order])
            return
        ended: list[Order] = []
        for proposal in self._floods.taken(proposals):
            if isinstance(proposal, Order):
                self.execution.submit(proposal, now_ns)
                if proposal.state is REJECTED:
                    ended.append(proposal)
            elif isinstance(proposal, Withdrawal):
                if self.execution.cancel(proposal.order, now_ns):
                    ended.append(proposal.order)
            elif isinstance(proposal, Amendment):
                if not self.execution.amend(proposal.order, proposal.terms, now_ns):
                    ended.append(proposal.order)
            elif isinstance(proposal, Conversion):
                self.execution.convert(proposal, now_ns)
            elif proposal is not ACTED:
                self._set_timer(proposal)
        self._news.tell_ends(ended)
        if self.execution.untold:
            self._news.tell_untold()

    def drop_proposals(self) -> None:
        """A hook that raises proposes nothing."""
        self.execution.order_count -= sum(isinstance(one, Order) for one in self.proposals)
        self.proposals.clear()

    def _set_timer(self, proposal: TimerProposal) -> None:
        self._moved = True
        owner = self._seats[proposal.seat].name
        self.timers.add(proposal.at_ns, owner, proposal.name, proposal.every_ns)

    # -- timers and sessions -------------------------------------------------------------------

    def _next_special_ns(self) -> int:
        """When the next timer is due, the session under way closes or the next one opens."""
        timer_ns, session_ns = self.timers.next_ns(), self._course.next_ns()
        return session_ns if timer_ns is None else min(timer_ns, session_ns)

    def _run_special(self, now_ns: int) -> None:
        """Timers, then a close or an open, all at one moment."""
        self._cursor.stand(now_ns)
        for timer in self.timers.pop_due(now_ns):
            seat = next(seat for seat in self._seats if seat.name == timer.owner)
            self._call(seat, seat.strategy.on_timer, timer.name)
        self._match_close(now_ns)
        self._course.go_on(now_ns)

    # -- records -------------------------------------------------------------------------------

    def _break_off(self, sequence: int, reason: str = "the run broke off") -> None:
        """The run ends amid a block: what was known and done until then is recorded."""
        now_ns = self._cursor.now_ns
        self.execution.cancel_all(now_ns, reason)
        known_ns = self.outlook.book.known_ns
        self._base = base = self._base.take(slice(0, bisect_right(known_ns, now_ns)))
        count = len(self._plan.symbols)
        self._rows = SymbolRows(base, count) if count > 1 else None
        self._report(sequence)

    def _report(self, sequence: int) -> None:
        records = self.execution.diary.take()
        closes_ns = self._course.take_closes()
        curve = self.curve.advance(
            self._base, self._rows, records.changes, records.actions,
            closes_ns if self._equity_by_session else None, records.rates,
        )  # fmt: skip
        count, now_ns, intents = len(self._base), self._cursor.now_ns, self.execution.take_intents()
        self._on_results(Results(records, *curve, count, now_ns, sequence, intents))
        self.outlook.keep_last(self._base, self._rows)
        self._base, self._rows = no_rows(), None  # the curve's marks hold all of it now
        self.outlook.book = BarBook(self._base, None)
