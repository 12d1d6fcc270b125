"""What an execution manager holds between two inputs: its account, its orders, who halted what.

What it has told already is left out, for that is in the journal; so is what only saves it work.
"""

from typing import Final

import msgspec

from app.core.calendar import TradingSession
from app.core.kept import Fields, kept, put_back
from app.core.orders import FillRow, Order, in_our_words
from app.managers.execution_manager.books.account import AccountState
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.exits.protection import ProtectionState
from app.managers.execution_manager.limits.breaker_desk import BreakersState
from app.managers.execution_manager.limits.order_counts import OrderCountsState
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.live_broker_state import (
    LiveBrokerState,
    SharedBrokerState,
    live_broker_state,
    restore_live_broker,
)
from app.managers.execution_manager.orders.kill import KillLatch
from app.managers.execution_manager.sim.sim_broker import SimBroker
from app.managers.execution_manager.sim.sim_broker_state import (
    SimBrokerState,
    restore_sim_broker,
    sim_broker_state,
)

_COUNTS: Final = ("order_count", "fill_count", "_group_count")
_DIARY: Final = ("uncertain_count", "band_units")


class ExecutionState(msgspec.Struct, frozen=True):
    """The state of one account and its broker."""

    account: AccountState
    broker: SimBrokerState | LiveBrokerState | SharedBrokerState
    aim_units: list[list[int]]
    held_units: list[int]
    counts: Fields
    diary: Fields
    latest_fills: list[FillRow]
    refused: list[int]  # in the session under way
    session: TradingSession | None
    closed: list[tuple[int, str, str]]  # entries: symbol, source, why
    entries: OrderCountsState  # that have left
    risk: list[Fields] = []  # what limits of loss remember
    breakers: BreakersState | None = None
    protection: ProtectionState | None = None
    kill: tuple[str, str, list[int]] = ("", "", [])  # mode, reason, the orders that close


def execution_state(execution: ExecutionManager) -> ExecutionState:
    """As it stands."""
    broker, checks, entries = execution.broker, execution._checks, execution.entries
    protection = execution.protection
    assert isinstance(broker, SimBroker | LiveBroker)
    return ExecutionState(
        account=execution.account.state(),
        broker=_broker_state(broker),
        aim_units=[row.copy() for row in execution.aim_units],
        held_units=execution.held_units.copy(),
        counts=kept(execution, _COUNTS),
        diary=kept(execution.diary, _DIARY),
        latest_fills=list(execution.diary.latest_fills),
        refused=sorted(checks._refused),
        session=checks._session,
        closed=[(*place, why) for place, why in entries.closed.items()],
        risk=[] if checks.memory is None else checks.memory.state(),
        entries=checks.counts.state(),
        breakers=None if checks.breakers is None else checks.breakers.saved_state(),
        protection=None if protection is None else protection.state(),
        kill=(entries.kill.mode, entries.kill.reason, sorted(entries.own)),
    )


def _broker_state(broker: SimBroker | LiveBroker) -> SimBrokerState | LiveBrokerState:
    return live_broker_state(broker) if isinstance(broker, LiveBroker) else sim_broker_state(broker)


def restore_execution(execution: ExecutionManager, state: ExecutionState) -> None:
    """Be as it stood."""
    execution.account.restore(state.account)
    _restore_broker(execution, state.broker)
    for own, row in zip(execution.aim_units, state.aim_units, strict=True):
        own[:] = row
    execution.held_units[:] = state.held_units
    put_back(execution, state.counts)
    put_back(execution.diary, state.diary)
    execution.diary.latest_fills.extend(state.latest_fills)
    checks = execution._checks
    checks._refused, checks._session = set(state.refused), state.session
    checks.counts.restore(state.entries)
    if state.session is not None and execution._fees is not None:
        execution._fees.open_session(state.session.date)
    if checks.memory is not None:
        checks.memory.restore(state.risk)
    if checks.breakers is not None and state.breakers is not None:
        checks.breakers.restore(state.breakers, state.session)
    if execution.protection is not None and state.protection is not None:
        execution.protection.restore(state.protection)
    execution.entries.closed.clear()  # of several reasons the first is told
    for symbol, source, why in state.closed:
        execution.close_entries(symbol, why, source)
    mode, reason, own = state.kill
    execution.entries.kill = KillLatch(mode, reason)
    execution.entries.own.update(own)
    execution.rethink()


def _restore_broker(execution: ExecutionManager, state: SimBrokerState | LiveBrokerState) -> None:
    broker = execution.broker
    if isinstance(state, LiveBrokerState):
        assert isinstance(broker, LiveBroker)
        restore_live_broker(broker, state)
    else:
        assert isinstance(broker, SimBroker)
        _take_as_ours(state.working)
        restore_sim_broker(broker, state)


def _take_as_ours(orders: list[Order]) -> None:
    for order in orders:
        in_our_words(order)
