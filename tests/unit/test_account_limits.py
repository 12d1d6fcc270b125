"""The account file: read strictly, kept in a run's header, and loosened by no config."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.life import Times
from tests.market import market_of, weekday_sessions
from tests.unit.execution_house import Row, manager_of, open_session, submit

from app.core.account_limits import AccountLimits, load_account_limits
from app.core.config import SessionConfig
from app.core.config_risk import RiskConfig
from app.core.errors import ConfigError
from app.core.money import UNITS
from app.core.orders import REJECTED
from app.core.venue import Abilities
from app.managers.system_manager.journal.run_header import header_of, read_header
from app.managers.system_manager.rerun.rewiring import market_from
from app.managers.system_manager.venue.holdings import Holdings
from app.services.risk.scopes import limits_of_run

LIMITS = {
    "max_order_quantity": 100,
    "allow_short": False,
    "strategies": {"one": {"max_order_value": 2_500.5}},
    "symbols": {"X": {"max_position_quantity": 40}},
}


def written(folder: Path, value: object) -> Path:
    path = folder / "account.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_a_file_of_the_form_of_risk_is_read(tmp_path: Path) -> None:
    limits = load_account_limits(written(tmp_path, LIMITS))
    assert (limits.max_order_quantity, limits.allow_short) == (Decimal(100), False)
    assert limits.strategies["one"].max_order_value == Decimal("2500.5")
    assert AccountLimits.model_validate(json.loads(json.dumps(limits.as_json()))) == limits


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"max_order_quantiy": 5}, "Did you mean 'max_order_quantity'"),
        ({"max_order_value": -5}, "max_order_value: found -5, allowed is a number above 0"),
        ({"max_order_value": True}, "max_order_value: found true, allowed is a number"),
        ({"oversize": "cut"}, "oversize: unknown key"),
        ({"symbols": {"x": {}}}, "symbols.x: found"),
        ({"strategies": {"one": {"strategies": {}}}}, "strategies.one.strategies: unknown key"),
        (
            {"strategies": {"max_order_value": {"x": 1}}},
            "strategies.max_order_value.x: unknown key",
        ),
        ([], "it must be one JSON object"),
        ("{", "not JSON at line 1"),
        ('{"max_order_value": 5, "max_order_value": 500}', "given more than once"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_where_and_what(
    tmp_path: Path, content: object, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_account_limits(written(tmp_path, content))
    assert message in str(caught.value)
    assert "account.json" in str(caught.value)


def test_a_file_that_is_not_there_is_no_licence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without its limits nothing starts") as caught:
        load_account_limits(tmp_path / "gone.json")
    assert caught.value.exit_code == 4


def refused(config: dict[str, Any], hard: AccountLimits | None, shares: int, symbol: int) -> str:
    """Why an order is refused under both, or "": of strategy `one` in X or Y, at 10.0."""
    risk = RiskConfig.model_validate(config)
    execution = manager_of(
        [Row(0, 0, 10.0), Row(0, 1, 10.0)],
        limits=limits_of_run(risk, ["one", "two"], ["X", "Y"], hard),
    )
    open_session(execution, dt.date(2024, 3, 8), 0)
    order = submit(execution, 0, symbol, shares * UNITS, 5)
    return order.reason if order.state is REJECTED else ""


bounds = st.none() | st.integers(1, 300)


@given(hard=bounds, of_symbol=bounds, soft=bounds, shares=st.integers(1, 300))
def test_no_config_lets_through_what_the_file_does_not(
    hard: int | None, of_symbol: int | None, soft: int | None, shares: int
) -> None:
    file = AccountLimits.model_validate(
        {"max_order_quantity": hard, "symbols": {"X": {"max_order_quantity": of_symbol}}}
    )
    own = {"max_order_quantity": soft, "symbols": {"X": {"max_order_quantity": 10**9}}}
    most = min(limit for limit in (hard, of_symbol, soft, 10**9) if limit is not None)
    reason = refused(own, file, shares, 0)
    assert bool(reason) == (shares > most)
    if reason and most != soft:
        assert "of account file" in reason
        assert f"{shares} is over {most}" in reason


def test_what_is_not_of_this_run_limits_nothing_in_it() -> None:
    file = AccountLimits.model_validate(
        {
            "symbols": {"Z": {"max_order_quantity": 1}, "Y": {"max_order_quantity": 2}},
            "strategies": {"three": {"max_order_quantity": 1}},
        }
    )
    assert refused({}, file, 50, 0) == ""
    assert refused({}, file, 50, 1) == "max_order_quantity of account file, symbol Y: 50 is over 2"


def test_allow_short_of_the_file_cannot_be_given_back() -> None:
    file = AccountLimits(allow_short=False)
    reason = refused({"allow_short": True}, file, -5, 0)
    assert reason.startswith("allow_short of account file: ")


def test_a_run_s_header_keeps_them_and_gives_them_back() -> None:
    config = SessionConfig.model_validate(
        {"name": "kept", "mode": "live", "symbols": ["X"], "strategies": [{"use": "one.py"}]}
    )
    sessions = weekday_sessions(dt.date(2024, 6, 3), 1)
    hard = AccountLimits.model_validate(LIMITS)
    kept = msgspec.structs.replace(market_of(sessions, {}, ["X"]), hard_limits=hard)
    header = header_of("run", config, kept, 0, {}, 0, Holdings(), "", Abilities())
    again = read_header(json.loads(json.dumps(header.as_dict())), Path("journal"))
    assert again.account_limits == hard
    market = market_from(again, Times(), None)  # type: ignore[arg-type]
    assert market.hard_limits == hard

    of_old = {name: value for name, value in header.as_dict().items() if name != "hard_limits"}
    assert read_header(of_old, Path("journal")).account_limits is None
