"""`risk limits`, and the account file: hard limits that every run of a replay keeps."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.system_house import FIRST, SystemHouse, stored_market, system_house
from tests.told_house import Teller, teller

from app.managers.data_manager.options import ImportOptions

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

BUYER = """
from app.strategies import Strategy

class Buyer(Strategy):
    def on_bar(self, bar):
        self.order(bar.symbol, 1)
"""
CROSS = "app.strategies.examples.sma_cross:SmaCross"
HARD = {
    "max_order_quantity": 60,
    "symbols": {"BBB": {"max_order_quantity": 20}, "ZZZ": {"max_order_value": 1}},
}


def account_file(house: SystemHouse, limits: Any) -> Path:
    path = house.folder.parent / "account.json"
    path.write_text(json.dumps(limits), encoding="utf-8")
    return path


@pytest.fixture
def hard(system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account file, and systems and commands that read it."""
    path = account_file(system_house, HARD)
    monkeypatch.setenv("MISMARTERA_ACCOUNT_LIMITS", str(path))
    system_house.system = system_house.another(account_limits=path)
    return path


def refusals(house: SystemHouse, run_id: str, symbol: str) -> set[str]:
    """Why orders of a symbol were refused, without their numbers."""
    return {
        order["reason"].partition(":")[0]
        for order in house.runs().get_orders(run_id)
        if order["state"] == "REJECTED" and order["symbol"] == symbol
    }


def test_the_limits_of_a_config_are_listed_by_scope_with_the_tightest(teller: Teller) -> None:
    config = teller.house.config(
        use=CROSS,
        risk={"max_order_quantity": 100, "symbols": {"BBB": {"max_order_quantity": 50.5}}},
    )
    file = teller.house.file(config)
    told = teller.json("risk", "limits", str(file))
    assert (told["account_file"], told["oversize"], told["of_other_runs"]) == (None, "refuse", [])
    whole, of_symbol = told["limits"]
    assert (whole["rule"], whole["scope"], whole["limit"]) == (
        "max_order_quantity", "account", "100",
    )  # fmt: skip
    assert not whole["tightest"]
    assert whole["tightest_for"] == [{"strategy": "SmaCross", "symbol": "AAA"}]
    assert (of_symbol["symbol"], of_symbol["limit"], of_symbol["tightest"]) == ("BBB", "50.5", True)
    text = teller.text("risk", "limits", str(file))
    assert "for AAA" in text
    assert "is refused" in text


def test_each_figure_says_of_what_it_is(teller: Teller) -> None:
    breakers = {"daily_loss": {"at": 10}, "drawdown_percent": {"at": 3}, "broker_errors": {"at": 4}}
    risk = {"max_position_value": 20_000, "allow_short": False, "breakers": breakers}
    file = teller.house.file(teller.house.config(use=CROSS, risk=risk))
    text = teller.text("risk", "limits", str(file))
    for figure in ("20000 USD", "10 USD", "3 %", "4 orders in turn", "false"):
        assert f" {figure} " in text
    told = teller.json("risk", "limits", str(file))
    units = {one["name"]: (one["trips_at"], one["unit"]) for one in told["breakers"]}
    assert units["daily_loss"] == ("10", "USD")
    assert {one["rule"]: one["unit"] for one in told["limits"]} == {
        "allow_short": "",
        "max_position_value": "USD",
    }


def test_where_nothing_is_limited_it_says_so(teller: Teller) -> None:
    file = teller.house.file(teller.house.config())
    assert teller.text("risk", "limits", str(file)) == "No limit holds.\n"
    assert teller.json("risk", "limits", str(file))["limits"] == []


def test_what_cannot_be_read_ends_with_the_code_for_it(teller: Teller, hard: Path) -> None:
    file = teller.house.file(teller.house.config())
    assert teller.say("risk", "limits", "nowhere.json")[0] == 3
    assert teller.say("config", "check", str(file))[0] == 0  # and keeps no settings for the next
    hard.write_text('{"max_order_quantity": 0}', encoding="utf-8")
    for command in (("risk", "limits"), ("config", "check")):
        code, _, errors = teller.say(*command, str(file))
        assert code == 4
        assert "account file that MISMARTERA_ACCOUNT_LIMITS names" in errors
        assert "max_order_quantity: found 0, allowed is a number above 0" in errors
    hard.unlink()
    code, _, errors = teller.say("config", "check", str(file))
    assert code == 4
    assert "There is no account file" in errors


