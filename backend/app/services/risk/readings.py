"""What breakers look at: plain figures of the account, as of now. Money is in ledger units."""

import msgspec

from app.core.money import UNITS


class Readings(msgspec.Struct, frozen=True):
    """The figures one breaker looks at, without what was counted before a person cleared it."""

    lost_today_units: int = 0  # since the session began; never below 0
    day_equity_units: int = 0  # as the session began
    below_peak_units: int = 0
    peak_units: int = 0
    rejects: int = 0  # within a minute
    silence_ns: int = 0  # without a bar, in the hours under way
    skew_ns: int = 0  # between two clocks, either way
    errors: int = 0  # of the broker, one after the other
    was_cleared: bool = False


def percent_units(part_units: int, whole_units: int) -> int:
    """A part in percent of a whole, in units, rounded down; all of it where there is no whole."""
    if part_units <= 0:
        return 0
    return part_units * 100 * UNITS // whole_units if whole_units > 0 else 100 * UNITS


def since(readings: Readings, event: str) -> str:
    """From when a loss is counted, in words."""
    return "it was cleared" if readings.was_cleared else event
