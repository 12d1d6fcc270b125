"""What may still be asked of Binance: counted here, and corrected by what it tells of its counts.

Its spans begin with its own minute, ten seconds and day. Questions, and orders that may open a
position, leave a part for cancels and for what closes.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.core.intervals import DAY_NS, MINUTE_NS, SECOND_NS

FREE_SHARE: Final = 0.9  # what others leave begins here
_MOST_DIGITS: Final = 9
_WEIGHT, _TEN_SECONDS, _DAY = "weight of this minute", "orders of ten seconds", "orders of this day"
_HEADERS: Final = {
    "X-MBX-USED-WEIGHT-1M": _WEIGHT,
    "X-MBX-ORDER-COUNT-10S": _TEN_SECONDS,
    "X-MBX-ORDER-COUNT-1D": _DAY,
}
_NAMES: Final = {
    ("REQUEST_WEIGHT", "MINUTE", 1): _WEIGHT,
    ("ORDERS", "SECOND", 10): _TEN_SECONDS,
    ("ORDERS", "DAY", 1): _DAY,
}


def counted(told: str) -> int | None:
    """A number of a header; None where it is none, or none that could be meant."""
    return int(told) if told.isdecimal() and len(told) <= _MOST_DIGITS else None


class _Span:
    """A count that begins anew with each span of time."""

    def __init__(self, length_ns: int, limit: int) -> None:
        self.length_ns = length_ns
        self.limit = limit
        self.used, self._which = 0, 0

    def turn(self, now_ns: int) -> None:
        if now_ns // self.length_ns != self._which:
            self.used, self._which = 0, now_ns // self.length_ns


class Limits:
    """Counts one account's requests, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans = {
            _WEIGHT: _Span(MINUTE_NS, 6_000),
            _TEN_SECONDS: _Span(10 * SECOND_NS, 100),
            _DAY: _Span(DAY_NS, 200_000),
        }

    def take(self, weight: int, orders: int, now_ns: int, *, yields: bool = False) -> str:
        """Count a request; or what it would go beyond, and then it is not to be sent."""
        asked = {_WEIGHT: weight, _TEN_SECONDS: orders, _DAY: orders}
        with self._lock:
            for name, count in asked.items():
                span = self._spans[name]
                span.turn(now_ns)
                bound = int(span.limit * FREE_SHARE) if yields else span.limit
                if count and span.used + count > bound:
                    return f"the {name} ({bound})"
            for name, count in asked.items():
                self._spans[name].used += count
        return ""

    def note(self, headers: Mapping[str, str], now_ns: int) -> None:
        """What Binance counts goes before what is counted here."""
        with self._lock:
            for header, name in _HEADERS.items():
                used = counted(headers.get(header, ""))
                if used is not None:
                    span = self._spans[name]
                    span.turn(now_ns)
                    span.used = max(span.used, used)

    def learn(self, told: Iterable[Mapping[str, Any]]) -> None:
        """The limits themselves, as `exchangeInfo` tells them."""
        with self._lock:
            for one in told:
                found = one["rateLimitType"], one["interval"], int(one["intervalNum"])
                if found in _NAMES:
                    self._spans[_NAMES[found]].limit = int(one["limit"])
