"""What `system attach` shows: the session's account as it goes on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.cli.system.real_money import REAL_MONEY
from app.cli.terminal.figures import (
    distance_text,
    lasting_text,
    money_text,
    price_text,
    quantity_text,
    state_text,
)
from app.cli.terminal.printable import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from app.core.order_views import OrderData
    from app.managers.system_manager.control.messages import View

_ROWS = 8  # of positions, orders, fills and alarms each


class AccountPage:
    """A page for one session."""

    def press(self, key: str) -> None:
        """Nothing: this page has nothing to turn."""

    def line(self, seen: "View") -> str:
        """For a pipe."""
        held = ", ".join(f"{one.quantity:,f} {one.symbol}" for one in seen.positions) or "flat"
        real = f"{REAL_MONEY}  " if seen.real_money else ""
        closed = f"  NO ENTRIES {seen.no_entries}" if seen.no_entries else ""
        alarm = f"  ALARM {seen.alarms[-1].what}: {seen.alarms[-1].details}" if seen.alarms else ""
        return (
            f"{seen.now}  {real}{state_text(seen)}  {seen.bars:,} bars  "
            f"{money_text(seen.equity)} {seen.currency}  {held}  {seen.orders_working} orders  "
            f"{seen.fills_made} fills{closed}{alarm}"
        )

    def screen(self, seen: "View", width: int, height: int) -> "RenderableType":
        """For a terminal."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title=f"Run {seen.run_id}", title_justify="left")
        table.add_column("what")
        table.add_column("value", overflow="fold")
        for name, value in _rows(seen):
            table.add_row(name, Text(printable(value)))  # Text: a name in brackets is no markup
        return table


def _rows(seen: "View") -> Iterator[tuple[str, str]]:
    if seen.real_money:
        yield "money", REAL_MONEY
    yield "state", state_text(seen)
    if seen.no_entries:
        yield "no entries", seen.no_entries
    yield "now", seen.now
    if seen.stale_seconds:
        yield "stale", f"as it stood {lasting_text(seen.stale_seconds)} ago"
    yield "bars", f"{seen.bars:,}"
    yield "equity", f"{money_text(seen.equity)} {seen.currency}"
    yield "cash", f"{money_text(seen.cash)} {seen.currency}"
    closes = {one.symbol: one.close for one in seen.positions}
    for held in seen.positions[:_ROWS]:
        quantity = quantity_text(held.quantity, signed=True)
        yield "position", f"{quantity} {held.symbol}, last {price_text(held.close)}"
    if len(seen.positions) > _ROWS:
        yield "", f"and {len(seen.positions) - _ROWS} more"
    yield "working orders", f"{seen.orders_working:,}"
    for order in seen.orders[-_ROWS:]:
        yield "", _order_text(order, closes.get(order.symbol))
    yield "fills", f"{seen.fills_made:,}"
    for fill in seen.fills[-_ROWS:]:
        yield "", f"{quantity_text(fill.quantity, True)} {fill.symbol} at {price_text(fill.price)}"
    for alarm in seen.alarms[-_ROWS:]:
        yield "alarm", f"{alarm.at} {alarm.what}: {alarm.details}"
    yield "", "Ctrl+C or q leaves; the session goes on."


def _order_text(order: "OrderData", close: float | None) -> str:
    prices = [price for price in (order.limit, order.stop) if price is not None]
    words = [order.side, quantity_text(order.quantity), order.symbol, order.kind]
    words += [price_text(price) for price in prices]
    away = distance_text(prices[-1], close) if prices else ""
    return " ".join(words) + (f" ({away} away)" if away else "")
