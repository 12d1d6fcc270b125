"""Replays that are left amid a block: every figure on record is of one moment, the last on record.

What such a run goes on doing is its own affair: no figure, no row and no page has any of it.
"""

import signal
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.integration.test_run_record import booked, curve
from tests.integration.test_run_states import ALL
from tests.market import SCALE
from tests.random_market import Spec, specs
from tests.system_house import SystemHouse, stored_market, system_house
from tests.unit.test_worker_interrupts import interrupt_after

from app.cli.main import main
from app.core.errors import StrategyError
from app.managers.system_manager.record import figures, run_record
from app.managers.system_manager.record.figures import OnRecord, figures_of
from app.managers.system_manager.wiring import Run, replay_parts
from app.threads.stream.results import Results

__all__ = ["stored_market", "system_house"]

SESSION_ROWS = 780  # of two symbols: each block is a session then
TRADES = """
import time
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        minute = self.now.minute
        if minute % 10 == 0 and self.now.hour < 16:
            self.order_target(bar.symbol, 100 if minute % 20 else -50)
        if self.now.day == 5 and self.now.hour == 11:
            {what}
"""


def left_alone(house: SystemHouse, monkeypatch: pytest.MonkeyPatch, **parts: Any) -> str:
    """A run whose hook hangs on its third day, for two seconds and a half; its id."""
    monkeypatch.setattr("app.threads.watch.watchdog.STUBBORN_SECONDS", 0.2)
    use = house.strategy("late.py", parts.pop("text", TRADES).format(what="time.sleep(2.5)"))
    engine = {"hook_seconds": 0.4, "block_rows": SESSION_ROWS, **parts.pop("engine", {})}
    with pytest.raises(StrategyError, match="would not end and was left behind"):
        house.system.run(house.config(use=use, engine=engine, **parts))
    return str(house.runs().list_runs()[0]["run_id"])


def two_days(house: SystemHouse) -> dict[str, Any]:
    """The same, as it stands when the second day is over: so much is on record."""
    house.system.stop()
    use = house.strategy("late.py", TRADES.format(what="pass"))
    engine = {"block_rows": SESSION_ROWS}
    summary = house.system.run(house.config(use=use, engine=engine, end="2024-06-04"))
    return house.facts(summary.run_id)


def check_is_of_one_moment(house: SystemHouse, run_id: str) -> dict[str, Any]:
    """The record agrees with itself, figure by figure; its summary."""
    facts, row, repository = house.facts(run_id), house.row(run_id), house.runs()
    found: dict[str, Any] = facts["summary"]
    assert row["summary"] == found and row["fingerprint"] == found["fingerprint"]
    _, equity = curve(house, run_id)
    assert found["final_equity"] == pytest.approx(equity[-1], abs=1e-6)
    assert found["bars"] == len(equity) * 2
    assert (found["orders"], found["fills"]) == repository.counts(run_id)
    cash, held = booked(house, run_id)
    (book,) = facts["books"]
    assert book["cash"] == float(cash)
    assert book["cash"] + book["value"] == pytest.approx(found["final_equity"], abs=1e-6)
    assert any(held.values()), "else it would not show what is held at no price"
    (own,) = found["strategies"]
    assert own["result"] == pytest.approx(found["final_equity"] - found["start_equity"], abs=1e-6)
    assert own["trades"] == found["trades"]
    return found


def check_is_as_two_days(house: SystemHouse, run_id: str) -> None:
    """It is what a run of the first two days comes to, which were on record."""
    found, wanted = check_is_of_one_moment(house, run_id), two_days(house)
    assert found["as_of"] == "2024-06-04T16:00:00-04:00"
    assert wanted["summary"]["as_of"] is None
    apart = {"run_id", "state", "as_of", "replay_seconds", "bars_per_second", "report"}
    for name, value in wanted["summary"].items():
        if name not in apart:
            assert found[name] == value, name
    assert house.facts(run_id)["books"] == wanted["books"]


