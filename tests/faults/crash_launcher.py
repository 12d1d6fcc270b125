"""The program, with a process that kills itself at a named point: `python -m ... POINT N words`.

Each point wraps one method of the product and raises SIGKILL at its n-th call that counts; the
product itself knows nothing of it.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from app.cli.main import main as run_command
from app.core.message_codec import decode_message, decode_output
from app.core.messages import BrokerNews, Command
from app.core.order_events import Acknowledged, Filled, Place
from app.core.venue import Execution, VenueReport
from app.integrations.practice.adapter import PracticeAdapter
from app.managers.system_manager.live.live_line import LiveLine
from app.managers.system_manager.record.run_record import RunRecord
from app.managers.system_manager.rerun.recovery import Recovery
from app.repositories import journal_format as form
from app.repositories.disk import MachineFile
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.run_repository import RunRepository
from app.threads.stream.commands import RECOVER

Counts = Callable[..., bool]


class Bomb:
    """Goes off at the n-th call that counts."""

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def before(owner: type, name: str, bomb: Bomb, counts: Counts = lambda *_: True) -> None:
    """Count a method's calls before they do anything."""
    _wrap(owner, name, bomb, counts, first=True)


def after(owner: type, name: str, bomb: Bomb, counts: Counts = lambda *_: True) -> None:
    """Count a method's calls when they have done it."""
    _wrap(owner, name, bomb, counts, first=False)


def _wrap(owner: type, name: str, bomb: Bomb, counts: Counts, first: bool) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    def wrapped(self: Any, *given: Any, **named: Any) -> Any:
        counting = counts(*given)
        if counting and first:
            bomb()
        result = method(self, *given, **named)
        if counting and not first:
            bomb()
        return result

    setattr(owner, name, wrapped)


def _has_intent(entries: Sequence[Entry]) -> bool:
    return any(
        isinstance(intent, Place)
        for entry in entries
        if entry.kind == form.OUTPUT
        for intent in decode_output(entry.payload).intents
    )


def _news(entries: Sequence[Entry], kind: type) -> bool:
    messages = [decode_message(entry.payload) for entry in entries if entry.kind == form.INPUT]
    events = [one for m in messages if isinstance(m, BrokerNews) for one in m.events]
    return any(isinstance(event, kind) for event in events)


def _is_mark(entries: Sequence[Entry]) -> bool:
    messages = [decode_message(entry.payload) for entry in entries if entry.kind == form.INPUT]
    return any(isinstance(one, Command) and one.name == RECOVER for one in messages)


def _torn_write(bomb: Bomb) -> None:
    """Half of what is written reaches the file."""
    write = MachineFile.write

    def torn(self: MachineFile, content: bytes) -> None:
        if len(content) > form.HEAD_BYTES:
            half, left = content[: len(content) // 2], bomb._left
            if left == 1:
                write(self, half)
            bomb()
        write(self, content)

    MachineFile.write = torn  # type: ignore[method-assign]


def _stream_items(bomb: Bomb, kind: type, first: bool) -> None:
    """What the venue's order stream brings, before or after it is handed on."""
    order_stream = PracticeAdapter.order_stream

    def wrapped(self: PracticeAdapter, on_item: Callable[[Any], None]) -> Any:
        def hand_on(item: Any) -> None:
            counting = isinstance(item, kind)
            if counting and first:
                bomb()
            on_item(item)
            if counting and not first:
                bomb()

        return order_stream(self, hand_on)

    PracticeAdapter.order_stream = wrapped  # type: ignore[method-assign]


# Points that are passed again and again while orders flow.
FLOWING: Final[dict[str, Callable[[Bomb], None]]] = {
    "before an intent is written": lambda b: before(JournalWriter, "append", b, _has_intent),
    "while the journal is written": _torn_write,
    "after an intent is durable": lambda b: after(JournalWriter, "append", b, _has_intent),
    "before an order is sent": lambda b: before(PracticeAdapter, "place", b),
    "after an order is sent": lambda b: after(PracticeAdapter, "place", b),
    "after a cancel is sent": lambda b: after(PracticeAdapter, "cancel", b),
    "after an amendment is sent": lambda b: after(PracticeAdapter, "amend", b),
    "before a report is heard": lambda b: _stream_items(b, VenueReport, True),
    "after an acknowledgement is durable": lambda b: after(
        JournalWriter, "append", b, lambda entries: _news(entries, Acknowledged)
    ),
    "before a fill is heard": lambda b: _stream_items(b, Execution, True),
    "after a fill is heard": lambda b: _stream_items(b, Execution, False),
    "before a fill is recorded": lambda b: before(
        JournalWriter, "append", b, lambda entries: _news(entries, Filled)
    ),
    "after a fill is durable": lambda b: after(
        JournalWriter, "append", b, lambda entries: _news(entries, Filled)
    ),
}

# Points of a start that goes on with an unfinished run.
RECOVERING: Final[dict[str, Callable[[Bomb], None]]] = {
    "while inputs are run again": lambda b: before(Recovery, "take", b),
    "before the gate is told what it knew": lambda b: before(Recovery, "finish", b),
    "after the gate asked the venue": lambda b: after(LiveLine, "_recovered", b),
    "before the mark of the recovery is durable": lambda b: before(
        JournalWriter, "append", b, _is_mark
    ),
    "after the mark of the recovery is durable": lambda b: after(
        JournalWriter, "append", b, _is_mark
    ),
    "after a part is begun": lambda b: after(JournalWriter, "begin_part", b),
}

# Points of an end.
ENDING: Final[dict[str, Callable[[Bomb], None]]] = {
    "before the line is closed": lambda b: before(LiveLine, "close", b),
    "before the journal is ended": lambda b: before(JournalWriter, "end", b),
    "after the journal is ended": lambda b: after(JournalWriter, "end", b),
    "before the rows are stored": lambda b: before(RunRecord, "finish", b),
    "after the orders are stored": lambda b: after(RunRepository, "add_orders", b),
    "after the fills are stored": lambda b: after(RunRepository, "add_fills", b),
    "before SQL is told of the end": lambda b: before(RunRepository, "finish_run", b),
    "after SQL is told of the end": lambda b: after(RunRepository, "finish_run", b),
}
STORING: Final = tuple(ENDING)[4:]  # of these, passed also when a record is made again
POINTS: Final = {**FLOWING, **RECOVERING, **ENDING}


def main() -> int:
    point, number, *words = sys.argv[1:]
    POINTS[point](Bomb(int(number)))
    sys.argv = ["mismartera", *words]
    return run_command()


if __name__ == "__main__":
    sys.exit(main())
