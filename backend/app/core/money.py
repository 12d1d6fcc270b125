"""Exact money and quantities: integers of one unit (1e-8) inside, `Decimal` at the edges.

A float enters once, by its `repr`: 10.1 means 10.1. An amount is rounded once, half-even.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from operator import index

UNITS = 100_000_000  # ledger units in one share, coin or unit of currency
MOST_ASKED_UNITS = 9 * 10**10 * UNITS  # more is a mistake of arithmetic; less fits 64 bits
_QUANTUM = Decimal(1).scaleb(-8)
_SCALE = float(UNITS)
_EXACT_BELOW = 2.0**51 / UNITS  # floats below this keep 8 decimals exactly through p * UNITS
_WHOLE_BELOW = 2.0**53  # floats below this are the whole number they print
# Ours, whatever context the thread has: a strategy that sets its precision moves no money.
_EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])


def to_units(value: Decimal | float | int | str) -> int:
    """`value` in units, rounded half-even to the unit."""
    if type(value) is int:
        return value * UNITS
    if isinstance(value, float):
        value = float(value)  # numpy's print themselves another way
        if -_EXACT_BELOW < value < _EXACT_BELOW:
            units = round(value * UNITS)
            if units / UNITS == value:
                return units
        if value.is_integer() and -_WHOLE_BELOW < value < _WHOLE_BELOW:
            return int(value) * UNITS
        value = repr(value)
    elif not isinstance(value, Decimal | str):
        if isinstance(value, bool):
            raise TypeError("a truth is no amount")
        return index(value) * UNITS  # whole numbers of numpy
    number = _EXACT.quantize(Decimal(value), _QUANTUM)
    return int(_EXACT.scaleb(number, 8))


def from_units(units: int) -> Decimal:
    """Units as a Decimal without trailing zeros: 12_50000000 -> 12.5."""
    whole, rest = divmod(units, UNITS)
    if rest == 0:
        return Decimal(whole)
    return _EXACT.normalize(_EXACT.scaleb(Decimal(units), -8))


def divide_half_even(numerator: int, denominator: int) -> int:
    """numerator / denominator, rounded half-even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = rest + rest
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def price_ratio(price: float) -> tuple[int, int]:
    """The price as an exact fraction; over UNITS whenever it has at most 8 decimals."""
    if -_EXACT_BELOW < price < _EXACT_BELOW:
        units = round(price * UNITS)
        if units / UNITS == price:
            return units, UNITS
    return Decimal(repr(price)).as_integer_ratio()


def amount_units(quantity_units: int, price: float, multiplier_units: int = UNITS) -> int:
    """quantity x price x multiplier in currency units, rounded once."""
    if multiplier_units == UNITS and not quantity_units % UNITS and 0 < price < _EXACT_BELOW:
        units = int(price * _SCALE + 0.5)
        if units / _SCALE == price:  # whole ones, at a price of at most 8 decimals
            return quantity_units // UNITS * units
    numerator, denominator = price_ratio(price)
    if multiplier_units != UNITS:
        numerator *= multiplier_units
        denominator *= UNITS
    return divide_half_even(quantity_units * numerator, denominator)
