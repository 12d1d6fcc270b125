"""What bars left open, and whole runs under worst and best: files, SQL and summary say the same."""

import csv
import datetime as dt
import threading
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.system_house import SystemHouse, sessions, stored_market, system_house

from app.core.bars import BarColumns
from app.core.errors import RunTimeoutError
from app.core.intervals import DAY_NS
from app.managers.system_manager.record.summary import Summary
from app.managers.system_manager.rerun.complete_runs import CompleteRun, CompleteRuns
from app.managers.system_manager.wiring import Run
from app.repositories.bar_store_files import Series

__all__ = ["stored_market", "system_house"]

BRACKETS = """
from app.strategies import Strategy

class Brackets(Strategy):
    def on_bar(self, bar):
        if self.now.minute % 6 == 0:
            self.close(bar.symbol)
            limit, target, stop = (round(bar.close + by, 2) for by in (-0.01, 0.01, -0.03))
            self.bracket(bar.symbol, 40, limit=limit, target=target, stop=stop)
"""
CHANGES = """
from app.strategies import Strategy

class Changes(Strategy):
    given = False

    def on_bar(self, bar):
        if bar.symbol == "AAA" and not self.given:
            self.given = True
            low = round(bar.close * 0.5, 2)
            self.kept = self.order("AAA", 10, limit=low, tif="gtc")
            self.order("AAA", 10_000_000)
            self.pair = self.bracket(
                "AAA", 200, target=round(bar.close * 2, 2), stop=round(bar.close * 0.6, 2)
            )
            self.low = low
            self.timer("first", self.now + __import__("datetime").timedelta(minutes=5))

    def on_timer(self, name):
        if name == "first":
            self.amend(self.kept, limit=self.low - 0.25, quantity=7)
            self.order("AAA", -150)
            self.amend(self.kept, quantity=10_000_000)
            self.timer("second", self.now + __import__("datetime").timedelta(minutes=5))
        else:
            self.cancel(self.kept)
"""


def brackets(house: SystemHouse, **parts: Any) -> Any:
    """A config whose bars leave much open."""
    policy = {"same_bar": parts.pop("same_bar", "worst")}
    parts.setdefault("end", "2024-06-04")  # two sessions
    use = parts.pop("use", None) or house.strategy("brackets.py", BRACKETS)
    return house.config(use=use, execution={**policy, **parts.pop("execution", {})}, **parts)


def uncertain(house: SystemHouse, run_id: str) -> list[dict[str, str]]:
    """The file of uncertain bars."""
    path = house.folder / "runs" / run_id / "uncertain_bars.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page(house: SystemHouse, run_id: str) -> str:
    return (house.folder / "runs" / run_id / "report.md").read_text(encoding="utf-8")


