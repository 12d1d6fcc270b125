"""The course of a run through its sessions: each opens, holds its closing auction, and closes."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from app.core.kept import Fields, kept, put_back
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim.bar_book import NEVER_NS
from app.strategies.indicator import Cursor
from app.threads.hooks.order_news import OrderNews
from app.threads.hooks.seats import Seat
from app.threads.stream.plan import Plan
from app.threads.views.outlook import Outlook


class SessionCourse:
    """Calls the session hooks; `call` runs one, and what it proposes."""

    STATE: ClassVar[tuple[str, ...]] = ("count", "_open", "_auctioned")

    def __init__(
        self,
        plan: Plan,
        seats: Sequence[Seat],
        cursor: Cursor,
        outlook: Outlook,
        execution: ExecutionManager,
        news: OrderNews,
        call: Callable[..., None],
    ) -> None:
        self.count = 0  # sessions that are over
        self._plan = plan
        self._seats = seats
        self._cursor = cursor
        self._outlook = outlook
        self._execution = execution
        self._news = news
        self._call = call
        self._open = self._auctioned = False
        self._closes_ns: list[int] = []  # not taken yet

    @property
    def begun(self) -> int:
        """Sessions that have opened, the one under way among them."""
        return self.count + self._open

    def take_closes(self) -> list[int]:
        """When sessions have closed since the last call."""
        closes_ns, self._closes_ns = self._closes_ns, []
        return closes_ns

    @property
    def is_open(self) -> bool:
        """Whether a session is under way."""
        return self._open

    def state(self) -> Fields:
        """Where it stands."""
        return kept(self, self.STATE)

    def restore(self, state: Fields) -> None:
        """Stand there again."""
        put_back(self, state)

    def next_ns(self) -> int:
        """When the session under way closes, the next one opens, or protection has to act."""
        own_ns = self._end_ns() if self._open else self._start_ns()
        protection = self._execution.protection
        return own_ns if protection is None else min(own_ns, protection.next_ns())

    def go_on(self, now_ns: int) -> None:
        """Protect, close a session, or open one, if it is time."""
        protection = self._execution.protection
        if protection is not None and protection.next_ns() <= now_ns:
            protection.act(now_ns)
            self._news.tell_untold()
        if self._open and self._end_ns() <= now_ns:
            self._end(now_ns)
        elif not self._open and self._start_ns() <= now_ns:
            self._begin(now_ns)

    def _end_ns(self) -> int:
        """The close of the regular hours, then the end of all trading."""
        part = self._outlook.parts[self._cursor.span]
        return part.end_ns if self._auctioned else part.session.close_ns

    def _start_ns(self) -> int:
        parts, place = self._outlook.parts, self._cursor.span + 1
        return parts[place].start_ns if place < len(parts) else NEVER_NS

    def _begin(self, now_ns: int) -> None:
        """The session's corporate actions, then its hooks."""
        cursor, execution = self._cursor, self._execution
        cursor.span += 1
        self._open, self._auctioned = True, False
        part = self._outlook.parts[cursor.span]
        execution.open_session(part.session, part.end_ns, now_ns)
        self._news.open_session()
        for adjustment in part.adjustments:
            symbol = self._plan.symbols.index(adjustment.symbol)
            execution.adjust(symbol, adjustment, self._outlook.mark(symbol), now_ns)
        self._news.tell_untold()
        for seat in self._seats:
            self._call(seat, seat.strategy.on_session_open, part.session)

    def _end(self, now_ns: int) -> None:
        """The closing auction at the close; at the end of trading DAY orders end."""
        self._execution.broker.leave_instant(now_ns)
        if not self._auctioned:
            self._auctioned = True
            if self._execution.broker.working:
                last_of = self._outlook.last_in_session
                self._news.tell_fills(self._execution.match_auction(now_ns, last_of))
            self._news.tell_untold()
        if self._outlook.parts[self._cursor.span].end_ns <= now_ns:
            self._close(now_ns)

    def _close(self, now_ns: int) -> None:
        """DAY orders end, then the session's hooks."""
        self._open = False
        self.count += 1
        self._closes_ns.append(now_ns)
        session = self._outlook.parts[self._cursor.span].session
        has_orders = bool(self._execution.broker.working)  # most often not: nothing to look up
        self._execution.expire(now_ns, self._outlook.last_start_ns() if has_orders else 0)
        self._news.tell_untold()
        for seat in self._seats:
            self._call(seat, seat.strategy.on_session_close, session)
        for seat in self._seats:
            if seat.keeps_state:
                self._call(seat, seat.check_state)
