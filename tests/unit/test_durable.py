"""What is written reaches the drive itself, where the system has a call for that."""

import errno
import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from app.core import durable
from app.core.durable import sync_file
from app.repositories.bar_store_files import sync_folder, write_all

_FULL = 51  # F_FULLFSYNC of macOS


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A system with that call: what it is asked for."""
    calls: list[str] = []
    fcntls, fsync = fcntl.fcntl, os.fsync

    def on_fcntl(descriptor: int, command: int, argument: int = 0) -> object:
        if command != _FULL:
            return fcntls(descriptor, command, argument)
        calls.append("full")
        return 0

    def on_fsync(descriptor: int) -> None:
        calls.append("fsync")
        fsync(descriptor)

    monkeypatch.setattr(durable, "_THROUGH", _FULL)
    monkeypatch.setattr(fcntl, "fcntl", on_fcntl)
    monkeypatch.setattr(os, "fsync", on_fsync)
    return calls


def test_bars_and_folders_go_through_the_drive_s_own_memory(
    asked: list[str], tmp_path: Path
) -> None:
    write_all([(tmp_path / "2024.parquet", lambda file: file.write(b"bars") and None)])
    assert asked == ["full", "full"]  # the file, and the name it was given
    sync_folder(tmp_path)
    assert asked == ["full"] * 3


def test_a_file_system_that_cannot_gets_what_it_can(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, command: int) -> int:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    with tempfile.TemporaryFile() as file:
        sync_file(file.fileno())
    assert asked == ["fsync"]


def test_a_drive_that_fails_is_told(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "fcntl", fail)
    monkeypatch.setattr(os, "fsync", fail)
    with tempfile.TemporaryFile() as file, pytest.raises(OSError, match="Input/output"):
        sync_file(file.fileno())
