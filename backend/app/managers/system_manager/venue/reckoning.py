"""Our books beside a venue's: all it says is asked, compared, and differences told."""

from collections.abc import Sequence

from app.core.money import UNITS, amount_units
from app.core.order_events import Filled, GateFilled, OrderEvent
from app.core.venue import Venue
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import (
    STAYS,
    Difference,
    ask_all,
    compare_cash,
    differing_cash,
    reconcile,
)
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.threads.live.order_gate import OrderGate

_TOLERANCE_UNITS = UNITS // 100  # a cent: what two books of cash may differ by


def reckon(
    execution: ExecutionManager,
    book: GateBook,
    venue: Venue,
    since_ns: int,
    now_ns: int,
    first: Sequence[OrderEvent],
) -> tuple[list[Difference], tuple[OrderEvent, ...]]:
    """The differences, and what the run must hear of them. The book knows all of it then; what is
    `first`, the run will hear before.
    """
    tracker = book.tracker
    asked = {name: tracker.symbols[order.symbol] for name, order in tracker.open.items()}
    says = ask_all(venue, asked, since_ns)
    rows = reconcile(book, says, now_ns)
    told = book.take_told()
    cash = _cash_after(execution, (*first, *told))
    rows += compare_cash(book, says, cash, _TOLERANCE_UNITS)
    return rows, (*told, *book.take_told())


def look_again(
    execution: ExecutionManager, gate: OrderGate, venue: Venue, since_ns: int
) -> list[Difference]:
    """What differs of a run that goes on; cash may, while a fill is on its way to the books."""
    says = ask_all(venue, {}, since_ns)
    rows = gate.look_again(says)
    cash = {name: book.cash_units for name, book in execution.account.books.items()}
    for currency, ours, theirs in differing_cash(says, cash, _TOLERANCE_UNITS):
        rows.append(Difference(f"cash {currency}", ours, theirs, STAYS))
    return rows


def _cash_after(execution: ExecutionManager, events: Sequence[OrderEvent]) -> dict[str, int]:
    """Our cash by currency, once these events are booked."""
    account, broker = execution.account, execution.broker
    cash = {name: book.cash_units for name, book in account.books.items()}
    for event in events:
        if isinstance(event, GateFilled):
            symbol = event.symbol
        elif isinstance(event, Filled) and isinstance(broker, LiveBroker):
            symbol = broker.known[event.order_id].symbol_index
        else:
            continue
        amount = amount_units(event.units, event.price, execution.multiplier_units_of(symbol))
        cash[account.currencies[symbol]] -= amount
        fee_currency = event.fee_currency or account.currencies[symbol]
        if fee_currency in cash:  # a fee in coins takes no cash
            cash[fee_currency] -= event.fee_units
    return cash
