"""What `system attach` shows: a table that follows the session, or a line a second in a pipe."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from app.cli.output import console, print_json
from app.core.trading_state import ACTIVE

if TYPE_CHECKING:
    from rich.table import Table

    from app.managers.system_manager.control_client import ControlClient
    from app.managers.system_manager.control_messages import View

_ROWS = 8  # of orders, fills and alarms each
_LINE_SECONDS = 1.0


def follow(client: "ControlClient", as_json: bool) -> None:
    """Show the session until it ends, or until Ctrl+C."""
    run_id = client.session.run_id
    try:
        if as_json or not console.is_terminal:
            for view in _one_a_second(client):
                _print_line(view, as_json)
        else:
            _show_live(client)
    except KeyboardInterrupt:
        if not as_json:
            console.print(f"Detached; run {run_id} goes on.", markup=False)
        return
    if not as_json:
        console.print(f"Run {run_id} has ended. 'runs show {run_id}' tells of it.", markup=False)


def _one_a_second(client: "ControlClient") -> Iterator["View"]:
    from app.managers.time_manager import WallClock

    clock = WallClock()
    told_ns = None
    for view in client.views():
        now_ns = clock.monotonic_ns()
        if told_ns is None or now_ns - told_ns >= _LINE_SECONDS * 1e9:
            told_ns = now_ns
            yield view


def _print_line(view: "View", as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(view))
        return
    held = ", ".join(f"{one.quantity:,f} {one.symbol}" for one in view.positions) or "flat"
    alarm = f"  ALARM {view.alarms[-1].what}: {view.alarms[-1].details}" if view.alarms else ""
    print(
        f"{view.now}  {_state(view)}  {view.bars:,} bars  {view.equity:,.2f} {view.currency}  "
        f"{held}  {view.orders_working} orders  {view.fills_made} fills{alarm}",
        flush=True,
    )


def _state(view: "View") -> str:
    """How it goes on, and what its account may do where that is not all."""
    is_all = view.trading_state in (None, ACTIVE)
    return view.state if is_all else f"{view.state}, {view.trading_state}"


def _show_live(client: "ControlClient") -> None:
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as live:
        for view in client.views():
            live.update(_table(view), refresh=True)


def _table(view: "View") -> "Table":
    from rich.table import Table

    table = Table(title=f"Run {view.run_id}", title_justify="left")
    table.add_column("what")
    table.add_column("value", overflow="fold")
    for name, value in _rows(view):
        table.add_row(name, _text(value))
    return table


def _text(value: object) -> Any:
    from rich.text import Text

    return Text(str(value))  # a name in brackets is no markup


def _rows(view: "View") -> Iterator[tuple[str, object]]:
    yield "state", f"{_state(view)}, {view.mode} at speed {view.speed}"
    yield "now", view.now
    yield "bars", f"{view.bars:,}"
    yield "equity", f"{view.equity:,.2f} {view.currency}"
    yield "cash", f"{view.cash:,.2f} {view.currency}"
    for one in view.positions:
        yield "position", f"{one.quantity:,f} {one.symbol} at {one.close}"
    yield "working orders", view.orders_working
    for order in view.orders[-_ROWS:]:
        prices = "".join(f" {price:g}" for price in (order.limit, order.stop) if price is not None)
        yield "", f"{order.side} {order.quantity:,f} {order.symbol} {order.kind}{prices}"
    yield "fills", view.fills_made
    for fill in view.fills[-_ROWS:]:
        yield "", f"{fill.quantity:+,f} {fill.symbol} at {fill.price:g}"
    for alarm in view.alarms[-_ROWS:]:
        yield "alarm", f"{alarm.at} {alarm.what}: {alarm.details}"
    yield "", "Ctrl+C detaches; the session goes on."
