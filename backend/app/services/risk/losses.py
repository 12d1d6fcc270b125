"""The worth of an account at which a breaker of losses trips: one figure to compare with."""

from typing import Final

from app.core.money import UNITS

NEVER_UNITS: Final = -(1 << 200)
ALWAYS_UNITS: Final = 1 << 200  # it takes a closer look


def loss_level(
    kind: str, at_units: int, day_units: int, peak_units: int, counted_from: int | None
) -> int:
    """The most it may be worth for a breaker to trip; `NEVER_UNITS` for one of no losses."""
    from_units = day_units + (counted_from or 0)
    if kind == "daily_loss":
        return from_units - at_units
    if kind == "daily_loss_percent":
        return from_units - _share(at_units, day_units)
    if kind == "drawdown_percent":  # one that was cleared counts from a peak of its own
        moves = counted_from is not None or peak_units <= 0
        return ALWAYS_UNITS if moves else peak_units - _share(at_units, peak_units)
    return NEVER_UNITS


def _share(percent_units: int, whole_units: int) -> int:
    """The least part of a whole that is so many percent of it; of no whole, any."""
    return -(-percent_units * whole_units // (100 * UNITS)) if whole_units > 0 else 0
