"""A process that writes a journal without end and says what is durable: to be killed."""

import os
import random
import sys
from pathlib import Path

from app.core.messages import Command
from app.repositories import journal_format as form
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JournalReader
from app.threads.live.recorder import Recorder


def main(folder: Path) -> None:
    writer = JournalWriter(folder)
    last = 0
    if writer.part:
        last = max((r.sequence for r in JournalReader(folder) if r.kind == form.INPUT), default=0)
    recorder = Recorder(writer, lambda error: os._exit(3))
    recorder.begin_part({"after": last})
    recorder.start()
    lots = random.Random(last)
    number = last
    while True:
        number += 1
        recorder.record_input(Command("go", "x" * lots.randint(0, 3_000), number))
        recorder.record_output(number, b"entries", [])
        recorder.commit(lambda number=number: say(number))  # type: ignore[misc]
        if number % 50 == 0:
            recorder.begin_part({"after": number})
        if number % 4 == 0:
            recorder.flush()  # so that not everything is one group


def say(number: int) -> None:
    os.write(1, b"%d\n" % number)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
