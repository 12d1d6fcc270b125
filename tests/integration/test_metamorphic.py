"""What must not matter does not: the unit of prices, the date, the unit of volume, names, places.

Whole runs over random markets are compared order by order and fill by fill with runs over the same
market told in other terms.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, Outcome, config_of, market_of, outcome_of, wired
from tests.random_market import Action, Spec, specs

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment, CorporateAction
from app.core.intervals import DAY_NS
from app.core.orders import Order
from app.managers.system_manager.needs.market import Market
from app.managers.system_manager.wiring import Run
from app.services.adjust import combine

WEEK_NS = 7 * DAY_NS
EXACT_RATIOS = {Decimal("1.5"): Decimal("0.25")}  # what they leave of a share is worth whole units


class Terms(msgspec.Struct, frozen=True):
    """In which terms a market is told; the defaults are those it was drawn in."""

    price: Fraction = Fraction(1)
    tick: Fraction | None = None  # None: with the price
    weeks: int = 0
    volume: int = 1
    names: tuple[str, ...] = ()  # in the order of the symbols
    order: tuple[int, ...] = ()  # of the symbols in the config
    fees: str = "zero"
    bps: float = 0.0
    fixed: Fraction = Fraction(0)
    impact_bps: float = 0.0
    kinds: tuple[str, ...] = ("Shares", "Relations")

    @property
    def tick_text(self) -> str:
        tick = Fraction(1, 100) * (self.price if self.tick is None else self.tick)
        return str(Decimal(tick.numerator) / Decimal(tick.denominator))


class Ended(msgspec.Struct, frozen=True):
    """A run that is over."""

    run: Run
    outcome: Outcome
    orders: list[Order]


def told(spec: Spec, terms: Terms) -> Ended:
    """Run a market told in these terms."""
    run, results = wired(config(spec, terms), market(spec, terms))
    outcome = outcome_of(run, results)
    orders = [order for part in results for order in part.records.orders]
    return Ended(run, outcome, sorted(orders, key=lambda order: order.order_id))


def config(spec: Spec, terms: Terms) -> Any:
    fixed = {"kind": "fixed", "amount": float(terms.fixed * terms.price)}
    slippage = fixed if terms.fixed else {"kind": "bps", "amount": terms.bps}
    share = spec.participation
    return config_of(
        [name for _, name in placed(spec, terms)],
        [
            {
                "use": f"tests.relation_strategies:{kind}",
                "name": f"{kind} {number}",
                "params": {"turn": spec.seed % 100 + 5 * number, "tick": terms.tick_text},
            }
            for number, kind in enumerate(terms.kinds)
        ],
        base_interval=spec.base,
        derived_intervals=tuple(i for i in ("5m", "15m", "1h", "1d") if i != spec.base),
        history={i.replace("base", spec.base): count for i, count in spec.declared.items()},
        extended_hours=spec.extended,
        account={"cash": as_decimal(100_000 * terms.price)},
        execution={
            "participation": None if share is None else share / terms.volume,
            "fees": terms.fees,
            "slippage": {**slippage, "impact_bps": terms.impact_bps},
        },
        risk={"allow_short": spec.allow_short, "max_position_quantity": Decimal(150)},
        engine={"block_rows": 97, "runner": "inline"},
    )


def market(spec: Spec, terms: Terms) -> Market:
    symbols = placed(spec, terms)
    sessions = [later(session, terms.weeks) for session in spec.calendar()]
    bars = spec.bars()
    told_bars = {
        (name, spec.base): retold(bars[spec.symbols[number], spec.base], terms)
        for number, name in symbols
    }
    names = [name for _, name in symbols]
    actions = adjustments(spec, terms, bars, sessions)
    made = market_of(sessions, told_bars, names, spec.history, actions)
    tick = Decimal(terms.tick_text)
    instruments = [msgspec.structs.replace(one, tick=tick) for one in made.instruments]
    return msgspec.structs.replace(made, instruments=instruments)


def placed(spec: Spec, terms: Terms) -> list[tuple[int, str]]:
    """Number and name of each symbol, in the config's order."""
    names = terms.names or tuple(spec.symbols)
    return [(number, names[number]) for number in terms.order or range(len(spec.symbols))]


def later(session: TradingSession, weeks: int) -> TradingSession:
    moved = {
        name: value + weeks * WEEK_NS
        for name in ("open_ns", "close_ns", "pre_open_ns", "post_close_ns")
        if (value := getattr(session, name)) is not None
    }
    return msgspec.structs.replace(
        session,
        date=session.date + dt.timedelta(weeks=weeks),
        breaks=tuple((a + weeks * WEEK_NS, b + weeks * WEEK_NS) for a, b in session.breaks),
        **moved,
    )


