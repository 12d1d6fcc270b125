"""What a live broker tells the stream of the run's orders: inputs, each at its place in the order.

Orders go by their number in the run, symbols by their index. What is not one of the run's own
orders, the gate's or somebody's at the venue, has events of its own.
"""

from typing import Final

import msgspec

from app.core.halts import GATE
from app.core.orders import Terms

# Why an order was not taken, where more than its end follows from that; "": the venue's own no.
REACHED: Final = "reached"  # the price has passed its stop
TOO_SMALL: Final = "too_small"  # it is worth less than the venue takes
NEVER_HAD: Final = "never_had"  # the venue denies it, and may never have heard of it
NEVER_SENT: Final = "never_sent"  # the journal could not be written
KEPT_IN: Final = "kept_in"  # by a latch, or it was cancelled before it left


class Acknowledged(msgspec.Struct, frozen=True, tag="acknowledged"):
    """The venue works an order."""

    order_id: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The venue did not take an order, or put it out again: it ends unfilled from here on."""

    order_id: int
    reason: str
    cause: str = ""


class Uncertain(msgspec.Struct, frozen=True, tag="uncertain"):
    """Nobody knows whether the venue has an order; it will be asked until it says."""

    order_id: int
    reason: str


class Filled(msgspec.Struct, frozen=True, tag="filled"):
    """An execution, told once; also of an order that had ended."""

    order_id: int
    execution_id: str
    units: int
    price: float
    fee_units: int
    at_ns: int  # by the venue's clock
    fee_currency: str = ""  # or coin; "" is what the symbol is quoted in


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """An order works no more: `state` is CANCELED or EXPIRED."""

    order_id: int
    state: str
    reason: str
    filled_units: int = 0  # by the venue's count, where fills of it are still to be told


class Amended(msgspec.Struct, frozen=True, tag="amended"):
    """Other terms are in force at the venue."""

    order_id: int
    terms: Terms


class ChangeRefused(msgspec.Struct, frozen=True, tag="change_refused"):
    """The venue did not cancel or amend an order; it goes on as it was."""

    order_id: int
    reason: str


class Voided(msgspec.Struct, frozen=True, tag="voided"):
    """Decided again in recovery, with nothing durable to show that it was ever sent: it was not."""

    order_id: int


ADOPTED: Final = "adopted-"  # with a symbol behind it: what was held before the run


class GateFilled(msgspec.Struct, frozen=True, tag="gate_filled"):
    """An execution of an order that the gate gave by itself, or of one that was adopted; or what
    was held before the run and is its own now, in the form of one.
    """

    symbol: int
    execution_id: str
    units: int
    price: float
    fee_units: int
    at_ns: int
    fee_currency: str = ""

    @property
    def is_no_fill(self) -> bool:
        """Whether nothing was bought or sold: it was held already."""
        return self.execution_id.startswith(ADOPTED)


class GateGave(msgspec.Struct, frozen=True, tag="gate_gave"):
    """An order that the gate gives by itself, to close a position: its number in its own series."""

    symbol: int
    number: int
    units: int


class GateActed(msgspec.Struct, frozen=True, tag="gate_acted"):
    """What the gate did by itself, with the cause.

    "latched", then "froze", or "flattening" and in the end "flattened".
    """

    what: str
    reason: str


class Halted(msgspec.Struct, frozen=True, tag="halted"):
    """A symbol, or `ALL_SYMBOLS`, takes no entries; the source that halts it resumes it."""

    symbol: int
    reason: str
    source: str = GATE


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """It takes entries again, as far as this source goes."""

    symbol: int
    reason: str
    source: str = GATE


OrderEvent = (
    Acknowledged
    | Refused
    | Uncertain
    | Filled
    | Ended
    | Amended
    | ChangeRefused
    | Voided
    | GateFilled
    | GateGave
    | GateActed
    | Halted
    | Resumed
)


class Place(msgspec.Struct, frozen=True, tag="place", omit_defaults=True):
    """An intent: give the venue this order."""

    order_id: int
    symbol: int
    kind: str
    tif: str
    terms: Terms
    reduce_only: bool
    opens: bool  # it may open or increase a position: what a latch or a halt keeps in
    counted_here: bool = False  # what it may reduce the run sees to; the venue is not told


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """An intent: take this order back."""

    order_id: int


class Amend(msgspec.Struct, frozen=True, tag="amend"):
    """An intent: give this order other terms."""

    order_id: int
    terms: Terms
    opens: bool


class Split(msgspec.Struct, frozen=True, tag="split"):
    """Of each `old` shares there are `new` from here on, and the run holds `units` more than
    before: nothing is asked of the venue, which has split by itself. It is one for one where an
    execution of before a split was told behind it.
    """

    symbol: int
    units: int
    new: int
    old: int


Intent = Place | Cancel | Amend | Split
