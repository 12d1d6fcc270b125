"""The journal of a simulated run that is over: its files are read once for all that look at it."""

from collections.abc import Iterator
from copy import copy

from app.managers.system_manager.journal.journal_feed import RunJournal
from app.repositories.journal_format import Record
from app.repositories.journal_reader import JOURNAL_FOLDER, JournalReader
from tests.faults.life import FOLDER
from tests.memory_disk import MemoryDisk


class ReadReader(JournalReader):
    """From each part the records are read, and held against their checksums, the first time."""

    def __init__(self, disk: MemoryDisk) -> None:
        super().__init__(FOLDER / JOURNAL_FOLDER, disk)
        self._known: dict[int, list[Record]] = {}

    def from_part(self, first_part: int) -> Iterator[Record]:
        if first_part not in self._known:
            self._known[first_part] = [*super().from_part(first_part)]
        return iter(self._known[first_part])


class ReadJournal(RunJournal):
    """Its product reads the files anew with each pass, and a proof makes a dozen."""

    def __init__(self, disk: MemoryDisk) -> None:
        super().__init__(FOLDER, disk)
        self._reader = ReadReader(disk)

    def since(self, part: int, sequence: int) -> "ReadJournal":
        later = copy(self)
        later._part, later._after = part, sequence
        return later
