"""Who watches a drill from within its run, on its thread: what stood, what was given after it."""

from app.core.messages import Command, Message
from app.core.orders import Order
from app.managers.execution_manager.open_orders import may_open
from app.managers.execution_manager.watched_execution import Heard
from app.managers.system_manager.wiring import Run
from app.threads.engines.watched_engine import Onlooker, WatchedEngine
from app.threads.stream.results import Results

REASON = "drill"
_AGAIN_BARS = 3  # after the first stop it is asked for once more


class DrillWatch(Onlooker):
    """Watches one rehearsal; used once."""

    def __init__(self, mode: str, at_ns: int, bar_ns: int) -> None:
        self.mode = mode
        self.at_ns = at_ns
        self._again_ns = at_ns + _AGAIN_BARS * bar_ns
        self.refused = 0
        self.given: list[Order] = []  # by strategies, after the latch
        self.opened: list[Order] = []  # of them, those that open
        self.protective: dict[int, Order] = {}  # worked at the stop, and could open nothing
        self.opening: dict[int, Order] = {}  # could
        self.again: list[bool] = []  # whether each further command left everything as it was
        self.equity_units = 0
        self._asked = False  # for the first time
        self._repeats: set[int] = set()  # the numbers of commands that came after it

    def plan(self, run: Run, *, is_stuck: bool) -> None:
        """Have the stop come, unless somebody outside gives it, and once more."""
        if not is_stuck:
            run.coordinator.kill_at(self.at_ns, self.mode, REASON)
        run.coordinator.kill_at(self._again_ns, self.mode, "once more")

    @property
    def engine(self) -> WatchedEngine:
        """The engine of the run, from when it is wired on."""
        return self._engine

    def hear(self, message: Message) -> None:
        """An input is about to go its way, and all before it is done."""
        if not isinstance(message, Command):
            return
        if self._asked:
            self._repeats.add(message.sequence)
        else:
            self.look(self.at_ns)

    def look(self, at_ns: int) -> None:
        """The stop is asked for: keep how things stand, while nothing moves."""
        self._asked, self.at_ns = True, at_ns
        execution, working = self.engine.execution, self.engine.execution.broker.working
        mark = self.engine.outlook.mark if self.engine.outlook.has_session else lambda _: 0.0
        self.equity_units = execution.account.equity_units(mark)
        for number, order in working.items():
            opens = may_open(execution, order, working)
            (self.opening if opens else self.protective)[number] = order

    def take(self, results: Results) -> None:
        """What came of an input."""
        if results.sequence in self._repeats:
            self.again.append(not results.records.entries and not results.records.orders)

    # -- the witness -----------------------------------------------------------------------------

    def decided(self, order: Order, heard: list[Heard], reason: str, *, has_limits: bool) -> None:
        """An order or an amendment after the latch: by its size alone, does it open?"""
        execution = self.engine.execution
        if not execution.entries.kill.mode or order.order_id in execution.entries.own:
            return
        if reason:
            self.refused += 1
            return
        self.given.append(order)
        held_units = execution.held_units_of(order.strategy, order.symbol_index)
        left = order.units - order.filled_units
        if not order.reduce_only and (held_units * left >= 0 or abs(left) > abs(held_units)):
            self.opened.append(order)
