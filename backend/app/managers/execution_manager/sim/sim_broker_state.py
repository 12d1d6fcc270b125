"""What a simulated broker holds between two blocks, taken from it and given back.

Not where each order's next bar lies: that is looked up anew in the next block.
"""

import msgspec

from app.core.calendar import TradingSession
from app.core.orders import Order
from app.managers.execution_manager.orders.links import LinksState
from app.managers.execution_manager.orders.working_orders import Pending
from app.managers.execution_manager.sim.matcher import MatcherState
from app.managers.execution_manager.sim.sim_broker import SimBroker


class SimBrokerState(msgspec.Struct, frozen=True, tag="simulated"):
    """All but `working` by the orders' numbers."""

    working: list[Order]  # in order of acceptance
    termed: list[int]
    reducing: list[int]
    pending: Pending
    closing: list[int]
    closing_ns: int
    closed_ns: int
    links: LinksState
    matcher: MatcherState
    session: TradingSession | None
    hours_ns: tuple[int, int]


def sim_broker_state(broker: SimBroker) -> SimBrokerState:
    """As it stands."""
    return SimBrokerState(
        list(broker.working.values()),
        sorted(broker._termed),
        sorted(broker.reducing),
        dict(broker.pending),
        [order.order_id for order in broker.closing],
        broker.closing_ns,
        broker._closed_ns,
        broker.links.state(),
        broker._matcher.state(),
        broker._session,
        broker._hours_ns,
    )


def restore_sim_broker(broker: SimBroker, state: SimBrokerState) -> None:
    """Be as it stood; the next block says which bar fills what."""
    broker.working.update((order.order_id, order) for order in state.working)
    broker._rows.update(dict.fromkeys(broker.working, -1))
    broker._termed.update(state.termed)
    broker.reducing.update(state.reducing)
    broker.pending.update(state.pending)
    broker.closing = [broker.working[number] for number in state.closing]
    broker.closing_ns, broker._closed_ns = state.closing_ns, state.closed_ns
    broker.links.restore(state.links, broker.working)
    broker._matcher.restore(state.matcher)
    broker._session, broker._hours_ns = state.session, state.hours_ns
