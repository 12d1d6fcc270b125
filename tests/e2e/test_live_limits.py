"""Hard limits and `why` of a live run: its journal's, whatever the account file says later."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.live_run_house import LiveRunHouse

from app.managers.system_manager.journal.journal_feed import RunJournal

pytestmark = pytest.mark.live

HARD = {"max_order_quantity": 15}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("MISMARTERA_ACCOUNT_LIMITS", str(tmp_path / "account.json"))
    (tmp_path / "account.json").write_text(json.dumps(HARD), encoding="utf-8")
    made = LiveRunHouse(tmp_path, at="2024-11-01T13:00", rate=900)
    yield made
    made.close()


def refused(house: LiveRunHouse, run_id: str) -> list[dict[str, Any]]:
    return [row for row in house.rows(run_id)["orders"] if row["state"] == "REJECTED"]


def test_a_live_run_that_goes_on_keeps_the_hard_limits_it_began_with(house: LiveRunHouse) -> None:
    config = house.config(risk={"max_order_quantity": 1000})
    process = house.start(config, "--json")
    house.until_it_trades(6)
    process.kill()
    process.communicate(timeout=20)
    (house.folder / "account.json").write_text("{}", encoding="utf-8")
    again = house.start(config, "--json")
    out, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert "the account file is not what it was" in errors.lower()
    run_id = json.loads(out)["run_id"]
    assert RunJournal(house.data / "runs" / run_id).header().hard_limits is not None

    # while the run catches up, or a busy machine has its data late, nothing opens at all; and
    # the kill may have come between an order's record and its sending
    others = ("no_entries", "the venue never had it")
    found = [row for row in refused(house, run_id) if not row["reason"].startswith(others)]
    assert len(found) > 20
    assert {row["reason"].partition(":")[0] for row in found} == {
        "max_order_quantity of account file"
    }
    assert max(float(row["quantity"]) for row in house.rows(run_id)["orders"]) > 15
    assert max(abs(float(row["quantity"])) for row in house.rows(run_id)["fills"]) <= 15
    (house.folder / "account.json").unlink()
    assert house.command("verify", run_id)["equal"]

    for row in (found[0], found[-1]):
        told = house.command("why", str(row["order_id"]), "--run", run_id)
        assert told["decision"] == "refused"
        assert told["reason"] == row["reason"]
        assert told["limits"][-1]["scope"] == "account file"
        assert told["again"]["equal"]
    fill = house.rows(run_id)["fills"][-1]
    told = house.command("why", str(fill["order_id"]), "--run", run_id)
    assert told["fills"][-1]["price"] == fill["price"]
    assert told["seen"]["bar"]["symbol"] == fill["symbol"]
    at = told["seen"]["at"]
    instant = house.command("why-not", fill["symbol"], at, "--run", run_id)
    assert instant["proposed"][0]["order_id"] == fill["order_id"]
    assert {**instant["again"], "order_equal": True} == told["again"]
    asked = house.command("risk", "check", run_id, "buy", "1", fill["symbol"], "--at", at)
    assert (asked["decision"], asked["at"]) == ("leaves", at)
    assert asked["standing"]["price"] == told["seen"]["price"]
    assert asked["again"] == instant["again"]
