"""Commands that run within the shell, for hours: what they leave behind in its process."""

import gc
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from app.cli.shell.opening import open_commands
from app.cli.shell.shell import Shell

LINES = (
    "data list; data show SYN1; runs list; runs show nothing; system status",
    "risk halt --reason x; risk history; admin log-level DEBUG; config schema",
    "data lst; data export SYN1 --no-such; nonsense; verify",
)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    (tmp_path / "shell").mkdir()
    return Shell(open_commands(run_child=lambda words: 0), tmp_path / "shell")


def run_all(shell: Shell) -> None:
    for line in LINES:
        for statement in line.split("; "):
            shell.run_text(statement)


def state() -> dict[str, Any]:
    from loguru import logger

    gc.collect()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE)
    return {
        "open files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "collector": (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()),
        "turns": sys.getswitchinterval(),
        "signals": [signal.getsignal(number) for number in signals],
        "log sinks": len(logger._core.handlers),  # type: ignore[attr-defined]
        "modules": len(sys.modules),
        "path": list(sys.path),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }


def test_the_second_time_nothing_has_grown_and_nothing_is_changed(shell: Shell) -> None:
    run_all(shell)
    before = state()
    run_all(shell)
    assert state() == before


def test_settings_are_read_anew_by_each_command(
    shell: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shell.run_text("admin log-level --json")
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "other"))
    monkeypatch.setenv("MISMARTERA_LOG_LEVEL", "ERROR")
    shell.run_text("admin log-level --json")
    told = capsys.readouterr().out
    assert '"level": "ERROR"' in told
    assert str(tmp_path / "other") in told
