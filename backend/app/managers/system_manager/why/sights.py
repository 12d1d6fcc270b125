"""What a strategy saw at an instant, and how its proposals were weighed, in plain values."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from app.core.bars import Bar
from app.core.money import from_units
from app.core.orders import Order, Terms
from app.managers.execution_manager.limits.buying_power import working_sides
from app.managers.execution_manager.limits.counted import kept_beside
from app.managers.execution_manager.orders.parts import terms_of
from app.managers.execution_manager.watched_execution import Heard
from app.threads.engines.watched_engine import WatchedEngine
from app.threads.hooks.seats import Seat


class Reading(msgspec.Struct, frozen=True):
    """An output of an indicator; None while it is not ready."""

    name: str  # the strategy's own for it, where it has one
    indicator: str
    symbol: str
    value: float | None
    before: float | None  # a bar earlier


class Standing(msgspec.Struct, frozen=True):
    """What limits look at: prices, positions and equity before an order is weighed."""

    price: float  # the last; 0 for none
    held: Decimal  # by the account
    strategy_held: Decimal
    may_buy: Decimal  # what works of the account's on each side
    may_sell: Decimal
    promised: Decimal  # how far what works may go on the other side, once an exit takes out a side
    equity: Decimal
    cash: Decimal


class Sight(msgspec.Struct, frozen=True):
    """What one strategy saw in one hook."""

    strategy: str
    at_ns: int
    hook: str
    bar: Bar | None  # in hand
    last_bar: Bar | None  # of the symbol it is about
    indicators: list[Reading]
    standing: Standing


class Weighed(msgspec.Struct, frozen=True):
    """One limit, and what it said."""

    scope: str
    rule: str
    limit: object
    approves: bool
    allows: Decimal | None  # how much at most, had more been asked for too; None: any size
    why: str


class Asked(msgspec.Struct, frozen=True):
    """The terms of an order or an amendment, as they were proposed."""

    side: str
    quantity: Decimal
    kind: str
    tif: str
    limit: float | None
    stop: float | None
    trail: float | None
    trail_percent: float | None
    reduce_only: bool
    after: int | None  # the order it waits for


class Proposed(msgspec.Struct):
    """An order, or an amendment of one, from what was seen to what was decided."""

    order_id: int
    symbol: str
    is_amendment: bool
    seen: Sight
    asked: Asked
    has_limits: bool = False  # some hold there; what only takes a position out is not asked of them
    limits: list[Weighed] = []
    decision: str = ""  # accepted, cut, refused or taken back
    reason: str = ""


def sight_of(engine: WatchedEngine, seat: Seat, symbol: int) -> Sight:
    """What a strategy sees now, as far as it is about a symbol."""
    return Sight(
        seat.name, engine.now_ns, engine.hook, engine.bar_in_hand, _last_bar(engine, symbol),
        list(_readings(engine, seat, symbol)), standing_of(engine, seat, symbol),
    )  # fmt: skip


def asked_of(order: Order, terms: Terms | None) -> Asked:
    """What is asked for."""
    new = terms or terms_of(order)
    return Asked(
        order.side, abs(from_units(new.units)), order.kind, order.tif, new.limit, new.stop,
        new.trail, new.trail_percent, order.reduce_only, order.parent or None,
    )  # fmt: skip


def weighed_of(heard: Heard) -> Weighed:
    """What a limit said."""
    scope, limit, verdict, room_units, figure = heard
    return Weighed(
        scope, limit.name, limit.given, verdict is None,
        None if room_units is None else abs(from_units(room_units)),
        figure if verdict is None else verdict.why,
    )  # fmt: skip


def _last_bar(engine: WatchedEngine, symbol: int) -> Bar | None:
    """The symbol's last base bar that is known."""
    if not engine.outlook.has_session:
        return None
    plan = engine.plan
    window = engine.outlook.window(symbol, plan.base_interval)
    row = engine.outlook.rows_now(window) - 1
    if row < 0:
        return None
    columns = (window.open, window.high, window.low, window.close, window.volume)
    prices = [float(column[row]) for column in columns]
    return Bar(plan.symbols[symbol], plan.base_interval, int(window.start_ns[row]), *prices)


def _readings(engine: WatchedEngine, seat: Seat, symbol: int) -> Iterator[Reading]:
    """Each of a strategy's indicators: of the symbol in hand, where it names none itself."""
    if not engine.outlook.has_session:
        return
    in_hand = engine.symbol_in_hand
    names = {id(thing): name for name, thing in vars(seat.strategy).items()}
    for handle in (*seat.desk.indicators, *seat.desk.ranges[symbol : symbol + 1]):
        place = handle.symbol
        if place is None:
            place = symbol if in_hand < 0 else in_hand
        yield Reading(
            names.get(id(handle), ""), str(handle), engine.plan.symbols[place],
            engine.reading(handle, place, 0), engine.reading(handle, place, 1),
        )  # fmt: skip


def standing_of(engine: WatchedEngine, seat: Seat, symbol: int) -> Standing:
    """What limits look at just now."""
    execution, outlook = engine.execution, engine.outlook
    mark = outlook.mark if outlook.has_session else lambda symbol: 0.0
    sides = working_sides(execution.broker.working, execution.positions)
    may_buy, may_sell = sides.get(symbol, (0, 0))
    beside = kept_beside(execution.broker.working, execution.positions)
    promised = sum(
        -kept.promised if kept.sells else kept.promised
        for (_, of), kept in beside.items()
        if of == symbol and kept.further
    )
    return Standing(
        price=mark(symbol),
        held=from_units(execution.held_units[symbol]),
        strategy_held=from_units(execution.held_units_of(seat.number, symbol)),
        may_buy=from_units(may_buy),
        may_sell=from_units(may_sell),
        promised=from_units(promised),
        equity=from_units(execution.account.equity_units(mark)),
        cash=from_units(execution.account.cash_units()),
    )