def retold(bars: BarColumns, terms: Terms) -> BarColumns:
    over, under = terms.price.numerator, terms.price.denominator * 100
    prices = [
        np.round(getattr(bars, name) * 100) * over / under  # whole cents: one rounding
        for name in ("open", "high", "low", "close")
    ]
    return BarColumns(bars.start_ns + terms.weeks * WEEK_NS, *prices, bars.volume * terms.volume)


def adjustments(
    spec: Spec,
    terms: Terms,
    bars: dict[tuple[str, str], BarColumns],
    sessions: Sequence[TradingSession],
) -> list[Adjustment]:
    """The spec's corporate actions in these terms."""
    found: dict[tuple[int, int], list[CorporateAction]] = {}
    for action in spec.actions:
        name = dict(placed(spec, terms))[action.symbol]
        value = action.value
        if action.kind == "dividend":
            value = as_decimal(Fraction(value) * terms.price)
        item = CorporateAction(name, sessions[action.session].date, action.kind, value)
        found.setdefault((action.session, action.symbol), []).append(item)
    made = []
    for (place, symbol), items in found.items():
        columns = retold(bars[spec.symbols[symbol], spec.base], terms)
        begin_ns = sessions[place].segments(extended_hours=True)[0].start_ns
        before = int(np.searchsorted(columns.start_ns, begin_ns))
        close = float(columns.close[before - 1]) if before else None
        made.append(combine(items[0].symbol, sessions[place].date, items, close))
    return sorted(made, key=lambda one: one.session_date)


def as_decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


# -- how runs are compared -------------------------------------------------------------------------


def order_row(order: Order, price: Fraction = Fraction(1), later_ns: int = 0) -> list[object]:
    """An order, its prices and times in the terms the market was drawn in."""
    prices = [None if p is None else Fraction(repr(p)) / price for p in (order.limit, order.stop)]
    times = [order.created_ns - later_ns, order.ended_ns - later_ns]
    sizes = [order.units, order.filled_units]
    money = [order.fee_units / price, order.value_units / price]
    words = [order.kind, order.tif, order.state, order.reason, order.triggered]
    return [order.order_id, order.strategy, *sizes, *times, *prices, *money, *words]


def fill_row(fill: Sequence[Any], price: Fraction = Fraction(1), later_ns: int = 0) -> list[object]:
    """A fill with all that it left, in the terms the market was drawn in."""
    number, order_id, symbol, units, at, fee, start_ns, now_ns, strategy, held, cash = fill
    times = [start_ns - later_ns, now_ns - later_ns]
    money = [Fraction(repr(at)) / price, fee / price, cash / price]
    return [number, order_id, symbol, units, strategy, held, *times, *money]


def rows(ended: Ended, terms: Terms) -> dict[str, Any]:
    """All that must be the same."""
    price, later_ns = terms.price, terms.weeks * WEEK_NS
    run = ended.run.execution
    return {
        "orders": [order_row(order, price, later_ns) for order in ended.orders],
        "symbols": [order.symbol_index for order in ended.orders],
        "fills": [fill_row(fill, price, later_ns) for fill in ended.outcome.fills],
        "held": [[position.units for position in row] for row in run.positions],
        "trades": run.account.trades(),
        "cash": run.ledger.cash_units / price,
        "income": run.ledger.income_units / price,
        "fees": run.ledger.fee_units / price,
        "instants": [at_ns - later_ns for at_ns, _ in ended.outcome.equity],
    }


def exact(spec: Spec) -> Spec:
    """The same market, without splits that leave thirds."""
    actions = [
        Action(a.symbol, a.session, a.kind, EXACT_RATIOS.get(a.value, a.value))
        for a in spec.actions
    ]
    return msgspec.structs.replace(spec, actions=tuple(actions))


def busy(participation: float | None = 0.25) -> Spec:
    """One market in which much happens."""
    actions = (
        Action(0, 2, "split", Decimal(2)),
        Action(1, 3, "split", Decimal("0.5")),
        Action(0, 3, "dividend", Decimal("0.25")),
        Action(2, 2, "dividend", Decimal("0.3333")),
    )
    return Spec(
        seed=11, base="1m", sessions=5, history=1, minutes=44, half_days=frozenset({3}),
        gapless=False, broken=True, extended=True, keep=(1.0, 0.9, 0.4), empty=frozenset(),
        actions=actions, strategies=(), declared={}, participation=participation, allow_short=True,
    )  # fmt: skip


