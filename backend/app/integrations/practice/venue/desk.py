"""The venue's front desk: a request's path and body in, an answer's status and body out.

What the HTTP shell serves, and what a simulator asks in its one thread. Faults of the way are
asked here: an answer may not come, or be none.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec

from app.core.errors import NotFoundError, UsageError
from app.core.orders import Terms
from app.core.venue import VenueOrder
from app.integrations.practice import wire
from app.integrations.practice.venue.books import PAUSED, RUNNING, STOPPED, ClockSet
from app.integrations.practice.venue.checks import Refusal
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.exchange import Answer, Request
from app.integrations.practice.venue.stream_faults import Sent
from app.integrations.practice.venue.venue import PracticeVenue
from app.integrations.practice.venue.way_faults import after_the_way, fault_of_the_way

_WHOLE: Final = re.compile("-?[0-3]?[0-9]{1,18}")  # what 62 bits hold


class Moment(NamedTuple):
    """Now, by the venue's clock and by the machine's."""

    now_ns: int
    wall_ns: int


_Act = Callable[[Request, Moment], Any]


class Desk:
    """Serves one venue."""

    def __init__(self, venue: PracticeVenue, clock: VenueClock, about: wire.About) -> None:
        self.clock = clock
        self._venue = venue
        self._about = about
        self._acts: dict[tuple[str, str], tuple[str, _Act]] = {
            ("GET", wire.ABOUT): ("about", lambda request, at: self._about),
            ("GET", wire.TIME): ("time", lambda request, at: self.clock.told(at.wall_ns)),
            ("POST", wire.ORDERS): ("place", self._place),
            ("GET", wire.ORDERS): ("open_orders", self._open_orders),
            ("GET", wire.EXECUTIONS): ("executions", self._executions),
            ("GET", wire.POSITIONS): ("positions", self._positions),
            ("GET", wire.CASH): ("cash", self._cash),
            ("GET", wire.BARS): ("bars", self._bars),
            ("POST", wire.FAULTS): ("", self._arm),
            ("GET", wire.FAULTS): ("", lambda request, at: self._venue.menu.told()),
            ("POST", wire.MANUAL): ("", self._by_hand),
            ("POST", wire.CONTROL): ("", self._control),
        }
        self._order_acts: dict[str, tuple[str, _Act]] = {
            "GET": ("order", self._order),
            "DELETE": ("cancel", self._cancel),
            "PATCH": ("amend", self._amend),
        }

    def answer(self, request: Request, wall_ns: int) -> Answer:
        """Serve a request at a moment of the machine's clock."""
        route, act = self._act_of(request)
        at = Moment(self.clock.now_ns(wall_ns), wall_ns)
        if not route:
            return _answered(act, request, at)
        menu = self._venue.menu
        before = fault_of_the_way(menu, route, _unavailable)
        if before is not None:
            return before
        return after_the_way(menu, route, _answered(act, request, at), _unavailable)

    def advance(self, wall_ns: int) -> list[Sent]:
        """What the streams carry since the last time."""
        return self._venue.advance(self.clock.now_ns(wall_ns))

    def remember_clock(self, wall_ns: int, *, stopped: bool = False) -> None:
        """Have the books know how the clock runs from here on."""
        told = self.clock.told(wall_ns)
        state = STOPPED if stopped else PAUSED if told.rate == 0.0 else RUNNING
        self._venue.clock_set(ClockSet(told.venue_ns, wall_ns, self.clock.rate, state))

    def _act_of(self, request: Request) -> tuple[str, _Act]:
        if request.path.startswith(f"{wire.ORDERS}/") and request.method in self._order_acts:
            return self._order_acts[request.method]
        return self._acts.get((request.method, request.path), ("", _no_such_path))

    # -- the routes ------------------------------------------------------------------------------

    def _place(self, request: Request, at: Moment) -> Any:
        return self._venue.place(_read(request.body, VenueOrder), at.now_ns)

    def _cancel(self, request: Request, at: Moment) -> Any:
        return self._venue.cancel(_client_id(request), at.now_ns)

    def _amend(self, request: Request, at: Moment) -> Any:
        return self._venue.amend(_client_id(request), _read(request.body, Terms), at.now_ns)

    def _order(self, request: Request, at: Moment) -> Any:
        return self._venue.order(_client_id(request), at.now_ns)

    def _open_orders(self, request: Request, at: Moment) -> Any:
        return wire.Reports(self._venue.open_orders(at.now_ns))

    def _executions(self, request: Request, at: Moment) -> Any:
        since_ns = _number(request, "since_ns", 0)
        return wire.Executions(self._venue.executions(since_ns, at.now_ns))

    def _positions(self, request: Request, at: Moment) -> Any:
        return wire.Amounts(self._venue.positions(at.now_ns))

    def _cash(self, request: Request, at: Moment) -> Any:
        return wire.Amounts(self._venue.cash(at.now_ns))

    def _bars(self, request: Request, at: Moment) -> Any:
        symbol, interval = request.query.get("symbol", ""), request.query.get("interval", "1m")
        start_ns, end_ns = _number(request, "start_ns", 0), _number(request, "end_ns", at.now_ns)
        bars = self._venue.bars(symbol, interval, start_ns, end_ns, at.now_ns)
        names = wire.BarLists.__struct_fields__
        return wire.BarLists(*(getattr(bars, name).tolist() for name in names))

    def _arm(self, request: Request, at: Moment) -> Any:
        self._venue.menu.arm(_read(request.body, wire.FaultList).faults)
        return self._venue.menu.told()

    def _by_hand(self, request: Request, at: Moment) -> Any:
        self._venue.by_hand(_read(request.body, wire.Manual), at.now_ns)
        return wire.Amounts(self._venue.positions(at.now_ns))

    def _control(self, request: Request, at: Moment) -> Any:
        asked, wall_ns = _read(request.body, wire.Control), at.wall_ns
        if asked.pause is not None:
            self.clock.pause(wall_ns, asked.pause)
        if asked.rate is not None:
            self.clock.run_at(asked.rate, wall_ns)
        if asked.advance_to_ns is not None:
            self.clock.advance_to(asked.advance_to_ns, wall_ns)
        self.remember_clock(wall_ns)
        return self.clock.told(wall_ns)


