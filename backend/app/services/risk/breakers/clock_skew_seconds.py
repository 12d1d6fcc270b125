"""Trips once the venue's clock and the run's are this far apart."""

from app.core.intervals import SECOND_NS
from app.core.money import UNITS
from app.services.risk.readings import Readings
from app.services.risk.times import seconds
from app.services.risk.verdict import text


def figure(readings: Readings) -> int:
    return readings.skew_ns * UNITS // SECOND_NS


def words(readings: Readings, most_units: int) -> str:
    apart = f"the venue's clock is {seconds(readings.skew_ns)} off"
    return f"{apart}, the most is {text(most_units)} s"
