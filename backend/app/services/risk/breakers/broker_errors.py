"""Trips once this many orders, one after the other, were refused or lost by the venue."""

from app.core.money import UNITS
from app.services.risk.readings import Readings
from app.services.risk.verdict import text


def figure(readings: Readings) -> int:
    return readings.errors * UNITS


def words(readings: Readings, most_units: int) -> str:
    count = f"{readings.errors} orders in turn were refused or lost by the venue"
    return f"{count}, the most is {text(most_units)}"
