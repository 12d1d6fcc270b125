"""A record whose disk is full: a replay fails, a live run goes on, and is recorded at its end."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from loguru import logger

from app.core.bars import no_rows
from app.core.errors import DataError
from app.core.orders import Order
from app.managers.execution_manager.books.diary import Records
from app.managers.system_manager.record.run_record import RunRecord
from app.repositories.run_repository import RunRepository
from app.threads.stream.results import Results

ORDERS = Records([Order(1, 0, "AAA", 0, 10, 0)], [], [], [], [], [], [], b"")
RESULTS = Results(ORDERS, no_rows().start_ns, no_rows().open, 0, 0)


class FullDisk:
    """A file there."""

    def write(self, data: bytes = b"") -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    close = write  # what it still holds


class House:
    """A run's record whose waiting rows are on a full disk."""

    def __init__(self, folder: Path, make: Callable[[], object] | None) -> None:
        self.told: list[str] = []  # of all, in order
        repository = SimpleNamespace(finish_run=lambda _, state, **more: self.told.append(state))
        self.record = RunRecord(
            folder, "run-1", cast(RunRepository, repository), ["one"], ["AAA"], ["USD"], str
        )
        if make is not None:
            self.record.rest_on_journal(lambda what, details: self.told.append(what), make)
        self.record._rows._file.close()
        self.record._rows._file = cast(Any, FullDisk())

    def finish(self) -> None:
        summary: Any = SimpleNamespace(state="stopped", fingerprint="", as_json=dict)
        logger.disable("app")
        try:
            self.record.finish(summary, {}, (), "now", None)
        finally:
            logger.enable("app")


def test_a_replay_whose_disk_is_full_fails(tmp_path: Path) -> None:
    house = House(tmp_path, None)
    with pytest.raises(DataError, match=r"record in .* cannot be written: No space left on device"):
        house.record.take(RESULTS)
    house.record._curve.close()


def test_a_live_run_goes_on_and_is_recorded_from_its_journal_once_it_has_ended(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, lambda: house.told.append("made"))
    for _ in range(3):
        house.record.take(RESULTS)
    assert house.told == ["record waits"]
    assert not (tmp_path / "rows.waiting").exists(), "the journal may need the room"
    house.finish()
    assert house.told == ["record waits", "stopped", "made"]


def test_a_record_that_cannot_be_made_at_the_end_either_names_the_way_out(tmp_path: Path) -> None:
    def make() -> None:
        raise DataError("No space left on device.")

    house = House(tmp_path, make)
    house.record.take(RESULTS)
    with pytest.raises(DataError, match=r"No space left on device\. 'runs rebuild run-1' tries"):
        house.finish()
    assert house.told == ["record waits", "stopped", "failed"]