@cache  # whatever it is compared with
def told_busy(terms: Terms) -> Ended:
    """The busy market, told in these terms."""
    return told(busy(), terms)


def test_the_busy_market_is_busy() -> None:
    ended = told_busy(Terms(bps=3.0))
    kinds = {(order.kind, order.state) for order in ended.orders if order.filled_units}
    assert {kind for kind, _ in kinds} == {"market", "limit", "stop", "stop_limit"}
    assert {order.tif for order in ended.orders} == {"day", "gtc", "ioc"}
    states = {order.state for order in ended.orders}
    assert {"FILLED", "CANCELED", "EXPIRED", "REJECTED"} <= states
    partly = [order for order in ended.orders if 0 < abs(order.filled_units) < abs(order.units)]
    assert len(ended.outcome.fills) > 300 and len(partly) > 3
    assert ended.run.execution.ledger.income_units


# -- the unit of prices ----------------------------------------------------------------------------

PRICES = [Fraction(2), Fraction(1, 8), Fraction(64), Fraction(10), Fraction(1, 100), Fraction(1000)]
COSTS = [
    {},
    {"fees": "binance_spot", "bps": 3.0},
    {"fixed": Fraction(13, 1000)},
    {"bps": 1.5, "impact_bps": 40.0},
]


def same_money(one: Ended, other: Ended, price: Fraction) -> None:
    """A part of a cost is rounded, once for each closing: half a unit of either may go."""
    slack = (len(one.outcome.fills) + 1) * (1 + price)
    left, right = (chain(*ended.run.execution.positions) for ended in (one, other))
    for mine, its in zip(left, right, strict=True):
        assert abs(mine.realised_units * price - its.realised_units) <= slack
        assert abs(mine.cost_units * price - its.cost_units) <= slack
    scaled = [value * float(price) for _, value in one.outcome.equity]
    assert [value for _, value in other.outcome.equity] == pytest.approx(scaled, rel=1e-12)
    assert other.outcome.max_drawdown == pytest.approx(one.outcome.max_drawdown, rel=1e-9)


@given(specs(), st.sampled_from(PRICES), st.sampled_from(COSTS))
@settings(max_examples=12 * SCALE)
def test_prices_in_another_unit_are_traded_alike_and_money_scales_exactly(
    drawn: Spec, price: Fraction, costs: dict[str, Any]
) -> None:
    spec, plain, scaled = exact(drawn), Terms(**costs), Terms(price=price, **costs)
    one, other = told(spec, plain), told(spec, scaled)
    assert rows(other, scaled) == rows(one, plain)
    same_money(one, other, price)


@pytest.mark.parametrize(("price", "costs"), list(zip(PRICES, [*COSTS, *COSTS[1:3]], strict=True)))
def test_a_busy_market_in_another_unit_is_traded_alike(
    price: Fraction, costs: dict[str, Any]
) -> None:
    plain, scaled = Terms(**costs), Terms(price=price, **costs)
    one, other = told_busy(plain), told(busy(), scaled)
    assert rows(other, scaled) == rows(one, plain)
    same_money(one, other, price)


def test_what_is_left_in_the_old_unit_shows() -> None:
    """A tick, a fee per share: what does not go with the prices makes another run."""
    plain = Terms(bps=3.0)
    coarse = Terms(bps=3.0, price=Fraction(10), tick=Fraction(1))
    assert rows(told(busy(), coarse), coarse) != rows(told_busy(plain), plain)
    plain, dearer = Terms(fees="ib_fixed"), Terms(fees="ib_fixed", price=Fraction(10))
    assert rows(told(busy(), dearer), dearer) != rows(told_busy(plain), plain)


# -- the date --------------------------------------------------------------------------------------

SAME_RATES = st.integers(-9, 9).filter(bool)  # weeks: no fee of a regulator changes in them


@given(specs(), SAME_RATES, st.sampled_from(["zero", "ib_fixed", "ib_tiered", "binance_spot"]))
@settings(max_examples=10 * SCALE)
def test_weeks_later_or_earlier_the_same_is_done_for_the_same_money(
    spec: Spec, weeks: int, fees: str
) -> None:
    plain, moved = Terms(fees=fees, bps=2.0), Terms(fees=fees, bps=2.0, weeks=weeks)
    one, other = told(spec, plain), told(spec, moved)
    assert rows(other, moved) == rows(one, plain)
    assert [value for _, value in other.outcome.equity] == [v for _, v in one.outcome.equity]
    assert other.outcome.final_equity == one.outcome.final_equity


