"""Which process is which, also where there is no /proc, as on macOS."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.core import processes
from app.core.processes import end_group, is_gone, is_running, this_process


@pytest.fixture(params=["/proc", "/nowhere"])
def boot(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine that tells of itself by /proc, and one that has to be asked."""
    monkeypatch.setattr(processes, "_PROC", Path(request.param))
    processes._boot_session.cache_clear()
    yield request.param
    processes._boot_session.cache_clear()


def test_a_process_is_told_from_a_later_one_with_its_number(boot: str) -> None:
    mine = this_process()
    assert mine.start
    assert is_gone(mine) is False
    assert is_gone(msgspec.structs.replace(mine, start="long before")) is True


def test_a_process_that_has_ended_is_gone_before_its_parent_looks(boot: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "print()"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # it ends
    child.stdout.close()
    while is_running(child.pid):
        pass
    assert is_gone(msgspec.structs.replace(this_process(), pid=child.pid)) is True
    child.wait()


def test_when_a_process_began_is_the_same_in_every_zone_and_language(
    boot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = this_process().start
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert this_process().start == before


def test_a_machine_whose_name_changes_is_known_by_its_boot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool = tmp_path / "sysctl"
    tool.write_text('#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] && echo 5EC0-1D\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(processes, "_PROC", Path("/nowhere"))
    processes._boot_session.cache_clear()
    mine = this_process()
    monkeypatch.setattr(socket, "gethostname", lambda: "dhcp-17")
    assert is_gone(mine) is False
    assert is_gone(msgspec.structs.replace(mine, machine="another boot")) is None
    processes._boot_session.cache_clear()


def test_where_nothing_tells_of_processes_those_that_run_are_not_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "_PROC", Path("/nowhere"))
    monkeypatch.setattr(processes, "_asked", lambda *command: None)
    processes._boot_session.cache_clear()
    mine = this_process()
    assert (mine.start, mine.machine) == ("", mine.host)
    assert is_gone(mine) is False
    processes._boot_session.cache_clear()


@pytest.mark.parametrize("problem", [ProcessLookupError, PermissionError])
def test_a_group_that_has_ended_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, problem: type[OSError]
) -> None:
    def refuse(group: int, number: int) -> None:
        raise problem

    monkeypatch.setattr(processes.os, "killpg", refuse)
    end_group(4_711)
