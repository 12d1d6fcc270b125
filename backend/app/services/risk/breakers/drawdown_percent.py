"""Trips once this share of the peak of equity is lost again."""

from app.core.money import from_units
from app.services.risk.readings import Readings, percent_units, since
from app.services.risk.verdict import text


def figure(readings: Readings) -> int:
    return percent_units(readings.below_peak_units, readings.peak_units)


def words(readings: Readings, most_units: int) -> str:
    peak = since(readings, "the peak")
    lost = f"{text(readings.below_peak_units)} is lost since {peak}"
    return f"{lost}, the most is {text(most_units)} % of {from_units(readings.peak_units):f}"
