"""Asks for what a stream may have lost: executions, open orders, positions; now and then too."""

from app.core.venue import Execution
from app.managers.execution_manager.gate.calling import Calling
from app.managers.execution_manager.gate.calls import GateTimes, next_wait_ns
from app.managers.execution_manager.gate.gate_order import GateOrder
from app.managers.execution_manager.gate.latch import DIFFERS, Latch
from app.managers.execution_manager.gate.splits import Splits
from app.managers.execution_manager.gate.tracker import Tracker


class _Question:
    """One kind of question: never asked twice at once."""

    def __init__(self, due_ns: int) -> None:
        self.due_ns = due_ns
        self.asking = False

    def is_due(self, now_ns: int) -> bool:
        return not self.asking and self.due_ns <= now_ns

    def sooner(self, at_ns: int) -> None:
        self.due_ns = min(self.due_ns, at_ns)


class Sweep:
    """`since_ns` is where the executions that count begin, by the venue's clock."""

    def __init__(
        self,
        tracker: Tracker,
        latch: Latch,
        splits: Splits,
        calling: Calling,
        times: GateTimes,
        since_ns: int,
    ) -> None:
        self._tracker = tracker
        self._latch = latch
        self._splits = splits
        self._calling = calling
        self._times = times
        self._first_ns = self._since_ns = since_ns
        self._executions = _Question(0)
        self._orders = _Question(0)
        self._positions = _Question(0)
        self._behind_since_ns: dict[str, int] = {}
        self._behind_wait_ns = times.first_ask_ns
        self._not_before_ns = 0  # no sooner again for fills that are missing
        self._expected_ns: int | None = None  # until when the stream may bring those just told of
        self._moved_ns: dict[int, int] = {}
        self._differing: dict[int, int] = {}  # how often in a row
        self._unanswered = {"executions", "orders", "positions"}  # in this life

    def next_ns(self) -> int | None:
        """When the next question is due."""
        questions = (self._executions, self._orders, self._positions)
        times = [question.due_ns for question in questions if not question.asking]
        if self._expected_ns is not None:
            times.append(self._expected_ns)
        return min(times, default=None)

    @property
    def has_compared(self) -> bool:
        """Whether all has been answered in this life, and what still differs is halted."""
        differing = {*self._differing, *(order.symbol for order in self._tracker.behind.values())}
        return not self._unanswered and all(map(self._latch.why, differing))

    def everything(self, now_ns: int) -> None:
        """A stream stands anew, or the program does: ask for all that was missed."""
        for question in (self._executions, self._orders, self._positions):
            question.sooner(now_ns)

    def executions_soon(self, now_ns: int) -> None:
        """A fill may have been that has not come."""
        self._executions.sooner(max(now_ns, self._not_before_ns))

    def refused(self, order: GateOrder, now_ns: int) -> None:
        """The venue has refused a placement: of an exit, what is held may be less there."""
        if order.reduce_only:
            self._positions.sooner(now_ns)

    def expect_fill(self, now_ns: int) -> None:
        """A report shows a fill that has not come: the stream may be about to bring it."""
        if self._expected_ns is None:
            self._expected_ns = now_ns + self._times.first_ask_ns

    def moved(self, symbol: int, now_ns: int) -> None:
        """A fill was applied: positions asked for before it say nothing."""
        self._moved_ns[symbol] = now_ns

    def tick(self, now_ns: int) -> None:
        """Ask what is due."""
        if self._expected_ns is not None and self._expected_ns <= now_ns:
            self._expected_ns = None
            if self._tracker.behind:
                self.executions_soon(now_ns)
        if self._executions.is_due(now_ns):
            self._start(self._executions, now_ns)
            since_ns = max(self._since_ns - self._times.overlap_ns, self._first_ns)
            self._calling.ask_executions(since_ns, now_ns)
        if self._orders.is_due(now_ns):
            self._start(self._orders, now_ns)
            self._calling.ask_open_orders(now_ns)
        if self._positions.is_due(now_ns):
            self._start(self._positions, now_ns)
            self._calling.ask_positions(now_ns)

    def _start(self, question: _Question, now_ns: int) -> None:
        question.asking = True
        question.due_ns = now_ns + self._times.sweep_ns

    def failed(self, kind: str, now_ns: int) -> None:
        """A question came to nothing: it is asked again."""
        question = self._question(kind)
        question.asking = False
        question.sooner(now_ns + self._times.longest_ask_ns)

    def _question(self, kind: str) -> _Question:
        kinds = {
            "executions": self._executions, "orders": self._orders, "positions": self._positions,
        }  # fmt: skip
        return kinds[kind]

    def answered_orders(self) -> None:
        """The open orders came; the book goes through them."""
        self._orders.asking = False
        self._unanswered.discard("orders")

    def answered_executions(self, executions: list[Execution], now_ns: int) -> None:
        """All fills up to here have been applied; those still missing are asked for again."""
        self._executions.asking = False
        self._unanswered.discard("executions")
        self._since_ns = max([self._since_ns, *(one.at_ns for one in executions)])
        behind = self._tracker.behind
        for name in [name for name in self._behind_since_ns if name not in behind]:
            del self._behind_since_ns[name]
        if not behind:
            self._behind_wait_ns = self._times.first_ask_ns
            return
        for name, order in behind.items():
            since_ns = self._behind_since_ns.setdefault(name, now_ns)
            if now_ns - since_ns >= self._times.denied_ns:
                self._latch.halt(
                    order.symbol,
                    f"{name}: the venue reports {order.venue_filled_units} units filled, its "
                    f"executions say {order.filled_units}.",
                )
        self._executions.due_ns = self._not_before_ns = now_ns + self._behind_wait_ns
        self._behind_wait_ns = next_wait_ns(self._behind_wait_ns, self._times.longest_ask_ns)

    def answered_positions(
        self, positions: dict[str, int], unsettled: set[int], made_ns: int, now_ns: int
    ) -> None:
        """Hold each settled symbol's position against the venue's; halt what differs twice."""
        self._positions.asking = False
        left_out = False
        for name, symbol in self._tracker.index.items():
            if symbol in unsettled or self._moved_ns.get(symbol, -1) >= made_ns:
                left_out = True
                continue
            self.hold_against(symbol, positions.get(name, 0), 1, now_ns)
            if count := self._differing.get(symbol):  # seldomer each time: questions have a limit
                self._positions.sooner(now_ns + count * self._times.recount_ns)
                self._executions.sooner(now_ns)
        if not left_out:
            self._unanswered.discard("positions")
        elif "positions" in self._unanswered:
            self._positions.sooner(now_ns + self._times.recount_ns)

    def agrees(self, symbol: int, theirs_units: int, now_ns: int) -> bool:
        """Whether a position is what is held here, or what it becomes by a split to come."""
        is_same = self._tracker.held_units(symbol) == theirs_units
        return is_same or self._splits.explains(symbol, theirs_units, now_ns)

    def hold_against(self, symbol: int, theirs_units: int, patience: int, now_ns: int) -> bool:
        """Whether a position agrees; a symbol that differs more often than `patience` is halted."""
        ours_units = self._tracker.held_units(symbol)
        if self.agrees(symbol, theirs_units, now_ns):
            self._differing.pop(symbol, None)
            self._tracker.closable.agrees(symbol)
            if self._latch.why(symbol).startswith(DIFFERS):  # also one from before a restart
                self._latch.resume(symbol, "The venue's position agrees again.")
            return True
        count = self._differing[symbol] = self._differing.get(symbol, 0) + 1
        if count > patience:
            self._tracker.closable.differs(symbol, theirs_units)
            name = self._tracker.symbols[symbol]
            text = f"{DIFFERS} of {name}: ours is {ours_units} units, the venue's {theirs_units}."
            self._latch.halt(symbol, text)
        return False
