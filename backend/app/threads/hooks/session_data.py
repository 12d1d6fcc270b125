"""What the outside sees of a run under way: a moment, taken between two blocks when asked for.

A moment is quick to take, as the engine waits for it. What is made of it is made on the thread of
whoever looks: the windows and values that it points to never change.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec
import numpy as np

from app.core.bars import Floats, Table
from app.core.halts import ALL_SYMBOLS
from app.core.intervals import SECOND_NS, interval_ns
from app.core.money import UNITS, divide_half_even, from_units
from app.core.order_views import FillData
from app.core.orders import FillRow, Order, happened_ns
from app.core.session_data import (
    BarData,
    GivenOrder,
    IndicatorData,
    PositionData,
    QualityData,
    SymbolData,
)
from app.core.windows import Window
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.services.aggregation import Grid, fold
from app.services.quality import assess
from app.threads.data_processor import SessionPart
from app.threads.hooks.seats import Seat
from app.threads.stream.plan import Declared, Plan
from app.threads.views.outlook import Outlook

MOST_ORDERS = 200  # that a moment holds


class Holding(msgspec.Struct, frozen=True):
    """What is held of one symbol, over all strategies."""

    units: int = 0
    cost_units: int = 0
    realised_units: int = 0
    value_units: int = 0
    price: float = 0.0  # which values it
    multiplier_units: int = UNITS


class Moment(msgspec.Struct, frozen=True):
    """The run at one instant, with nothing in it that is not known by then."""

    now_ns: int
    through_ns: int
    part: SessionPart | None
    cash_units: int
    equity_units: int
    holdings: Mapping[int, Holding]  # by symbol; those that were ever held
    spreads_bps: Floats  # by symbol; 0 for none
    orders: tuple[GivenOrder, ...]  # that work; the newest
    orders_working: int
    fills: tuple[FillRow, ...]  # the latest, the newest last
    fills_made: int
    ended: tuple[Order, ...]  # the latest, the newest last
    closed: Mapping[tuple[int, str], str]  # by symbol and source: why no entries

    def no_entries(self, symbol: int = ALL_SYMBOLS) -> str:
        """Why nothing may open in a symbol, or in all, or ""."""
        places = (ALL_SYMBOLS, symbol)
        return next((why for (of, _), why in self.closed.items() if of in places), "")


def moment_of(
    plan: Plan,
    outlook: Outlook,
    execution: ExecutionManager,
    seats: Sequence[Seat],
    through_ns: int,
) -> Moment:
    """The run as it stands."""
    working = list(execution.broker.working.values())
    names = [seat.name for seat in seats]
    return Moment(
        now_ns=outlook.now_ns,
        through_ns=max(through_ns, outlook.now_ns),
        part=outlook.part if outlook.has_session else None,
        cash_units=execution.account.cash_units(),
        equity_units=outlook.equity_units(),
        holdings=_holdings(len(plan.symbols), outlook, execution),
        spreads_bps=outlook.spreads_bps(),
        orders=tuple(_working(order, execution, names) for order in working[-MOST_ORDERS:]),
        orders_working=len(working),
        fills=tuple(row for row in execution.diary.latest_fills if row[0] > 0),
        fills_made=execution.fill_count,
        ended=tuple(execution.diary.latest_ended),
        closed=dict(execution.entries.closed),
    )


def _working(order: Order, execution: ExecutionManager, strategies: Sequence[str]) -> GivenOrder:
    """A working order, as people see it."""
    held_units = execution.held_units_of(order.strategy, order.symbol_index)
    takes_out = order.reduce_only or order.parent > 0 or held_units * order.units < 0
    return _given(order, strategies, takes_out=takes_out)


def ended(order: Order, strategies: Sequence[str]) -> GivenOrder:
    """An order that has ended."""
    told = _given(order, strategies, takes_out=order.reduce_only or order.parent > 0)
    return msgspec.structs.replace(told, ended_ns=order.ended_ns, reason=order.reason)


def fill_of(plan: Plan, row: FillRow) -> FillData:
    """A fill, as people see it."""
    fill_id, order_id, symbol, units, price, fee_units, *_ = row
    name, fee = plan.symbols[symbol], from_units(fee_units)
    return FillData(fill_id, order_id, name, from_units(units), price, fee, happened_ns(row))


def _given(order: Order, strategies: Sequence[str], *, takes_out: bool) -> GivenOrder:
    return GivenOrder(
        order_id=order.order_id,
        symbol=order.symbol,
        kind=order.kind,
        side=order.side,
        quantity=from_units(abs(order.units)),
        filled=from_units(abs(order.filled_units)),
        state=order.state,
        limit=order.limit,
        stop=order.stop,
        created_ns=order.created_ns,
        strategy=strategies[order.strategy],
        tif=order.tif,
        trail=order.trail,
        trail_percent=order.trail_percent,
        takes_out=takes_out,
    )


def _holdings(symbols: int, outlook: Outlook, execution: ExecutionManager) -> dict[int, Holding]:
    found = {}
    rows = execution.account.positions
    for symbol in range(symbols):
        own = [row[symbol] for row in rows]
        units = sum(position.units for position in own)
        cost_units = sum(position.cost_units for position in own)
        realised_units = sum(position.realised_units for position in own)
        if units or cost_units or realised_units:
            price = outlook.mark(symbol)
            value_units = sum(position.value_units(price) for position in own)
            multiplier_units = execution.multiplier_units_of(symbol)
            found[symbol] = Holding(
                units, cost_units, realised_units, value_units, price, multiplier_units
            )
    return found


class Telling:
    """What is made of the moments of one run."""

    def __init__(self, plan: Plan, currencies: Sequence[str]) -> None:
        self._plan = plan
        self._currencies = currencies  # of the symbols
        self._step_ns = interval_ns(plan.base_interval)
        self._of_symbols = plan.declared, self._by_symbol(plan.declared)

    def symbol(self, moment: Moment, symbol: int, bars: int, bad: int, filled: int) -> SymbolData:
        """One symbol at a moment, with so many bars of each interval at most."""
        plan, part = self._plan, moment.part
        windows = {} if part is None else {i: part.windows[symbol, i] for i in plan.intervals}
        rows = {name: window.row_at(moment.now_ns) for name, window in windows.items()}
        return SymbolData(
            symbol=plan.symbols[symbol],
            age_seconds=self._age_seconds(moment, windows, rows),
            bars={
                name: _bars(windows[name], max(row + 1 - bars, 0), row + 1)
                for name, row in rows.items() if row >= 0
            },
            forming={} if part is None else dict(self._forming(part, windows, rows)),
            indicators={} if part is None else dict(self._indicators(part, symbol, rows)),
            position=self.position(moment, symbol),
            quality=None if part is None else self._quality(part, moment, symbol, bad, filled),
            spread_bps=float(moment.spreads_bps[symbol]) or None,
            no_entries=moment.no_entries(symbol),
        )  # fmt: skip

    def close(self, moment: Moment, symbol: int) -> float | None:
        """The last close known."""
        if moment.part is None:
            return None
        window = moment.part.windows[symbol, self._plan.base_interval]
        row = window.row_at(moment.now_ns)
        return float(window.close[row]) if row >= 0 else None

    def _age_seconds(
        self, moment: Moment, windows: Mapping[str, Window], rows: Mapping[str, int]
    ) -> float | None:
        base = self._plan.base_interval
        if rows.get(base, -1) < 0:
            return None
        known_ns = int(windows[base].known_ns[rows[base]])
        return max(moment.through_ns - known_ns, 0) / SECOND_NS

    def _forming(
        self, part: SessionPart, windows: Mapping[str, Window], rows: Mapping[str, int]
    ) -> Iterator[tuple[str, BarData]]:
        """Derived bars that have begun: of today's base bars since the last one that closed."""
        plan = self._plan
        base, end = windows[plan.base_interval], rows[plan.base_interval] + 1
        for name in plan.derived_intervals:
            window, row = windows[name], rows[name]
            since_ns = int(window.known_ns[row]) if row >= window.today else part.start_ns
            first = base.today + int(np.searchsorted(base.start_ns[base.today : end], since_ns))
            if first < end:
                folded = fold(
                    _table(base, first, end), Grid.of([part.session], name, plan.extended_hours)
                )
                if len(folded):
                    yield name, _bars(folded, len(folded) - 1, len(folded))[0]

    def _indicators(
        self, part: SessionPart, symbol: int, rows: Mapping[str, int]
    ) -> Iterator[tuple[str, IndicatorData]]:
        declared_now, numbers = self._of_symbols
        if declared_now is not part.declared:  # a strategy has other code
            numbers = self._by_symbol(part.declared)
            self._of_symbols = part.declared, numbers
        for number in numbers[symbol]:
            declared, values = part.declared[number], part.values[number]
            computation, row = declared.computation, rows[declared.interval]
            is_ready = row >= max(values.first_ready, 0)
            for name, output in zip(computation.outputs, values.outputs, strict=True):
                several = f".{name}" if len(computation.outputs) > 1 else ""
                label = f"{computation.label}{several} on {declared.interval}"
                value = float(output[row]) if is_ready else None
                yield label, IndicatorData(value, row + 1, computation.lookback + 1)

    def _by_symbol(self, declared: Sequence[Declared]) -> list[list[int]]:
        """The numbers of each symbol's indicators."""
        numbers: list[list[int]] = [[] for _ in self._plan.symbols]
        for number, item in enumerate(declared):
            numbers[item.symbol].append(number)
        return numbers

    def position(self, moment: Moment, symbol: int) -> PositionData:
        """What is held of a symbol, and what came of it."""
        held = moment.holdings.get(symbol, Holding())
        return PositionData(
            quantity=from_units(held.units),
            average_price=_average_price(held),
            price=held.price or self.close(moment, symbol),
            unrealised=from_units(held.value_units - held.cost_units),
            realised=from_units(held.realised_units),
            currency=self._currencies[symbol],
        )

    def _quality(
        self, part: SessionPart, moment: Moment, symbol: int, bad: int, filled: int
    ) -> QualityData:
        window = part.windows[symbol, self._plan.base_interval]
        starts = window.start_ns[window.today : window.row_at(moment.now_ns) + 1]
        segments = part.session.segments(self._plan.extended_hours)
        found = assess(starts, segments, self._step_ns, moment.through_ns)
        return QualityData(
            found.expected, found.present, found.thin_bars, found.holes, bad, filled,
            found.coverage, found.score,
        )  # fmt: skip


def _average_price(held: Holding) -> Decimal | None:
    """Paid for what is held."""
    over = held.units * held.multiplier_units
    if not over:
        return None
    sign = 1 if over > 0 else -1
    return from_units(divide_half_even(sign * held.cost_units * UNITS * UNITS, sign * over))


def _bars(source: Window | Table, first: int, end: int) -> tuple[BarData, ...]:
    rows = slice(first, end)
    columns = (source.start_ns, source.open, source.high, source.low, source.close, source.volume)
    return tuple(map(BarData, *(column[rows].tolist() for column in columns)))


def _table(window: Window, first: int, end: int) -> Table:
    rows = slice(first, end)
    return Table(
        np.zeros(end - first, np.int32), window.start_ns[rows], window.known_ns[rows],
        window.open[rows], window.high[rows], window.low[rows], window.close[rows],
        window.volume[rows],
    )  # fmt: skip
