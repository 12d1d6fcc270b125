"""At every call to the disk in turn: it fails, it goes on failing, the power goes. What was
acknowledged is always found, and what is found was recorded.
"""

import errno
import random
from contextlib import suppress

import pytest
from tests.journal_house import FOLDER, found
from tests.memory_disk import Faults, MemoryDisk, PowerLoss

from app.core.errors import AppError
from app.core.messages import Command
from app.repositories import journal_format as form
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JournalReader
from app.threads.live.recorder import Recorder

PARTS, INSTANTS, TEXT = 3, 4, "x" * 300


class Life:
    """A short life of a recorder: parts, instants, an end; what of it was acknowledged."""

    def __init__(self, disk: MemoryDisk) -> None:
        self.disk = disk
        self.recorded: list[int] = []
        self.acknowledged: list[int] = []
        self.failures: list[Exception] = []
        self.recorder: Recorder | None = None

    def live(self, *, ended: bool = True) -> None:
        self.recorder = Recorder(JournalWriter(FOLDER, self.disk), self.failures.append)
        for part in range(1, PARTS + 1):
            self.recorder.begin_part({"part": part})
            for _ in range(INSTANTS):
                self.instant()
                self.recorder.flush()
            self.instant()
            self.instant()  # two in one group, with the next part's header behind them
        self.recorder.close(ended=ended)

    def instant(self) -> None:
        assert self.recorder is not None
        number = len(self.recorded) + 1
        self.recorded.append(number)
        self.recorder.record_input(Command("go", TEXT, number))
        self.recorder.record_output(number, b"entries", [])
        failed = self.recorder.failed is not None
        self.recorder.commit(lambda: self.acknowledge(number, failed))

    def acknowledge(self, number: int, failed: bool) -> None:
        assert not failed, "called though the recorder had failed when this was committed"
        self.acknowledged.append(number)
        assert number in sequences(self.disk)


def sequences(disk: MemoryDisk) -> list[int]:
    """The inputs a reader finds."""
    if not any(name.startswith("part-") for name in disk.names(FOLDER)):
        return []
    records = list(JournalReader(FOLDER, disk))
    return [sequence for kind, sequence, _ in found(records) if kind == form.INPUT]


def calls_of_a_life() -> int:
    life = Life(MemoryDisk())
    life.live()
    assert life.acknowledged == life.recorded == sequences(life.disk)
    assert len(life.recorded) == PARTS * (INSTANTS + 2)
    return len(life.disk.faults.calls)


CALLS = calls_of_a_life()


def check(life: Life) -> None:
    """All acknowledged is found, in order, and a beginning of what was recorded."""
    left = sequences(life.disk)
    assert life.acknowledged == sorted(set(life.acknowledged))
    assert set(life.acknowledged) <= set(left)
    assert left == life.recorded[: len(left)]


def test_a_life_touches_the_disk_often_enough_for_these_tests() -> None:
    assert 60 < CALLS < 300


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_any_call_may_fail_once(code: int) -> None:
    for call in range(1, CALLS + 1):
        life = Life(MemoryDisk(Faults(first=call, code=code)))
        try:
            life.live()
        except AppError:
            assert not life.recorded  # the journal did not open
        check(life)
        assert len(life.failures) <= 1
        assert bool(life.failures) == (life.recorder is not None and not complete(life))


def complete(life: Life) -> bool:
    return life.acknowledged == life.recorded and life.recorder.failed is None  # type: ignore[union-attr]


def test_every_call_from_some_call_on_may_fail() -> None:
    for call in range(1, CALLS + 1):
        life = Life(MemoryDisk(Faults(first=call, last=10**9)))
        try:
            life.live()
        except AppError:
            assert not life.recorded
        check(life)
        assert len(life.failures) <= 1


def test_once_the_trouble_is_gone_everything_is_in_the_journal() -> None:
    for call in range(1, CALLS + 1):
        for length in (1, 4):
            repair_after(call, length)


def repair_after(call: int, length: int) -> None:
    """Trouble of some calls in mid-life; whoever is told tries until it is over."""
    disk = MemoryDisk(Faults(first=call, last=call + length - 1))
    try:
        writer = JournalWriter(FOLDER, disk)
    except AppError:
        return
    life = Life(disk)
    life.recorder = Recorder(writer, life.failures.append)
    for part in range(1, PARTS + 1):
        life.recorder.begin_part({"part": part})
        for _ in range(INSTANTS):
            life.instant()
            life.recorder.flush()
            tries = 0
            while not life.recorder.try_again():
                assert (tries := tries + 1) <= length
            check(life)
    assert sequences(disk) == life.recorded
    assert len(life.recorded) - len(life.acknowledged) <= len(life.failures) <= length


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed > 3)) for seed in range(12)]
)
def test_power_may_go_at_any_call_and_nothing_acknowledged_is_lost(seed: int) -> None:
    for call in range(1, CALLS + 1):
        life = Life(MemoryDisk(Faults(first=call, power=True)))
        with pytest.raises(PowerLoss):
            life.live()
        lots = random.Random(seed * 1_000 + call)
        life.disk = life.disk.after_power_loss(lots)
        check(life)
        after_the_start(life.disk, lots)


def after_the_start(disk: MemoryDisk, lots: random.Random) -> None:
    """The power goes again while the journal is taken up; then it is taken up in peace."""
    kept = sequences(disk)
    disk.faults = Faults(first=lots.randint(1, 20), power=True)
    with suppress(PowerLoss):
        take_up(disk)
    disk = disk.after_power_loss(lots)
    assert sequences(disk) == kept
    take_up(disk)
    assert sequences(disk) == kept


def take_up(disk: MemoryDisk) -> None:
    writer = JournalWriter(FOLDER, disk)
    if not writer.ended:
        writer.begin_part({"part": "after"})
    writer.compress_closed()


@pytest.mark.parametrize("seed", range(4))
def test_power_may_go_while_a_fault_is_being_mended(seed: int) -> None:
    lots = random.Random(seed)
    for call in range(8, CALLS + 1):
        disk = MemoryDisk(Faults(first=call))
        life = Life(disk)
        life.live(ended=False)
        assert life.recorder is not None
        if life.recorder.failed is None:
            continue
        disk.faults.first = len(disk.faults.calls) + lots.randint(1, 6)
        disk.faults.power = True
        try:
            life.recorder.try_again()
        except PowerLoss:
            life.disk = disk.after_power_loss(lots)
        check(life)


def test_a_recorder_that_is_closed_while_it_has_failed_tries_once_more() -> None:
    disk = MemoryDisk()
    disk.faults = Faults()
    recorder = Recorder(JournalWriter(FOLDER, disk), lambda error: None)
    recorder.begin_part({})
    recorder.flush()
    disk.faults.first, disk.faults.last = len(disk.faults.calls) + 1, 10**9
    recorder.record_input(Command("go", "", 1))
    recorder.flush()
    assert recorder.failed is not None
    disk.faults.last = 0  # there is room again
    recorder.close({"ended": "stopped"}, ended=True)
    assert sequences(disk) == [1]
    assert [one.kind for one in JournalReader(FOLDER, disk)][-2:] == [form.NOTE, form.END]
