"""Every limit there is: a replay in which it says no, the record of that, and `why-not`.

The limit stands in the account file, and a looser one of the same rule in the config: that one
approves, and changes nothing.
"""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from tests.system_house import FIRST, SystemHouse, stored_market, system_house
from tests.told_house import Teller, teller

from app.managers.data_manager import ImportOptions
from app.services.risk.catalogue import rule_names

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

GROUPS = {"tech": ["QQQ"]}
# What the account file says, and the config, which is looser where there is anything between.
LIMITS: dict[str, tuple[Any, Any]] = {
    "allow_short": (False, True),
    "duplicate_seconds": (90, 1),
    "max_daily_loss": (5, 10_000),
    "max_daily_loss_percent": ("0.005", 100),
    "max_data_age_seconds": (90, 86_400),
    "max_drawdown_percent": ("0.005", 100),
    "max_gross_value": (500, 1_000_000),
    "max_group_percent": ("0.5", 1_000),
    "max_leverage": ("0.005", 2),
    "max_net_value": (500, 1_000_000),
    "max_open_orders": (1, 1_000),
    "max_open_positions": (1, 2),
    "max_order_quantity": (10, 1_000),
    "max_order_value": (100, 100_000),
    "max_orders_per_day": (20, 10_000),
    "max_orders_per_minute": (3, 1_000),
    "max_orders_per_second": (1, 1_000),
    "max_position_percent": ("0.5", 1_000),
    "max_position_quantity": (50, 100_000),
    "max_position_value": (500, 1_000_000),
    "max_spread_bps": (10, 500),
    "max_volatility_percent": (5, 50),
    "min_data_quality_percent": (95, 1),
    "no_entries_first_minutes": (5, 1),
    "no_entries_last_minutes": (330, 1),
    "price_collar_percent": (5, 50),
    "restricted": (["QQQ"], ["AAA"]),
}
KEEN = """
import datetime as dt
from app.strategies import Strategy

class Keen(Strategy):
    def on_session_open(self, session):
        self.order("QQQ", -5)
        self.timer("half", self.now + dt.timedelta(seconds=30), dt.timedelta(minutes=1))

    def on_bar(self, bar):
        if self.now.hour == 11:  # each has said no by then
            self.cancel_timer("half")
        if self.now.hour > 10:
            return
        self.order(bar.symbol, 20)
        self.order(bar.symbol, 5, limit=round(bar.close * 1.1, 2))

    def on_timer(self, name):
        self.order("QQQ", 1)
"""


def import_bars(house: SystemHouse) -> None:
    """An hour of QQQ, which falls by a tenth after five minutes and is silent for eleven later."""
    lines = ["timestamp,open,high,low,close,volume,bid_open,ask_open"]
    opened = dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)
    for minute in (*range(45), *range(56, 60)):
        moment, price = opened + dt.timedelta(minutes=minute), 10 if minute < 5 else 9
        bar = f"{price},{price + 0.5},{price - 0.5},{price},100000"
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%SZ},{bar},{price - 0.01},{price + 0.01}")
    path = house.folder.parent / "bars.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    house.system.data_manager.import_csv(path, ImportOptions("XNYS", "QQQ"))


def run_under(teller: Teller, tight: dict[str, Any], loose: dict[str, Any], file: Path) -> str:
    """A replay of the strategy, under an account file that is tighter than its config."""
    house = teller.house
    import_bars(house)
    house.system = house.another(account_limits=file)
    use = house.strategy("keen.py", KEEN)
    symbols = ("QQQ",) if "max_spread_bps" in tight else ("QQQ", "AAA")  # that has no quotes
    file.write_text(json.dumps(tight), encoding="utf-8")
    return teller.run(use=use, symbols=symbols, end=FIRST, risk=loose)


@pytest.mark.parametrize("rule", rule_names())
def test_a_limit_says_no_is_on_record_and_told_whatever_the_config_allows(
    teller: Teller, tmp_path: Path, rule: str
) -> None:
    tight, loose = LIMITS[rule]
    groups = {"groups": GROUPS} if rule == "max_group_percent" else {}
    run_id = run_under(
        teller, {rule: tight, **groups}, {rule: loose, **groups}, tmp_path / "account.json"
    )
    refused = [
        order
        for order in teller.house.runs().get_orders(run_id)
        if (order["reason"] or "").startswith(f"{rule} of account file: ")
    ]
    assert refused, "it never fired"
    assert {(order["state"], order["filled"]) for order in refused} == {("REJECTED", "0")}
    first = refused[0]
    at = dt.datetime.fromtimestamp(first["created_ns"] / 10**9, dt.UTC).isoformat()
    told = teller.json("why-not", first["symbol"], at, "--run", run_id)
    assert told["again"]["equal"]
    one = next(one for one in told["proposed"] if one["order_id"] == first["order_id"])
    assert (one["decision"], one["reason"]) == ("refused", first["reason"])
    asked = {limit["scope"]: limit for limit in one["limits"]}
    assert {limit["rule"] for limit in one["limits"]} == {rule}
    assert not asked["account file"]["approves"]
    assert first["reason"] == f"{rule} of account file: {asked['account file']['why']}"
    if "account" in asked:
        assert asked["account"]["approves"]
    else:
        assert rule == "allow_short", "what a config allows anyway is no limit"
