"""What happens in an account, in order, until it is taken for the record."""

from collections import deque

import msgspec

from app.core.fingerprint import Fingerprint, execution
from app.core.orders import FillRow, Order, OrderChange
from app.managers.execution_manager.books.account import RateChange
from app.managers.execution_manager.sim.fill_rules import Ambiguity

LATEST = 50  # fills and ends of orders that are kept for whoever looks on
Action = tuple[int, int, float]  # instant, symbol, price factor of its corporate actions


class Records(msgspec.Struct, frozen=True):
    """What has happened since the last time it was taken, in order.

    `changes` are those of the account: fills, and corporate actions in the form of a fill.
    """

    orders: list[Order]
    order_changes: list[OrderChange]
    fills: list[FillRow]
    changes: list[FillRow]
    actions: list[Action]
    uncertain: list[Ambiguity]
    rates: list[RateChange]
    entries: bytes  # of the fingerprint


class Diary:
    """Collects what happens until `take`. Fingerprint entries are encoded at once, hashed then."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.happened: list[bytes] = []  # encoded entries; others append to this very list
        self.fills: list[FillRow] = []
        self.ended: list[Order] = []
        self._adjusted: list[tuple[int, FillRow]] = []  # after how many fills
        self.actions: list[Action] = []
        self.uncertain: list[Ambiguity] = []
        self.rates: list[RateChange] = []
        self.uncertain_count = 0  # over the whole run; so is the next
        self.band_units = 0  # what those bars leave open, in the account's currency
        self._order_changes: list[OrderChange] = []
        self.latest_fills: deque[FillRow] = deque(maxlen=LATEST)  # of those taken
        self.latest_ended: deque[Order] = deque(maxlen=LATEST)
        self._counted = 0  # what `take` has taken, as `count` counts it

    def count(self) -> int:
        """How much has happened so far: it rises whenever anything becomes of an order."""
        return (
            self._counted
            + len(self.happened)
            + len(self.ended)
            + len(self._order_changes)
            + len(self._adjusted)
        )

    def note(self, what: str, order: Order, now_ns: int, reason: str = "") -> None:
        """A change of an order, with what it has from now on."""
        change = order.order_id, now_ns, what, order.units, order.limit, order.stop, reason
        self._order_changes.append(change)

    def note_uncertain(self, bar: Ambiguity, band_units: int) -> None:
        """A bar left open what it did."""
        self.uncertain.append(bar)
        self.uncertain_count += 1
        self.band_units += band_units

    def adjust(self, change: FillRow) -> None:
        """The account has changed without a fill."""
        self._adjusted.append((len(self.fills), change))

    def book(self, row: FillRow) -> None:
        """An execution."""
        self.happened.append(execution(row))
        self.fills.append(row)

    def take(self) -> Records:
        """What has happened since the last call, in order."""
        self._counted = self.count()
        changes = fills = self.fills
        self.latest_fills.extend(fills[-LATEST:])
        self.latest_ended.extend(self.ended[-LATEST:])
        if self._adjusted:
            changes, start = [], 0
            for place, change in self._adjusted:
                changes += [*fills[start:place], change]
                start = place
            changes += fills[start:]
        records = Records(
            self.ended,
            self._order_changes,
            fills,
            changes,
            self.actions,
            self.uncertain,
            self.rates,
            self.fingerprint.add(self.happened),
        )
        self.happened.clear()
        self.fills, self.ended, self._order_changes, self._adjusted = [], [], [], []
        self.actions, self.uncertain, self.rates = [], [], []
        return records
