"""How much to enter with: each way to size is one exact function, rounded down to whole lots.

Money is in ledger units of the account's currency. A size is never above what its way allows; it is
0 where nothing fits.
"""

from decimal import Decimal

import msgspec

from app.core.money import UNITS, price_ratio
from app.services.risk.sizes import MOST_UNITS

Ratio = tuple[int, int]  # a whole number over another, that one above 0


class Lots(msgspec.Struct, frozen=True):
    """What a symbol comes in: its lot, what one unit counts, what its currency is worth."""

    lot_units: int
    multiplier_units: int = UNITS
    rate: float = 1.0  # of its currency, in the account's


def fixed(quantity_units: int, lots: Lots) -> int:
    """The same every time."""
    return _in_lots(quantity_units, lots)


def percent_equity(equity_units: int, percent: Decimal, price: float, lots: Lots) -> int:
    """Worth so many percent of equity at a price."""
    return _sized(equity_units, _share_of(percent), price_ratio(price), lots)


def equal_weight(equity_units: int, count: int, price: float, lots: Lots) -> int:
    """Worth one of `count` equal parts of equity at a price."""
    return _sized(equity_units, (1, count), price_ratio(price), lots)


def percent_risk(equity_units: int, percent: Decimal, price: float, stop: float, lots: Lots) -> int:
    """Loses no more than so many percent of equity from a price to its stop."""
    return _sized(equity_units, _share_of(percent), distance(price, stop), lots)


def volatility_target(equity_units: int, percent: Decimal, usual_range: float, lots: Lots) -> int:
    """Gains or loses so many percent of equity where the price goes its usual way."""
    return _sized(equity_units, _share_of(percent), price_ratio(usual_range), lots)


def worth(value_units: int, price: float, lots: Lots) -> int:
    """Worth a value at a price, however many that are."""
    units = _paid_for(value_units, (1, 1), price_ratio(price), lots)
    return units // lots.lot_units * lots.lot_units


def distance(price: float, stop: float) -> Ratio:
    """How far a stop is from a price, exactly as both are written."""
    (top, over), (other_top, other_over) = price_ratio(price), price_ratio(stop)
    return abs(top * other_over - other_top * over), over * other_over


def _share_of(percent: Decimal) -> Ratio:
    top, over = percent.as_integer_ratio()
    return top, over * 100


def _sized(equity_units: int, share: Ratio, each: Ratio, lots: Lots) -> int:
    return _in_lots(_paid_for(equity_units, share, each, lots), lots)


def _paid_for(equity_units: int, share: Ratio, each: Ratio, lots: Lots) -> int:
    """As many units as a share of equity pays for, where one costs `each` in its own currency."""
    rate, rate_over = price_ratio(lots.rate)
    one = each[0] * lots.multiplier_units * rate * share[1]
    if equity_units <= 0 or one <= 0:
        return 0
    return equity_units * share[0] * each[1] * UNITS * rate_over // one


def _in_lots(units: int, lots: Lots) -> int:
    """No more than units, nor than any order may have."""
    return min(units, MOST_UNITS) // lots.lot_units * lots.lot_units
