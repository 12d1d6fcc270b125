"""The n-th write or sync on real files fails, for every n until nothing does: no order leaves whose
intent the loss of power would take, and the journal opens clean afterwards.
"""

import errno
import os
import shutil
from itertools import count
from pathlib import Path

import pytest

from app.core import message_codec as codec
from app.core.messages import Command
from app.core.order_events import Place
from app.core.orders import DAY, MARKET, Terms
from app.repositories import journal_format as form
from app.repositories.disk import MACHINE_DISK, MachineDisk, MachineFile
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JournalReader
from app.threads.live.recorder import Recorder

pytestmark = pytest.mark.live

PARTS, INSTANTS = 3, 8
WHOLE = list(range(1, PARTS * INSTANTS + 1))
FOR_GOOD = 1 << 30


class SweptDisk(MachineDisk):
    """The machine's, whose calls of one kind fail from the n-th on, so many times."""

    def __init__(self, kind: str, first: int, times: int, code: int) -> None:
        self._kind, self._failing, self._code = kind, range(first, first + times), code
        self.calls = 0
        self.durable_bytes: dict[Path, int] = {}  # of each file, behind its last good sync

    def grow(self, path: Path) -> "SweptFile":
        return SweptFile(path, self)

    def rename(self, path: Path, target: Path) -> None:
        super().rename(path, target)
        self.durable_bytes[target] = self.durable_bytes.pop(path)

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.durable_bytes.pop(path, None)

    def count(self, kind: str) -> None:
        if kind == self._kind:
            self.calls += 1
            if self.calls in self._failing:
                raise OSError(self._code, os.strerror(self._code))


class SweptFile(MachineFile):
    """A write that fails has written half; a sync that fails has made nothing durable."""

    def __init__(self, path: Path, disk: SweptDisk) -> None:
        super().__init__(path)
        self._path, self._disk = path, disk

    def write(self, content: bytes) -> None:
        try:
            self._disk.count("write")
        except OSError:
            super().write(content[: len(content) // 2])
            raise
        super().write(content)

    def sync(self) -> None:
        self._disk.count("sync")
        super().sync()
        self._disk.durable_bytes[self._path] = self.size_bytes()

    def truncate(self, size_bytes: int) -> None:
        super().truncate(size_bytes)
        durable = self._disk.durable_bytes
        durable[self._path] = min(durable.get(self._path, 0), size_bytes)


class Line:
    """A live line's way with orders: its intent is recorded, and it leaves when that is durable."""

    def __init__(self, folder: Path, disk: SweptDisk) -> None:
        self._folder, self._disk = folder, disk
        self.sent: list[int] = []
        self.failures: list[Exception] = []
        self.recorder = Recorder(JournalWriter(folder, disk), self.failures.append)

    def live(self) -> None:
        for number in WHOLE:
            if number % INSTANTS == 1:
                self.recorder.begin_part({"number": number})
            self.recorder.record_input(Command("go", "x" * 100, number))
            self.recorder.record_output(number, b"entries", [order(number)])
            self.recorder.commit(lambda number=number: self.send(number))  # type: ignore[misc]
            self.recorder.flush()
            self.recorder.try_again()  # as a live line does every 15 s
        self.recorder.close(ended=True)

    def send(self, number: int) -> None:
        assert number in orders_in(self.after_power_loss()), f"{number} leaves and is not durable"
        self.sent.append(number)

    def after_power_loss(self) -> Path:
        """A folder with what was synced, and nothing else."""
        left = self._folder.with_name("left")
        shutil.rmtree(left, ignore_errors=True)
        left.mkdir()
        for path, size_bytes in self._disk.durable_bytes.items():
            (left / path.name).write_bytes(path.read_bytes()[:size_bytes])
        return left


def order(number: int) -> Place:
    terms = Terms(number, None, None, None, None)
    return Place(number, 0, MARKET, DAY, terms, reduce_only=False, opens=True)


def orders_in(folder: Path) -> list[int]:
    """The intents a reader finds, once the numbers are seen to have no gap."""
    if not any(folder.iterdir()):
        return []  # it never began
    records = list(JournalReader(folder))
    assert [record.number for record in records] == list(range(1, len(records) + 1))
    return [
        intent.order_id
        for record in records
        if record.kind == form.OUTPUT
        for intent in codec.decode_output(record.payload).intents
    ]


def check_opens_clean(folder: Path, sent: list[int]) -> None:
    """The next program finds every order that left, and writes on."""
    shutil.copytree(folder, copy := folder.with_name(f"{folder.name} again"))
    writer = JournalWriter(copy, MACHINE_DISK)
    found = orders_in(copy)
    assert set(sent) <= set(found) and found == sorted(found)
    if not writer.ended:
        writer.begin_part({})
        recorder = Recorder(writer, lambda error: pytest.fail(str(error)))
        recorder.record_output(1_000, b"entries", [order(1_000)])
        recorder.commit(lambda: sent.append(1_000))
        recorder.close(ended=True)
        assert orders_in(copy) == [*found, 1_000] and sent[-1] == 1_000


@pytest.mark.parametrize(
    ("times", "code"), [(1, errno.EIO), (3, errno.EIO), (FOR_GOOD, errno.ENOSPC)]
)
@pytest.mark.parametrize("kind", ["write", "sync"])
def test_the_nth_call_fails_for_every_n(kind: str, times: int, code: int, tmp_path: Path) -> None:
    for first in count(1):
        disk = SweptDisk(kind, first, times, code)
        line = Line(tmp_path / str(first) / "journal", disk)
        line.live()
        if disk.calls < first:  # nothing has failed
            assert line.sent == WHOLE and not line.failures
            break
        check_nth(line, tmp_path / str(first) / "journal", times)
    assert first > len(WHOLE)


def check_nth(line: Line, folder: Path, times: int) -> None:
    """What must hold of a life in which something failed."""
    kept_in = [number for number in WHOLE if number not in line.sent]
    assert line.sent == sorted(line.sent)
    if not line.failures:  # it was compressing, which waits for another time
        assert not kept_in
    elif line.recorder.failed is not None:
        assert line.sent == WHOLE[: len(line.sent)], "an order left after one that could not"
    else:
        assert orders_in(folder) == WHOLE, "what was recorded meanwhile is written later"
        assert len(kept_in) <= times
    check_opens_clean(folder, line.sent)


def test_a_journal_that_cannot_even_begin_says_so_and_nothing_leaves(tmp_path: Path) -> None:
    line = Line(tmp_path / "journal", SweptDisk("sync", 1, FOR_GOOD, errno.EROFS))
    line.live()
    assert not line.sent
    assert "Read-only file system" in str(line.failures[0])
    check_opens_clean(tmp_path / "journal", [])
