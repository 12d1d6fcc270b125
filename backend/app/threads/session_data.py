"""What the outside sees of a run under way: a snapshot, made between two blocks when asked for."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from app.core.bars import Bar
from app.core.money import from_units
from app.core.order_views import FillData, OrderData
from app.core.orders import FillRow, Order
from app.core.windows import Window
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.threads.data_processor import SessionPart
from app.threads.outlook import Outlook
from app.threads.plan import Plan


class SymbolData(msgspec.Struct, frozen=True):
    """One symbol: its last bar per interval, its indicators, what is held of it."""

    symbol: str
    bars: Mapping[str, Bar]
    indicators: Mapping[str, float]  # those that are ready, "SMA(10) on 1m"
    quantity: Decimal


class SessionData(msgspec.Struct, frozen=True):
    """The run at one instant."""

    now_ns: int
    session: dt.date | None
    cash: Decimal
    equity: Decimal
    symbols: tuple[SymbolData, ...]
    orders: tuple[OrderData, ...]  # those that work
    fills: tuple[FillData, ...]  # the latest, the newest last
    fills_made: int


def snapshot(plan: Plan, outlook: Outlook, execution: ExecutionManager) -> SessionData:
    """The run as it stands in a session, with nothing in it that is not known by now."""
    part, now_ns = outlook.part if outlook.has_session else None, outlook.now_ns
    return SessionData(
        now_ns=now_ns,
        session=part.session.date if part else None,
        cash=from_units(execution.account.cash_units()),
        equity=from_units(outlook.equity_units()),
        symbols=_symbols(plan, part, now_ns, execution.held_units),
        orders=tuple(map(_order, execution.broker.working.values())),
        fills=tuple(_fill(plan, row) for row in execution.diary.latest_fills),
        fills_made=execution.fill_count,
    )


def _order(order: Order) -> OrderData:
    return OrderData(
        order.order_id,
        order.symbol,
        order.kind,
        order.side,
        from_units(abs(order.units)),
        from_units(abs(order.filled_units)),
        order.state,
        order.limit,
        order.stop,
        order.created_ns,
    )


def _fill(plan: Plan, row: FillRow) -> FillData:
    fill_id, order_id, symbol, units, price, fee_units, _, at_ns, *_ = row
    name = plan.symbols[symbol]
    return FillData(fill_id, order_id, name, from_units(units), price, from_units(fee_units), at_ns)


def _symbols(
    plan: Plan, part: SessionPart | None, now_ns: int, held_units: Sequence[int]
) -> tuple[SymbolData, ...]:
    bars: list[dict[str, Bar]] = [{} for _ in plan.symbols]
    indicators: list[dict[str, float]] = [{} for _ in plan.symbols]
    if part is not None:
        rows = {key: window.row_at(now_ns) for key, window in part.windows.items()}
        for (symbol, interval), row in rows.items():
            if row >= 0:
                window = part.windows[symbol, interval]
                bars[symbol][interval] = _bar(plan.symbols[symbol], interval, window, row)
        for declared, values in zip(plan.declared, part.values, strict=True):
            row = rows[declared.symbol, declared.interval]
            if row < max(values.first_ready, 0):
                continue
            names = declared.computation.outputs
            for name, output in zip(names, values.outputs, strict=True):
                several = f".{name}" if len(names) > 1 else ""
                label = f"{declared.computation.label}{several} on {declared.interval}"
                indicators[declared.symbol][label] = float(output[row])
    return tuple(
        SymbolData(name, bars[number], indicators[number], from_units(held_units[number]))
        for number, name in enumerate(plan.symbols)
    )


def _bar(symbol: str, interval: str, window: Window, row: int) -> Bar:
    prices = (window.open, window.high, window.low, window.close, window.volume)
    values = [float(column[row]) for column in prices]
    return Bar(symbol, interval, int(window.start_ns[row]), *values)