@pytest.mark.parametrize("weeks", [-52 * 20, -17, 30, 52 * 40])
def test_years_later_or_earlier_the_same_is_done_for_the_same_money(weeks: int) -> None:
    plain, moved = Terms(fees="binance_spot"), Terms(fees="binance_spot", weeks=weeks)
    assert rows(told(busy(), moved), moved) == rows(told_busy(plain), plain)


def test_another_year_s_rates_show() -> None:
    plain, moved = Terms(fees="ib_fixed"), Terms(fees="ib_fixed", weeks=12)
    assert rows(told(busy(), moved), moved) != rows(told_busy(plain), plain)


# -- the unit of volume ----------------------------------------------------------------------------


@given(specs(), st.sampled_from([0.25, 0.125, 0.5]), st.sampled_from([2, 4, 64]))
@settings(max_examples=10 * SCALE)
def test_twice_the_volume_at_half_the_share_fills_alike(
    drawn: Spec, share: float, volume: int
) -> None:
    spec = msgspec.structs.replace(drawn, participation=share)
    plain, fuller = (
        Terms(fees="ib_tiered", bps=2.0),
        Terms(fees="ib_tiered", bps=2.0, volume=volume),
    )
    one, other = told(spec, plain), told(spec, fuller)
    assert rows(other, fuller) == rows(one, plain)
    assert other.outcome.entries == one.outcome.entries
    assert other.outcome.seen == one.outcome.seen


def test_more_volume_alone_shows_and_so_does_its_impact() -> None:
    plain = rows(told_busy(Terms()), Terms())
    assert rows(told(busy(0.5), Terms(volume=1)), Terms()) != plain
    light, heavy = Terms(impact_bps=40.0), Terms(impact_bps=40.0, volume=4)
    assert rows(told(busy(), heavy), heavy) != rows(told(busy(), light), light)


# -- names and places ------------------------------------------------------------------------------


@given(specs(), st.permutations(["A", "ZZZ", "BRK.B", "ETH/USD"]))
@settings(max_examples=10 * SCALE)
def test_by_other_names_the_same_is_done(spec: Spec, names: list[str]) -> None:
    plain, renamed = Terms(fees="ib_fixed"), Terms(fees="ib_fixed", names=tuple(names))
    one, other = told(spec, plain), told(spec, renamed)
    assert rows(other, renamed) == rows(one, plain)
    assert other.outcome.entries == one.outcome.entries
    assert other.outcome.equity == one.outcome.equity
    assert other.outcome.fingerprint != one.outcome.fingerprint, "names are in it"
    called = dict(zip(spec.symbols, names, strict=False))
    assert [called[order.symbol] for order in one.orders] == [o.symbol for o in other.orders]


def by_symbol(ended: Ended) -> dict[str, list[list[object]]]:
    """Orders and fills of each symbol, without what counts over all symbols."""
    symbols = ended.run.config.symbols
    found: dict[str, list[list[object]]] = {symbol: [] for symbol in symbols}
    for order in ended.orders:
        found[order.symbol].append(order_row(order)[1:])
    for fill in ended.outcome.fills:
        found[symbols[fill[2]]].append(fill_row(fill)[3:-1])
    return found


@given(specs().filter(lambda spec: len(spec.keep) > 1), st.randoms(use_true_random=False))
@settings(max_examples=10 * SCALE)
def test_the_place_of_a_symbol_in_the_config_does_not_matter_to_it(spec: Spec, random: Any) -> None:
    places = list(range(len(spec.keep)))
    random.shuffle(places)
    plain = Terms(fees="ib_tiered", bps=2.0, kinds=("Relations", "Relations"))
    other = told(spec, msgspec.structs.replace(plain, order=tuple(reversed(places))))
    one = told(spec, msgspec.structs.replace(plain, order=tuple(places)))
    assert by_symbol(one) == by_symbol(other)
    ledgers = [ended.run.execution.ledger for ended in (one, other)]
    for name in ("cash_units", "cost_units", "realised_units", "income_units", "fee_units"):
        assert getattr(ledgers[0], name) == getattr(ledgers[1], name), name


def test_a_strategy_that_counts_over_all_symbols_is_told_from_one_that_does_not() -> None:
    orders = (0, 1, 2), (2, 1, 0)
    one, other = (told(busy(), Terms(kinds=("Together",), order=order)) for order in orders)
    assert by_symbol(one) != by_symbol(other)
