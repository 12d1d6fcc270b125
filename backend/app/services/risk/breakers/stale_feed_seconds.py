"""Trips once no bar of any symbol has come for so long, in regular hours."""

from app.core.intervals import SECOND_NS
from app.core.money import UNITS
from app.services.risk.readings import Readings
from app.services.risk.times import seconds
from app.services.risk.verdict import text


def figure(readings: Readings) -> int:
    return readings.silence_ns * UNITS // SECOND_NS


def words(readings: Readings, most_units: int) -> str:
    return f"no bar has come for {seconds(readings.silence_ns)}, the most is {text(most_units)} s"