def test_the_account_file_is_a_scope_of_its_own(teller: Teller, hard: Path) -> None:
    config = teller.house.config(use=CROSS, risk={"max_order_quantity": 1000, "oversize": "cut"})
    file = teller.house.file(config)
    told = teller.json("risk", "limits", str(file))
    assert told["account_file"] == str(hard)
    assert told["of_other_runs"] == ["symbol ZZZ"]
    assert [(one["scope"], one["limit"], one["tightest"]) for one in told["limits"]] == [
        ("account", "1000", False),
        ("account file", "60", False),
        ("account file, symbol BBB", "20", True),
    ]
    text = teller.text("risk", "limits", str(file))
    assert f"Account file: {hard}" in text
    assert "also limits what this run has not: symbol ZZZ" in text
    assert "is cut to that part" in text


def test_no_config_loosens_it_and_the_order_is_refused_with_its_numbers(
    teller: Teller, hard: Path
) -> None:
    house = teller.house
    loose = {"max_order_quantity": 1000, "symbols": {"BBB": {"max_order_quantity": 1000}}}
    run_id = teller.run(use=CROSS, risk=loose)
    assert refusals(house, run_id, "AAA") == {"max_order_quantity of account file"}
    assert refusals(house, run_id, "BBB") == {"max_order_quantity of account file, symbol BBB"}
    assert not house.runs().get_fills(run_id)
    told = teller.json("why", "1", "--run", run_id)
    last = told["limits"][-1]
    assert told["decision"] == "refused"
    assert last["scope"].startswith("account file")
    tight = teller.run(use=CROSS, risk={"max_order_quantity": 10})
    assert refusals(house, tight, "AAA") == {"max_order_quantity"}


def test_cutting_stays_within_it(teller: Teller, hard: Path) -> None:
    run_id = teller.run(use=CROSS, risk={"oversize": "cut"})
    most = {"AAA": 60, "BBB": 20}
    entries = [o for o in teller.house.runs().get_orders(run_id) if o["side"] == "buy"]
    assert {o["symbol"] for o in entries} == set(most)
    assert all(float(o["quantity"]) <= most[o["symbol"]] for o in entries)


def test_a_run_is_told_again_under_the_limits_it_had(teller: Teller, hard: Path) -> None:
    run_id = teller.run(use=CROSS)
    kept = teller.house.facts(run_id)["hard_limits"]
    assert kept["max_order_quantity"] == "60"
    account_file(teller.house, {"max_order_quantity": 7})
    told = teller.json("why", "1", "--run", run_id)
    assert told["again"]["equal"]
    assert "of account file" in told["reason"]
    assert "60" in [one["limit"] for one in told["limits"]]
    hard.unlink()
    assert teller.json("why", "1", "--run", run_id)["again"]["equal"]


def test_quotes_are_read_where_the_file_limits_spreads(teller: Teller, hard: Path) -> None:
    house = teller.house
    account_file(house, {"symbols": {"AAA": {"max_spread_bps": 20}}})
    file = house.file(house.config(use=CROSS))
    code, _, errors = teller.say("system", "start", str(file))
    assert code == 3
    assert "There are no quotes of AAA" in errors
    assert "max_spread_bps" in errors

    quoted = "timestamp,open,high,low,close,volume,bid_open,ask_open\n"
    for minute in range(31, 51):
        spread = "9.995,10.005" if minute % 2 else "9.9,10.1"
        quoted += f"2024-06-03T13:{minute}:00Z,10,10.1,9.9,10,100000,{spread}\n"
    path = house.folder.parent / "quoted.csv"
    path.write_text(quoted, encoding="utf-8")
    house.system.data_manager.import_csv(path, ImportOptions("XNYS", "QQQ"))
    account_file(house, {"max_spread_bps": 20})
    use = house.strategy("buyer.py", BUYER)
    run_id = teller.run(use=use, symbols=("QQQ",), end=FIRST)
    states = [order["state"] for order in house.runs().get_orders(run_id)]
    assert states.count("REJECTED") == states.count("FILLED") == 10
    assert refusals(house, run_id, "QQQ") == {"max_spread_bps of account file"}
    account_file(house, {})
    told = teller.json("why", "2", "--run", run_id)
    assert told["again"]["equal"], "the limits of then ask for the quotes again"


def test_without_its_file_nothing_starts(teller: Teller, hard: Path) -> None:
    hard.unlink()
    file = teller.house.file(teller.house.config())
    code, _, errors = teller.say("system", "start", str(file))
    assert code == 4
    assert "without its limits nothing starts" in errors
    assert teller.house.runs().list_runs() == []
