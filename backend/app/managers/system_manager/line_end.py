"""Whether a live run that is to end has done what was asked of it, and what is left if not."""

from app.core.money import from_units
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.threads.commands import FLATTEN, has_stopped
from app.threads.order_gate import OrderGate


def is_done(execution: ExecutionManager, gate: OrderGate | None, mode: str) -> bool:
    """Whether entries are off, and all is flat where it is to be. A killed gate knows, and how it
    was killed counts, whoever asks for less.
    """
    if gate is not None and (status := gate.status()).killed:
        is_flat = not status.open_orders and not status.positions
        return is_flat if status.killed == FLATTEN else not status.opening_orders
    return has_stopped(execution, mode)


def what_is_left(gate: OrderGate | None) -> str:
    """For an alarm; without a gate that knows, in general terms."""
    if gate is None:
        return "the run ends with what it holds, and with the orders it has."
    status = gate.status()
    held = ", ".join(f"{from_units(units)} {name}" for name, units in status.positions.items())
    return (
        f"{status.open_orders} orders may still work at the venue, {status.opening_orders} of "
        f"them may open a position; held: {held or 'nothing'}."
    )
