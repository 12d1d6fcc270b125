"""Declared exits at a venue, on half a day: killed and started again, and home before the close."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.live_run_house import LiveRunHouse

from app.core.money import to_units
from app.core.orders import STOP

pytestmark = pytest.mark.live

NAIVE = """
from app.strategies import Strategy

class Naive(Strategy):
    def on_bar(self, bar):
        if self.now.minute % 4 == 0 and not self.position(bar.symbol):
            self.order(bar.symbol, 20 if self.now.minute % 8 else -20)
"""
COVER = {
    "stop_loss_percent": 0.1,
    "take_profit_percent": 0.2,
    "time_stop_minutes": 12,
    "flat_before_close_minutes": 10,
}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    made = LiveRunHouse(tmp_path, at="2024-11-29T12:15", rate=600)
    (made.strategies / "naive.py").write_text(NAIVE, encoding="utf-8")
    yield made
    made.close()


def stops_at(house: LiveRunHouse) -> int:
    """How many work at the venue."""
    venue = house.practice.adapter
    assert venue is not None
    return sum(report.kind == STOP for report in venue.open_orders())


def test_declared_exits_rest_at_the_venue_over_a_kill_until_half_a_days_close(
    house: LiveRunHouse,
) -> None:
    config = house.config(strategies=[{"use": "naive.py"}], protection=COVER)
    process = house.start(config, "--json")
    house.until_it_trades(2)
    for _ in range(200):
        if stops_at(house):
            break
        threading.Event().wait(0.02)
    process.kill()
    process.communicate(timeout=20)
    again = house.start(config, "--json")
    out, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    run_id = json.loads(out)["run_id"]
    assert house.command("verify", run_id)["equal"]

    rows, held = house.rows(run_id), Counter[str]()
    for fill in rows["fills"]:
        held[fill["symbol"]] += to_units(fill["quantity"])
    assert set(held.values()) == {0} and stops_at(house) == 0
    entered = {row["order_id"] for row in rows["orders"] if to_units(row["filled"])}
    stops = [row for row in rows["orders"] if row["kind"] == STOP and row["parent_id"] in entered]
    assert len(stops) >= 2 and all(row["stop_price"] for row in stops)  # of entries that filled
    closing = [row for row in rows["orders"] if row["tif"] == "gtc" and row["kind"] == "market"]
    assert closing  # of a time stop, or before the close
    told = house.command("why", str(closing[-1]["order_id"]), "--run", run_id)
    assert told["decision"] == "given by protection" and told["again"]["equal"]
