"""What a strategy sees of its orders and positions: always as they are now, never to be changed."""

from decimal import Decimal
from typing import Protocol

import msgspec

from app.core.money import from_units
from app.core.orders import TRANSITIONS, Order


class Holding(Protocol):
    """What the books keep of a position."""

    units: int
    cost_units: int
    realised_units: int


class OrderView(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One of the strategy's orders. To change its terms there is `amend`, to end it `cancel`."""

    _order: Order

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OrderView) and other._order is self._order

    def __hash__(self) -> int:
        return self._order.order_id

    def __repr__(self) -> str:
        order = self._order
        return (
            f"<order {order.order_id}: {self.side} {self.quantity:f} {order.symbol}, "
            f"{order.kind}, {order.state}>"
        )

    @property
    def order_id(self) -> int:
        """Its number in the run, over all strategies."""
        return self._order.order_id

    @property
    def symbol(self) -> str:
        return self._order.symbol

    @property
    def side(self) -> str:
        """ "buy" or "sell"."""
        return self._order.side

    @property
    def quantity(self) -> Decimal:
        """How much was asked for, unsigned."""
        return from_units(abs(self._order.units))

    @property
    def filled(self) -> Decimal:
        """How much of it was filled, unsigned."""
        return from_units(abs(self._order.filled_units))

    @property
    def kind(self) -> str:
        """ "market", "limit", "stop", "stop_limit", "trailing_stop" or "market_on_..."."""
        return self._order.kind

    @property
    def tif(self) -> str:
        """How long it works: "day", "gtc" or "ioc"."""
        return self._order.tif

    @property
    def limit(self) -> float | None:
        return self._order.limit

    @property
    def stop(self) -> float | None:
        """The stop price; a trailing stop's is where it is by now."""
        return self._order.stop

    @property
    def trail(self) -> float | None:
        return self._order.trail

    @property
    def trail_percent(self) -> float | None:
        return self._order.trail_percent

    @property
    def reduce_only(self) -> bool:
        return self._order.reduce_only

    @property
    def state(self) -> str:
        return self._order.state

    @property
    def reason(self) -> str:
        """Why it ended or was refused; why an amendment of it was refused."""
        return self._order.reason

    @property
    def created_ns(self) -> int:
        """When it was given."""
        return self._order.created_ns

    @property
    def ended_ns(self) -> int:
        """When it ended; 0 while it works."""
        return self._order.ended_ns

    @property
    def fee(self) -> Decimal:
        """What it was charged so far."""
        return from_units(self._order.fee_units)

    @property
    def is_working(self) -> bool:
        """Whether it can still fill."""
        return bool(TRANSITIONS[self._order.state])


class PositionView:
    """What a strategy holds of one symbol."""

    __slots__ = ("_holding",)

    def __init__(self, holding: Holding) -> None:
        self._holding = holding

    def __bool__(self) -> bool:
        """Whether anything is held."""
        return self._holding.units != 0

    def __repr__(self) -> str:
        return f"<position: {self.quantity:f} at a cost of {self.cost:f}>"

    @property
    def quantity(self) -> Decimal:
        """Signed: negative is short."""
        return from_units(self._holding.units)

    @property
    def cost(self) -> Decimal:
        """Total cost of what is held, negative when short."""
        return from_units(self._holding.cost_units)

    @property
    def realised(self) -> Decimal:
        """Profit taken so far."""
        return from_units(self._holding.realised_units)


def order_of(view: OrderView) -> Order:
    """For the engine: the order itself."""
    return view._order
