"""What a bar does to an order: the one pure function of simulated fills.

A market order fills at the open of the first base bar that starts at or after the moment it
was given, up to what the bar's volume allows; the rest works on.
"""

from app.core.money import to_units


def capacity_units(volume: float, share: tuple[int, int], lot_units: int) -> int:
    """How much of a bar all our orders in a symbol may take together, in whole lots."""
    numerator, denominator = share
    return to_units(volume) * numerator // denominator // lot_units * lot_units


def market_units(remaining_units: int, capacity: int) -> int:
    """How much of a market order fills on a bar with `capacity` left (signed like the order)."""
    if abs(remaining_units) <= capacity:
        return remaining_units
    return capacity if remaining_units > 0 else -capacity
