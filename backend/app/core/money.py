"""Exact money and quantities: integers of one unit (1e-8) inside, `Decimal` at the edges.

A float enters once, by its `repr`: 10.1 means 10.1. An amount is rounded once, half-even.
"""

from decimal import ROUND_HALF_EVEN, Decimal

UNITS = 100_000_000  # ledger units in one share, coin or unit of currency
_QUANTUM = Decimal(1).scaleb(-8)
_EXACT_BELOW = 2.0**51 / UNITS  # floats below this keep 8 decimals exactly through p * UNITS


def to_units(value: Decimal | float | int | str) -> int:
    """`value` in units, rounded half-even to the unit."""
    if type(value) is int:
        return value * UNITS
    if type(value) is float and value.is_integer():
        return int(value) * UNITS
    number = (
        value
        if isinstance(value, Decimal)
        else Decimal(repr(value) if type(value) is float else value)
    )
    return int(number.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN).scaleb(8))


def from_units(units: int) -> Decimal:
    """Units as a Decimal without trailing zeros: 12_50000000 -> 12.5."""
    whole, rest = divmod(units, UNITS)
    return Decimal(whole) if rest == 0 else (Decimal(units) * _QUANTUM).normalize()


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
    numerator, denominator = price_ratio(price)
    if multiplier_units != UNITS:
        numerator *= multiplier_units
        denominator *= UNITS
    return divide_half_even(quantity_units * numerator, denominator)
