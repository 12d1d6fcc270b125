"""A run whose orders go to a venue counts the money that the venue has, and makes none."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from tests.live_run_house import LiveRunHouse

from app.core.bars import BarColumns
from app.repositories.bar_store_files import Series

pytestmark = pytest.mark.live

CHANGER = """
from app.strategies import Strategy

class Changer(Strategy):
    def on_bar(self, bar):
        self.convert(100, "USD", "EUR")
"""


def test_no_money_is_changed_beside_the_venue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our cash would not be the venue's any more, and after a break that halts the run."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    house = LiveRunHouse(tmp_path, at="2024-11-01T10:00", rate=60, symbols="SYN1")
    (house.strategies / "trader.py").write_text(CHANGER, encoding="utf-8")
    price = np.array([1.25])
    start = np.array([house.times.next_session(dt.date(2024, 10, 29)).open_ns])
    bars = BarColumns(start, price, price, price, price, price)
    house.bars.store.merge(Series("XNYS", "EUR/USD", "1d"), bars, {})
    try:
        account = {"rates": {"EUR": "EUR/USD"}}
        process = house.start(house.config(account=account))
        _, log = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "convert() would change our books alone: the venue keeps the money" in log
        assert house.command("verify", "last")["equal"]
    finally:
        house.close()
