"""How an order is asked for, beyond its symbol and quantity."""

from decimal import Decimal
from typing import Final

import msgspec

from app.strategies.views import OrderView

MOST_PROPOSALS: Final = 10_000  # orders, changes and timers, of one hook
Quantity = Decimal | float | int | str


class Request(msgspec.Struct, frozen=True):
    """What `Strategy.order` was given; prices as the strategy wrote them."""

    limit: Quantity | None = None
    stop: Quantity | None = None
    trail: Quantity | None = None
    trail_percent: Quantity | None = None
    at: str | None = None
    tif: str = "day"
    reduce_only: bool = False
    after: OrderView | None = None


class Change(msgspec.Struct, frozen=True):
    """What `Strategy.amend` was given; None leaves a term as it is."""

    quantity: Quantity | None = None
    limit: Quantity | None = None
    stop: Quantity | None = None
    trail: Quantity | None = None
    trail_percent: Quantity | None = None


class Bracket(msgspec.Struct, frozen=True):
    """An entry with the orders that take it out again; each None where it was not asked for."""

    entry: OrderView | None
    target: OrderView | None
    stop: OrderView | None
