"""Every limit of a config has a rule, a test and a line in the docs; which ones hold for whom."""

from pathlib import Path

import pytest

from app.core.config_breakers import Breakers
from app.core.config_risk import RiskConfig, RiskLimits
from app.services.risk.catalogue import limits_of, rule_names
from app.services.risk.scopes import limits_of_run
from app.services.risk.units import unit_of

HERE = Path(__file__).parent
DOCS = (HERE.parents[2] / "docs" / "SESSION_CONFIGS.md").read_text()


def test_each_limit_of_a_config_has_a_rule_of_its_name() -> None:
    assert set(rule_names()) == set(RiskLimits.model_fields)


@pytest.mark.parametrize("name", rule_names())
def test_each_rule_has_a_test_file_and_a_line_in_the_docs(name: str) -> None:
    assert (HERE / f"test_{name}.py").exists()
    assert f"| `{name}` |" in DOCS
    assert RiskLimits.model_fields[name].description


@pytest.mark.parametrize("name", [*rule_names(), *Breakers.model_fields])
def test_the_number_of_each_limit_and_breaker_has_a_unit(name: str) -> None:
    unit = unit_of(f"{name} of account file", "EUR")
    assert (unit == "") == (name in ("allow_short", "restricted"))
    assert (unit == "EUR") == name.endswith(("_value", "_loss"))
    assert (unit == "%") == name.endswith("_percent")


def test_a_config_without_limits_has_no_rules() -> None:
    assert limits_of(RiskLimits()) == ()
    assert limits_of_run(RiskConfig(), ["s"], ["X"]).scopes == ()


def test_limits_hold_for_whom_they_are_given() -> None:
    config = RiskConfig.model_validate(
        {
            "max_order_quantity": 5,
            "oversize": "cut",
            "strategies": {"b": {"allow_short": False}, "a": {}},
            "symbols": {"Y": {"max_order_quantity": 3}},
        }
    )
    limits = limits_of_run(config, ["a", "b"], ["X", "Y"])
    assert limits.cuts
    assert [
        (scope.name, scope.strategy, scope.symbol, [limit.name for limit in scope.limits])
        for scope in limits.scopes
    ] == [
        ("account", None, None, ["max_order_quantity"]),
        ("strategy b", 1, None, ["allow_short"]),
        ("symbol Y", None, 1, ["max_order_quantity"]),
    ]
