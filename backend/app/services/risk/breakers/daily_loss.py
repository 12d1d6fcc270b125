"""Trips once this much money is lost since the session began."""

from app.services.risk.readings import Readings, since
from app.services.risk.verdict import text


def figure(readings: Readings) -> int:
    return readings.lost_today_units


def words(readings: Readings, most_units: int) -> str:
    lost = f"{text(figure(readings))} is lost since {since(readings, 'the open')}"
    return f"{lost}, the most is {text(most_units)}"