def _answered(act: _Act, request: Request, at: Moment) -> Answer:
    """The answer to what is asked, its refusals included."""
    try:
        return Answer(200, wire.encode(act(request, at)))
    except Refusal as refusal:
        return problem_answer(wire.STATUS[refusal.code], refusal.code, str(refusal))
    except UsageError as error:
        return problem_answer(wire.STATUS[wire.MALFORMED], wire.MALFORMED, str(error))
    except NotFoundError as error:  # no bars of that interval
        return problem_answer(wire.STATUS[wire.REFUSED], wire.REFUSED, str(error))


def problem_answer(status: int, code: str, message: str) -> Answer:
    """An answer that says why not."""
    return Answer(status, wire.encode(wire.ErrorBody(wire.Problem(code, message))))


def _unavailable(status: int) -> Answer:
    return problem_answer(status, "unavailable", "The venue does not answer now.")


def _read(body: bytes, kind: type[Any]) -> Any:
    try:
        return wire.decode(body, kind)
    except msgspec.MsgspecError as error:
        raise Refusal(wire.MALFORMED, f"The body is no {kind.__name__}: {error}.") from error


def _client_id(request: Request) -> str:
    return unquote(request.path.removeprefix(f"{wire.ORDERS}/"))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text):
        raise Refusal(wire.MALFORMED, f"{name} is '{text[:40]}'; give a whole number.")
    return int(text)


def _no_such_path(request: Request, at: Moment) -> Any:
    raise Refusal(wire.NO_SUCH_PATH, f"There is no {request.method} {request.path} here.")
