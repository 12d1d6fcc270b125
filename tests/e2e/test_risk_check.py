"""`risk check`: an order that nobody gave is told as one that was given just then."""

import json
from typing import Any

import pytest
from tests.system_house import stored_market, system_house
from tests.told_house import Teller, teller

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

CROSS = "app.strategies.examples.sma_cross:SmaCross"
RISK = {
    "max_position_value": 9_000, "max_orders_per_day": 12, "oversize": "cut",
    "symbols": {"BBB": {"allow_short": False}},
}  # fmt: skip


def config_of(teller: Teller, **parts: Any) -> str:
    """The path of a config of CROSS under RISK."""
    return str(teller.house.file(teller.house.config(use=CROSS, **{"risk": RISK, **parts})))


def test_what_a_run_decided_is_foretold_on_its_config_and_on_the_run(teller: Teller) -> None:
    risk = {"oversize": "cut", "max_orders_per_day": 12,
            "symbols": {"BBB": {"max_position_value": 5_000}}}  # fmt: skip
    config = teller.house.config(use=CROSS, risk=risk)
    path, run_id = str(teller.house.file(config)), teller.house.system.run(config).run_id
    orders = sorted(teller.house.runs().get_orders(run_id), key=lambda order: order["order_id"])
    firsts = {order["created_ns"]: order for order in reversed(orders)}
    opening = [firsts[ns] for ns in sorted(firsts) if firsts[ns]["side"] == "buy"]
    wanted = {
        "refused": next(order for order in opening if order["state"] == "REJECTED"),
        "cut": next(order for order in opening if order["symbol"] == "BBB"),
        "leaves": next(order for order in opening if order["symbol"] == "AAA"),
    }
    for decision, order in wanted.items():
        why = teller.json("why", str(order["order_id"]), "--run", run_id)
        asked, at = why["asked"], why["seen"]["at"]
        assert why["limits"]
        for of in (path, run_id):
            words = (of, asked["side"], asked["quantity"], why["symbol"], "--at", at)
            told = teller.json("risk", "check", *words, code=int(decision != "leaves"))
            assert told["decision"] == decision
            assert (told["limits"], told["reason"]) == (why["limits"], why["reason"])
            assert (told["at"], told["standing"]["equity"]) == (at, why["seen"]["equity"])
        assert told["again"]["equal"]
    assert len(teller.house.runs().list_runs()) == 1, "what was asked is no run"


def test_the_verdict_is_told_in_a_sentence_with_what_limits_say(teller: Teller) -> None:
    path = config_of(teller)
    at = ("--at", "2024-06-03 10:00")
    code, out, _ = teller.say("risk", "check", path, "buy", "1000", "AAA", *at)
    assert code == 1
    assert "buy 1000 AAA, market, of SmaCross at 2024-06-03 10:00:00" in out
    assert "max_position_value" in out
    assert "would leave, cut from 1000: max_position_value: " in out
    code, out, _ = teller.say("risk", "check", path, "sell", "5", "BBB", "--limit", "500", *at)
    assert (code, "It would be refused: allow_short of symbol BBB" in out) == (1, True)
    assert "limit 500" in out
    code, out, _ = teller.say("risk", "check", path, "buy", "5", "BBB", *at)
    assert (code, "It would leave whole." in out) == (0, True)
    code, out, _ = teller.say("risk", "check", config_of(teller, risk={}), "buy", "5", "BBB", *at)
    assert (code, "No limit holds for it." in out) == (0, True)
    code, out, _ = teller.say("risk", "check", config_of(teller, risk={}), "buy", "1e6", "BBB", *at)
    assert (code, "It would be refused: buying_power" in out) == (1, True)
    code, out, _ = teller.say("risk", "check", path, "buy", "1e12", "BBB", *at)
    assert (code, "It would be refused: too_large" in out) == (1, True)


def test_without_a_time_it_is_asked_at_the_end(teller: Teller) -> None:
    told = teller.json(
        "risk", "check", config_of(teller, end="2024-06-04", risk={}), "buy", "5", "AAA"
    )
    assert told["at"] == "2024-06-04 16:00:00-04:00"
    between = ("--at", "2024-06-03 10:00:30")
    told = teller.json("risk", "check", config_of(teller), "buy", "5", "AAA", *between)
    assert told["at"] == "2024-06-03 10:00:00-04:00", "nothing has happened since"


FIVES = """
from app.strategies import Strategy

class Fives(Strategy):
    intervals = ("5m",)

    def on_bar(self, bar):
        if bar.symbol == "AAA" and not self.orders() and not self.position("AAA"):
            self.order("AAA", 150)
"""


