"""Replays in which a limit of the account says no, and the record that is left of it."""

import re
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house

__all__ = ["stored_market", "system_house"]

NUMBER = r"[\d.]+"


def reasons(house: SystemHouse, risk: dict[str, Any], **parts: Any) -> dict[str, set[str]]:
    """By symbol, why orders were refused; what filled has none."""
    ended = house.system.run(house.config(start="2024-06-03", end="2024-06-04", risk=risk, **parts))
    found: dict[str, set[str]] = {}
    for order in house.runs().get_orders(ended.run_id):
        if order["state"] == "REJECTED":
            assert order["filled"] == "0"
            found.setdefault(order["symbol"], set()).add(order["reason"])
    return found


@pytest.mark.parametrize(
    ("risk", "symbol", "pattern"),
    [
        ({"max_gross_value": 6_000}, "BBB", f"max_gross_value: {NUMBER} is over 6000"),
        ({"max_net_value": 6_000}, "BBB", f"max_net_value: {NUMBER} is over 6000"),
        (
            {"max_leverage": "0.06"},
            "BBB",
            f"max_leverage: {NUMBER} is over {NUMBER}, 0.06 times {NUMBER}",
        ),
        (
            {"max_group_percent": 6, "groups": {"all": ["AAA", "BBB"]}},
            "BBB",
            f"max_group_percent: {NUMBER} is over {NUMBER}, 6 % of {NUMBER}, for all",
        ),
        ({"max_open_positions": 1}, "BBB", "max_open_positions: 2 is over 1"),
        ({"max_open_orders": 1}, "BBB", "max_open_orders: 2 is over 1"),
        (
            {"max_daily_loss": 20},
            "BBB",
            f"max_daily_loss: {NUMBER} is lost since the open, the most is 20",
        ),
        (
            {"max_daily_loss_percent": "0.02"},
            "BBB",
            f"max_daily_loss_percent: {NUMBER} is lost since the open, the most is {NUMBER}, "
            f"0.02 % of {NUMBER}",
        ),
        (
            {"max_drawdown_percent": "0.02"},
            "BBB",
            f"max_drawdown_percent: {NUMBER} is lost since the peak, "
            f"the most is 0.02 % of {NUMBER}",
        ),
        (
            {"strategies": {"trader": {"max_daily_loss": 20}}},
            "AAA",
            f"max_daily_loss of strategy trader: {NUMBER} is lost since the open, the most is 20",
        ),
        ({"restricted": ["BBB"]}, "BBB", "restricted: it takes no entries"),
        (
            {"strategies": {"trader": {"restricted": ["AAA"]}}},
            "AAA",
            "restricted of strategy trader: it takes no entries",
        ),
    ],
)
def test_a_limit_fires_and_the_order_says_so(
    system_house: SystemHouse, risk: dict[str, Any], symbol: str, pattern: str
) -> None:
    found = reasons(system_house, risk)
    matching = [reason for reason in found[symbol] if re.fullmatch(pattern, reason)]
    assert matching, found
