"""What works and is held, with whatever broker, and how others than its strategy end an order."""

from app.core.orders import Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.orders.entries import opens
from app.managers.execution_manager.orders.kill import Standing
from app.managers.execution_manager.orders.working_orders import WorkingOrders


def standing(execution: ExecutionManager) -> Standing:
    """What works and is held. From any thread."""
    working = execution.broker.working.copy()  # the engine's thread goes on changing it
    names = [position.symbol for position in execution.positions[0]]
    held = zip(names, execution.held_units, strict=True)
    return Standing(
        orders=len(working),
        opening=sum(may_open(execution, order, working) for order in working.values()),
        positions={name: units for name, units in held if units},
    )


def may_open(execution: ExecutionManager, order: Order, working: WorkingOrders) -> bool:
    """Whether what is left of a working order may open or increase its strategy's position."""
    held_units = execution.held_units_of(order.strategy, order.symbol_index)
    left = order.units - order.filled_units
    return opens(order, left, working, held_units)


def call_off(execution: ExecutionManager, order: Order, now_ns: int, why: str) -> None:
    """End an order that its strategy did not take back."""
    ended = execution.cancel(order, now_ns)
    order.reason = why
    if ended:
        execution.untold.append(order)
