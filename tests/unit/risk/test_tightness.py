"""Which of several limits of a rule is the tightest, and for whom."""

from app.core.account_limits import AccountLimits
from app.core.config_risk import RiskConfig
from app.services.risk.scopes import limits_of_run
from app.services.risk.tightness import standings

NAMES, SYMBOLS = ["one", "two"], ["X", "Y"]
ALL = {(0, 0), (0, 1), (1, 0), (1, 1)}


def tightest(config: dict, hard: dict | None = None) -> dict[tuple[str, str], set]:  # type: ignore[type-arg]
    """By rule and scope, the pairs for which it is."""
    limits = AccountLimits.model_validate(hard) if hard is not None else None
    found = limits_of_run(RiskConfig.model_validate(config), NAMES, SYMBOLS, limits)
    return {
        (one.limit.name, one.scope.name): set(one.tightest_for)
        for one in standings(found.scopes, len(NAMES), len(SYMBOLS))
    }


def test_a_limit_alone_is_the_tightest_for_all_whom_it_holds_for() -> None:
    assert tightest({}) == {}
    assert tightest({"max_order_quantity": 5}) == {("max_order_quantity", "account"): ALL}
    symbol = {"symbols": {"Y": {"max_order_quantity": 5}}}
    assert tightest(symbol) == {("max_order_quantity", "symbol Y"): {(0, 1), (1, 1)}}


def test_the_least_is_the_tightest_where_both_hold() -> None:
    config = {
        "max_order_quantity": 10,
        "strategies": {"two": {"max_order_quantity": 4}},
        "symbols": {"Y": {"max_order_quantity": 6}, "X": {"max_order_quantity": 20}},
    }
    rule = "max_order_quantity"
    assert tightest(config) == {
        (rule, "account"): {(0, 0)},
        (rule, "strategy two"): {(1, 0), (1, 1)},
        (rule, "symbol Y"): {(0, 1)},
        (rule, "symbol X"): set(),
    }


def test_two_that_are_as_tight_are_both_the_tightest() -> None:
    config = {"max_order_value": 7}
    rule = "max_order_value"
    assert tightest(config, config) == {(rule, "account"): ALL, (rule, "account file"): ALL}


def test_rules_are_not_held_against_each_other() -> None:
    found = tightest({"max_order_quantity": 1, "max_order_value": 1_000, "allow_short": False})
    assert all(pairs == ALL for pairs in found.values())
    assert len(found) == 3


def test_the_account_file_stands_beside_the_config_and_says_what_it_holds_for() -> None:
    found = tightest(
        {"max_order_quantity": 10},
        {
            "max_order_quantity": 50,
            "symbols": {"X": {"max_order_quantity": 3}, "OTHER": {"max_order_quantity": 1}},
            "strategies": {"nobody": {"max_order_quantity": 1}},
        },
    )
    assert found == {
        ("max_order_quantity", "account"): {(0, 1), (1, 1)},
        ("max_order_quantity", "account file"): set(),
        ("max_order_quantity", "account file, symbol X"): {(0, 0), (1, 0)},
    }
