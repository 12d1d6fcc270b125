"""A protected run that goes on from a saved state is the run that never broke off."""

import datetime as dt
from typing import Any

import pytest
from tests.integration.test_run_states import check_every_state
from tests.market import config_of, market_of, minute_starts, random_bars, weekday_sessions

from app.managers.execution_manager.exits.protection import Protection

COVER = {
    "stop_loss_percent": "0.05",
    "take_profit_percent": "0.08",
    "trailing_amount": "0.07",
    "time_stop_minutes": 55,  # over the night, for many
}


RISK: dict[str, Any] = {
    "max_order_quantity": 70,
    "max_position_percent": "0.3",
    "max_orders_per_day": 60,
    "oversize": "cut",
    "breakers": {
        "daily_loss": {"at": 20},
        "rejects_per_minute": {"at": 5, "then": "halted"},
    },
}


def check(risk: dict[str, Any] | None = None, **more: int) -> int:
    """Go on from each state of a run of three sessions."""
    sessions = weekday_sessions(dt.date(2024, 6, 3), 3, 40, frozenset({1}))
    names = ("AAA", "BBB")
    starts = minute_starts(sessions)
    bars = {(name, "1m"): random_bars(starts, place) for place, name in enumerate(names)}
    config = config_of(
        names,
        [{"use": "tests.unit.reckless:Reckless", "params": {"salt": 7}}],
        execution={"participation": "0.02"},
        account={"cash": 10_000_000},
        engine={"block_rows": 16, "runner": "inline"},
        protection={**COVER, **more},
        risk=risk or {},
    )
    return check_every_state(config, market_of(sessions, bars, names))


def test_exits_trades_and_their_times_go_on() -> None:
    assert check() == 2
    assert check(flat_before_close_minutes=4) == 2


def test_they_do_under_limits_and_a_trading_state() -> None:
    assert check(RISK, flat_before_close_minutes=4) == 2


def test_it_is_missed_where_they_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protection, "restore", lambda self, state: None)
    with pytest.raises((AssertionError, KeyError)):
        check()
