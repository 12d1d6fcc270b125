"""The trading state of a live practice run: it outlives kill -9, the run, and the day's orders."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.live_run_house import LiveRunHouse

from app.core.trading_state import HALTED
from app.repositories.account_risk import AccountRisk, AccountRisks

pytestmark = pytest.mark.live

LOSS = {"breakers": {"daily_loss": {"at": 5, "then": "halted"}}}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    made = LiveRunHouse(tmp_path, at="2024-11-01T14:30", rate=900)
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


def rejected(house: LiveRunHouse, run_id: str) -> list[dict[str, Any]]:
    return [row for row in house.rows(run_id)["orders"] if row["state"] == "REJECTED"]


def test_a_run_killed_at_its_daily_limit_takes_no_entry_when_it_goes_on(
    house: LiveRunHouse,
) -> None:
    config = house.config(risk=LOSS)
    process = house.start(config, "--json")
    trip = until_it_trips(house).past.trips[0]
    process.kill()
    process.communicate(timeout=20)
    assert house.command("risk", "status")["state"] == HALTED

    again = house.start(config, "--json")
    out, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    run_id = json.loads(out)["run_id"]
    orders = house.rows(run_id)["orders"]
    later = [row for row in orders if row["created_ns"] > trip.since_ns]
    assert len(later) > 20
    assert {row["state"] for row in later} == {"REJECTED"}
    assert all(row["reason"].startswith(f"halted: {trip.name}: {trip.why}") for row in later)
    assert house.command("verify", run_id)["equal"]
    assert [one.event.name for one in remembered(house).history] == ["daily_loss"]
    told = house.command("risk", "history")
    assert [(one["what"], one["why"], one["run_id"]) for one in told] == [
        ("tripped", trip.why, run_id)
    ]
