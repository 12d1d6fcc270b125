"""Whole runs in which sure approvals are used decide what runs decide that ask every rule."""

from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, Outcome, differences, outcome_of, wired
from tests.random_market import Spec, busy_spec, specs

from app.core.config_account import AccountConfig
from app.core.config_risk import RiskConfig
from app.managers.execution_manager.execution_state import execution_state

RISKS: tuple[dict[str, Any], ...] = (
    {"max_gross_value": 4_000, "max_data_age_seconds": 60},
    {"max_leverage": 1, "breakers": {"daily_loss": {"at": 20}}},
    {"max_position_percent": 60, "max_volatility_percent": "0.15", "oversize": "cut"},
    {"max_drawdown_percent": 1, "breakers": {"rejects_per_minute": {"at": 9, "then": "halted"}}},
)


def lived(
    spec: Spec, risk: dict[str, Any], block_rows: int, *, sure: bool
) -> tuple[Outcome, object]:
    """A run in a small account, and what it remembers at its end."""
    account = AccountConfig.model_validate({"cash": 3_000})
    parts = {"risk": RiskConfig.model_validate(risk), "account": account}
    run, results = wired(spec.config(block_rows).model_copy(update=parts), spec.market())
    checks = run.execution._checks
    assert checks._sure is not None
    if not sure:
        checks._sure = None
    outcome, state = outcome_of(run, results), execution_state(run.execution)
    return outcome, (state.entries, state.risk, state.breakers)


def check(spec: Spec, risk: dict[str, Any]) -> Outcome:
    sure, remembered = lived(spec, risk, 7, sure=True)
    asked, expected = lived(spec, risk, 8192, sure=False)
    assert not differences(asked, sure)
    assert remembered == expected
    return asked


@given(specs(), st.sampled_from(RISKS))
@settings(max_examples=6 * SCALE)
def test_sure_approvals_leave_no_trace_in_a_run(spec: Spec, risk: dict[str, Any]) -> None:
    check(spec, risk)


def test_nor_do_they_over_splits_sessions_and_halts() -> None:
    found = Counter[object]()
    for seed, risk in enumerate(RISKS):
        spec = msgspec.structs.replace(
            busy_spec(), seed=seed, minutes=16, broken=False, extended=False
        )
        found.update(order[5] for order in check(spec, risk).orders)
    assert found["REJECTED"] > 50 and found["FILLED"] > 50, "where little happens little is proved"
