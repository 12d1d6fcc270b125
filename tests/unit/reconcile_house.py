"""A gate's book as a journal left it, and what its venue says of the same orders."""

from typing import Any

from tests.gate_desk import RUN, SECOND, SHARE, START_NS, name

from app.core.order_events import Filled, Intent, OrderEvent
from app.core.venue import Execution, VenueReport
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import (
    Difference,
    VenueSays,
    compare_cash,
    reconcile,
)

NOW_NS = START_NS + 60 * SECOND


def recalled(*journal: Intent | OrderEvent, **settings: Any) -> GateBook:
    book = GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS, **settings)
    for item in journal:
        book.recall(item)
    return book


def report(state: str = "ACCEPTED", filled: int = 0, number: int = 1, **fields: Any) -> VenueReport:
    known: dict[str, Any] = {
        "client_id": name(number), "venue_id": "v1", "symbol": "AAA", "units": 100 * SHARE,
        "kind": "limit", "limit": 10.0, "at_ns": START_NS,
    }  # fmt: skip
    return VenueReport(state=state, filled_units=filled * SHARE, **{**known, **fields})


def fill(execution_id: str = "e1", shares: int = 100, client_id: str = "") -> Execution:
    return Execution(
        execution_id=execution_id,
        client_id=client_id or name(),
        venue_id="v1",
        symbol="AAA",
        units=shares * SHARE,
        price=10.0,
        fee_units=1,
        at_ns=START_NS,
    )


def told(execution_id: str = "e1", shares: int = 100) -> Filled:
    return Filled(1, execution_id, shares * SHARE, 10.0, 1, START_NS)


def says(*orders: VenueReport, **fields: Any) -> VenueSays:
    known: dict[str, Any] = {
        "orders": {one.client_id: one for one in orders}, "open_orders": (), "executions": (),
        "positions": {}, "cash": {},
    }  # fmt: skip
    return VenueSays(**{**known, **fields})


def check(book: GateBook, venue: VenueSays, cash: dict[str, int] | None = None) -> list[Difference]:
    rows = reconcile(book, venue, NOW_NS)
    return [*rows, *compare_cash(book, venue, cash or {}, 100)]
