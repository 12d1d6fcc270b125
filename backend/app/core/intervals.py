"""Intervals: `1m 5m 15m 1h 1d` as words, and their length in nanoseconds."""

import re

from app.core.errors import UsageError

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

BASE_INTERVALS = ("1m", "5m", "1h", "1d")
DAILY = "1d"

_UNITS_NS = {"m": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS}
_PATTERN = re.compile(r"([1-9][0-9]{0,3})([mhd])")


def interval_ns(interval: str) -> int:
    """The nominal length of an interval; `1d` is a session, whatever its hours."""
    if not is_interval(interval):
        raise UsageError(
            f"'{interval}' is not an interval; use minutes (5m), hours (1h) or 1d, lower case."
        )
    return int(interval[:-1]) * _UNITS_NS[interval[-1]]


def is_interval(word: object) -> bool:
    """Whether `interval_ns` knows the word."""
    match = _PATTERN.fullmatch(word) if isinstance(word, str) else None
    return match is not None and (match[2] != "d" or match[1] == "1")


def is_multiple(interval: str, base: str) -> bool:
    """Whether bars of `interval` can be built from bars of `base`."""
    length_ns, base_ns = interval_ns(interval), interval_ns(base)
    return length_ns > base_ns and length_ns % base_ns == 0
