"""What it costs to carry a debt over the nights between two sessions: interest and borrow."""

from decimal import Decimal

from app.core.money import divide_half_even

DAYS_A_YEAR = 360  # as brokers count them for dollars


def carry_units(debt_units: int, rate: Decimal, days: int) -> int:
    """Simple interest on a debt at a yearly `rate` (0.06 is 6 %) for calendar days, rounded once.

    Where there is no debt it is nothing.
    """
    if debt_units <= 0:
        return 0
    numerator, denominator = rate.as_integer_ratio()
    return divide_half_even(debt_units * numerator * days, denominator * DAYS_A_YEAR)
