"""What an account may still take on: an order is refused when it would reach beyond its means.

What a symbol can come to is the larger of what is held with every working purchase filled and
what is held with every working sale filled. All of that, at last closes, stays within equity times
leverage. An order that adds nothing to it, such as one that closes a position, always passes.
"""

from collections.abc import Iterable

import msgspec

from app.core.money import UNITS, amount_units, from_units

_CENT = UNITS // 100


class Line(msgspec.Struct, frozen=True):
    """One symbol of an account: what is held, what works on each side, and what it is worth.

    `price` is its last close, 0 while it has none; `rate` turns its currency into the account's.
    """

    held_units: int  # signed
    buy_units: int = 0
    sell_units: int = 0  # unsigned, as `buy_units`
    price: float = 0.0
    multiplier_units: int = UNITS
    rate: float = 1.0

    @property
    def reach_units(self) -> int:
        """The most that can come to be held, on either side."""
        return max(abs(self.held_units + self.buy_units), abs(self.held_units - self.sell_units))

    def with_order(self, units: int) -> "Line":
        """The line with one more order working."""
        if units > 0:
            return msgspec.structs.replace(self, buy_units=self.buy_units + units)
        return msgspec.structs.replace(self, sell_units=self.sell_units - units)

    def value_units(self, units: int, price: float) -> int:
        """What so much of it is worth, in the account's currency."""
        value = amount_units(units, price, self.multiplier_units)
        return value if self.rate == 1.0 else amount_units(value, self.rate)


def added_units(line: Line, units: int) -> int:
    """By how much an order lets its symbol reach further; never below 0."""
    return line.with_order(units).reach_units - line.reach_units


def order_price(line: Line, units: int, limit: float | None) -> float:
    """What an order is valued at: the last close, or a purchase's limit where that is higher."""
    if limit is None or (units < 0 and line.price):
        return line.price
    return max(line.price, limit)


def left_units(lines: Iterable[Line], cash_units: int, leverage_units: int) -> int:
    """What the account may still take on, in its currency; negative when it is beyond its means."""
    equity, taken = cash_units, 0
    for line in lines:
        equity += line.value_units(line.held_units, line.price)
        taken += line.value_units(line.reach_units, line.price)
    return equity * leverage_units // UNITS - taken


def refusal(need_units: int, left: int) -> str:
    """Why an order that adds `need_units` is refused, or ""."""
    if need_units <= left:
        return ""
    need = -(-need_units // _CENT) * _CENT  # cents, away from each other: never the same figure
    rest = max(left, 0) // _CENT * _CENT
    return f"buying_power: it needs {from_units(need):,.2f}, there is {from_units(rest):,.2f} left"


def short_refusal(line: Line, units: int) -> str:
    """Why a cash account refuses a sale, or "": it cannot sell what it does not have."""
    free = max(line.held_units - line.sell_units, 0)
    if units >= 0 or -units <= free:
        return ""
    return (
        f"cash_account: it sells {from_units(-units):f}, there is {from_units(free):f} to sell; "
        "a short sale needs a margin account"
    )