@pytest.mark.parametrize("risk", [{}, {"max_drawdown_percent": 50}], ids=["plain", "guarded"])
def test_it_stands_at_the_instant_of_the_base_bars_whatever_strategies_are_shown(
    teller: Teller, risk: dict[str, Any]
) -> None:
    """Bought at 09:35 and filled a minute later: no strategy is shown a bar before 09:40."""
    config = teller.house.config(
        use=teller.house.strategy("fives.py", FIVES), end="2024-06-03",
        execution={"participation": None}, risk={"max_position_quantity": 150, **risk},
    )  # fmt: skip
    path, run_id = str(teller.house.file(config)), teller.house.system.run(config).run_id
    (fill,) = teller.house.runs().get_fills(run_id)
    minutes = teller.house.system.data_manager.store.columns("XNYS", "AAA", "1m", 0, 2**62)
    for of in (path, run_id):
        for minute, held in ((35, "0"), (36, "150"), (38, "150"), (40, "150")):
            at, code = f"2024-06-03 09:{minute}", int(held != "0")
            told = teller.json("risk", "check", of, "buy", "100", "AAA", "--at", at, code=code)
            assert told["at"] == f"{at}:00-04:00"
            assert told["standing"]["held"] == held
            assert told["standing"]["price"] == minutes.close[minute - 31]
            assert told["decision"] == ("refused" if code else "leaves")
        assert told["again"]["equal"] if of == run_id else "again" not in told
    assert fill["instant_ns"] == minutes.start_ns[6], "known with the bar of 09:35"


def test_the_account_file_holds_too(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    file = teller.house.folder.parent / "account.json"
    file.write_text(json.dumps({"max_order_quantity": 3}))
    monkeypatch.setenv("MISMARTERA_ACCOUNT_LIMITS", str(file))
    path = config_of(teller, risk={})
    at = ("--at", "2024-06-03 10:00")
    told = teller.json("risk", "check", path, "buy", "4", "AAA", *at, code=1)
    assert told["reason"] == "max_order_quantity of account file: 4 is over 3"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("by", "5", "AAA"), 2, "'by' is no side: it is buy or sell. Did you mean 'buy'?"),
        (("buy", "0", "AAA"), 2, "QUANTITY: '0' is not a number above 0."),
        (("buy", "nan", "AAA"), 2, "QUANTITY: 'nan' is not a number"),
        (("buy", "1e-9", "AAA"), 2, "QUANTITY: '1e-9' is not a number above 0."),
        (("buy", "1e30", "AAA"), 2, "QUANTITY: '1e30' is too much; give a number below 1"),
        (("buy", "5", "AAA", "--limit", "1e12"), 2, "--limit: '1e12' is too much"),
        (("buy", "5", "AAB"), 3, "There is no symbol 'AAB', but AAA, BBB. Did you mean 'AAA'?"),
        (("buy", "5", "AAA", "--limit", "-1"), 2, "--limit: '-1' is not a number above 0."),
        (("buy", "5", "AAA", "--strategy", "SmaCros"), 2, "Did you mean 'SmaCross'?"),
        (("buy", "5", "AAA", "--at", "ten"), 2, "'ten' is not a time"),
        (("buy", "5", "AAA", "--at", "2024-06-10"), 2, "not in the config's dates, 2024-06-03 to"),
        (("buy", "5", "AAA", "--at", "2024-06-03 09:00"), 3, "The nearest: 2024-06-03 09:3"),
    ],
)
def test_what_was_asked_wrongly_is_named(
    teller: Teller, words: tuple[str, ...], code: int, message: str
) -> None:
    ended, _, errors = teller.say("risk", "check", config_of(teller), *words)
    assert (ended, message in errors) == (code, True), errors


def test_of_several_strategies_one_is_to_be_named(teller: Teller) -> None:
    strategies = [{"use": CROSS, "name": "one"}, {"use": CROSS, "name": "two"}]
    risk = {"strategies": {"two": {"max_order_quantity": 3}}}
    parts: dict[str, Any] = {"strategies": strategies, "risk": risk}
    path = str(teller.house.file(teller.house.config(**parts)))
    words = ("risk", "check", path, "buy", "5", "AAA", "--at", "2024-06-03 10:00")
    code, _, errors = teller.say(*words)
    several = "There are several strategies (one, two): name one by --strategy."
    assert (code, several in errors) == (2, True)
    assert teller.json(*words, "--strategy", "one")["decision"] == "leaves"
    told = teller.json(*words, "--strategy", "two", code=1)
    assert told["reason"] == "max_order_quantity of strategy two: 5 is over 3"


def test_there_is_a_config_or_a_run(teller: Teller) -> None:
    code, _, errors = teller.say("risk", "check", "none.json", "buy", "5", "AAA")
    assert (code, 'There is no file "none.json"' in errors) == (3, True)
    code, _, errors = teller.say("risk", "check", "2020", "buy", "5", "AAA")
    assert (code, "There is no run '2020'" in errors) == (3, True)
    live = teller.house.folder.parent / "live.json"
    facts = {"name": "x", "mode": "live", "symbols": ["AAA"], "strategies": [{"use": CROSS}]}
    live.write_text(json.dumps(facts))
    code, _, errors = teller.say("risk", "check", str(live), "buy", "5", "AAA")
    assert (code, "give the id of one of its past runs" in errors) == (2, True)
