"""`system start` and `system status` in processes of their own: exit codes, signals, records."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests import processes
from tests.processes import PIPE, PROGRAM, Process
from tests.system_house import SystemHouse, stored_market, system_house

__all__ = ["stored_market", "system_house"]

pytestmark = pytest.mark.usefixtures("warm")

KEYS = [
    *("run_id", "state", "mode", "as_of", "sessions", "bars", "replay_seconds", "bars_per_second"),
    *("orders", "fills", "trades", "trading_state", "currency"),
    *("start_equity", "final_equity", "fees", "interest", "borrow"),
    *("loose_coins", "fees_unbooked", "held_at_end", "working_at_end", "max_drawdown"),
    *("uncertain_bars", "band", "band_share"),
    *("equity_worst", "equity_best", "equity_difference", "band_note"),
    *("fingerprint", "report", "strategies"),
]

HANGING = """
from app.strategies import Strategy

class Hanging(Strategy):
    def on_bar(self, bar):
        while True:
            pass
"""


def env(house: SystemHouse) -> dict[str, str]:
    """With the house's folders."""
    return {
        **os.environ,
        "MISMARTERA_DATA_FOLDER": str(house.folder),
        "MISMARTERA_STRATEGIES_FOLDER": str(house.strategies),
    }


def command(house: SystemHouse, *words: str, is_cold: bool = False) -> Process:
    """A command over the house's folders, under way."""
    return processes.begin(
        words, house.folder.parent, env(house), is_cold=is_cold, stdout=PIPE, stderr=PIPE
    )


