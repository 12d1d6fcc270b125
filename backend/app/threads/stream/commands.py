"""What people ask of a run that streams on: pause, resume, halt, stop, kill, as inputs of it."""

from collections.abc import Callable, Collection

from app.core.errors import UsageError
from app.core.halts import ALL_SYMBOLS, COMMAND, HOLDINGS
from app.core.messages import Command
from app.core.orders import CANCEL_PENDING, MARKET, UNKNOWN, Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.limits.breaker_desk import BREAKER
from app.managers.execution_manager.live.limited_broker import gives_anew
from app.managers.execution_manager.open_orders import call_off, may_open
from app.managers.execution_manager.orders.kill import FLATTEN, kill_of
from app.managers.execution_manager.sim_stop import is_done, kill

PAUSE, RESUME, HALT, STOP, KILL = "pause", "resume", "halt", "stop", "kill"
RELEASE = "release"  # lifts a halt
RECOVER = "recover"  # nobody asks for it: the inputs before it were run again, then it went on
KEEP = "keep"  # positions stay
_CLOSED = {PAUSE: "the run is paused", HALT: "halted", STOP: "the run is stopping", KILL: "killed"}
_ENDS = (_CLOSED[STOP], _CLOSED[KILL])  # by which the end of a run is known


def obey(
    command: Command,
    execution: ExecutionManager,
    flatten: Callable[[], None],
    now_ns: int,
) -> None:
    """Do what a command asks; what ends by it waits in `untold`. `flatten` closes all positions."""
    if command.name == RECOVER:
        return
    if command.name == RESUME:
        execution.close_entries(ALL_SYMBOLS, "", PAUSE)  # a halt is not lifted
        return
    if command.name == RELEASE:
        _release(execution)
        return
    if command.name == KILL:
        mode, reason = kill_of(command.value)
        kill(execution, mode, reason or "killed", COMMAND, now_ns)
        return
    if command.name not in _CLOSED:
        raise UsageError(f"A run that streams on knows no command '{command.name}'.")
    why = _CLOSED[command.name]
    told = command.value if command.name == HALT and command.value else why
    if command.name == HALT and told in _ENDS:
        told = f"halted: {told}"
    if command.name == PAUSE:
        execution.close_entries(ALL_SYMBOLS, told, PAUSE)
    elif command.name != HALT or not is_ending(execution):
        execution.close_entries(ALL_SYMBOLS, told, COMMAND)
    if command.name == STOP:
        if command.value == FLATTEN:
            execution.broker.leave_instant(now_ns)  # nothing fills at its bars' close any more
            flatten()
        else:
            call_off_entries(execution, now_ns, why)


def _release(execution: ExecutionManager) -> None:
    """Lift what only a person lifts; the end of a run is not lifted."""
    for symbol, source in _lifted(execution):
        execution.close_entries(symbol, "", source)


def _lifted(execution: ExecutionManager) -> list[tuple[int, str]]:
    sources = (HOLDINGS,) if is_ending(execution) else (HOLDINGS, COMMAND)
    return [place for place in list(execution.entries.closed) if place[1] in sources]


def is_halted(execution: ExecutionManager) -> bool:
    """Whether a release would lift anything; the gate's own halts are its own. From any thread."""
    return bool(_lifted(execution))


def stays_closed(execution: ExecutionManager) -> str:
    """Why nothing may open once the halts are lifted, as of a pause or a trading state, or "". From
    any thread.
    """
    closed = list(execution.entries.closed.items())
    return next((why for (_, of), why in closed if of == PAUSE or of.startswith(BREAKER)), "")


def closed_besides(execution: ExecutionManager, source: str) -> list[str]:
    """Why nothing may open once this source opens what it has closed. From any thread."""
    names = [position.symbol for position in execution.positions[0]]
    closed = list(execution.entries.closed.items())
    found = [
        why if symbol == ALL_SYMBOLS else f"{names[symbol]}: {why}"
        for (symbol, of), why in closed
        if of != source
    ]
    return list(dict.fromkeys(found))


def is_ending(execution: ExecutionManager) -> bool:
    """Whether a stop or a kill has been heard. From any thread."""
    why = execution.entries.closed.get((ALL_SYMBOLS, COMMAND))
    return why in _ENDS


def call_off_entries(
    execution: ExecutionManager, now_ns: int, why: str, strategy: int | None = None
) -> None:
    """End the working orders that may open or increase a position, of all or of one strategy."""
    for order in list(execution.broker.working.values()):
        own = strategy is None or order.strategy == strategy
        working = execution.broker.working
        if own and order.is_working and may_open(execution, order, working):
            call_off(execution, order, now_ns, why)


def has_stopped(execution: ExecutionManager, mode: str, left: Collection[str] = ()) -> bool:
    """Whether a stop has been heard, and what it asks for is done; nothing closes what is `left`.
    From any thread.
    """
    if not execution.entries.is_closed(ALL_SYMBOLS):
        return False
    if execution.entries.kill.mode:
        return is_done(execution)
    working = execution.broker.working.copy()  # the engine's thread goes on changing it
    if mode == FLATTEN:
        return not working and not _holds(execution, left)
    opening = any(may_open(execution, order, working) for order in working.values())
    return not opening and not gives_anew(execution.broker)


def _holds(execution: ExecutionManager, left: Collection[str]) -> bool:
    """Whether anything is held that can be closed."""
    held = zip(execution.positions[0], execution.held_units, strict=True)
    return any(units for position, units in held if position.symbol not in left)


def is_left_holding(execution: ExecutionManager, left: Collection[str] = ()) -> bool:
    """Whether a stop has to be asked for again: nothing works that closes what is held, as a fill
    came after the closing orders were sized. From any thread.

    A late fill brings its entry's exits, which may wait for their price for good.
    """
    is_stopping = _CLOSED[STOP] in list(execution.entries.closed.values())
    working = dict(execution.broker.working)
    return is_stopping and _holds(execution, left) and all(map(_waits, working.values()))


def _waits(order: Order) -> bool:
    """Whether an exit waits for a price, and nobody takes it back."""
    is_answered = order.state not in (CANCEL_PENDING, UNKNOWN)
    return order.reduce_only and order.kind != MARKET and is_answered
