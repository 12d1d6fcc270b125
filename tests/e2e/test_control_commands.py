"""Sessions in processes of their own, steered from other processes."""

import json
import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.processes import PIPE, Process, begin
from tests.system_house import SystemHouse, stored_market, system_house

pytestmark = pytest.mark.live

__all__ = ["stored_market", "system_house"]

SPINNING = """
from app.strategies import Strategy

class Spinning(Strategy):
    def on_bar(self, bar):
        if self.now.minute == 40:
            self.turn()

    def turn(self):
        while True:
            pass
"""
DEAF = """
from app.strategies import Strategy

class Deaf(Strategy):
    def on_bar(self, bar):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                print("not now", flush=True)
"""
ASLEEP = """
import time

from app.strategies import Strategy

class Asleep(Strategy):
    def on_bar(self, bar):
        time.sleep(1000)
"""


class Terminal:
    """Commands over a house's folders; sessions left running are ended."""

    def __init__(self, house: SystemHouse) -> None:
        self.house = house
        self.pids: list[int] = []

    def start(self, *words: str, **parts: Any) -> Process:
        environment = {
            **os.environ,
            "MISMARTERA_DATA_FOLDER": str(self.house.folder),
            "MISMARTERA_STRATEGIES_FOLDER": str(self.house.strategies),
        }
        kinds: dict[str, Any] = {"stdout": PIPE, "stderr": PIPE, **parts}
        return begin(words, self.house.folder.parent, environment, **kinds)

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command; none ever shows a traceback."""
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in out + err
        return process.returncode, out, err

    def json(self, *words: str) -> Any:
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def detach(self, **parts: Any) -> dict[str, Any]:
        """A session of its own; slow enough to be steered, unless told otherwise."""
        path = self.house.file(self.house.config(**{"speed": 600.0, **parts}))
        found: dict[str, Any] = self.json("system", "start", str(path), "--detach")
        self.pids.append(found["pid"])
        return found

    def wait_until_gone(self, pid: int, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while is_alive(pid):
            assert time.monotonic() < end, f"process {pid} goes on"
            time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process, which is nobody's child by now, goes on: its last thread may die behind
    its first, and holds its sockets as long.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX" or threads > 1


@pytest.fixture
def terminal(system_house: SystemHouse) -> Iterator[Terminal]:
    made = Terminal(system_house)
    yield made
    for pid in made.pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_a_detached_session_is_seen_steered_and_stopped_from_other_processes(
    terminal: Terminal,
) -> None:
    run = terminal.detach()
    run_id = run["run_id"]
    assert os.getsid(run["pid"]) == run["pid"]  # it outlives the terminal
    (session,) = terminal.json("system", "status")["sessions"]
    assert (session["run_id"], session["pid"], session["state"]) == (run_id, run["pid"], "RUNNING")
    assert session["trading_state"] is None  # a replay without breakers has none
    assert terminal.run("system", "pause")[1] == f"Run {run_id} stands still.\n"
    held = terminal.json("system", "positions", run_id)
    bars = terminal.json("system", "status")["sessions"][0]["bars"]
    assert terminal.json("system", "status")["sessions"][0]["state"] == "PAUSED"
    assert terminal.json("system", "positions", run_id[:12]) == held
    stepped = terminal.json("system", "step", "--count", "3")
    assert (stepped["run_id"], stepped["done"]) == (run_id, "step")
    after = terminal.json("system", "status")["sessions"][0]
    assert after["now"] == stepped["now"]
    assert bars < after["bars"] <= bars + 6
    terminal.json("system", "step", "--count", "30")  # on to a minute that trades, and its fill
    held = terminal.json("system", "positions", run_id)
    shown = terminal.json("data", "session", run_id, "--once")["symbols"]
    assert held
    assert held == [
        {
            "symbol": one["symbol"],
            **{"close" if name == "price" else name: x for name, x in one["position"].items()},
        }
        for one in shown
        if float(one["position"]["quantity"])
    ]
    for one in held:
        gain = float(one["close"]) - float(one["average_price"])
        assert float(one["unrealised"]) == pytest.approx(float(one["quantity"]) * gain, abs=0.01)
    assert terminal.json("system", "resume") == {"run_id": run_id, "done": "resume"}
    code, _, err = terminal.run("strategies", "reload", "trader")
    assert (code, "A replay is its config and its files" in err) == (1, True)
    fills = terminal.json("system", "fills")
    assert all(fill["symbol"] in ("AAA", "BBB") for fill in fills)
    assert isinstance(terminal.json("system", "orders"), list)
    summary = terminal.json("system", "stop", "--reason", "enough")
    assert (summary["run_id"], summary["state"]) == (run_id, "stopped")
    assert summary == terminal.house.facts(run_id)["summary"]
    terminal.wait_until_gone(run["pid"])
    log = Path(terminal.house.folder.parent / run["log"]).read_text(encoding="utf-8")
    assert "stop enough" in log
    assert list((terminal.house.folder / "control").iterdir()) == []
    code, _, err = terminal.run("system", "stop")
    assert (code, err.splitlines()[-1]) == (
        3,
        "error: No session runs. 'system start CONFIG --detach' starts one.",
    )


@pytest.mark.parametrize(
    ("name", "text", "code", "words"),
    [
        ("nowhere.json", None, 3, "nowhere.json"),
        ("broken.json", "{", 4, "broken.json"),
    ],
)
def test_what_cannot_start_detached_says_why_with_its_exit_code(
    terminal: Terminal, name: str, text: str | None, code: int, words: str
) -> None:
    if text is not None:
        (terminal.house.folder.parent / name).write_text(text, encoding="utf-8")
    found, out, err = terminal.run("system", "start", name, "--detach")
    assert (found, out) == (code, "")
    assert words in err
    assert err.count("error:") == 1
    assert terminal.house.runs().list_runs() == []


def test_a_strategy_that_fails_at_once_refuses_the_detached_start(terminal: Terminal) -> None:
    use = terminal.house.strategy("raises.py", "raise ValueError('no')")
    path = terminal.house.file(terminal.house.config(use=use))
    code, out, err = terminal.run("system", "start", str(path), "--detach", "--json")
    assert (code, out) == (4, "")
    assert "raises.py" in json.loads(err.splitlines()[-1])["error"]


def test_two_sessions_are_told_apart_and_a_wrong_id_is_met_with_the_right_one(
    terminal: Terminal,
) -> None:
    first, second = terminal.detach()["run_id"], terminal.detach()["run_id"]
    code, _, err = terminal.run("system", "pause")
    assert code == 2
    assert "2 sessions run; name one of" in err
    assert first in err
    code, _, err = terminal.run("system", "pause", second[:-1] + "!")
    assert code == 3
    assert "Did you mean" in err
    assert terminal.json("system", "stop", first)["run_id"] == first
    assert terminal.json("system", "kill")["run_id"] == second


def test_a_foreground_session_is_served_as_well_and_ends_when_it_is_stopped(
    terminal: Terminal,
) -> None:
    path = terminal.house.file(terminal.house.config(speed=600.0))
    process = terminal.start("system", "start", str(path), "--json")
    wait_for_session(terminal)
    summary = terminal.json("system", "stop")
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert json.loads(out) == summary


def test_a_killed_session_ends_with_1_and_is_recorded_as_stopped(terminal: Terminal) -> None:
    path = terminal.house.file(terminal.house.config(speed=600.0))
    process = terminal.start("system", "start", str(path))
    run_id = wait_for_session(terminal)
    assert terminal.run("system", "kill", "--mode", "fly")[0] == 2
    assert terminal.json("system", "kill", "--mode", "flatten")["state"] == "stopped"
    _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert err.splitlines()[-1] == f"error: Run {run_id} was killed."


def wait_for_session(terminal: Terminal) -> str:
    for _ in range(500):
        found = list((terminal.house.folder / "control").glob("*.sock"))
        if found:
            return found[0].stem
        time.sleep(0.05)
    raise AssertionError("no session is served")


def test_the_socket_of_a_session_that_was_killed_outright_is_cleaned_away(
    terminal: Terminal,
) -> None:
    run = terminal.detach()
    os.kill(run["pid"], signal.SIGKILL)
    terminal.wait_until_gone(run["pid"])
    assert list((terminal.house.folder / "control").glob("*.sock"))
    found = terminal.json("system", "status")
    assert (found["sessions"], found["last_state"]) == ([], "abandoned")
    assert list((terminal.house.folder / "control").iterdir()) == []


def test_a_session_is_seen_though_the_database_is_away(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = terminal.detach()
    with monkeypatch.context() as patch:
        patch.setenv("MISMARTERA_DATABASE_URL", "postgresql://me@127.0.0.1:1/bars")
        code, out, err = terminal.run("system", "status", "--json")
        assert (code, "cannot be used" in err) == (1, True)
        found = json.loads(out)
        assert (found["running"], found["last_run"]) == ([run["run_id"]], None)
        assert [one["run_id"] for one in found["sessions"]] == [run["run_id"]]
        assert "System" in terminal.run("system", "status")[1]
    terminal.run("system", "kill")
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", "postgresql://me@127.0.0.1:1/bars")
    assert terminal.run("system", "status")[:2] == (1, "")


@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_a_session_whose_strategy_spins_is_killed_in_seconds(
    terminal: Terminal, runner: str
) -> None:
    use = terminal.house.strategy("spinning.py", SPINNING)
    run = terminal.detach(use=use, speed="max", engine={"runner": runner, "hook_seconds": 600})
    began = time.monotonic()
    summary = terminal.json("system", "kill")
    assert time.monotonic() - began < 15
    assert (summary["run_id"], summary["state"]) == (run["run_id"], "stopped")
    terminal.wait_until_gone(run["pid"])
    assert terminal.house.row(run["run_id"])["error"] is None


@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_a_hook_that_spins_is_interrupted_and_its_line_is_named(
    terminal: Terminal, runner: str
) -> None:
    use = terminal.house.strategy("spinning.py", SPINNING)
    config = terminal.house.config(use=use, engine={"runner": runner, "hook_seconds": 1})
    code, out, err = terminal.run("system", "start", str(terminal.house.file(config)))
    assert (code, out) == (1, "")
    said, hook, line = err.splitlines()[-3:]
    assert said.startswith("error: Strategy spinning failed in on_bar at 2024-06-03 09:40:00: it ")
    assert said.endswith("s and was interrupted")
    assert hook == "  spinning.py:7 in on_bar: self.turn()"
    assert line.startswith("  spinning.py:1")
    assert "in turn" in line
    assert "hook hangs: Strategy spinning has not returned from on_bar, at spinning.py:1" in err
    (run,) = terminal.house.runs().list_runs()
    assert run["state"] == "failed"


@pytest.mark.parametrize(("text", "runner"), [(DEAF, "pool"), (ASLEEP, "pool"), (ASLEEP, "inline")])
def test_a_hook_that_will_not_end_is_left_behind_and_the_process_ends(
    terminal: Terminal, text: str, runner: str
) -> None:
    use = terminal.house.strategy("stubborn.py", text)
    config = terminal.house.config(use=use, engine={"runner": runner, "hook_seconds": 1})
    code, _, err = terminal.run("system", "start", str(terminal.house.file(config)))
    assert code == 1
    assert err.splitlines()[-1].startswith(
        "error: Strategy stubborn has not returned from on_bar, at stubborn.py:"
    )
    (run,) = terminal.house.runs().list_runs()
    assert run["state"] == "failed"
    assert "stubborn.py" in run["error"]
    assert list((terminal.house.folder / "control").glob("*.sock")) == []


@pytest.mark.usefixtures("interruptible")
def test_a_stopped_run_whose_hook_hangs_names_the_strategy(terminal: Terminal) -> None:
    use = terminal.house.strategy("spinning.py", SPINNING)
    config = terminal.house.config(use=use)
    process = terminal.start("system", "start", str(terminal.house.file(config)))
    wait_for_session(terminal)
    time.sleep(1.0)  # it is spinning by now
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 1
    assert "error: Strategy spinning failed in on_bar at 2024-06-03 09:40:00" in err


def test_attach_in_a_pipe_prints_a_line_a_second_until_the_session_ends(
    terminal: Terminal,
) -> None:
    run_id = terminal.detach()["run_id"]
    follower = terminal.start("system", "attach")
    lines = []
    assert follower.stdout is not None
    for _ in range(3):
        lines.append(follower.stdout.readline())
    assert all("RUNNING" in line and "USD" in line for line in lines)
    assert len(set(lines)) == 3
    terminal.json("system", "stop")
    rest, err = follower.communicate(timeout=20)
    assert rest.splitlines()[-1] == f"Run {run_id} has ended. 'runs show {run_id}' tells of it."
    assert (follower.returncode, err) == (0, "")


@pytest.mark.usefixtures("interruptible")
def test_attach_on_a_terminal_shows_a_table_and_interrupting_it_leaves_the_session(
    terminal: Terminal,
) -> None:
    run = terminal.detach()
    own, theirs = pty.openpty()
    follower = terminal.start("system", "attach", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = read_until(own, b"equity")
    assert run["run_id"].encode() in shown
    follower.send_signal(signal.SIGINT)
    assert b"goes on" in read_until(own, b"goes on")
    assert follower.wait(20) == 0
    os.close(own)
    assert terminal.json("system", "status")["sessions"][0]["pid"] == run["pid"]


def read_until(end: int, words: bytes, seconds: float = 20.0) -> bytes:
    """What a terminal shows until these words have come."""
    data, limit = b"", time.monotonic() + seconds
    while words not in data:
        assert time.monotonic() < limit, data
        if select.select([end], [], [], 0.2)[0]:
            try:
                data += os.read(end, 65_536)
            except OSError:  # nobody has it open any more
                break
    return data


def test_a_halted_session_opens_nothing_more(terminal: Terminal) -> None:
    run = terminal.detach(speed=60.0)
    terminal.json("system", "pause")
    assert terminal.json("system", "halt", "--reason", "news") == {
        "run_id": run["run_id"],
        "done": "halt",
    }
    told = terminal.run("system", "halt", "--reason", "news")[1]
    assert told == f"Run {run['run_id']} takes exits only, until it ends.\n"
    terminal.json("system", "resume")
    terminal.json("system", "speed", "max")
    terminal.wait_until_gone(run["pid"])
    orders = terminal.house.runs().get_orders(run["run_id"])
    refused = [order for order in orders if (order["reason"] or "").startswith("no_entries: news")]
    assert refused
    assert terminal.house.row(run["run_id"])["state"] == "finished"