def test_a_hook_that_is_left_behind_leaves_figures_of_what_is_on_record(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = left_alone(system_house, monkeypatch)
    assert system_house.row(run_id)["state"] == "failed"
    check_is_as_two_days(system_house, run_id)


def test_what_a_run_does_when_it_was_left_comes_on_no_record(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = left_alone(system_house, monkeypatch)
    folder, session = system_house.folder / "runs" / run_id, system_house.system._session
    assert session is not None

    def told() -> tuple[Any, ...]:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        return files, session.bars, system_house.row(run_id), system_house.runs().counts(run_id)

    before, deadline = told(), time.monotonic() + 10
    while session.run.pipeline.goes_on and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not session.run.pipeline.goes_on
    assert session.run.execution.fill_count > before[-1][1], "else it did nothing since"
    assert told() == before


def test_a_run_that_is_left_in_its_first_block_is_as_it_began(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = left_alone(system_house, monkeypatch, engine={"block_rows": 8_192})
    found = system_house.facts(run_id)["summary"]
    assert found["as_of"] == "2024-06-03T09:30:00-04:00"
    names = ("sessions", "bars", "orders", "fills", "trades", "max_drawdown")
    assert [found[name] for name in names] == [0] * 6
    assert found["start_equity"] == found["final_equity"] == 100_000
    assert system_house.runs().counts(run_id) == (0, 0)


def test_an_order_that_worked_with_fills_is_on_record_with_them(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TRADES.replace("minute % 10 == 0 and self.now.hour < 16", "bar.symbol == 'AAA'")
    text = text.replace("100 if minute % 20 else -50", "1_900")
    text = text.replace("bar.symbol == 'AAA'", "bar.symbol == 'AAA' and self.now.day == 5")
    small = {"participation": 0.005}
    run_id = left_alone(
        system_house, monkeypatch, text=text, engine={"block_rows": 40}, execution=small
    )
    (order,) = system_house.runs().get_orders(run_id)
    fills = system_house.runs().get_fills(run_id)
    assert order["state"] == "PARTIAL"
    assert 0 < sum(Decimal(fill["quantity"]) for fill in fills) < 1_900
    assert {fill["order_id"] for fill in fills} == {order["order_id"]}
    check_is_of_one_moment(system_house, run_id)


@pytest.mark.parametrize("words", [["runs", "show"], ["report", "show"]])
def test_who_looks_at_it_is_told_as_of_when_its_figures_are(
    system_house: SystemHouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    run_id = left_alone(system_house, monkeypatch)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    capsys.readouterr()
    assert main([*words, run_id]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "The run was left amid a block" in out
    assert "All figures are as of 2024-06-04T16:00:00-04:00" in out
    page = (system_house.folder / "runs" / run_id / "report.md").read_text()
    assert "| as of | 2024-06-04T16:00:00-04:00 |" in page
    assert "The run was left amid a block" in page


def test_a_kill_that_a_hook_holds_up_leaves_what_is_held_on_record(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.threads.watch.watchdog.STUBBORN_SECONDS", 0.2)
    text = TRADES.replace("self.now.hour == 11", "self.now.hour >= 10")  # it trades before that
    use = system_house.strategy("late.py", text.format(what="time.sleep(4)"))
    engine = {"block_rows": SESSION_ROWS}
    third_day = threading.Event()

    def watch(bars: int, at_ns: int) -> None:
        if bars == 2 * SESSION_ROWS:
            third_day.set()

    system = system_house.system
    run_id = system.start(system_house.config(use=use, engine=engine), on_progress=watch)
    assert third_day.wait(20)
    time.sleep(0.3)
    system.kill("flatten", "enough")
    with pytest.raises(StrategyError, match="left behind"):
        system.wait(20)
    killed, (_, held) = system_house.facts(run_id)["killed"], booked(system_house, run_id)
    assert killed["left"] == {
        "orders": 0,
        "opening": 0,
        "positions": {symbol: f"{units.normalize():f}" for symbol, units in held.items()},
    }
    assert not killed["done"]
    check_is_as_two_days(system_house, run_id)


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_amid_a_block_leaves_figures_of_what_is_on_record(
    system_house: SystemHouse,
) -> None:
    use = system_house.strategy("late.py", TRADES.format(what="time.sleep(0.5)"))
    config = system_house.config(use=use, engine={"block_rows": SESSION_ROWS})
    pressers = []

    def press(bars: int, at_ns: int) -> None:
        if bars == 2 * SESSION_ROWS:  # the third day begins
            pressers.append(interrupt_after(0.3, times=2))

    summary = system_house.system.run(config, on_progress=press)
    pressers[0].join()
    assert summary.state == "stopped"
    ended = system_house.system.ended
    assert ended is not None and ended.reason == "interrupted"
    check_is_as_two_days(system_house, summary.run_id)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_the_record_is_being_closed_does_not_cut_it_short(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = run_record.RunRecord.finish

    def pressed(record: run_record.RunRecord, *words: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        finish(record, *words)

    monkeypatch.setattr(run_record.RunRecord, "finish", pressed)
    system, own = system_house.system, lambda number, frame: None
    before = signal.signal(signal.SIGTERM, own)
    try:
        with pytest.raises(KeyboardInterrupt):  # then: it ends a script's loop
            system.run(system_house.config(end="2024-06-03"))
        handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        assert handlers == (signal.default_int_handler, own)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert system.ended is not None and str(system.state) == "STOPPED"
    assert system_house.row(system.ended.summary.run_id)["state"] == "finished"


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_that_finds_all_bars_read_is_raised_when_the_run_has_finished(
    system_house: SystemHouse,
) -> None:
    system = system_house.system

    def press(bars: int, at_ns: int) -> None:
        assert system._session is not None
        system._session.run.pipeline.was_interrupted = True  # its stop came to nothing

    with pytest.raises(KeyboardInterrupt):
        system.run(system_house.config(end="2024-06-03"), on_progress=press)
    assert system.ended is not None and system.ended.summary.state == "finished"


@pytest.mark.usefixtures("interruptible")
def test_who_handles_interrupts_otherwise_is_told_of_none_that_came_too_late(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, told = run_record.RunRecord.finish, []

    def pressed(record: run_record.RunRecord, *words: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        finish(record, *words)

    monkeypatch.setattr(run_record.RunRecord, "finish", pressed)
    signal.signal(signal.SIGINT, lambda number, frame: told.append(number))
    assert system_house.system.run(system_house.config(end="2024-06-03")).state == "finished"
    assert told == []


@given(specs(), st.sampled_from([1, 7, 100]))
@example(ALL, 1)
@settings(max_examples=5 * SCALE, deadline=None)
def test_what_is_kept_of_a_block_is_what_the_run_is_then(spec: Spec, block_rows: int) -> None:
    config, market = spec.config(block_rows), spec.market()
    rates = {"margin_rate": Decimal("0.5"), "borrow_rate": Decimal("0.5")}
    config = config.model_copy(update={"account": config.account.model_copy(update=rates)})
    kept: list[OnRecord] = []
    blocks = 0

    def take(results: Results) -> None:
        nonlocal blocks
        blocks += 1
        kept[0].admit(results, lambda results: None)
        stored, live = kept[0]._figures, figures_of(run)
        assert stored.account.state() == run.execution.account.state()
        assert stored.account.equity_units(stored.mark) == run.execution.account.equity_units(
            run.last_close
        )
        for name in figures.Figures.__struct_fields__:
            if name not in ("account", "orders", "risk"):
                assert getattr(stored, name) == getattr(live, name), name

    run = Run(config, market, Path("strategies"), take, parts=replay_parts(market))
    kept.append(OnRecord(run))
    run.execute()
    assert blocks
    assert kept[0].leave()[0].orders == run.execution.order_count, "all have ended"
