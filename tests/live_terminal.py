"""Live runs as a user starts them: a practice venue and commands, each in a process of its own."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core.money import UNITS
from app.core.processes import is_running
from app.core.venue import run_mark
from app.integrations.practice.adapter import PracticeAdapter
from tests.practice_house import Practice
from tests.processes import PIPE, Process, begin

HALF_DAY = "2024-11-29"  # of New York, in the sample: 09:30 to 13:00
# One holds ten shares every other minute, the other from its first bar on.
TURNING = """
from app.strategies import Strategy

class Turning(Strategy):
    def on_bar(self, bar):
        self.order_target(bar.symbol, 0 if self.now.minute % 2 else 10)
"""
HOLDING = """
from app.strategies import Strategy

class Holding(Strategy):
    def on_bar(self, bar):
        self.order_target(bar.symbol, 10)
"""


class LiveTerminal:
    """One data folder, its strategies, and commands over them; what is left running is ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        (folder / "strategies").mkdir()
        for name, text in (("turning.py", TURNING), ("holding.py", HOLDING)):
            (folder / "strategies" / name).write_text(text, encoding="utf-8")
        self._venues: list[Practice] = []
        self._processes: list[Process] = []
        self._detached: list[int] = []

    def venue(self, *words: str) -> Practice:
        """A practice venue with books of its own."""
        folder = self.folder / f"venue-{len(self._venues)}"
        folder.mkdir()
        made = Practice(folder, *words)
        self._venues.append(made)
        made.start()
        return made

    def config(self, url: str, name: str, live: dict[str, Any], **parts: Any) -> Path:
        """A session config as a file; its account is called as it is."""
        given = {
            "name": name,
            "mode": "live",
            "symbols": ["SYN1"],
            "live": {"url": url, "broker": "venue", "account": name, **live},
            "strategies": [{"use": "turning.py"}],
            **parts,
        }
        return self.write(name, given)

    def write(self, name: str, given: dict[str, Any]) -> Path:
        """A session config as it is given."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(given), encoding="utf-8")
        return path

    def begin(self, *words: str) -> Process:
        """A command that goes on beside the others."""
        environment = {
            **os.environ,
            "MISMARTERA_DATA_FOLDER": str(self.data),
            "MISMARTERA_STRATEGIES_FOLDER": str(self.folder / "strategies"),
        }
        process = begin(words, self.folder, environment, stdout=PIPE, stderr=PIPE)
        self._processes.append(process)
        return process

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command; none ever shows a traceback."""
        return self.end_of(self.begin(*words))

    def end_of(self, process: Process) -> tuple[int, str, str]:
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in out + err
        return process.returncode, out, err

    def json(self, *words: str, code: int = 0) -> Any:
        found, out, err = self.run(*words, "--json")
        assert found == code, f"{out}\n{err}"
        return json.loads(out)

    def detach(self, path: Path) -> str:
        """A live run in a process of its own; its id."""
        return str(self.detached("start", str(path))["run_id"])

    def detached(self, *words: str) -> dict[str, Any]:
        """What a command of `system` tells that has a live run in a process of its own."""
        found: dict[str, Any] = self.json("system", *words, "--detach")
        self._detached.append(found["pid"])
        return found

    def kill_detached(self) -> None:
        """The run that was detached last dies, and has died."""
        pid = self._detached.pop()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_running(pid), "its end")

    def facts(self, run_id: str) -> dict[str, Any]:
        """A run's run.json."""
        text = (self.data / "runs" / run_id / "run.json").read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)
        return found

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.communicate(timeout=20)
        for pid in self._detached:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for venue in self._venues:
            venue.close()


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Look until it is so, with a bound."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.02)


def adapter(venue: Practice) -> PracticeAdapter:
    assert venue.adapter is not None
    return venue.adapter


def held(venue: Practice, symbol: str) -> int:
    """Shares held there."""
    return int(adapter(venue).positions().get(symbol, 0)) // UNITS


def executions(venue: Practice, run_id: str) -> list[tuple[str, int, float]]:
    """Symbol, shares and price of what the venue executed for a run, in order."""
    mark = run_mark(run_id)
    found = [one for one in adapter(venue).executions(0) if one.client_id.startswith(mark)]
    found.sort(key=lambda one: (one.at_ns, one.client_id))
    return [(one.symbol, one.units // UNITS, one.price) for one in found]


@contextmanager
def stocked_terminal(folder: Path, **strategies: str) -> Iterator[LiveTerminal]:
    """One with the sample's bars, and strategies of a test's own: a file of each name."""
    made = LiveTerminal(folder)
    for name, text in strategies.items():
        (folder / "strategies" / f"{name}.py").write_text(text, encoding="utf-8")
    assert made.run("data", "sample")[0] == 0
    try:
        yield made
    finally:
        made.close()
