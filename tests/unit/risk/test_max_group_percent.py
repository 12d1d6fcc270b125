"""What is held of a group of symbols is worth no more than its share of equity."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.risk_house import (
    House,
    allowed_by,
    ask,
    check_cut_and_monotone,
    houses,
    sizes,
    verdict,
    with_order,
)

from app.core.config_risk import RiskConfig
from app.services.risk.names import Names
from app.services.risk.rules.max_group_percent import check, most_of
from app.services.risk.scopes import limits_of_run

ONE, BOTH = ["X"], ["Y", "X"]


def groups(percent: float = 20, **named: list[str]) -> object:
    return most_of(Decimal(str(percent)), Names(["X", "Y"], named))


@pytest.mark.parametrize(
    ("house", "shares", "named", "expected"),
    [
        (House(equity=5_000), 100, {"tech": ONE}, None),
        (House(equity=5_000), 101, {"tech": ONE},
         (100, "1010 is over 1000, 20 % of 5000, for tech")),
        (House(equity=5_000, others=-400), 100, {"tech": ONE}, None),  # of another group, or none
        (House(equity=5_000, others=-400), 61, {"tech": BOTH},
         (60, "1010 is over 1000, 20 % of 5000, for tech")),
        (House(equity=5_000, others=-400), -200, {"tech": ONE, "all": BOTH},
         (-60, "2400 is over 1000, 20 % of 5000, for all")),  # the tightest
        (House(equity=5_000), 10**6, {"tech": ["Y"]}, None),
        (House(equity=0), 1, {"tech": ONE}, (0, "10 is over 0, 20 % of 0, for tech")),
        (House(price=0), 1, {"tech": ONE, "all": BOTH}, (0, "no price is known")),
    ],
)  # fmt: skip
def test_a_group_is_cut_at_its_share(
    house: House, shares: int, named: dict[str, list[str]], expected: tuple[float, str] | None
) -> None:
    assert verdict(check, ask(shares), house, groups(**named)) == expected


@given(houses, sizes, st.integers(1, 200))
def test_what_it_lets_through_is_within_it(house: House, shares: int, percent: int) -> None:
    most = groups(percent, tech=ONE, all=BOTH)
    allowed = allowed_by(check, house, shares, most)
    for symbols in ([0], [1, 0]):
        before = house.group_units(symbols)
        after = with_order(house, allowed).group_units(symbols)
        assert after <= max(max(house.equity_units(), 0) * percent // 100, before)
    check_cut_and_monotone(check, house, shares, most)


def test_a_limit_of_groups_without_any_is_a_mistake() -> None:
    scope = {"S": {"max_group_percent": 20}}
    for words, beside in (
        ({"max_group_percent": 20}, "it"),
        ({"strategies": scope}, "strategies"),
        ({"symbols": scope}, "symbols"),
    ):
        with pytest.raises(ValidationError, match=f"it needs groups beside {beside}, such as"):
            RiskConfig.model_validate(words)
    with pytest.raises(ValidationError, match="at least 1 item"):
        RiskConfig.model_validate({"max_group_percent": 20, "groups": {"tech": []}})


def test_groups_are_of_the_run_s_symbols() -> None:
    given = {"max_group_percent": 20, "groups": {"tech": ["X", "X"], "cars": ["Z", "YY"]}}
    config = RiskConfig.model_validate(given)
    assert config.strangers(["s"], ["X", "Y"]) == [
        (("groups", "cars", 0), "this run has X, Y."),
        (("groups", "cars", 1), "this run has X, Y. Did you mean 'Y'?"),
    ]
    config = RiskConfig.model_validate({**given, "groups": {"tech": ["X", "X"]}})
    (limit,) = limits_of_run(config, ["s"], ["X", "Y"]).scopes[0].limits
    assert limit.most == groups(tech=ONE)
