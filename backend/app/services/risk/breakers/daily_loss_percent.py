"""Trips once this share of the equity that the session began with is lost in it."""

from app.core.money import from_units
from app.services.risk.readings import Readings, percent_units, since
from app.services.risk.verdict import text


def figure(readings: Readings) -> int:
    return percent_units(readings.lost_today_units, readings.day_equity_units)


def words(readings: Readings, most_units: int) -> str:
    lost = f"{text(readings.lost_today_units)} is lost since {since(readings, 'the open')}"
    whole = f"{from_units(readings.day_equity_units):f}"
    return f"{lost}, the most is {text(most_units)} % of {whole}"
