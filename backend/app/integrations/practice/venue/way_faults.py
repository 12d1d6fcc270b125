"""What goes wrong on the way to the venue and back, whoever's words the answer is in."""

from collections.abc import Callable
from typing import Final

from app.integrations.practice.venue import faults
from app.integrations.practice.venue.exchange import Answer
from app.integrations.practice.venue.faults import FaultMenu

TIMEOUT_SECONDS: Final = 60.0  # how long an answer that does not come is waited for, at most
_GARBAGE: Final = b'<html>{"orders": ['
Unavailable = Callable[[int], Answer]  # an answer of this status, in the venue's own words


def fault_of_the_way(menu: FaultMenu, route: str, unavailable: Unavailable) -> Answer | None:
    """What comes instead of an answer, where the request was not carried out."""
    if timeout := menu.fires(faults.TIMEOUT_BEFORE, route):
        return Answer(0, b"", timeout.seconds or TIMEOUT_SECONDS)
    if menu.fires(faults.RESET_BEFORE, route):
        return Answer(0, b"", is_reset=True)
    return _told_instead(menu, route, unavailable, after=False)


def after_the_way(menu: FaultMenu, route: str, answer: Answer, unavailable: Unavailable) -> Answer:
    """What comes of the answer to a request that was carried out."""
    if timeout := menu.fires(faults.TIMEOUT_AFTER, route):
        return Answer(0, b"", timeout.seconds or TIMEOUT_SECONDS)
    if menu.fires(faults.RESET_AFTER, route):
        return Answer(0, b"", is_reset=True)
    told = _told_instead(menu, route, unavailable, after=True) or answer
    if menu.fires(faults.HTTP_TRUNCATED, route):
        told = told._replace(body=told.body[: len(told.body) // 2])
    if late := menu.fires(faults.SLOW, route):
        told = told._replace(late_seconds=late.seconds)
    return told


def _told_instead(
    menu: FaultMenu, route: str, unavailable: Unavailable, *, after: bool
) -> Answer | None:
    if fault := menu.fires(faults.HTTP_STATUS, route, after=after):
        return unavailable(fault.status)
    if menu.fires(faults.HTTP_GARBAGE, route, after=after):
        return Answer(200, _GARBAGE)
    if menu.fires(faults.HTTP_ERROR_BODY, route, after=after):
        return unavailable(200)
    return None
