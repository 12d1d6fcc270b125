"""What a session's corporate actions make of a position: shares held, and the cash that comes."""

from app.core.instruments import Adjustment
from app.core.money import UNITS, amount_units, divide_half_even
from app.integrations.practice.venue.checks import Sizes


def adjusted(
    action: Adjustment, held_units: int, last: float | None, sizes: Sizes
) -> tuple[int, int]:
    """The split first, then the dividend on what it left; a short position pays.

    What a split leaves of a lot is paid out at the `last` price before it.
    """
    new, old = action.split_ratio.as_integer_ratio()
    whole = divide_half_even(held_units * new, old)
    part = abs(whole) % sizes.lot_units * (1 if whole > 0 else -1)
    kept, cash = whole - part, 0
    if part and last:
        cash = amount_units(part, last / float(action.split_ratio), sizes.multiplier_units)
    each, shares = action.dividend.as_integer_ratio()
    paid = divide_half_even(kept * sizes.multiplier_units * each, shares * UNITS)
    return kept, cash + paid
