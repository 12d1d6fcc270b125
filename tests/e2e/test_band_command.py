"""`system start --band` and `runs orders` on the sample, with a strategy of the user's own."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

NEAR = '''
"""Buy a little below each quarter's close, with a target and a stop close by."""

from app.strategies import Bar, Strategy


class Near(Strategy):
    intervals = ("15m",)

    def on_bar(self, bar: Bar) -> None:
        self.close(bar.symbol)
        limit, target, stop = (round(bar.close + by, 2) for by in (-0.05, 0.05, -0.15))
        self.bracket(bar.symbol, 100, limit=limit, target=target, stop=stop)
'''
CONFIG = {
    "name": "near",
    "symbols": ["SYN1"],
    "replay": {"start": "2024-11-01", "end": "2024-11-08"},
    "strategies": [{"use": "near.py"}],
}


@pytest.fixture
def near(tmp_path: Path) -> str:
    """The config as a file, beside its strategy."""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "near.py").write_text(NEAR)
    (tmp_path / "near.json").write_text(json.dumps(CONFIG))
    return "near.json"


def test_a_band_is_in_the_output_the_record_and_the_report(
    cli: Run, near: str, tmp_path: Path
) -> None:
    done = cli("system", "start", near, "--band", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["equity_worst"] == found["final_equity"]  # the policy where none is named
    assert found["equity_best"] > found["equity_worst"]
    difference = found["equity_best"] - found["equity_worst"]
    assert found["equity_difference"] == pytest.approx(difference)
    assert found["uncertain_bars"] > 5
    made = abs(found["final_equity"] - found["start_equity"])
    assert found["band_share"] == pytest.approx(found["band"] / made)
    folder = tmp_path / "data" / "runs" / found["run_id"]
    assert (
        len((folder / "uncertain_bars.csv").read_text().splitlines()) == 1 + found["uncertain_bars"]
    )
    facts = json.loads((folder / "run.json").read_text())
    assert facts["summary"] == found
    assert [run["same_bar"] for run in facts["complete_runs"]] == ["worst", "best"]
    assert f"{found['equity_best']:,.2f} under `best`" in (folder / "report.md").read_text()
    plain = json.loads(cli("system", "start", near, "--json").stdout)
    assert plain["fingerprint"] == found["fingerprint"]
    assert plain["equity_difference"] is None
    shown = cli("runs", "show", found["run_id"]).stdout
    difference = f"{found['equity_difference']:,.2f}"
    assert re.search(r"equity difference +│ +" + re.escape(difference), shown)


def test_people_see_the_band_in_the_table(cli: Run, near: str) -> None:
    with_band = cli("system", "start", near, "--band").stdout
    rows = dict(re.findall(r"^│ ([a-z ]+?) +│ (.*?) +│$", with_band, re.MULTILINE))
    assert set(rows) > {"uncertain bars", "band", "band share", "equity worst", "equity best"}
    assert rows["band share"].endswith("%")
    without = cli("system", "start", near).stdout
    assert "equity worst" not in without


def test_a_run_s_orders_are_listed_with_what_was_done_to_them(cli: Run, near: str) -> None:
    run = json.loads(cli("system", "start", near, "--json").stdout)
    done = cli("runs", "orders", run["run_id"], "--json")
    orders = json.loads(done.stdout)
    assert [order["order_id"] for order in orders] == list(range(1, run["orders"] + 1))
    changed = [order for order in orders if order["changes"]]
    assert {change["what"] for order in changed for change in order["changes"]} >= {"reduce"}
    for order in changed:
        assert order["changes"][-1]["quantity"] == order["quantity"]
        assert order["created_ns"] <= order["changes"][0]["at_ns"] <= order["ended_ns"]
    table = cli("runs", "orders", run["run_id"]).stdout
    assert table.startswith(f"Orders of run {run['run_id']}, times of America/New_York\n")
    lines = [line for line in table.splitlines() if line.startswith("│ 2024-11-")]
    assert len(lines) == len(orders) + sum(len(order["changes"]) for order in changed)


def test_orders_of_no_run_end_with_3_and_a_run_without_orders_says_so(
    cli: Run, near: str, tmp_path: Path
) -> None:
    done = cli("runs", "orders", "nowhere")
    assert (done.returncode, done.stdout) == (3, "")
    idle = "from app.strategies import Strategy\n\n\nclass Near(Strategy):\n    pass\n"
    (tmp_path / "strategies" / "near.py").write_text(idle)
    run = json.loads(cli("system", "start", near, "--json").stdout)
    assert cli("runs", "orders", run["run_id"]).stdout == f"Run {run['run_id']} has no orders.\n"
    assert json.loads(cli("runs", "orders", run["run_id"], "--json").stdout) == []
