"""What becomes of a stop that does not get to its venue, or is refused there: no position is to be
left without.

One whose price has been passed has been reached: it goes on at market, as a simulated one would
fill. So does what protects where the venue says no for another reason; what it has never had is
given anew, and what the journal kept back waits until that can be written.
"""

from typing import Final

from app.core.order_events import KEPT_IN, NEVER_HAD, NEVER_SENT, REACHED, Refused
from app.core.orders import STOP, STOP_LIMIT, TRAILING_STOP, Order
from app.managers.execution_manager.live_broker import LiveBroker

AT_MARKET: Final = "at market"  # how a record tells of it,
GIVEN_ANEW: Final = "given anew"  # or of this,
WAITS: Final = "waits"  # or of this

_STOPS: Final = (STOP, STOP_LIMIT, TRAILING_STOP)


def way_on(broker: LiveBroker, order: Order, told: Refused) -> str:
    """How an order that was refused goes on; "" where it ends."""
    if told.cause == KEPT_IN or not _stops_what_is_held(broker, order):
        return ""
    if told.cause == REACHED:
        return "" if order.triggered else AT_MARKET
    if not order.reduce_only:
        return ""
    if told.cause == NEVER_SENT:
        return WAITS
    if told.cause == NEVER_HAD:
        return GIVEN_ANEW
    return "" if order.triggered else AT_MARKET


def go_on(broker: LiveBroker, order: Order, way: str, now_ns: int) -> None:
    """The part of it that was refused is over; another leaves, or does later."""
    order.triggered = order.triggered or way == AT_MARKET
    broker._end_part(order, now_ns, waits=way == WAITS)


def _stops_what_is_held(broker: LiveBroker, order: Order) -> bool:
    order_id = order.order_id
    part, leaves = broker.parts[order_id], order_id in broker.ending or order_id in broker._to_end
    if order.kind not in _STOPS or leaves or part.asked is not None or part.is_aside:
        return False
    held_units = broker.held_units_of(order.strategy, order.symbol_index)
    return held_units * order.units < 0 and not broker.opens(order, part.terms.units)
