"""The journal on the real disk: processes that are killed, a disk that is full or refuses."""

import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.journal_house import entries, found, given, read
from tests.memory_disk import Faults, FaultyDisk

from app.core.errors import AppError, DataError, StateError
from app.core.messages import Command
from app.repositories import journal_format as form
from app.repositories.disk import MACHINE_DISK
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JournalReader, open_run_journal
from app.threads.live.recorder import Recorder

pytestmark = pytest.mark.live

WRITER = Path(__file__).with_name("journal_process.py")
KILLS = 15


def inputs(folder: Path) -> list[int]:
    return [s for kind, s, _ in found(list(JournalReader(folder))) if kind == form.INPUT]


def test_kill_9_in_mid_write_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    lots = random.Random(15)
    acknowledged: list[int] = []
    for _ in range(KILLS):
        more = killed_after(tmp_path, lots.randint(1, 120))
        assert not acknowledged or more[0] > acknowledged[-1]
        acknowledged += more
        left = inputs(tmp_path)
        assert left == list(range(1, len(left) + 1))
        assert set(acknowledged) <= set(left)
    assert len(acknowledged) > 15 * KILLS
    names = sorted(path.name for path in tmp_path.iterdir())
    assert any(name.endswith(".zst") for name in names)


def killed_after(folder: Path, count: int) -> list[int]:
    """What a writer acknowledged until it was killed, `count` lines after its first."""
    process = subprocess.Popen([sys.executable, str(WRITER), str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(count)]
    process.kill()
    said += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait(30) == -9, "the writer ended by itself"
    return [int(line) for line in said if line.endswith(b"\n")]


def test_any_call_to_the_real_disk_may_fail_once(tmp_path: Path) -> None:
    call, clean = 0, False
    while not clean:
        call += 1
        faults = Faults(first=call)
        try:
            left, lost = life(tmp_path / str(call), FaultyDisk(MACHINE_DISK, faults))
        except AppError:
            assert call < 5  # the journal could not be opened
            continue
        clean = call > len(faults.calls)
        assert left == [1, 2, 3, 4, 5, 6]
        assert lost <= (0 if clean else 1)
    assert call > 25


def life(folder: Path, disk: FaultyDisk) -> tuple[list[int], int]:
    """What a reader finds of six instants, and how many of them were not acknowledged."""
    done: list[int] = []
    recorder = Recorder(JournalWriter(folder, disk), lambda error: None)  # type: ignore[arg-type]
    for number in range(1, 7):
        if number in (1, 4):
            recorder.begin_part({})
        recorder.record_input(Command("go", "", number))
        recorder.commit(lambda number=number: done.append(number))  # type: ignore[misc]
        recorder.flush()
        assert recorder.try_again()
    recorder.close()
    return inputs(folder), 6 - len(done)


@contextmanager
def no_file_above(size_bytes: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow past this: a write stops half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_half_a_group_takes_all_of_it_when_there_is_room(tmp_path: Path) -> None:
    failures: list[Exception] = []
    done: list[int] = []
    recorder = Recorder(JournalWriter(tmp_path), failures.append)
    recorder.begin_part({})
    recorder.record_input(Command("go", "", 1))
    recorder.commit(lambda: done.append(1))
    recorder.flush()
    path = tmp_path / "part-0001.journal"
    with no_file_above(path.stat().st_size + 100):
        recorder.record_input(Command("go", "x" * 1_000, 2))
        recorder.commit(lambda: done.append(2))
        recorder.flush()
        assert not recorder.try_again()
        reader = JournalReader(tmp_path)
        assert [r.sequence for r in reader] == [0, 1]
        assert reader.torn is not None and reader.torn.lost_bytes == 100
    assert "File too large" in str(failures[0])
    assert recorder.try_again()
    recorder.commit(lambda: done.append(3))
    recorder.close()
    assert inputs(tmp_path) == [1, 2] and done == [1, 3]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_said_so(tmp_path: Path) -> None:
    failures: list[Exception] = []
    recorder = Recorder(JournalWriter(tmp_path), failures.append)
    (tmp_path / "part-0001.journal").symlink_to("/dev/full")
    recorder.begin_part({})
    recorder.flush()
    said = "The journal cannot be written: No space left on device. Look after the space"
    assert str(failures[0]).startswith(said)
    assert recorder.try_again()  # what had that name is out of the way
    assert [record.kind for record in JournalReader(tmp_path)] == [form.HEADER]
    recorder.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="cannot be written: Permission denied"):
        JournalWriter(tmp_path / "journal")
    tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file", encoding="utf-8")
    with pytest.raises(DataError, match=r"journal cannot be written: .*\. Look after"):
        JournalWriter(tmp_path / "run" / "journal")


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "part-0001.journal").mkdir()
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        list(JournalReader(tmp_path))


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.begin_part({})
    with pytest.raises(StateError, match=r"part-0001\.journal is being written by another"):
        JournalWriter(tmp_path)
    writer.close()
    JournalWriter(tmp_path).close()


def test_only_its_owner_may_read_a_journal(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal")
    for _ in range(2):
        writer.begin_part({})
    writer.compress_closed()
    writer.close()
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "journal").iterdir()}
    assert modes == {0o600}


def test_a_run_s_journal_is_read_by_its_folder_also_while_it_is_written(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal")
    writer.begin_part({})
    writer.append(entries(2))
    reader = open_run_journal(tmp_path)
    assert found(list(reader)) == given([entries(2)])
    records = iter(reader)
    next(records)
    writer.begin_part({})
    writer.append(entries(1, first=3))
    writer.compress_closed()
    assert len(list(records)) == 2  # of the file it had opened
    writer.close()
    assert read(MACHINE_DISK, tmp_path / "journal") == given([entries(3)])
