"""`why` and `why-not`: what a run decided, told from the bar to the fill or the refusal."""

import json
import threading
from typing import Any

import pytest
from tests.system_house import SystemHouse, sessions, stored_market, system_house
from tests.told_house import Teller, teller

from app.core.bars import BarColumns
from app.core.fingerprint import Fingerprint
from app.repositories.bar_store_files import Series
from app.repositories.run_repository import RunRepository
from app.services.risk.catalogue import rule_names

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

CROSS = "app.strategies.examples.sma_cross:SmaCross"
WAYS = """
from datetime import timedelta

from app.strategies import Strategy


class Ways(Strategy):
    def setup(self):
        self.mean = self.indicator("SMA", 5)
        self.bands = self.indicator("BBANDS", 20)
        self.other = self.indicator("RSI", 14, symbol="BBB")
        self.entry = None

    def on_session_open(self, session):
        self.order("AAA", 7)
        self.timer("late", self.now + timedelta(minutes=60))

    def on_timer(self, name):
        self.order_target("AAA", 0)

    def on_bar(self, bar):
        minute = self.now.minute
        if bar.symbol == "AAA" and minute == 40:
            self.entry = self.order("AAA", 10, limit=round(bar.close * 0.5, 2))
        elif bar.symbol == "AAA" and minute == 41:
            self.amend(self.entry, quantity=500)
        elif bar.symbol == "AAA" and minute == 42:
            self.cancel(self.entry)
        elif bar.symbol == "BBB" and minute == 43:
            self.order("AAA", 1)
"""


