"""When a live run takes no reload, and what becomes of a check that says nothing."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.errors import NotFoundError, RunTimeoutError, StateError, StrategyError
from app.core.halts import ALL_SYMBOLS, COMMAND
from app.managers.system_manager.strategies import reloading
from app.managers.system_manager.strategies.reloading import Asked, Reloads
from app.repositories.journal_file import JournalWriter
from app.threads.live.recorder import Recorder
from app.threads.stream.commands import PAUSE
from app.threads.stream.reloading import ReloadOutcome

STOPPING = {(ALL_SYMBOLS, COMMAND): "the run is stopping"}


def reloads(
    closed: dict[tuple[int, str], str],
    kill: str = "",
    is_stopping: bool = False,
    is_recovered: bool = True,
) -> Reloads:
    """Of a run in that state, whose one strategy is called `one`."""
    entries = SimpleNamespace(closed=closed, kill=SimpleNamespace(mode=kill))
    run: Any = SimpleNamespace(
        seats=[SimpleNamespace(name="one")],
        execution=SimpleNamespace(entries=entries),
        pipeline=SimpleNamespace(is_stopping=is_stopping),
    )
    line: Any = SimpleNamespace(is_recovered=is_recovered, journal=None)
    header: Any = None
    folder = Path()
    return Reloads(run, line, header, folder, folder, lambda what, details: None, str)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"closed": STOPPING}, "is ending"),
        ({"closed": {}, "kill": "freeze"}, "is ending"),
        ({"closed": {}, "is_stopping": True}, "is ending"),
        ({"closed": {}, "is_recovered": False}, "catches up"),
        ({"closed": {(ALL_SYMBOLS, "start"): "the run catches up"}}, "catches up"),
    ],
)
def test_a_run_that_ends_or_catches_up_is_not_reloaded(state: dict[str, Any], says: str) -> None:
    with pytest.raises(StateError, match=says):
        reloads(**state).ask(Asked("one"))


@pytest.mark.parametrize("source", [PAUSE, COMMAND])
def test_a_run_that_is_paused_or_halted_is(source: str) -> None:
    reloads({(ALL_SYMBOLS, source): "by hand"})._check_run()


def test_one_reload_is_under_way_at_a_time() -> None:
    held = reloads({})
    ended = threading.Event()
    held._thread = threading.Thread(target=ended.wait, daemon=True)
    held._thread.start()
    with pytest.raises(StateError, match="Another reload is under way"):
        held.ask(Asked("one"))
    ended.set()
    held._thread.join(5)


def test_whoever_was_told_of_one_may_ask_for_the_next() -> None:
    held = reloads({})
    ended = threading.Event()
    held._thread = threading.Thread(target=ended.wait, daemon=True)
    held._thread.start()  # it has told, and is about to end
    held._told = StrategyError("refused")
    with pytest.raises(NotFoundError, match="no strategy 'two'"):
        held.ask(Asked("two"))
    ended.set()
    held._thread.join(5)


def test_nobody_is_told_of_new_code_before_it_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "DURABLE_SECONDS", 0.05)
    failures: list[Exception] = []
    recorder = Recorder(JournalWriter(tmp_path), failures.append)
    recorder.begin_part({})
    held = reloads({})
    line: Any = held._line
    line.journal = SimpleNamespace(recorder=recorder)
    outcome = ReloadOutcome(1, 2, "one", "one.py", "", {}, False)
    recorder.record_note({"what": "came of it"})
    with pytest.raises(RunTimeoutError, match="the journal was not written"):
        held._make_durable(outcome)
    recorder.start()
    monkeypatch.setattr(reloading, "DURABLE_SECONDS", 20.0)
    held._make_durable(outcome)
    recorder.failed = OSError("disk full")
    with pytest.raises(StateError, match=r"cannot be written.*disk full"):
        held.ask(Asked("one"))
    recorder.failed = None
    recorder.close()
    assert not failures


def test_a_file_is_named_as_seen_from_its_folder(tmp_path: Path) -> None:
    held = reloads({})
    held._strategies = tmp_path
    for use in (f"{tmp_path}/a/b.py", f"../{tmp_path.name}/a/b.py", "./a/b.py", "a/c/../b.py"):
        assert held._within(f"{use}:Two") == "a/b.py:Two"
    assert held._within("package.module:Two") == "package.module:Two"


def test_a_check_that_nobody_waits_for_any_more_ends_by_itself(tmp_path: Path) -> None:
    task = tmp_path / "task"
    os.mkfifo(task)  # reading it does not return, in C
    program = (
        "import sys; from pathlib import Path; "
        "from app.managers.system_manager.strategies import shadow; "
        "shadow.SHADOW_SECONDS = 0.1; shadow.main(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(task)], timeout=30, check=False)
    assert done.returncode == -signal.SIGALRM


@pytest.mark.parametrize(
    ("program", "seconds", "says"),
    [
        ("import os; os._exit(3)", 20.0, "ended by itself \\(exit code 3\\)"),
        ("import time; time.sleep(60)", 0.3, "did not end within 0.3 s"),
    ],
)
def test_a_check_without_a_verdict_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, seconds: float, says: str
) -> None:
    monkeypatch.setattr(reloading, "_PROGRAM", ("-c", program))
    monkeypatch.setattr(reloading, "SHADOW_SECONDS", seconds)
    with pytest.raises(StrategyError, match=says):
        reloading._judged(tmp_path / "task")
