"""The trading state of a live practice run: it outlives kill -9, the run, and the day's orders."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from tests.live_run_house import LiveRunHouse

from app.cli.main import main
from app.core.errors import AppError
from app.core.intervals import MINUTE_NS
from app.core.trading_state import HALTED
from app.managers.system_manager.control.client import connect
from app.repositories.account_risk import AccountRisk, AccountRisks

pytestmark = pytest.mark.live

LOSS = {"breakers": {"daily_loss": {"at": 1, "then": "halted"}}}


Told = Callable[..., Any]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """What a command prints for scripts; in the tests' own process, where that is quicker."""

    def tell(*words: str) -> Any:
        capsys.readouterr()
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    yield tell
    logger.remove()  # what a command logs to is this test's


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    made = LiveRunHouse(tmp_path, at="2024-11-01T12:00", rate=300)
    yield made
    made.close()


def remembered(house: LiveRunHouse) -> AccountRisk:
    return AccountRisks(house.data).load("default")


def until_it_trips(house: LiveRunHouse) -> AccountRisk:
    for _ in range(600):
        found = remembered(house)
        if found.past.trips:
            return found
        threading.Event().wait(0.05)
    raise AssertionError("nothing tripped in 30 s")


MINUTES_MORE = 15


def some_minutes_more(house: LiveRunHouse, told: Told, config: Path) -> str:
    """Start it again, let it trade for some minutes, and end it; the run's id."""
    venue = house.practice.adapter
    assert venue is not None
    until_ns = venue.time().venue_ns + MINUTES_MORE * MINUTE_NS
    process = house.start(config, "--json")
    for _ in range(600):
        with suppress(AppError), connect(house.data) as client:
            if dt.datetime.fromisoformat(client.view().now).timestamp() * 1e9 > until_ns:
                break
        threading.Event().wait(0.05)
    told("system", "stop")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return str(json.loads(out)["run_id"])


def test_a_run_killed_at_its_daily_limit_takes_no_entry_when_it_goes_on(
    house: LiveRunHouse, told: Told
) -> None:
    config = house.config(risk=LOSS)
    process = house.start(config, "--json")
    trip = until_it_trips(house).past.trips[0]
    process.kill()
    process.communicate(timeout=20)
    assert told("risk", "status")["state"] == HALTED

    run_id = some_minutes_more(house, told, config)
    orders = house.rows(run_id)["orders"]
    later = [row for row in orders if row["created_ns"] > trip.since_ns]
    assert len(later) > 5
    assert {row["state"] for row in later} == {"REJECTED"}
    assert all(row["reason"].startswith(f"halted: {trip.name}: {trip.why}") for row in later)
    assert told("verify", run_id)["equal"]
    assert [one.event.name for one in remembered(house).history] == ["daily_loss"]
    history = told("risk", "history")
    assert [(one["what"], one["why"], one["run_id"]) for one in history] == [
        ("tripped", trip.why, run_id)
    ]


def test_the_next_run_of_an_account_begins_with_what_the_last_one_left(
    house: LiveRunHouse, told: Told
) -> None:
    config = house.config(risk={"max_orders_per_day": 12})
    process = house.start(config, "--json")
    house.until_it_trades(6)
    first = told("risk", "halt", "--reason", "lunch", "--reducing")["run_id"]
    assert first is not None
    trip = until_it_trips(house).past.trips[0]
    assert (trip.name, trip.state, trip.why) == ("person", "reducing", "lunch")
    status = told("risk", "status")
    assert (status["state"], status["run_id"]) == ("reducing", first)
    (session,) = told("system", "status")["sessions"]
    assert (session["state"], session["trading_state"]) == ("RUNNING", "reducing")
    told("risk", "resume", "--reason", "lunch is over")
    process.kill()
    process.communicate(timeout=20)
    told("risk", "halt", "--reason", "nobody is there")  # no run goes on

    assert told("system", "recover", "--give-up")["risk_known"]
    left = remembered(house).past
    assert left.figures["account"].entries >= 6
    assert [(one.state, one.why) for one in left.trips] == [(HALTED, "nobody is there")]
    run_id = some_minutes_more(house, told, config)
    assert run_id != first
    assert {row["reason"] for row in house.rows(run_id)["orders"]} == {
        "halted: by a person, nobody is there; nothing leaves but cancels"
    }
    past = remembered(house).past.figures["account"]
    assert past.entries == left.figures["account"].entries
    assert past.result_units == left.figures["account"].result_units
    assert told("verify", run_id)["equal"]
    assert [(one["what"], one["why"]) for one in told("risk", "history")] == [
        ("halt", "lunch"),
        ("resume", "lunch is over"),
        ("halt", "nobody is there"),
    ]
