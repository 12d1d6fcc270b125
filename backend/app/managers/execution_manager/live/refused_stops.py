"""What becomes of a stop that does not get to its venue, or is refused there: no position is to be
left without.

One whose price has been passed has been reached: it goes on at market, as a simulated one would
fill. So does what protects where the venue says no for another reason; what it has never had, or
was to have other terms by then, is given anew, and what the journal kept back waits until that can
be written.
"""

from typing import Final

from app.core.order_events import KEPT_IN, NEVER_HAD, NEVER_SENT, REACHED, Refused
from app.core.orders import ACCEPTED, STOPS, SUBMITTED, Order
from app.managers.execution_manager.live.live_broker import LiveBroker

AT_MARKET: Final = "at market"  # how a record tells of it,
GIVEN_ANEW: Final = "given anew"  # or of this,
WAITS: Final = "waits"  # or of this


def hold_back(broker: LiveBroker, order: Order) -> bool:
    """Whether an exit that was refused waits here for what its entry brings next: the first of
    that may be too little for an order, and all of it would go without.
    """
    order_id, part = order.order_id, broker.parts.get(order.order_id)
    is_sure = order.state is SUBMITTED and part is not None and part.asked is None
    leaves = order_id in broker.ending or order_id in broker._to_end or order_id in broker.pending
    grows = order.reduce_only and broker.links.entry_of(order) is not None
    if not is_sure or leaves or not grows or order.filled_units:
        return False
    del broker.parts[order_id]
    broker._were_there[order_id] = broker._were_there.get(order_id, 0) + 1
    order.to(ACCEPTED)
    return True


def way_on(broker: LiveBroker, order: Order, told: Refused) -> str:
    """How an order that was refused goes on; "" where it ends."""
    if told.cause == KEPT_IN or not _stops_what_is_held(broker, order):
        return ""
    if told.cause != REACHED and not order.reduce_only:
        return ""
    if told.cause == NEVER_SENT:
        return WAITS
    if told.cause == NEVER_HAD or broker.parts[order.order_id].asked is not None:
        return GIVEN_ANEW  # by other terms than were refused, where those were under way
    return "" if order.triggered else AT_MARKET


def go_on(broker: LiveBroker, order: Order, way: str, now_ns: int) -> None:
    """The part of it that was refused is over; another leaves, or does later."""
    order.triggered = order.triggered or way == AT_MARKET
    broker._end_part(order, now_ns, waits=way == WAITS)


def _stops_what_is_held(broker: LiveBroker, order: Order) -> bool:
    order_id = order.order_id
    part, leaves = broker.parts[order_id], order_id in broker.ending or order_id in broker._to_end
    if order.kind not in STOPS or leaves or part.is_aside:
        return False
    held_units = broker.held_units_of(order.strategy, order.symbol_index)
    return held_units * order.units < 0 and not broker.opens(order, part.terms.units)
