"""Whatever a strategy does: what it holds has exits of exactly its size, and flat has none."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import (
    Outcome,
    config_of,
    execute,
    market_of,
    minute_starts,
    random_bars,
    weekday_sessions,
)
from tests.unit.reckless import Reckless

from app.core.instruments import Adjustment

Watch = Callable[[Reckless, str], None]
EXITS = {"stop_loss_percent": "0.05", "take_profit_percent": "0.08"}
FILLS: tuple[dict[str, Any], ...] = (
    {},
    {"participation": "0.01"},
    {"slippage": {"kind": "bps", "amount": 2}},
    {"same_bar": "best", "participation": "0.02"},
    {"same_bar": "ohlc_path", "limit_fill": "through"},
    {"market_fill": "this_close"},
    {"latency_ms": 70_000},
)


def split(symbol: str, date: dt.date) -> Adjustment:
    """Two shares for one; the bars know nothing of it, which the rules do not mind."""
    return Adjustment(symbol, date, Decimal(2), Decimal(0), 0.5, 2.0)


def run(seed: int, look: Watch | None = None, rows: int = 8192, **parts: Any) -> Outcome:
    """Two symbols over three sessions, one of them half a day; of odd seeds each symbol splits."""
    Reckless.look = look
    Reckless.at_close.clear()
    sessions = weekday_sessions(dt.date(2024, 6, 3), 3, 40, frozenset({1}))
    starts = minute_starts(sessions)
    names = ("AAA", "BBB")
    bars = {(name, "1m"): random_bars(starts, seed * 2 + place) for place, name in enumerate(names)}
    adjustments = [split(name, sessions[1 + place].date) for place, name in enumerate(names)]
    adjustments = adjustments if seed % 2 else []
    parts.setdefault("protection", EXITS)
    config = config_of(
        names,
        [{"use": "tests.unit.reckless:Reckless", "params": {"salt": seed}}],
        execution=parts.pop("execution", FILLS[seed % len(FILLS)]),
        account={"cash": 10_000_000},
        engine={"block_rows": rows, "runner": "inline"},
        **parts,
    )
    try:
        return execute(config, market_of(sessions, bars, names, adjustments=adjustments))
    finally:
        Reckless.look = None


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_what_is_held_has_exits_of_its_size_and_flat_has_none(seed: int) -> None:
    outcome = run(seed, lambda strategy, symbol: strategy.must_be_covered(symbol))
    assert outcome.reason == "finished"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_it_is_flat_at_each_close_where_that_is_declared(seed: int) -> None:
    """The second session is half a day; whatever the bars can hold, fills."""
    fills = {**FILLS[seed % len(FILLS)], "participation": None}
    run(seed, protection={**EXITS, "flat_before_close_minutes": 4}, execution=fills)
    assert Reckless.at_close == [0, 0, 0]
    run(seed, protection={"flat_before_close_minutes": 4, "time_stop_minutes": 7}, execution=fills)
    assert Reckless.at_close == [0, 0, 0]


@pytest.mark.parametrize("seed", range(len(FILLS)))
def test_blocks_of_any_size_come_to_the_same(seed: int) -> None:
    protection = {**EXITS, "time_stop_minutes": 9, "flat_before_close_minutes": 4}
    whole = run(seed, protection=protection)
    assert len(whole.fills) > 20
    for rows in (1, 37):
        assert run(seed, rows=rows, protection=protection) == whole


@pytest.mark.parametrize("state", ("reducing", "halted"))
def test_so_they_do_under_limits_and_a_trading_state(state: str) -> None:
    """And what is held is covered whatever is refused, cut or called off."""
    risk: dict[str, Any] = {
        "max_order_quantity": 70,
        "max_open_orders": 2,
        "oversize": "cut",
        "breakers": {"daily_loss": {"at": 20, "then": state}},
    }
    whole = run(1, lambda strategy, symbol: strategy.must_be_covered(symbol), risk=risk)
    told = [str(order[7]) for order in whole.orders]
    for what in ("max_open_orders", "no_entries" if state == "reducing" else "halted"):
        assert any(one.startswith(what) for one in told), what
    assert run(1, rows=1, risk=risk) == whole


@pytest.mark.parametrize("seed", (0, 2, 4))
def test_an_exit_whose_position_others_have_closed_waits_again(seed: int) -> None:
    """Its entry fills more: that is protected from the next bar on, wherever a block ends."""
    exits = {"stop_loss_percent": "0.05", "trailing_amount": "0.07"}
    fills = {"same_bar": "best", "participation": "0.02"}
    whole = run(seed, protection=exits, execution=fills)
    assert run(seed, rows=1, protection=exits, execution=fills) == whole
