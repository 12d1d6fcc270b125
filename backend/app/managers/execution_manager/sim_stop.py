"""The kill of a run whose fills are simulated: what the gate does before a venue, in the instant.

It falls as a command, and is looked after whenever an order has filled or ended: at a flatten what
is left is closed once no cancel is under way any more, at a freeze what has come to open is taken
back. Its own orders close, one for each position; no strategy sees or moves them.
"""

from app.core.halts import ALL_SYMBOLS
from app.core.orders import CANCEL_PENDING, Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.open_orders import call_off, may_open, standing
from app.managers.execution_manager.orders.kill import FLATTEN, closable_units


def kill(execution: ExecutionManager, mode: str, reason: str, source: str, now_ns: int) -> bool:
    """Latch, and begin; whether this changed anything. `source` keeps entries closed."""
    latch = execution.entries.kill
    if not latch.fall(mode, reason):
        return False
    latch.found, latch.at_ns = latch.found or standing(execution), latch.at_ns or now_ns
    latch.done_ns = 0
    execution.close_entries(ALL_SYMBOLS, "killed", source)
    if mode == FLATTEN:
        execution.broker.leave_instant(now_ns)  # nothing fills at its bars' close any more
    look(execution, now_ns)
    return True


def look(execution: ExecutionManager, now_ns: int) -> None:
    """Orders have come, filled or ended: do what is to be done now."""
    entries, working = execution.entries, execution.broker.working
    if not entries.kill.mode:
        return
    for order in list(working.values()):
        is_theirs = order.is_working and order.order_id not in entries.own
        if is_theirs and entries.kill.stands_against(may_open(execution, order, working)):
            call_off(execution, order, now_ns, f"killed ({entries.kill.mode})")
    if entries.kill.mode == FLATTEN:
        _close(execution, now_ns)
    if not entries.kill.done_ns and is_done(execution):
        entries.kill.done_ns, entries.kill.left = now_ns, standing(execution)


def is_done(execution: ExecutionManager) -> bool:
    """Whether a kill has fallen, and what it asks for is done. From any thread."""
    mode = execution.entries.kill.mode
    working = execution.broker.working.copy()  # the engine's thread goes on changing it
    if mode == FLATTEN:
        held = (position.units for row in execution.positions for position in row)
        return not working and not any(held)
    return bool(mode) and not any(may_open(execution, one, working) for one in working.values())


def _close(execution: ExecutionManager, now_ns: int) -> None:
    """Close each position that nothing closes yet, where no cancel is under way."""
    working = execution.broker.working.values()
    waiting = {order.symbol_index for order in working if order.state is CANCEL_PENDING}
    resting: dict[tuple[int, int], list[int]] = {}
    for order in working:
        place = order.strategy, order.symbol_index
        resting.setdefault(place, []).append(order.units - order.filled_units)
    for strategy, row in enumerate(execution.positions):
        for symbol, position in enumerate(row):
            if position.units and symbol not in waiting:
                units = closable_units(position.units, resting.get((strategy, symbol), ()))
                if units:
                    _give(execution, strategy, symbol, -units, now_ns)


def _give(execution: ExecutionManager, strategy: int, symbol: int, units: int, now_ns: int) -> None:
    execution.order_count = number = execution.order_count + 1
    order = Order(number, strategy, execution.positions[strategy][symbol].symbol, symbol, units, 0)
    execution.entries.own.add(number)
    execution.submit(order, now_ns)
