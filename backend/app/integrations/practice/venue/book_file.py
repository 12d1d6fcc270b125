"""The books at rest: a file of JSON lines that only grows, fsynced before anything is told.

A line holds all that one step brought, so a step is there whole or not at all: a last line without
its end is what a crash left, and is cut off.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from app.core.durable import sync_file
from app.core.errors import DataError, StateError
from app.integrations.practice.venue.books import BookEvent
from app.repositories.bar_store_files import sync_folder

_FILE: Final = "books.jsonl"
_LINES: Final[msgspec.json.Decoder[list[BookEvent]]] = msgspec.json.Decoder(list[BookEvent])
_encode = msgspec.json.Encoder().encode


class BookFile:
    """The books of one venue, in a folder that no other venue can open meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / _FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise DataError(f"The books in {folder} cannot be opened: {error.strerror}.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StateError(
                f"The books in {folder} are in use by another practice venue; stop it, or name"
                " another folder with --books."
            ) from error
        sync_folder(folder)

    def read(self) -> list[BookEvent]:
        """All that was written; a torn last line is cut off."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
            sync_file(self._file)
        events: list[BookEvent] = []
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                events += _LINES.decode(line)
            except msgspec.MsgspecError as error:
                raise DataError(
                    f"Line {number} of {self.path} is no line of a venue's books: {error}. Name"
                    " another folder with --books to begin anew."
                ) from error
        return events

    def write(self, events: Sequence[BookEvent]) -> None:
        """Add a step; on return it is durable."""
        line = memoryview(_encode(list(events)) + b"\n")
        try:
            while line:
                line = line[os.write(self._file, line) :]
            sync_file(self._file)
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        os.close(self._file)
