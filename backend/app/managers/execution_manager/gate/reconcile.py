"""Reconciliation: what a journal says of a run's orders, against what the venue says.

The book is brought to the venue's truth, and each difference becomes a row for humans. A dry run
is the same with a book that is thrown away. The rules stand in docs/LIVE.md.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from app.core.money import from_units
from app.core.orders import Terms
from app.core.venue import Execution, Venue, VenueReport
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.gate_order import NAMELESS, OUTSIDE

NOT_KNOWN = "not known"
STAYS = "the halt stays"
LEFT_ALONE = "ignored"
_MOMENTS = 5  # that are tried; who trades more often than that is told of differences


class VenueSays(msgspec.Struct, frozen=True):
    """All that a venue was asked for, at a start; `orders` by the names they were asked by."""

    orders: dict[str, VenueReport | None]
    open_orders: Sequence[VenueReport]
    executions: Sequence[Execution]
    positions: dict[str, int]
    cash: dict[str, int]


class Difference(msgspec.Struct, frozen=True):
    """A row: what differs, our word and the venue's, and what was done about it."""

    what: str
    ours: str
    venues: str
    resolution: str


def ask_all(venue: Venue, orders_of: Mapping[str, str], since_ns: int) -> VenueSays:
    """Ask a venue; for these orders, of these symbols, before anything else.

    What is held and the cash are of one moment: where something filled meanwhile, they are asked
    for again. Else a fill between two answers would be taken for a difference.
    """
    orders = {name: venue.order(name, symbol) for name, symbol in orders_of.items()}
    open_orders = venue.open_orders()
    executions = venue.executions(since_ns)
    for _ in range(_MOMENTS):
        before, positions, cash = len(executions), venue.positions(), venue.cash()
        executions = venue.executions(since_ns)
        if len(executions) == before:
            break
    return VenueSays(orders, open_orders, executions, positions, cash)


def reconcile(book: GateBook, says: VenueSays, now_ns: int) -> list[Difference]:
    """Bring the book to what the venue says; the events for the stream are left in the book."""
    rows = _orders(book, says, now_ns)
    rows += _executions(book, says, now_ns)
    rows += _strangers(book, says, now_ns)
    rows += _positions(book, says, now_ns)
    return rows


def recheck(book: GateBook, says: VenueSays, now_ns: int) -> list[Difference]:
    """What still differs in a book that is in use: it learns what the venue says, and halts none
    for what may only be under way.
    """
    _executions(book, says, now_ns)
    rows = [
        Difference(f"order {one.client_id or one.venue_id}", NOT_KNOWN, one.state, STAYS)
        for one in says.open_orders
        if book.refuses(one)
    ]
    for order in book.tracker.behind.values():
        ours, theirs = from_units(order.filled_units), from_units(order.venue_filled_units)
        rows.append(Difference(f"fills of {order.client_id}", str(ours), str(theirs), STAYS))
    for name in book.names_in_doubt:
        rows.append(Difference(f"order {name}", book.tracker.orders[name].state, NOT_KNOWN, STAYS))
    for name, symbol in book.tracker.index.items():
        ours_units, theirs_units = book.tracker.held_units(symbol), says.positions.get(name, 0)
        if not book.agrees(symbol, theirs_units, now_ns):
            ours, theirs = from_units(ours_units), from_units(theirs_units)
            rows.append(Difference(f"position {name}", str(ours), str(theirs), STAYS))
    return rows


def _orders(book: GateBook, says: VenueSays, now_ns: int) -> list[Difference]:
    rows = []
    for name, report in says.orders.items():
        order = book.tracker.orders[name]
        ours, terms = order.state, order.terms
        if report is None:
            rows.append(Difference(f"order {name}", ours, NOT_KNOWN, "asked for until it is sure"))
            continue
        book.hear(report, now_ns)
        if order.state != ours:
            resolution = "ended" if order.end else "goes on"
            rows.append(Difference(f"order {name}", ours, report.state, resolution))
        if order.terms != terms:
            what = f"terms of {name}"
            rows.append(Difference(what, _terms(terms), _terms(order.terms), "amended"))
    return rows


def _terms(terms: Terms) -> str:
    prices = {"limit": terms.limit, "stop": terms.stop}
    shown = [f"{name} {price}" for name, price in prices.items() if price is not None]
    return ", ".join([f"{from_units(terms.units)} units", *shown])


def _executions(book: GateBook, says: VenueSays, now_ns: int) -> list[Difference]:
    rows = []
    for execution in sorted(says.executions, key=lambda one: one.at_ns):
        before = book.tracker.applied
        book.hear(execution, now_ns)
        if book.tracker.applied > before:
            what = f"execution {execution.execution_id} of {execution.client_id or 'nobody'}"
            text = f"{from_units(execution.units)} {execution.symbol} at {execution.price}"
            known = (execution.client_id or NAMELESS + execution.venue_id) in book.tracker.orders
            rows.append(Difference(what, "missing", text, "applied" if known else LEFT_ALONE))
    return rows


def _strangers(book: GateBook, says: VenueSays, now_ns: int) -> list[Difference]:
    rows = []
    for report in says.open_orders:
        known = report.client_id in book.tracker.orders
        book.hear(report, now_ns)
        if known or report.symbol not in book.tracker.index:
            continue
        name = report.client_id or f"{NAMELESS}{report.venue_id}"
        order = book.tracker.orders.get(name)
        halted = book.tracker.index[report.symbol] in book.latch.halted
        resolution = "halted" if halted else LEFT_ALONE
        if order is not None:
            resolution = "adopted" if order.owner == OUTSIDE else "the gate's own"
        text = f"{report.state} {from_units(report.units)} {report.symbol}"
        rows.append(Difference(f"order {name}", NOT_KNOWN, text, resolution))
    return rows


def _positions(book: GateBook, says: VenueSays, now_ns: int) -> list[Difference]:
    rows = []
    for name, symbol in book.tracker.index.items():
        ours_units, theirs_units = book.tracker.held_units(symbol), says.positions.get(name, 0)
        if not book.hold_against(symbol, theirs_units, now_ns):
            ours, theirs = str(from_units(ours_units)), str(from_units(theirs_units))
            rows.append(Difference(f"position {name}", ours, theirs, "halted"))
    return rows


def compare_cash(
    book: GateBook, says: VenueSays, cash: dict[str, int], tolerance_units: int
) -> list[Difference]:
    """Our cash, with all fills that reconciliation brought, against the venue's."""
    rows = []
    for currency, ours, theirs in differing_cash(says, cash, tolerance_units):
        book.halt(f"Cash in {currency}: ours is {ours}, the venue's {theirs}.")
        rows.append(Difference(f"cash {currency}", ours, theirs, "all halted"))
    return rows


def differing_cash(
    says: VenueSays, cash: dict[str, int], tolerance_units: int
) -> Iterator[tuple[str, str, str]]:
    """Currencies in which our cash is not the venue's, with both."""
    for currency in sorted(cash):
        ours_units, theirs_units = cash[currency], says.cash.get(currency, 0)
        if abs(ours_units - theirs_units) > tolerance_units:
            yield currency, str(from_units(ours_units)), str(from_units(theirs_units))
