"""The fault menu at the peer's routes: the practice venue's faults and Binance's own, in its words.

-1003, -1021, -2010 and the like are `error_code` with a code; 429 and 418 last as long as their
`seconds`, whatever is asked meanwhile.
"""

from collections.abc import Mapping
from typing import Final

from app.core.intervals import SECOND_NS
from app.core.venue import VenueTime
from app.integrations.binance.peer.weights import Weights
from app.integrations.binance.peer.wrong import Wrong, answer_of
from app.integrations.practice.venue import faults
from app.integrations.practice.venue.exchange import Answer
from app.integrations.practice.venue.faults import FaultMenu
from app.integrations.practice.venue.way_faults import after_the_way, fault_of_the_way
from app.integrations.practice.wire import Fault

ERROR_CODE, HTML = "error_code", "html"
TOO_MANY, BANNED = "too_many_requests", "banned"
EXPIRED, DAY_DISCONNECT = "subscription_expired", "day_disconnect"
_USUAL_SECONDS: Final = 5.0  # that are to be waited
_USUAL_CODE: Final = -1007
_STATUSES: Final[Mapping[int, int]] = {-1003: 429, -1015: 429, -2014: 401, -2015: 401}
_INSIDE: Final = range(-1008, -999)  # these come with a status of 500 or more, but for the table's
_TEXTS: Final[Mapping[int, str]] = {
    -1003: "Too many requests.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution"
    " status unknown.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -2010: "Account has insufficient balance for requested action.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
}
_PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_NOT_HERE: Final = (faults.ID_ROLLBACK, faults.AMEND_RACED)  # ids go on, and a cancel is raced
PLACES: Final = {kind: at for kind, at in faults.PLACES.items() if kind not in _NOT_HERE} | {
    ERROR_CODE: faults.ROUTES,
    HTML: faults.ROUTES,
    TOO_MANY: faults.ROUTES,
    BANNED: faults.ROUTES,
    EXPIRED: (),
    DAY_DISCONNECT: (),
}


class Faults:
    """What of the menu meets a request."""

    def __init__(self, menu: FaultMenu, weights: Weights) -> None:
        menu.places, menu.answers = PLACES, (*faults.ANSWERS, ERROR_CODE, HTML)
        self._menu = menu
        self._weights = weights
        self._turned_away: Wrong | None = None  # of all requests, up to
        self._until_ns = 0

    def before(self, route: str, at: VenueTime) -> Answer | None:
        """What comes instead of carrying a request out."""
        for kind, status in ((TOO_MANY, 429), (BANNED, 418)):
            if fault := self._menu.fires(kind, route):
                self._turned_away = _wait_for(status, at, fault.seconds or _USUAL_SECONDS)
                self._until_ns = at.venue_ns + int((fault.seconds or _USUAL_SECONDS) * SECOND_NS)
        if self._turned_away is not None and at.venue_ns < self._until_ns:
            wait_seconds = -(-(self._until_ns - at.venue_ns) // SECOND_NS)
            headers = {**self._weights.headers(), "Retry-After": str(wait_seconds)}
            return answer_of(self._turned_away, headers)
        told = self._told(route, after=False)
        return told or fault_of_the_way(self._menu, route, self._unavailable)

    def after(self, route: str, answer: Answer) -> Answer:
        """What comes of an answer on its way back."""
        answer = self._told(route, after=True) or answer
        return after_the_way(self._menu, route, answer, self._unavailable)

    def _told(self, route: str, *, after: bool) -> Answer | None:
        if fault := self._menu.fires(ERROR_CODE, route, after=after):
            return answer_of(_wrong_of(fault), self._weights.headers())
        if fault := self._menu.fires(HTML, route, after=after):
            return Answer(fault.status, _PAGE, headers={"Content-Type": "text/html"})
        return None

    def _unavailable(self, status: int) -> Answer:
        return answer_of(
            Wrong(status, -1000, "An unknown error occurred while processing the request."),
            self._weights.headers(),
        )


def _wrong_of(fault: Fault) -> Wrong:
    code = fault.code or _USUAL_CODE
    usual = fault.status if code in _INSIDE else 400
    return Wrong(_STATUSES.get(code, usual), code, _TEXTS.get(code, "It is armed."))


def _wait_for(status: int, at: VenueTime, seconds: float) -> Wrong:
    until_ms = at.venue_ns // 1_000_000 + int(seconds * 1_000)
    if status == 418:
        return Wrong(418, -1003, f"Way too many requests; IP banned until {until_ms}.")
    return Wrong(429, -1003, "Too many requests.")
