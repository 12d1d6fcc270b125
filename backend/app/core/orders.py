"""Orders and fills: their states, the one table of legal transitions, and the records."""

from decimal import Decimal
from typing import Final

import msgspec

from app.core.errors import AppError
from app.core.money import from_units

NEW, SUBMITTED, ACCEPTED, PARTIAL = "NEW", "SUBMITTED", "ACCEPTED", "PARTIAL"
CANCEL_PENDING = "CANCEL_PENDING"
FILLED, CANCELED, REJECTED, EXPIRED = "FILLED", "CANCELED", "REJECTED", "EXPIRED"

_ENDS = {FILLED, CANCELED, EXPIRED}
TRANSITIONS: dict[str, frozenset[str]] = {
    NEW: frozenset({SUBMITTED, ACCEPTED, REJECTED, CANCELED}),
    SUBMITTED: frozenset({ACCEPTED, REJECTED}),
    ACCEPTED: frozenset({PARTIAL, CANCEL_PENDING, *_ENDS}),
    PARTIAL: frozenset({PARTIAL, CANCEL_PENDING, *_ENDS}),
    CANCEL_PENDING: frozenset({CANCEL_PENDING, *_ENDS}),  # it can still fill
    FILLED: frozenset(),
    CANCELED: frozenset(),
    REJECTED: frozenset(),
    EXPIRED: frozenset(),
}

MARKET, LIMIT, STOP, STOP_LIMIT = "market", "limit", "stop", "stop_limit"
DAY, GTC, IOC = "day", "gtc", "ioc"  # until its session closes, for good, or at once


class IllegalTransition(AppError):
    """An order was asked to do what its state forbids: a defect, never a user's fault."""


class Order(msgspec.Struct, gc=False, eq=False, array_like=True):
    """One order. Quantities are signed units: positive buys, negative sells."""

    order_id: int  # 0 until the hook that proposed it has returned
    strategy: int  # index in the config's order
    symbol: str
    symbol_index: int
    units: int
    created_ns: int
    state: str = NEW
    filled_units: int = 0
    reason: str = ""
    ended_ns: int = 0
    kind: str = MARKET
    tif: str = DAY
    limit: float | None = None
    stop: float | None = None
    triggered: bool = False  # its stop was touched
    fee_units: int = 0  # charged so far
    value_units: int = 0  # traded so far, unsigned
    maker_units: int = 0  # of it as a maker

    def to(self, state: str) -> None:
        """Move to `state`, if the table allows it."""
        if state not in TRANSITIONS[self.state]:
            raise IllegalTransition(
                f"Order {self.order_id} cannot go from {self.state} to {state}."
            )
        self.state = state

    @property
    def side(self) -> str:
        """ "buy" or "sell"."""
        return "buy" if self.units > 0 else "sell"

    @property
    def quantity(self) -> Decimal:
        """How much was asked for, unsigned."""
        return from_units(abs(self.units))

    @property
    def filled(self) -> Decimal:
        """How much of it was filled, unsigned."""
        return from_units(abs(self.filled_units))

    @property
    def is_working(self) -> bool:
        """Whether it can still fill."""
        return bool(TRANSITIONS[self.state])


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """A strategy took an order back; it may fill still, on a bar that is under way."""

    order: Order
    at_ns: int


# One execution as a run's record keeps it: fill id, order id, symbol index, signed units, price,
# fee in units, start of the bar it happened on, and the instant it was known. Plain tuples:
# thousands are made a second.
RecordedFill = tuple[int, int, int, int, float, int, int, int]
# In a run there follow the strategy's number, and what it left: units held over all strategies,
# and cash.
FillRow = tuple[int, int, int, int, float, int, int, int, int, int, int]
SYMBOL: Final = 2  # places in both
INSTANT: Final = 7
HELD: Final = 9
CASH: Final = 10
