"""The stream's side of a venue that lacks what others have: amendments, or two exits at once.

Where it gives no order other terms, what it has of an order is taken back, and the rest leaves anew
under the number of the order's next part. Where it takes one exit of a holding, that is the stop.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from app.core.order_events import Cancel, Place
from app.core.orders import CANCELED, STOP, STOP_LIMIT, TRAILING_STOP, Order, Terms
from app.core.venue import Abilities
from app.managers.execution_manager.fill_rules import Owner
from app.managers.execution_manager.live_broker import LiveBroker
from app.managers.execution_manager.venue_parts import Part

ONE_EXIT: Final = "one_exit: the venue takes one exit of a holding, and that is the stop"

_STOPS: Final = (STOP, STOP_LIMIT, TRAILING_STOP)


class LimitedBroker(LiveBroker):
    """Whatever else there is to it, it is a live broker."""

    def __init__(self, owner: Owner, *, amends: bool, exits_twice: bool) -> None:
        super().__init__(owner)
        self._amends = amends
        self._exits_twice = exits_twice

    def accept(self, order: Order) -> None:
        super().accept(order)
        if order.group and not self._exits_twice:
            for leg in list(self.links.legs_of(order.group)):
                if self._gives_way(leg):
                    self._keep_here(leg, order.created_ns)

    def _gives_way(self, order: Order) -> bool:
        """Whether another order takes the same holding out, and protects it."""
        return order.kind not in _STOPS and any(
            leg.kind in _STOPS and (leg.units > 0) == (order.units > 0)
            for leg in self.links.legs_of(order.group)
        )

    def _keep_here(self, order: Order, now_ns: int) -> None:
        """End an order; what the venue has of it is asked for, and what has not left never does."""
        part = self.parts.get(order.order_id)
        unsent = [one for one in self.outbox if isinstance(one, Place) and _is_of(one, part)]
        if unsent:
            self.outbox[:] = [one for one in self.outbox if one not in unsent]
            del self.parts[order.order_id]
        self.lapsed(order, CANCELED, now_ns, ONE_EXIT)

    def _ask(self, order: Order, part: Part, terms: Terms, wanted: Terms | None) -> None:
        if self._amends:
            super()._ask(order, part, terms, wanted)
            return
        part.ask(terms, wanted)
        part.is_aside = True
        self.outbox.append(Cancel(part.number))


def _is_of(intent: Place, part: Part | None) -> bool:
    return part is not None and intent.order_id == part.number


def live_broker_of(abilities: Abilities) -> Callable[[Owner], LiveBroker]:
    """What makes a broker for a venue of these abilities."""
    amends, exits_twice = abilities.amends, abilities.exits_twice
    if amends and exits_twice:
        return LiveBroker
    return partial(LimitedBroker, amends=amends, exits_twice=exits_twice)
