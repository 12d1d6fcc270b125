"""A live run that ends and keeps: what it holds and what works on at the venue is told wherever its
end is.
"""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from tests.live_run_house import LiveRunHouse

from app.cli.shell.events import ended
from app.managers.system_manager.control.client import connect

pytestmark = pytest.mark.live

HELD = r"(20) SYN1 at ([\d.]+), worth ([\d,.]+); (10) SYN2 at ([\d.]+), worth ([\d,.]+)"

CLOSER = """
from app.strategies import Strategy

class Closer(Strategy):
    def on_bar(self, bar):
        held = self.position(bar.symbol).quantity
        if bar.symbol == "SYN2" and not held and not self.orders(bar.symbol):
            self.bracket(bar.symbol, 10, stop=round(bar.close * 0.5))
        elif bar.symbol == "SYN1" and held:
            self.close(bar.symbol)
        elif bar.symbol == "SYN1":
            self.order_target(bar.symbol, 20)
"""


def test_a_stop_that_keeps_names_what_works_on_and_what_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    house = LiveRunHouse(tmp_path, at="2024-11-01T10:00", rate=30)
    (house.strategies / "trader.py").write_text(CLOSER, encoding="utf-8")
    try:
        process = house.start(house.config(live={"on_stop": "keep"}))
        house.until_it_trades(2)
        venue = house.practice.adapter
        assert venue is not None
        while not any(one.kind == "market" and one.units < 0 for one in venue.open_orders()):
            assert process.poll() is None
        with connect(house.data) as client:
            client.ask("stop")
        out, log = process.communicate(timeout=60)
        assert process.returncode == 0, log
        run = dict(house.runs.get_run("last"))
        summary = run["summary"]
        stop = next(one.stop for one in venue.open_orders() if one.symbol == "SYN2")
        working = f"sell 10 SYN2 stop {stop}; sell 20 SYN1 market"
        assert summary["working_at_end"] == working
        held = re.fullmatch(HELD, summary["held_at_end"])
        assert held is not None, summary["held_at_end"]
        for quantity, price, worth in (held.groups()[:3], held.groups()[3:]):
            value = Decimal(quantity) * Decimal(price)
            assert f"{value:,.2f}" == worth
        assert f"Left at the venue: held: 20 SYN1, 10 SYN2; orders that work: {working}" in log
        assert "held at end" in out and "no run looks after it" in out
        event = ended(run["run_id"], None, run).text
        assert f"still holds {held[0]}, at the venue works: {working}" in event
        assert house.command("runs", "show", "last")["summary"]["working_at_end"] == working
        assert house.rebuild(run["run_id"]).as_json() == summary
    finally:
        house.close()
