"""What the gate asks of a venue, what came of it, and everything else that leaves the logic."""

from collections.abc import Sequence

import msgspec

from app.core.order_events import OrderEvent
from app.core.orders import Terms
from app.core.venue import (
    Execution,
    Sizes,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueUnclear,
)


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    number: int  # of the call, so that an answer finds the question
    made_ns: int


class PlaceCall(_Call, frozen=True, kw_only=True):
    """Give the venue this order; made once in the order's life, but for one that the venue turned
    away at its door.
    """

    order: VenueOrder
    closes: bool  # the gate's own, to close a position

    @property
    def client_id(self) -> str:
        """The order's name at the venue."""
        return self.order.client_id


class CancelCall(_Call, frozen=True, kw_only=True):
    """Take an order back; may be made again."""

    client_id: str
    symbol: str


class AmendCall(_Call, frozen=True, kw_only=True):
    """Give an order other terms."""

    client_id: str
    symbol: str
    terms: Terms


class OrderCall(_Call, frozen=True, kw_only=True):
    """What became of one order?"""

    client_id: str
    symbol: str


class OpenOrdersCall(_Call, frozen=True, kw_only=True):
    """What works at the venue?"""


class ExecutionsCall(_Call, frozen=True, kw_only=True):
    """What was filled since?"""

    since_ns: int


class PositionsCall(_Call, frozen=True, kw_only=True):
    """What does the account hold?"""


class SizesCall(_Call, frozen=True, kw_only=True):
    """What do a symbol's orders have to respect by now?"""

    symbol: str


ChangingCall = PlaceCall | CancelCall | AmendCall
Call = ChangingCall | OrderCall | OpenOrdersCall | ExecutionsCall | PositionsCall | SizesCall
Answer = (
    VenueReport
    | None
    | Sequence[VenueReport]
    | Sequence[Execution]
    | dict[str, int]
    | Sizes
    | VenueRefused
    | VenueUnclear
)


class Alarm(msgspec.Struct, frozen=True):
    """Something a human should hear of."""

    what: str
    details: str


class Output(msgspec.Struct):
    """What leaves the logic after an input, each kind in order."""

    calls: list[Call] = msgspec.field(default_factory=list)
    events: list[OrderEvent] = msgspec.field(default_factory=list)
    alarms: list[Alarm] = msgspec.field(default_factory=list)

    def alarm(self, what: str, details: str) -> None:
        """Tell a human."""
        self.alarms.append(Alarm(what, details))

    def take(self) -> "Output":
        """All of it, once."""
        taken = Output(self.calls, self.events, self.alarms)
        self.calls, self.events, self.alarms = [], [], []
        return taken


class GateStatus(msgspec.Struct, frozen=True):
    """How the gate stands, for whoever looks; the run's positions in units, without the flat ones
    and those that nothing can close: of less than a lot, or `left` as too small or not there.
    """

    killed: str  # "", "freeze" or "flatten"
    halted: dict[str, str]  # symbol, or "all", and why
    open_orders: int
    opening_orders: int  # of them, those that may open or increase a position
    in_doubt: int
    unanswered: int  # what was asked for these orders, and the fills they were said to have
    compared: bool  # in this life, with all the venue says; what differs is halted
    positions: dict[str, int]
    left: dict[str, int]
    away: dict[str, str]  # exits that the venue turned away, by name: of what, and why
    put_off: dict[str, str]  # the same of what the gate closes by itself, by symbol


class GateTimes(msgspec.Struct, frozen=True):
    """How long the gate waits for what, by the venue's clock.

    The first two are how late a venue is with its own books; all others wait for networks and
    machines, which are no faster where the venue's time is.
    """

    denied_ns: int = 35_000_000_000  # "not known" is believed after so long without a break
    overlap_ns: int = 60_000_000_000  # executions are asked for again so far back
    first_ask_ns: int = 500_000_000  # then twice as long each time,
    longest_ask_ns: int = 5_000_000_000  # up to this
    patience_ns: int = 10_000_000_000  # a call that takes longer is taken for unclear
    sweep_ns: int = 30_000_000_000  # orders, executions and positions are asked for so often
    recount_ns: int = 2_000_000_000  # positions that differ count if they still do after so long
    retry_close_ns: int = 1_000_000_000  # a refused closing order is given anew; twice as long each
    longest_close_ns: int = 30_000_000_000
    look_ns: int = 2_000_000  # one look at what is to be closed for many answers

    def at_rate(self, rate: float) -> "GateTimes":
        """As long as ever for us where the venue's clock runs so fast."""
        pace, own = max(rate, 1.0), {"denied_ns": self.denied_ns, "overlap_ns": self.overlap_ns}
        ours = {name: int(ns * pace) for name, ns in msgspec.structs.asdict(self).items()}
        return GateTimes(**{**ours, **own})


def next_wait_ns(wait_ns: int, longest_ns: int) -> int:
    """Twice as long, up to the longest."""
    return min(2 * wait_ns, longest_ns)
