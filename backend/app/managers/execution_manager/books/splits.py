"""A working order in the terms of the shares after a split."""

from decimal import Decimal

from app.core.money import divide_half_even
from app.core.orders import Order
from app.services.slippage import split_price


def split_order(order: Order, ratio: Decimal, lot_units: int, tick_units: int) -> int:
    """Whole lots, prices on the tick; how many units more it is to fill than before.

    An order of which no whole lot would be left stays as it was: what it loses is all of it.
    """
    new, old = ratio.as_integer_ratio()
    left = order.units - order.filled_units
    lots = divide_half_even(abs(left) * new, old) // lot_units  # a third has no last digit
    now_left = lots * lot_units if left > 0 else -lots * lot_units
    if not lots:
        return -left
    order.units = order.filled_units + now_left
    up = order.units < 0
    order.limit, order.stop = (
        None if price is None else split_price(price, ratio, tick_units, up)
        for price in (order.limit, order.stop)
    )
    if order.trail is not None:
        order.trail = float(Decimal(repr(order.trail)) / ratio)
    return now_left - left
