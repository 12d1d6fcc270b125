"""What rules looked at, in words, where it is no size: for whoever asks why an order passed."""

from importlib import import_module
from typing import Any

import pytest
from tests.risk_house import House, ask

from app.core.intervals import SECOND_NS
from app.services.risk import rules
from app.services.risk.catalogue import rule_names

NOW_NS = 120 * SECOND_NS
LEFT = (10 * SECOND_NS, 80 * SECOND_NS, 119 * SECOND_NS + 1)


@pytest.mark.parametrize(
    ("rule", "house", "words"),
    [
        ("max_daily_loss", {"result": -12.5}, "12.5 is lost since the open"),
        ("max_daily_loss", {"result": 12.5}, "nothing is lost since the open"),
        ("max_daily_loss_percent", {"result": -3}, "3 is lost since the open"),
        (
            "max_drawdown_percent",
            {"peak": 1_000, "equity": 900},
            "100 is lost since the peak of 1000",
        ),
        ("max_orders_per_second", {"left": LEFT}, "1 have left in a second"),
        ("max_orders_per_minute", {"left": LEFT}, "2 have left in a minute"),
        ("max_orders_per_day", {"left": LEFT}, "3 have left in the session"),
        ("max_open_orders", {"working": 4}, "4 work"),
        ("max_open_positions", {"held": 1, "others": 50}, "2 are open"),
        ("max_spread_bps", {"spread": 2.5}, "it is 2.5"),
        ("max_volatility_percent", {"volatility": 0.25}, "it is 0.25"),
        ("min_data_quality_percent", {"score": 0.995}, "it is 99.5"),
    ],
)
def test_a_rule_says_what_it_looked_at(rule: str, house: dict[str, Any], words: str) -> None:
    module = import_module(f"{rules.__name__}.{rule}")
    made = House(**house)
    assert module.figure(ask(5, now_ns=NOW_NS), made, made) == words


def test_every_count_and_loss_has_one() -> None:
    names = [name for name in rule_names() if "loss" in name or "orders_per" in name]
    assert len(names) == 5
    for name in names:
        assert hasattr(import_module(f"{rules.__name__}.{name}"), "figure")