def check_band(house: SystemHouse, given: Summary) -> None:
    """All that tells of the band agrees."""
    row, facts = house.row(given.run_id), house.facts(given.run_id)
    assert row["summary"] == facts["summary"] == given.as_json()
    assert (row["state"], row["error"], row["fingerprint"]) == (
        given.state,
        None,
        given.fingerprint,
    )
    bars = uncertain(house, given.run_id)
    rates = facts["rates"]
    band = Decimal(0)
    for bar in bars:
        moment = dt.datetime.fromisoformat(bar["start"])
        assert moment == dt.datetime.fromtimestamp(int(bar["start_ns"]) // 10**9, dt.UTC)
        of_day = {"USD": 1.0, **rates.get(str(moment.date()), {})}
        rate = Decimal(repr(of_day[bar["currency"]]))
        worths = [Decimal(bar[name]) for name in ("worst", "best", "taken")]
        assert worths[0] != worths[1]
        band += (max(worths) - min(worths)) * rate
    assert given.uncertain_bars == len(bars)
    assert given.band == band
    assert given.band_share == float(band / abs(given.final_equity - given.start_equity))


# -- the run itself --------------------------------------------------------------------------------


@pytest.mark.parametrize("same_bar", ["worst", "best", "ohlc_path"])
def test_the_band_is_what_the_uncertain_bars_add_up_to(
    system_house: SystemHouse, same_bar: str
) -> None:
    given = system_house.system.run(brackets(system_house, same_bar=same_bar))
    check_band(system_house, given)
    assert given.uncertain_bars > 50
    place = {"worst": "worst", "best": "best"}.get(same_bar)
    bars = uncertain(system_house, given.run_id)
    assert place is None or all(bar["taken"] == bar[place] for bar in bars)
    assert {bar["symbol"] for bar in bars} == {"AAA", "BBB"}
    told = page(system_house, given.run_id)
    assert f"The four prices of {given.uncertain_bars} bars leave open what came first." in told
    assert f"they differ by {given.band:,.2f} from worst to best" in told


def test_where_orders_share_no_volume_no_bar_is_better_at_worst(system_house: SystemHouse) -> None:
    config = brackets(system_house, same_bar="ohlc_path", execution={"participation": None})
    given = system_house.system.run(config)
    check_band(system_house, given)
    for bar in uncertain(system_house, given.run_id):
        assert Decimal(bar["worst"]) <= Decimal(bar["taken"]) <= Decimal(bar["best"])
    assert given.uncertain_bars > 50


def test_the_uncertain_bars_do_not_depend_on_the_size_of_blocks(system_house: SystemHouse) -> None:
    found = []
    for rows in (7, 390, 8192):
        given = system_house.system.run(brackets(system_house, engine={"block_rows": rows}))
        path = system_house.folder / "runs" / given.run_id / "uncertain_bars.csv"
        found.append((path.read_bytes(), given.band, given.uncertain_bars))
    assert found[1:] == found[:1] * 2


def test_a_band_abroad_is_counted_at_each_session_s_rate(system_house: SystemHouse) -> None:
    data = system_house.system.data_manager
    data.set_instrument("XNYS", "AAA", {}, "EUR")
    start = np.array([s.open_ns - DAY_NS for s in sessions()], np.int64)
    price = np.array([1.25, 0.5, 2.0, 1.0, 3.5])
    bars = BarColumns(start, price, price, price, price, price)
    data.store.merge(Series("XNYS", "EUR/USD", "1d"), bars, {})
    account = {"books": {"EUR": 100_000}, "rates": {"EUR": "EUR/USD"}}
    for rows in (390, 8192):
        config = brackets(system_house, account=account, engine={"block_rows": rows})
        given = system_house.system.run(config)
        assert len({str(r) for r in system_house.facts(given.run_id)["rates"].values()}) > 1
        check_band(system_house, given)
    assert {bar["currency"] for bar in uncertain(system_house, given.run_id)} == {"EUR", "USD"}


def test_a_run_whose_bars_leave_nothing_open_has_no_file_of_them(system_house: SystemHouse) -> None:
    given = system_house.system.run(system_house.config())
    assert (given.uncertain_bars, given.band, given.band_share) == (0, 0, 0.0)
    assert not (system_house.folder / "runs" / given.run_id / "uncertain_bars.csv").exists()
    assert "No bar left open what it did to an order." in page(system_house, given.run_id)


# -- whole runs under either policy ----------------------------------------------------------------


@pytest.mark.parametrize("same_bar", ["worst", "best", "ohlc_path"])
def test_a_band_is_what_runs_of_their_own_under_either_policy_come_to(
    system_house: SystemHouse, same_bar: str
) -> None:
    alone = {
        policy: system_house.system.run(brackets(system_house, same_bar=policy))
        for policy in ("worst", "best", same_bar)
    }
    given = system_house.system.run(brackets(system_house, same_bar=same_bar), band=True)
    check_band(system_house, given)
    assert given.fingerprint == alone[same_bar].fingerprint
    assert given.equity_worst == alone["worst"].final_equity
    assert given.equity_best == alone["best"].final_equity
    assert given.equity_difference == given.equity_best - given.equity_worst != 0
    assert given.band_note is None
    facts = system_house.facts(given.run_id)
    for run, policy in zip(facts["complete_runs"], ("worst", "best"), strict=True):
        own = alone[policy].as_json()
        assert run == {"same_bar": policy, **{name: own[name] for name in run if name in own}}
        assert set(run) == set(CompleteRun.__struct_fields__)
    assert f"to {given.equity_best:,.2f} under `best`" in page(system_house, given.run_id)


@pytest.mark.parametrize(("same_bar", "others"), [("worst", 1), ("best", 1), ("ohlc_path", 2)])
def test_no_policy_is_run_twice_and_nothing_else_is_recorded(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch, same_bar: str, others: int
) -> None:
    executed: list[str] = []
    execute = Run.execute

    def counted(run: Run) -> str:
        executed.append(run.config.execution.same_bar)
        return execute(run)

    monkeypatch.setattr(Run, "execute", counted)
    seen: list[tuple[str, int]] = []
    system = system_house.system
    given = system.run(
        brackets(system_house, same_bar=same_bar),
        band=True,
        on_progress=lambda bars, _: seen.append((system.policy, bars)),
    )
    assert executed == list(dict.fromkeys([same_bar, "worst", "best"]))
    assert len(executed) == 1 + others
    assert dict(seen) == dict.fromkeys(executed, given.bars)
    (row,) = system_house.runs().list_runs()
    assert row["run_id"] == given.run_id
    assert [path.name for path in (system_house.folder / "runs").iterdir()] == [given.run_id]
    assert system_house.runs().counts(given.run_id) == (given.orders, given.fills)


def test_a_band_s_runs_have_the_clock_of_their_own(system_house: SystemHouse) -> None:
    """What asks the time within one finds its instant, not the end of the run before."""
    system = system_house.system
    behind: list[bool] = []
    config = brackets(system_house, engine={"block_rows": 64})
    system.run(
        config,
        band=True,
        on_progress=lambda _, ns: behind.append(system.time_manager.now_ns() == ns),
    )
    assert len(behind) > 10
    assert all(behind)


def test_without_the_wish_for_one_there_is_no_word_of_a_band(system_house: SystemHouse) -> None:
    given = system_house.system.run(brackets(system_house))
    figures = given.equity_worst, given.equity_best, given.equity_difference, given.band_note
    assert figures == (None,) * 4
    assert "complete_runs" not in system_house.facts(given.run_id)
    assert "under `worst`" not in page(system_house, given.run_id)


# -- runs that do not come to their end ------------------------------------------------------------


def check_none(house: SystemHouse, given: Summary, note: str) -> None:
    """There is no band, and everything says why."""
    assert given.equity_worst is given.equity_best is given.equity_difference is None
    assert given.band_note == note
    assert house.row(given.run_id)["summary"] == house.facts(given.run_id)["summary"]
    assert house.row(given.run_id)["summary"]["band_note"] == note
    assert f"no whole runs under `worst` and `best`: {note}." in page(house, given.run_id)


def test_a_stopped_run_has_no_band_and_says_so(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(brackets(system_house), paused=True, band=True)
    system.step(10)
    given = system.stop()
    assert given is not None
    assert given.state == "stopped"
    check_none(system_house, given, "the run was stopped")


def test_a_failed_run_has_no_band_and_says_so(system_house: SystemHouse) -> None:
    use = system_house.strategy(
        "failing.py", BRACKETS + "        if self.now.day == 4:\n            raise ValueError\n"
    )
    with pytest.raises(Exception, match="failed in on_bar"):
        system_house.system.run(brackets(system_house, use=use), band=True)
    assert system_house.system.ended is not None
    check_none(system_house, system_house.system.ended.summary, "the run failed")


def test_a_strategy_that_fails_under_best_leaves_the_run_itself_whole(
    system_house: SystemHouse,
) -> None:
    """It fails when it is better off than the worst allows."""
    plain = system_house.system.run(brackets(system_house))
    limit = float(plain.final_equity)
    use = system_house.strategy(
        "fragile.py",
        BRACKETS + "        if self.now.day == 4 and self.now.hour == 15:\n"
        f"            assert self.equity < {limit} + 50\n",
    )
    given = system_house.system.run(brackets(system_house, use=use), band=True)
    assert (given.state, given.final_equity) == ("finished", plain.final_equity)
    assert given.band_note is not None
    assert given.band_note.startswith(
        "the one under best failed: Strategy fragile failed in on_bar"
    )
    check_none(system_house, given, given.band_note)
    assert system_house.system.run(brackets(system_house)).state == "finished"


def test_a_stop_during_the_other_runs_ends_them_and_keeps_the_run(
    system_house: SystemHouse,
) -> None:
    system, reached = system_house.system, threading.Event()

    def watch(bars: int, through_ns: int) -> None:
        if system.policy == "best":
            reached.set()
            stopped.wait(10)

    stopped = threading.Event()
    config = brackets(system_house, engine={"block_rows": 64})
    system.start(config, band=True, on_progress=watch)
    assert reached.wait(20)
    assert system.is_running
    assert system.interrupt()
    stopped.set()
    given = system.wait(20)
    assert given is not None
    assert given.state == "finished"
    assert system.ended is not None
    assert system.ended.reason == "interrupted"
    check_none(system_house, given, "the one under best was interrupted")
    assert str(system.state) == "STOPPED"


def test_time_that_runs_out_during_the_other_runs_is_told(system_house: SystemHouse) -> None:
    system = system_house.system

    def wait_for_it(bars: int, through_ns: int) -> None:
        session = system._session
        assert session is not None
        while system.policy == "best" and session.under_way.coordinator.stop_reason is None:
            time.sleep(0.005)

    config = brackets(system_house, engine={"block_rows": 64})
    with pytest.raises(RunTimeoutError, match=r"was stopped after 2 s"):
        system.run(config, band=True, timeout_seconds=2, on_progress=wait_for_it)
    assert system.ended is not None
    check_none(system_house, system.ended.summary, "the one under best took too long")
    assert system_house.row(system.ended.summary.run_id)["state"] == "finished"


def test_a_stop_between_two_runs_is_kept(system_house: SystemHouse) -> None:
    system_house.system.run(brackets(system_house))
    session = system_house.system._session
    assert session is not None
    own, executed = session.run, []

    class Made(Run):
        def __init__(self) -> None:
            others.stop("stopped")  # it comes while this one is wired

        def execute(self) -> str:
            executed.append(self)
            return "finished"

    others = CompleteRuns(lambda config, on_results: Made())
    assert others.execute(own, lambda results: None) == ("stopped", None)
    assert executed == []


# -- changes of orders -----------------------------------------------------------------------------


@pytest.mark.parametrize("block_rows", [13, 8192])
def test_changes_of_orders_are_in_sql_beside_what_became_of_them(
    system_house: SystemHouse, block_rows: int
) -> None:
    use = system_house.strategy("changes.py", CHANGES)
    config = system_house.config(
        use=use, execution={"participation": None}, engine={"block_rows": block_rows},
        risk={"max_order_quantity": 1_000}, end="2024-06-03",
    )  # fmt: skip
    run_id = system_house.system.run(config).run_id
    orders = {order["order_id"]: order for order in system_house.runs().get_orders(run_id)}
    kept, refused, entry, target, stop, part = orders.values()
    assert (refused["state"], refused["reason"][:18]) == ("REJECTED", "max_order_quantity")
    assert (kept["quantity"], kept["state"]) == ("7", "CANCELED")
    assert (entry["parent_id"], entry["oco_group"], entry["reduce_only"]) == (None, None, False)
    assert target["oco_group"] == stop["oco_group"] is not None
    for leg in (target, stop):
        assert (leg["parent_id"], leg["reduce_only"]) == (entry["order_id"], True)
    assert part["state"] == "FILLED"
    changes = system_house.runs().get_order_changes(run_id)
    of_kept = [change for change in changes if change["order_id"] == kept["order_id"]]
    assert [(c["what"], c["quantity"]) for c in of_kept] == [
        ("amend", "7"),
        ("amend refused", "7"),
        ("cancel", "7"),
    ]
    assert of_kept[0]["limit_price"] == kept["limit_price"] == of_kept[2]["limit_price"]
    assert of_kept[1]["reason"].startswith("max_order_quantity")
    assert of_kept[0]["at_ns"] == of_kept[1]["at_ns"] == of_kept[2]["at_ns"] - 5 * 60 * 10**9
    assert [change["place"] for change in changes] == list(range(1, len(changes) + 1))
