"""Exits that a config or a class declares: their prices, when they act, what they leave alone."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scripted import Scripted, Steps
from tests.unit.test_order_links import QUIET, Bar, ends, fills, run

from app.core.config import SessionConfig
from app.core.config_protection import ProtectionFields, declared_in_code, merged
from app.core.errors import ConfigError, StrategyError, UsageError
from app.core.money import UNITS
from app.core.orders import LIMIT, STOP, Guard, Order
from app.services.protection import guard_prices_of

BOTH = {"stop_loss_percent": 1, "take_profit_percent": 2}
LOW: Bar = (9.95, 10.0, 9.85, 9.9)
HIGH: Bar = (10.0, 10.3, 10.0, 10.25)


def buy(quantity: int = 100, at: str = "09:31 AAA", **terms: Any) -> Steps:
    return {at: lambda s: s.order("AAA", quantity, **terms)}


def price_of(kind: str, sells: bool, guard: Guard, price: str, tick: str = "0.01") -> float:
    order = Order(1, 0, "A", 0, -UNITS if sells else UNITS, 0, kind=kind, guard=guard)
    over = int(Decimal(price) * UNITS)
    limit, stop = guard_prices_of(order, over, 1, int(Decimal(tick) * UNITS))
    found = limit if kind == LIMIT else stop
    assert found is not None
    return found


PERCENT = Guard(UNITS, of_percent=True)


@pytest.mark.parametrize(
    ("kind", "sells", "guard", "price", "wanted"),
    [
        (STOP, True, PERCENT, "100", 99.0),
        (STOP, True, PERCENT, "10.05", 9.95),  # 9.9495: never further away
        (STOP, False, PERCENT, "10.05", 10.15),  # of a short: 10.1505
        (LIMIT, True, PERCENT, "10.05", 10.16),  # 10.1505: never worse
        (LIMIT, False, PERCENT, "10.05", 9.94),
        (STOP, True, Guard(UNITS // 4), "10.05", 9.8),
        (LIMIT, False, Guard(UNITS // 4), "10.05", 9.8),
        (STOP, True, Guard(UNITS // 1000, of_percent=True), "10.05", 10.04),  # a tick at least
        (STOP, False, Guard(UNITS // 1000, of_percent=True), "10.05", 10.06),
        (STOP, True, Guard(UNITS // 1000, of_percent=True), "10.055", 10.05),
        (LIMIT, False, Guard(200 * UNITS, of_percent=True), "10.05", 0.01),  # no price is less
    ],
)
def test_prices_are_on_the_tick_and_on_the_safe_side(
    kind: str, sells: bool, guard: Guard, price: str, wanted: float
) -> None:
    assert price_of(kind, sells, guard, price) == wanted


@given(
    price=st.decimals("0.5", "5000", places=4),
    percent=st.decimals("0.0001", "60", places=4),
    tick=st.sampled_from(["0.01", "0.05", "0.0001", "0.25"]),
    sells=st.booleans(),
)
def test_a_stop_loses_no_more_than_declared_and_a_tick(
    price: Decimal, percent: Decimal, tick: str, sells: bool
) -> None:
    guard = Guard(int(percent * UNITS), of_percent=True)
    stop = Fraction(repr(price_of(STOP, sells, guard, str(price), tick)))
    loss = (Fraction(price) - stop) * (1 if sells else -1)
    declared = Fraction(price) * Fraction(percent) / 100
    assert 0 < loss <= max(declared, Fraction(tick)) or stop == Fraction(tick)
    target = Fraction(repr(price_of(LIMIT, sells, guard, str(price), tick)))
    gain = (target - Fraction(price)) * (1 if sells else -1)
    assert 0 < gain < declared + Fraction(tick) + (Fraction(tick) if gain < declared else 0) or (
        target == Fraction(tick)
    )


# -- exits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "bars", "left"),
    [
        (100, [QUIET, LOW], (-100, "09:33", 9.9)),
        (100, [QUIET, HIGH], (-100, "09:33", 10.2)),
        (100, [LOW], (-100, "09:32", 9.86)),  # on the bar of its entry, measured from 9.95
        (-100, [QUIET, HIGH], (100, "09:33", 10.1)),
        (-100, [QUIET, (10.0, 10.0, 9.75, 9.8)], (100, "09:33", 9.8)),
    ],
)
def test_an_entry_has_a_stop_and_a_target_that_end_each_other(
    quantity: int, bars: Sequence[Bar], left: tuple[int, str, float]
) -> None:
    _, outcome = run([QUIET, *bars, QUIET], buy(quantity), protection=BOTH)
    assert fills(outcome)[1:] == [left]
    assert [end for end, _ in ends(outcome)].count("FILLED") == 2
    assert ("CANCELED", "another order of its group filled") in ends(outcome)


def test_the_price_follows_the_mean_of_what_the_entry_has_paid() -> None:
    bars = [QUIET, QUIET, (10.4, 10.4, 10.4, 10.4), QUIET, QUIET]
    _, outcome = run(
        bars, buy(100), volume=500.0, execution={"participation": 0.1},
        protection={"stop_loss_amount": 0.5},
    )  # fmt: skip
    assert fills(outcome)[:2] == [(50, "09:32", 10.0), (50, "09:33", 10.4)]
    priced = [change for change in outcome.order_changes if change[2] == "priced"]
    assert [change[5] for change in priced] == [9.5, 9.7]


def test_slippage_counts_on_the_very_bar_of_the_entry() -> None:
    bars = [QUIET, (10.0, 10.0, 9.95, 10.0), QUIET]
    _, outcome = run(
        bars, buy(), execution={"slippage": {"kind": "fixed", "amount": 0.1}},
        protection={"stop_loss_amount": 0.15},
    )  # fmt: skip
    assert fills(outcome) == [(100, "09:32", 10.1), (-100, "09:32", 9.85)]


def test_a_trailing_stop_follows_from_the_entry_on() -> None:
    bars = [QUIET, QUIET, (10.4, 10.5, 10.4, 10.5), (10.5, 10.5, 10.2, 10.2)]
    _, outcome = run(bars, buy(), protection={"trailing_amount": 0.2})
    assert fills(outcome)[-1] == (-100, "09:34", 10.3)


def test_a_strategy_that_gives_exits_itself_keeps_them_alone() -> None:
    steps: Steps = {"09:31 AAA": lambda s: s.bracket("AAA", 100, stop=9.5)}
    _, outcome = run([QUIET, QUIET, LOW, QUIET], steps, protection=BOTH)
    assert len(fills(outcome)) == 1 and len(outcome.orders) == 2


def test_what_was_to_close_and_opens_is_covered_with_its_fill() -> None:
    steps = {
        **buy(),
        "09:32 AAA": lambda s: s.order("AAA", -100, limit=10.05),  # it only closes, now
    }
    bars = [QUIET, QUIET, LOW, (10.1, 10.1, 10.1, 10.1), (10.25, 10.25, 10.25, 10.25), QUIET]
    _, outcome = run(bars, steps, protection=BOTH)
    assert fills(outcome) == [
        (100, "09:32", 10.0), (-100, "09:33", 9.9), (-100, "09:34", 10.1), (100, "09:35", 10.25),
    ]  # fmt: skip


def test_exits_are_those_of_an_entry_as_risk_lets_it_be() -> None:
    risk = {"max_order_quantity": 60, "oversize": "cut"}
    _, outcome = run([QUIET, QUIET, LOW, QUIET], buy(), protection=BOTH, risk=risk)
    assert fills(outcome) == [(60, "09:32", 10.0), (-60, "09:33", 9.9)]
    _, outcome = run([QUIET, QUIET], buy(), protection=BOTH, risk={"max_order_quantity": 60})
    assert [end for end, _ in ends(outcome)] == ["REJECTED"]


def test_exits_grow_with_an_entry_that_is_made_larger() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100, limit=9.9),
        "09:32 AAA": lambda s: s.amend(s.orders("AAA")[0], quantity=150),
    }
    bars = [QUIET, QUIET, (10.0, 10.0, 9.9, 9.9), (9.9, 9.9, 9.8, 9.8), QUIET]
    _, outcome = run(bars, steps, protection={"stop_loss_amount": 0.1})
    assert fills(outcome) == [(150, "09:33", 9.9), (-150, "09:34", 9.8)]


def test_a_flip_is_covered_for_what_it_opens() -> None:
    steps = {**buy(), "09:33 AAA": lambda s: s.order_target("AAA", -60)}
    _, outcome = run([QUIET] * 4 + [HIGH, QUIET], steps, protection=BOTH)
    assert fills(outcome)[1:] == [(-160, "09:34", 10.0), (60, "09:35", 10.1)]


def test_exits_shrink_with_what_the_strategy_sells_and_end_with_it() -> None:
    steps = {
        **buy(),
        "09:32 AAA": lambda s: s.order("AAA", -40),
        "09:34 AAA": lambda s: (s.orders("AAA"), s.close("AAA")),
    }
    answers, outcome = run([QUIET] * 6, steps, protection=BOTH)
    assert fills(outcome) == [(100, "09:32", 10.0), (-40, "09:33", 10.0), (-60, "09:35", 10.0)]
    assert [change[3] // UNITS for change in outcome.order_changes if change[2] == "reduce"] == [
        -60, -60,
    ]  # fmt: skip
    assert ends(outcome)[1] == ("CANCELED", "nothing is left to reduce")
    assert answers[2][0] == []  # type: ignore[index]  # they are not the strategy's own


def test_no_strategy_takes_its_protection_back() -> None:
    def grasp(strategy: Any) -> str:
        assert (strategy.told.state, strategy.told.filled) == ("FILLED", 100)
        with pytest.raises(UsageError, match="Order 2 is the run's own"):
            strategy.cancel(strategy.told)
        return str(strategy.told.kind)

    steps = {**buy(), "09:33 order 2": grasp}
    answers, _ = run([QUIET, QUIET, LOW, QUIET], steps, protection=BOTH)
    assert answers[-1] == "stop"


# -- time ---------------------------------------------------------------------------------------


def test_a_time_stop_closes_at_market_and_its_exits_end() -> None:
    _, outcome = run([QUIET] * 8, buy(), protection={**BOTH, "time_stop_minutes": 3})
    assert fills(outcome)[1:] == [(-100, "09:36", 10.0)]
    assert [end for end, _ in ends(outcome)] == ["FILLED", "CANCELED", "CANCELED", "FILLED"]


def test_a_time_stop_counts_trading_time_over_the_night() -> None:
    steps: Steps = {"09:31 AAA": lambda s: s.now.day == 3 and s.order("AAA", 100)}
    _, outcome = run([QUIET] * 16, steps, sessions=2, protection={"time_stop_minutes": 10})
    assert fills(outcome) == [(100, "09:32", 10.0), (-100, "09:35", 10.0)]
    assert outcome.fills[1][7] - outcome.fills[0][7] > 23 * 3_600_000_000_000


def test_a_time_stop_calls_off_what_its_entry_has_not_filled() -> None:
    bars = [QUIET, (10.0, 10.0, 9.9, 9.95), *([QUIET] * 6)]
    _, outcome = run(
        bars, buy(100, limit=9.95), volume=500.0, execution={"participation": 0.1},
        protection={"time_stop_minutes": 2},
    )  # fmt: skip
    assert fills(outcome) == [(50, "09:32", 9.95), (-50, "09:35", 10.0)]
    assert ends(outcome)[0] == ("CANCELED", "time_stop: its time is up")


@pytest.mark.parametrize("half", [False, True])
def test_flat_before_the_close_calls_off_closes_and_refuses(half: bool) -> None:
    close = 40 if half else 50  # past nine
    first, late = f"09:{close - 4} AAA", f"09:{close - 2} AAA"
    steps = {
        "09:31 AAA": lambda s: (s.order("AAA", 100), s.order("AAA", 10, limit=9.0)),
        first: lambda s: s.order("AAA", 10, limit=9.1),
        late: lambda s: s.order("AAA", 10),
    }
    _, outcome = run(
        [QUIET] * 20, steps, protection={**BOTH, "flat_before_close_minutes": 3},
        half_days=frozenset({0}) if half else frozenset(),
    )  # fmt: skip
    assert fills(outcome)[1:] == [(-100, f"09:{close - 2}", 10.0)]
    reasons = [why for end, why in ends(outcome) if end in ("CANCELED", "REJECTED")]
    assert reasons.count("flat_before_close: the session is ending") == 2
    assert "flat_before_close: nothing is entered from 3 minutes before the close on" in reasons


def test_with_extended_hours_it_is_the_close_of_the_regular_ones_and_nothing_enters_after() -> None:
    steps = {**buy(), "09:42 AAA": lambda s: s.order("AAA", 10)}
    _, outcome = run(
        [QUIET] * 15, steps, post_minutes=5, protection={"flat_before_close_minutes": 3}
    )
    assert fills(outcome) == [(100, "09:32", 10.0), (-100, "09:38", 10.0)]
    assert ends(outcome)[1][0] == "REJECTED" or ends(outcome)[2][0] == "REJECTED"


def test_what_could_not_be_closed_goes_on_with_the_next_session_under_its_exits() -> None:
    bars: list[Bar | None] = [QUIET] * 5 + [None] * 3 + [QUIET] * 8
    steps: Steps = {"09:31 AAA": lambda s: s.now.day == 3 and s.order("AAA", 100)}
    _, outcome = run(bars, steps, sessions=2, protection={**BOTH, "flat_before_close_minutes": 3})
    assert fills(outcome) == [(100, "09:32", 10.0), (-100, "09:31", 10.0)]


def test_a_strategy_that_closes_as_well_does_not_sell_twice() -> None:
    steps = {**buy(), "09:36 AAA": lambda s: s.order_target("AAA", 0)}
    for leave in ({"time_stop_minutes": 4}, {"flat_before_close_minutes": 4}):
        _, outcome = run([QUIET] * 10, steps, protection={**BOTH, **leave})
        assert sum(units for units, _, _ in fills(outcome)) == 0
        assert len(fills(outcome)) == 2


@pytest.mark.parametrize("leave", [{"time_stop_minutes": 4}, {"flat_before_close_minutes": 3}])
def test_an_order_that_reduces_a_part_leaves_the_rest_to_be_closed(leave: dict[str, int]) -> None:
    at = "09:36 AAA" if "time_stop_minutes" in leave else "09:37 AAA"
    steps = {**buy(), at: lambda s: s.order("AAA", -10, reduce_only=True)}
    _, outcome = run([QUIET] * 10, steps, protection=leave)
    assert [units for units, _, _ in fills(outcome)] == [100, -10, -90]


@pytest.mark.parametrize("leave", [{"time_stop_minutes": 4}, {"flat_before_close_minutes": 3}])
def test_an_exit_of_an_entry_that_never_fills_closes_nothing(leave: dict[str, int]) -> None:
    def wait(s: Any) -> None:
        s.order("AAA", -100, reduce_only=True, after=s.order("AAA", 100, limit=5.0))

    _, outcome = run([QUIET] * 10, {**buy(), "09:33 AAA": wait}, protection=leave)
    assert [units for units, _, _ in fills(outcome)] == [100, -100]


# -- what is declared ---------------------------------------------------------------------------


def fields(**given: Any) -> ProtectionFields:
    return ProtectionFields(**given)


def test_a_config_comes_before_the_code_and_says_explicitly_that_there_is_none() -> None:
    code = fields(stop_loss_percent=2, take_profit_percent=5, time_stop_minutes=30)
    config = fields(stop_loss_amount=1, take_profit_percent=0)
    assert merged([config, code]) == fields(stop_loss_amount=1, time_stop_minutes=30)
    assert merged([fields(off=True), code]) == fields()
    own = fields(stop_loss_percent=3)
    assert merged([own, fields(off=True), code]) == own


def test_a_class_declares_it_in_the_same_words() -> None:
    Scripted.protection = {"stop_loss_percent": 1}
    try:
        _, outcome = run([QUIET, QUIET, LOW, QUIET], buy())
        assert fills(outcome)[-1] == (-100, "09:33", 9.9)
        _, outcome = run([QUIET, QUIET, LOW, QUIET], buy(), protection={"off": True})
        assert len(fills(outcome)) == 1
        own = {"strategies": {"Scripted": {"stop_loss_percent": "0.5"}}}
        _, outcome = run([QUIET, QUIET, LOW, QUIET], buy(), protection=own)
        assert fills(outcome)[-1] == (-100, "09:33", 9.95)
    finally:
        Scripted.protection = {}


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ({"stop_los_percent": 1}, "Did you mean 'stop_loss_percent'"),
        ({"stop_loss_percent": 100}, "allowed is a number below 100"),
        ({"stop_loss_percent": 1, "stop_loss_amount": 1}, "one of the two is enough"),
        ({"off": True, "time_stop_minutes": 5}, "leave one out"),
        (3, "write a dict"),
    ],
)
def test_what_is_declared_wrongly_is_said(declared: object, what: str) -> None:
    with pytest.raises(StrategyError, match=what):
        declared_in_code("Mine", declared)


def test_bars_too_long_to_go_flat_on_are_refused() -> None:
    Scripted.protection = {"flat_before_close_minutes": 3}
    try:
        with pytest.raises(ConfigError, match="at least 5 with bars of 5m"):
            run([QUIET] * 10, buy(), base_interval="5m")
    finally:
        Scripted.protection = {}


def test_a_config_names_strategies_that_the_run_has() -> None:
    with pytest.raises(ValueError, match=r"Did you mean 'Slow'"):
        SessionConfig.model_validate(
            {
                "name": "a", "symbols": ("A",),
                "replay": {"start": "2024-01-02", "end": "2024-01-02"},
                "strategies": [{"use": "a.b:Slow"}],
                "protection": {"strategies": {"Slwo": {"stop_loss_percent": 1}}},
            }
        )  # fmt: skip
