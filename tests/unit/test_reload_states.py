"""When a live run takes no reload, and what becomes of a check that says nothing."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.errors import StateError, StrategyError
from app.managers.execution_manager.entries import ALL_SYMBOLS
from app.managers.system_manager import reloading
from app.managers.system_manager.reloading import Asked, Reloads
from app.threads.commands import COMMAND, PAUSE

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
    line: Any = SimpleNamespace(is_recovered=is_recovered)
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
