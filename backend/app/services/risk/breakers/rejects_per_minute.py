"""Trips once this many orders and amendments have been refused within a minute."""

from app.core.money import UNITS
from app.services.risk.readings import Readings
from app.services.risk.verdict import text


def figure(readings: Readings) -> int:
    return readings.rejects * UNITS


def words(readings: Readings, most_units: int) -> str:
    return f"{readings.rejects} were refused within a minute, the most is {text(most_units)}"