def test_of_a_run_s_orders_and_fills_only_what_is_asked_about_is_read(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = teller.run(use=CROSS)
    read: list[int] = []
    rows = RunRepository._rows

    def counted(repository: RunRepository, query: Any) -> Any:
        found = rows(repository, query)
        read.append(len(found))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(RunRepository, "_rows", counted)
        assert teller.json("why", "2", "--run", run_id)["again"]["order_equal"]
    assert len(teller.house.runs().get_orders(run_id)) > 5
    assert max(read) == 1


def test_an_order_is_told_from_its_bar_to_its_fill(teller: Teller) -> None:
    run_id = teller.run(use=CROSS, risk={"max_order_quantity": 150})
    stored = teller.house.runs()
    told = teller.json("why", "1", "--run", run_id)
    (order, *_), (fill, *_) = stored.get_orders(run_id), stored.get_fills(run_id)
    seen = told["seen"]
    assert (told["run_id"], told["order_id"], seen["strategy"]) == (run_id, 1, "SmaCross")
    assert told["asked"]["side"] == order["side"]
    assert told["asked"]["quantity"] == order["quantity"] == "100"
    bar = seen["bar"]
    assert bar["symbol"] == told["symbol"] == order["symbol"]
    assert bar["start_ns"] + 60 * 10**9 == order["created_ns"]
    assert seen["hook"] == "on_bar"
    fast, slow = seen["indicators"]
    assert (fast["name"], fast["indicator"]) == ("fast_sma", "SMA(10) on 1m")
    crossed = (fast["value"] - slow["value"]) * (fast["before"] - slow["before"])
    assert crossed <= 0, "it was given as the averages crossed"
    (limit,) = told["limits"]
    assert limit == {
        "scope": "account", "rule": "max_order_quantity", "limit": "150",
        "approves": True, "allows": "150", "why": "",
    }  # fmt: skip
    assert (told["decision"], told["state"], told["filled"]) == ("accepted", "FILLED", "100")
    assert [(one["quantity"], one["price"]) for one in told["fills"]] == [
        (fill["quantity"], fill["price"])
    ]
    assert told["again"]["equal"]
    assert told["again"]["fingerprint"] == teller.house.row(run_id)["fingerprint"]


def test_a_refusal_is_told_with_every_limit_that_was_asked_and_its_numbers(teller: Teller) -> None:
    risk = {"max_order_quantity": 150, "symbols": {"BBB": {"max_order_quantity": 50}}}
    run_id = teller.run(use=CROSS, risk=risk)
    refused = [o for o in teller.house.runs().get_orders(run_id) if o["state"] == "REJECTED"]
    number = str(refused[0]["order_id"])
    told = teller.json("why", number, "--run", run_id)
    assert told["decision"] == "refused"
    assert told["reason"] == refused[0]["reason"]
    assert told["reason"] == "max_order_quantity of symbol BBB: 100 is over 50"
    by_scope = {one["scope"]: one for one in told["limits"]}
    assert by_scope["account"]["approves"]
    assert not by_scope["symbol BBB"]["approves"]
    assert by_scope["symbol BBB"]["allows"] == "50"
    assert by_scope["symbol BBB"]["why"] == "100 is over 50"
    assert told["fills"] == []
    text = teller.text("why", number, "--run", run_id)
    assert "It was refused: max_order_quantity of symbol BBB: 100 is over 50." in text
    assert "allows 50: 100 is over 50" in text
    assert "approves, up to 150" in text
    assert "fast_sma: SMA(10) on 1m of BBB" in text


def test_an_order_that_is_cut_is_told_with_what_was_asked_for(teller: Teller) -> None:
    risk = {"max_order_quantity": 40, "oversize": "cut"}
    run_id = teller.run(use=CROSS, risk=risk)
    told = teller.json("why", "1", "--run", run_id)
    assert (told["asked"]["quantity"], told["decision"], told["filled"]) == ("100", "cut", "40")
    assert told["reason"] == "cut from 100: max_order_quantity: 100 is over 40"
    assert told["changes"][0]["what"] == "cut"
    assert "It was cut from 100: max_order_quantity: 100 is over 40." in teller.text(
        "why", "1", "--run", run_id
    )


MANY = {
    "allow_short": False, "duplicate_seconds": 60, "max_daily_loss": 5000,
    "max_daily_loss_percent": 50, "max_data_age_seconds": 600, "max_drawdown_percent": 50,
    "max_gross_value": 60000, "max_group_percent": 50, "groups": {"both": ["AAA", "BBB"]},
    "max_leverage": 1, "max_net_value": 50000, "max_open_orders": 5, "max_open_positions": 2,
    "max_order_quantity": 120, "max_order_value": 40000, "max_orders_per_day": 200,
    "max_orders_per_minute": 3, "max_orders_per_second": 3, "max_position_percent": 40,
    "max_position_quantity": 150, "max_position_value": 50000, "max_volatility_percent": 50,
    "min_data_quality_percent": 10, "no_entries_first_minutes": 5, "no_entries_last_minutes": 5,
    "price_collar_percent": 5, "restricted": ["BBB"],
}  # fmt: skip
SIZED = {
    "max_gross_value", "max_group_percent", "max_leverage", "max_net_value", "max_order_quantity",
    "max_order_value", "max_position_percent", "max_position_quantity", "max_position_value",
}  # fmt: skip


def test_every_rule_is_told_and_those_of_size_say_how_much_room_they_had(teller: Teller) -> None:
    run_id = teller.run(use=CROSS, risk=MANY)
    told = teller.json("why", "1", "--run", run_id)
    limits = {one["rule"]: one for one in told["limits"]}
    assert set(limits) == set(rule_names()) - {"max_spread_bps"}, "that needs quotes"
    assert {name for name, one in limits.items() if one["allows"] is not None} >= SIZED
    for name in SIZED:
        assert limits[name]["approves"]
        assert 100 <= float(limits[name]["allows"]) < 100_000, name
    assert told["again"]["equal"]
    assert limits["max_orders_per_day"]["why"] == "0 have left in the session"
    assert limits["max_daily_loss"]["why"] == "nothing is lost since the open"
    later = teller.json("why", "21", "--run", run_id)["limits"]
    counts = [one["why"] for one in later if one["rule"] == "max_orders_per_day"]
    assert not counts or int(counts[0].split()[0]) > 0
    refused = next(o for o in teller.house.runs().get_orders(run_id) if o["symbol"] == "BBB")
    told = teller.json("why", str(refused["order_id"]), "--run", run_id)
    assert [one["rule"] for one in told["limits"] if not one["approves"]] == ["restricted"]
    assert "restricted" in teller.text("why", str(refused["order_id"]), "--run", run_id)


def test_what_is_told_does_not_hang_on_how_the_run_was_run(teller: Teller) -> None:
    ways: list[dict[str, Any]] = [
        {"engine": {"runner": "inline", "block_rows": 7}},
        {"engine": {"runner": "pool", "block_rows": 390}},
    ]
    told = []
    for way in ways:
        run_id = teller.run(use=CROSS, risk={"max_position_value": 12_000}, **way)
        one = teller.json("why", "20", "--run", run_id)
        assert one.pop("run_id") == run_id
        told.append(one)
    assert told[0] == told[1]


def test_amendments_changes_and_other_hooks_are_told(teller: Teller) -> None:
    use = teller.house.strategy("ways.py", WAYS)
    run_id = teller.run(use=use, risk={"max_order_quantity": 100})
    orders = teller.house.runs().get_orders(run_id)
    opening = teller.json("why", "1", "--run", run_id)
    assert opening["seen"]["hook"] == "on_session_open"
    assert opening["seen"]["bar"] is None
    assert {one["symbol"] for one in opening["seen"]["indicators"]} == {"AAA", "BBB"}
    assert opening["seen"]["indicators"][0]["name"] == "mean"

    limit = next(order for order in orders if order["kind"] == "limit")
    told = teller.json("why", str(limit["order_id"]), "--run", run_id)
    (amended,) = told["amendments"]
    assert (amended["what"], amended["asked"]["quantity"]) == ("amendment", "500")
    assert (amended["decision"], amended["reason"]) == (
        "refused", "max_order_quantity: 500 is over 100",
    )  # fmt: skip
    assert [one["what"] for one in told["changes"]] == ["amend refused", "cancel"]
    assert told["state"] == "CANCELED"
    text = teller.text("why", str(limit["order_id"]), "--run", run_id)
    assert "it was to be amended to buy 500 AAA, limit, day, limit" in text
    assert "Its state is CANCELED" in text

    timed = next(o for o in orders if o["side"] == "sell")
    told = teller.json("why", str(timed["order_id"]), "--run", run_id)
    assert told["seen"]["hook"] == "on_timer 'late'"
    assert (told["has_limits"], told["limits"]) == (True, []), "it only takes the position out"
    text = teller.text("why", str(timed["order_id"]), "--run", run_id)
    assert "nothing that it adds would open or increase a position" in text

    across = next(o for o in orders if o["quantity"] == "1")
    seen = teller.json("why", str(across["order_id"]), "--run", run_id)["seen"]
    assert (seen["bar"]["symbol"], seen["last_bar"]["symbol"]) == ("BBB", "AAA")
    mean = seen["indicators"][0]
    assert mean["symbol"] == "BBB", "without a symbol it reads the bar in hand, also for another's"


def test_where_nothing_was_proposed_the_values_say_why(teller: Teller) -> None:
    run_id = teller.run(use=CROSS)
    told = teller.json("why-not", "AAA", "2024-06-03 11:00", "--run", run_id)
    (seen,) = told["seen"]
    assert told["proposed"] == []
    assert seen["bar"]["start"] == "2024-06-03 10:59:00-04:00"
    assert [one["name"] for one in seen["indicators"]] == ["fast_sma", "slow_sma"]
    assert all(one["value"] is not None for one in seen["indicators"])
    assert told["again"]["equal"]
    text = teller.text("why-not", "AAA", "2024-06-03T11:00", "--run", run_id)
    assert "Nothing was proposed for AAA" in text
    assert "slow_sma: SMA(30) on 1m" in text
    early = teller.json("why-not", "AAA", "2024-06-03 09:31", "--run", run_id)["seen"][0]
    assert early["indicators"][0]["value"] is None
    zoned = teller.json("why-not", "AAA", "2024-06-03T15:00+00:00", "--run", run_id)
    assert zoned == told


def test_each_refusal_of_an_instant_is_told_by_strategy(teller: Teller) -> None:
    parts = {
        "strategies": [
            {"use": "trader.py", "name": "one"},
            {"use": "trader.py", "name": "two"},
        ],
        "risk": {"strategies": {"two": {"max_order_quantity": 30}}},
    }
    run_id = teller.run(**parts)
    told = teller.json("why-not", "BBB", "2024-06-03 10:10", "--run", run_id)
    assert [seen["strategy"] for seen in told["seen"]] == ["one", "two"]
    one, two = told["proposed"]
    assert (one["decision"], one["has_limits"], one["limits"]) == ("accepted", False, [])
    assert two["decision"] == "refused"
    assert two["reason"].startswith("max_order_quantity of strategy two: ")
    text = teller.text("why-not", "BBB", "2024-06-03 10:10", "--run", run_id)
    assert "It was refused: max_order_quantity of strategy two" in text
    assert "No limit holds for it." in text


def test_what_is_not_there_is_said_with_what_is_next_to_it(teller: Teller) -> None:
    run_id = teller.run(use=CROSS)
    code, _, errors = teller.say("why", "99999", "--run", run_id)
    assert code == 3
    assert "has no order 99999 of a strategy: the last is" in errors
    code, _, errors = teller.say("why-not", "AAA", "2024-06-03 11:00:30", "--run", run_id)
    assert code == 3
    assert "2024-06-03 11:00:00 and 2024-06-03 11:01:00" in errors
    code, _, errors = teller.say("why-not", "AAB", "2024-06-03 11:00", "--run", run_id)
    assert (code, "Did you mean 'AAA'?" in errors) == (3, True)
    code, _, errors = teller.say("why-not", "AAA", "eleven", "--run", run_id)
    assert (code, "'eleven' is not a time" in errors) == (2, True)
    assert teller.say("why", "1", "--run", "x")[0] == 3
    assert teller.say("why", "0", "--run", run_id)[0] == 2


def test_it_is_the_last_run_that_is_asked_when_none_is_named(teller: Teller) -> None:
    teller.run(use=CROSS)
    last = teller.run(use=CROSS)
    assert teller.json("why", "1") == teller.json("why", "1", "--run", last)
    assert teller.json("why-not", "AAA", "2024-06-03 11:00")["run_id"] == last


def test_a_run_that_decides_otherwise_now_is_told_with_a_warning_and_exit_code_1(
    teller: Teller,
) -> None:
    run_id = teller.run()
    trader = teller.house.strategies / "trader.py"
    trader.write_text(trader.read_text().replace("-50", "-60"))
    code, out, _ = teller.say("why", "1", "--run", run_id)
    assert code == 1
    assert "the strategy trader is not what it was" in out
    assert "run again it decides otherwise" in out
    told = teller.json("why", "1", "--run", run_id, code=1)
    assert told["again"]["equal"] is False
    by_number = {order["order_id"]: order for order in teller.house.runs().get_orders(run_id)}
    changed = next(n for n, order in by_number.items() if order["side"] == "sell")
    told = teller.json("why", str(changed), "--run", run_id, code=1)
    assert told["again"]["order_equal"] is False
    assert "otherwise than it is told here" in teller.say("why", str(changed), "--run", run_id)[1]


HOLD = """
from app.strategies import Strategy

class Hold(Strategy):
    def on_bar(self, bar):
        if bar.symbol == "BBB":
            self.order_target("BBB", 100)
"""
LATE = ("why-not", "BBB", "2024-06-06 12:00", "--run")


def pay(house: SystemHouse, row: str) -> None:
    """Have the store know of one more corporate action."""
    path = house.folder.parent / "actions.csv"
    path.write_text(f"symbol,ex_date,kind,value\n{row}\n")
    house.system.data_manager.import_actions(path, "XNYS")


def test_a_dividend_that_came_since_is_noted_though_the_fingerprint_is_the_same(
    teller: Teller,
) -> None:
    run_id = teller.run(use=teller.house.strategy("hold.py", HOLD))
    before = teller.json(*LATE, run_id)
    assert (before["again"]["changed"], before["again"]["notes"]) == ([], [])
    pay(teller.house, "BBB,2024-06-05,dividend,0.5")
    told = teller.json(*LATE, run_id)
    equity = [float(one["seen"][0]["equity"]) for one in (before, told)]
    assert equity[1] - equity[0] == pytest.approx(50), "it is not what that run had"
    assert told["again"]["equal"]
    assert told["again"]["changed"] == ["actions of BBB"]
    (note,) = told["again"]["notes"]
    assert note.startswith("it stands on other data than then, as the actions of BBB have changed")
    assert f"Note: {note}." in teller.text(*LATE, run_id)
    asked = teller.json("risk", "check", run_id, "buy", "1", "BBB")
    assert asked["again"]["notes"] == [note]
    assert f"Note: {note}." in teller.text("risk", "check", run_id, "buy", "1", "BBB")


def test_all_that_a_run_does_not_stand_on_any_more_is_named(teller: Teller) -> None:
    run_id = teller.run()
    data = teller.house.system.data_manager
    data.set_instrument("XNYS", "AAA", {"tick": "0.05"})
    series = Series("XNYS", "BBB", "1m")
    bars = data.store.columns("XNYS", "BBB", "1m", 0, 2**62)
    data.delete(series)
    data.store.merge(series, bars.slice(0, len(bars) - 200), {})
    told = teller.json("why", "1", "--run", run_id, code=1)["again"]
    assert told["changed"] == ["bars of BBB", "instruments of AAA"]
    assert "as the bars of BBB; instruments of AAA have changed" in told["notes"][0]
    assert told["notes"][1].endswith("need not be what happened then"), "that it named already"


def test_bars_before_its_dates_that_have_changed_are_named(teller: Teller) -> None:
    """Its averages began with them."""
    run_id = teller.run(use=CROSS, start="2024-06-04")
    store = teller.house.system.data_manager.store
    bars = store.columns("XNYS", "AAA", "1m", 0, sessions()[0].close_ns)
    prices = {name: 1.5 * getattr(bars, name) for name in ("open", "high", "low", "close")}
    dearer = BarColumns(start_ns=bars.start_ns, volume=bars.volume, **prices)
    store.merge(Series("XNYS", "AAA", "1m"), dearer, {})
    told = teller.json("why", "1", "--run", run_id, code=1)["again"]
    assert told["changed"] == ["history of AAA 1m"]
    assert "as the history of AAA 1m have changed" in told["notes"][0]


def test_another_program_is_named_where_nothing_else_has_changed(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = teller.run()

    def note() -> str:
        told = teller.json("why", "1", "--run", run_id, code=1)["again"]
        (only,) = told["notes"]
        assert told["changed"] == []
        return str(only)

    with monkeypatch.context() as other:
        other.setattr(Fingerprint, "hexdigest", lambda self: "of another program")
        assert note().endswith("though nothing that its record knows has changed: please report it")
        other.setattr("app.managers.system_manager.why.retelling.program_digest", lambda: "other")
        assert note().endswith(": this program has changed since")


def test_a_run_that_is_reckoned_otherwise_now_is_noted(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"use": CROSS, "end": "2024-06-03", "execution": {"fees": "ib_fixed"}}
    run_id = teller.run(**config)
    assert teller.json("why", "1", "--run", run_id)["again"]["notes"] == []
    monkeypatch.setattr("app.managers.system_manager.wiring.fees_of", lambda fees: None)
    told = teller.json("why", "1", "--run", run_id)["again"]
    assert (told["equal"], told["changed"]) == (True, [])
    assert "it decides the same, and came to" in told["notes"][0]


FAILS = """
from app.strategies import Strategy

class Fails(Strategy):
    def on_bar(self, bar):
        self.order(bar.symbol, 5)
        if self.now.minute == 50:
            raise ValueError("on purpose")
"""


def test_a_run_that_failed_fails_again_and_is_told_all_the_same(teller: Teller) -> None:
    use = teller.house.strategy("fails.py", FAILS)
    with pytest.raises(Exception, match="on purpose"):
        teller.run(use=use)
    (run,) = teller.house.runs().list_runs()
    teller.house.system.stop()
    told = teller.json("why", "3", "--run", run["run_id"])
    assert told["again"]["equal"]
    assert "it failed then, and again" in told["again"]["notes"][0]
    assert told["state"] == "FILLED"


def test_a_run_that_was_stopped_is_told_as_far_as_its_record_goes(teller: Teller) -> None:
    system = teller.house.system
    run_id = system.start(teller.house.config(use=CROSS), paused=True)
    system.step(400)
    for _ in range(500):
        data = system.session_data()
        if data is not None and data.fills:
            break
        threading.Event().wait(0.02)
    system.stop()
    assert teller.house.row(run_id)["state"] == "stopped"
    told = teller.json("why", "1", "--run", run_id)
    assert (told["again"]["equal"], told["again"]["order_equal"]) == (None, True)
    assert "the run is stopped" in told["again"]["notes"][0]
    text = teller.text("why", "1", "--run", run_id)
    assert "This order is on record as it is told here." in text


def test_nothing_is_recorded_by_it(teller: Teller, system_house: SystemHouse) -> None:
    run_id = teller.run(use=CROSS)
    folder = system_house.folder / "runs"

    def files() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    before, row = files(), dict(system_house.row(run_id))
    teller.json("why", "1", "--run", run_id)
    teller.json("why-not", "AAA", "2024-06-03 11:00", "--run", run_id)
    assert files() == before
    assert dict(system_house.row(run_id)) == row
    assert json.loads(json.dumps(row["summary"]))["fills"] > 0
