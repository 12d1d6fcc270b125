"""What an account's orders are charged, by the schedule in force on the session's day."""

import datetime as dt
from collections.abc import Callable

from app.core.money import amount_units
from app.core.orders import LIMIT, Order
from app.services.fees import FeeSchedule, Filled, fee_units

FeesAt = Callable[[dt.date], FeeSchedule]  # a session's date to what is charged in it


class FeeBook:
    """A run without fees has none of these."""

    def __init__(self, fees_at: FeesAt) -> None:
        self._fees_at = fees_at
        self._fees = FeeSchedule("none")  # until the first session

    def open_session(self, date: dt.date) -> None:
        """A session begins: what it charges is what was in force on its day."""
        self._fees = self._fees_at(date)

    def charge(self, order: Order, units: int, price: float, multiplier_units: int) -> int:
        """What a fill adds to its order's fee; a minimum is paid once, with the first."""
        value = amount_units(abs(units), price, multiplier_units)
        order.value_units += value
        if order.kind == LIMIT and price == order.limit:  # at a better open it took
            order.maker_units += value
        filled = Filled(
            abs(order.filled_units + units), order.value_units, order.maker_units, order.units < 0
        )
        before = order.fee_units
        # rates may fall while it works
        order.fee_units = max(before, fee_units(self._fees, filled))
        return order.fee_units - before
