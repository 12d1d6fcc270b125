"""Sizes that no order may have, whatever its limits."""

from app.core.money import UNITS
from app.services.risk.verdict import text

MOST_UNITS = 10**10 * UNITS  # ten billion: no order of a sane strategy, and it fits 64 bits


def size_fault(units: int, lot_units: int) -> str:
    """Why so many units are no size for an order, or ""."""
    if not -MOST_UNITS <= units <= MOST_UNITS:
        return f"too_large: {text(units)} is over {text(MOST_UNITS)}"
    if units % lot_units:
        return f"not_whole_lots: {text(units)} is no multiple of {text(lot_units)}"
    return ""