def done(house: SystemHouse, *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command; none ever shows a traceback."""
    process = command(house, *words)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in out + err
    return process.returncode, out, err


def wait_for_run(house: SystemHouse, process: Process) -> str:
    """Wait until the process has a run under way; its id."""
    for _ in range(1000):
        assert process.poll() is None, process.communicate()
        running = house.runs().unfinished_runs()
        if running:
            time.sleep(0.1)
            return str(running[0]["run_id"])
        time.sleep(0.02)
    raise AssertionError("no run began")


def test_the_json_of_a_run_has_exactly_the_promised_figures(system_house: SystemHouse) -> None:
    path = system_house.file(system_house.config())
    code, out, err = done(system_house, "system", "start", str(path), "--json")
    assert code == 0
    assert out.count("\n") == 1
    found = json.loads(out)
    assert list(found) == KEYS
    assert found == system_house.facts(found["run_id"])["summary"]
    assert Path(found["report"]).is_file()
    assert "error" not in err


def test_a_failing_strategy_ends_with_1_and_its_own_line(system_house: SystemHouse) -> None:
    use = system_house.strategy(
        "broken.py",
        """
        from app.strategies import Strategy

        class Broken(Strategy):
            def on_bar(self, bar):
                return bar.price
        """,
    )
    path = system_house.file(system_house.config(use=use))
    code, out, err = done(system_house, "system", "start", str(path))
    assert (code, out) == (1, "")
    first, line = err.splitlines()[-2:]
    assert first == (
        "error: Strategy broken failed in on_bar at 2024-06-03 09:31:00: AttributeError: 'Bar' "
        "object has no attribute 'price'"
    )
    assert line == "  broken.py:6 in on_bar: return bar.price"
    (run,) = system_house.runs().list_runs()
    assert run["state"] == "failed"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["system", "start", "nowhere.json"], 3, "nowhere.json"),
        (["system", "start", "broken.json"], 4, "broken.json"),
        (["system", "start", "good.json", "--timeout", "0"], 2, "0.001"),
        (["system", "strat"], 2, "Did you mean 'start', 'status'?"),
    ],
)
def test_what_cannot_start_ends_with_its_code(
    system_house: SystemHouse, words: list[str], code: int, message: str
) -> None:
    (system_house.folder.parent / "broken.json").write_text("{", encoding="utf-8")
    system_house.file(system_house.config(), "good.json")
    found, out, err = done(system_house, *words)
    assert (found, out) == (code, "")
    assert message in err
    assert system_house.runs().list_runs() == []


def test_a_run_that_takes_too_long_ends_with_5(system_house: SystemHouse) -> None:
    path = system_house.file(system_house.config(speed=1.0))
    code, out, err = done(system_house, "system", "start", str(path), "--timeout", "0.2", "--json")
    (run,) = system_house.runs().list_runs()
    assert (code, out, run["state"]) == (5, "", "stopped")
    assert json.loads(err.splitlines()[-1]) == {
        "error": f"Run {run['run_id']} was stopped after 0.2 s.",
        "exit_code": 5,
    }


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("runner", "number"), [("pool", signal.SIGINT), ("inline", signal.SIGTERM)]
)
def test_an_interrupted_run_ends_with_130_and_is_recorded_as_stopped(
    system_house: SystemHouse, runner: str, number: int
) -> None:
    config = system_house.config(speed=60.0, engine={"runner": runner})
    process = command(system_house, "system", "start", str(system_house.file(config)), "--json")
    run_id = wait_for_run(system_house, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert json.loads(out)["state"] == "stopped"
    row = system_house.row(run_id)
    assert (row["state"], row["error"]) == ("stopped", None)
    assert row["ended_at"] is not None
    assert system_house.facts(run_id)["summary"] == json.loads(out)


@pytest.mark.usefixtures("interruptible")
def test_a_run_whose_terminal_closes_ends_in_order_and_is_recorded_as_stopped(
    system_house: SystemHouse,
) -> None:
    config = system_house.file(system_house.config(speed=60.0))
    terminal, ours = os.openpty()
    words = ["setsid", "--ctty", sys.executable, *PROGRAM, "system", "start", str(config)]
    process = subprocess.Popen(
        words, cwd=system_house.folder.parent, env=env(system_house),
        stdin=ours, stdout=ours, stderr=ours,
    )  # fmt: skip
    os.close(ours)
    try:
        run_id = wait_for_run(system_house, process)
        os.close(terminal)
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
    assert system_house.row(run_id)["state"] == "stopped"
    assert "defect" not in (system_house.folder / "logs" / "app.log").read_text(encoding="utf-8")


def test_a_run_started_with_interrupts_ignored_goes_on_through_them(
    system_house: SystemHouse,
) -> None:
    config = system_house.file(system_house.config(speed=60.0))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts background jobs
    try:
        process = command(system_house, "system", "start", str(config), is_cold=True)
    finally:
        signal.signal(signal.SIGINT, before)
    run_id = wait_for_run(system_house, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert system_house.row(run_id)["state"] == "stopped"


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_leaves_a_hanging_strategy_behind(system_house: SystemHouse) -> None:
    use = system_house.strategy("hanging.py", HANGING)
    config = system_house.config(use=use)
    process = command(system_house, "system", "start", str(system_house.file(config)))
    run_id = wait_for_run(system_house, process)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert system_house.row(run_id)["state"] == "stopped"


@pytest.mark.usefixtures("interruptible")
def test_whoever_goes_on_interrupting_changes_neither_the_record_nor_the_exit_code(
    system_house: SystemHouse,
) -> None:
    config = system_house.file(system_house.config(use=system_house.strategy("h.py", HANGING)))
    process = command(system_house, "system", "start", str(config), "--json", is_cold=True)
    run_id = wait_for_run(system_house, process)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    ends = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < ends:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert system_house.row(run_id)["state"] == "stopped"
    summary = system_house.facts(run_id)["summary"]
    assert summary == system_house.row(run_id)["summary"]
    assert (summary["final_equity"], summary["fills"]) == (100_000, 0)


def test_status_tells_what_runs_and_a_killed_run_is_abandoned(system_house: SystemHouse) -> None:
    code, out, _ = done(system_house, "system", "status", "--json")
    nothing = {
        "state": "STOPPED", "running": [], "last_run": None, "last_state": None, "sessions": [],
        "broken_off": [],
    }  # fmt: skip
    assert (code, json.loads(out)) == (0, nothing)
    config = system_house.config(speed=1.0)
    process = command(system_house, "system", "start", str(system_house.file(config)))
    run_id = wait_for_run(system_house, process)
    _, out, _ = done(system_house, "system", "status", "--json")
    running = {
        "state": "RUNNING",
        "running": [run_id],
        "last_run": run_id,
        "last_state": "running",
        "broken_off": [],
    }
    found = json.loads(out)
    assert [one["run_id"] for one in found.pop("sessions")] == [run_id]
    assert found == running
    process.kill()
    process.communicate(timeout=20)
    _, out, _ = done(system_house, "system", "status", "--json")
    assert json.loads(out) == {**nothing, "last_run": run_id, "last_state": "abandoned"}


def test_people_get_a_table_with_the_same_figures(system_house: SystemHouse) -> None:
    path = system_house.file(system_house.config())
    code, out, _ = done(system_house, "system", "start", str(path))
    assert code == 0
    (run,) = system_house.runs().list_runs()
    assert out.startswith(f"Run {run['run_id']}\n")
    assert f"{run['summary']['final_equity']:,.2f}" in out
    assert run["fingerprint"] in out
    _, out, _ = done(system_house, "system", "status")
    assert "STOPPED" in out
    assert "finished" in out
    assert run["run_id"] in out
