"""A live run's journal that breaks off, and its line to a venue, stepped by hand."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gate_desk import RUN, START_NS
from tests.unit.execution_house import manager_of, open_session, submit

from app.core.bars import no_rows
from app.core.config import SessionConfig
from app.core.messages import BrokerNews, Message
from app.core.money import UNITS
from app.core.order_events import Intent, OrderEvent, Place
from app.core.orders import Terms
from app.core.venue import VenueTime, VenueUnclear
from app.managers.execution_manager.books.diary import Records
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.live import line_ending
from app.managers.system_manager.live.live_line import LiveLine
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.time_manager import WallClock
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.threads.live.recorder import Recorder
from app.threads.stream.results import Results

PLACED = Place(1, 0, "market", "day", Terms(UNITS, None, None, None, None), False, True)


def fail(error: Exception) -> None:
    raise error


def journal_of(
    folder: Path,
    inputs: Sequence[Message],
    outputs: Sequence[tuple[int, list[Intent]]] = (),
    notes: Sequence[Mapping[str, Any]] = (),
) -> RunJournal:
    """A journal that breaks off behind these."""
    recorder = Recorder(JournalWriter(folder / JOURNAL_FOLDER), fail)
    recorder.begin_part({"format": 1})
    for note in notes:
        recorder.record_note(note)
    for message in inputs:
        recorder.record_input(message)
    for sequence, intents in outputs:
        recorder.record_output(sequence, b"", intents)
    recorder.close()
    return RunJournal(folder)


def news(sequence: int, *events: OrderEvent) -> BrokerNews:
    return BrokerNews(events, sequence)


def results_of(sequence: int, *intents: Intent) -> Results:
    records = Records([], [], [], [], [], [], [], b"")
    return Results(records, no_rows().start_ns, no_rows().open, 0, 0, sequence, intents)


class HeldMeans(LiveMeans):
    """Waits for nothing by itself: a test looks."""

    def __init__(self) -> None:
        super().__init__(WallClock(), lambda: None)
        self.waits: list[tuple[Callable[[], bool], Callable[[], None]]] = []

    def when(
        self, is_done: Callable[[], bool], then: Callable[[], None], longest_seconds: float
    ) -> None:
        self.waits.append((is_done, then))

    def repeat(self, every_seconds: float, what: Callable[[], None]) -> None: ...

    def look(self, *, late: bool = False) -> None:
        """See who need not wait any more; `late`: nobody waits longer."""
        for wait in list(self.waits):
            if late or wait[0]():
                self.waits.remove(wait)
                wait[1]()


class Wordless:
    """A venue that tells the time, and nothing else."""

    def time(self) -> VenueTime:
        return VenueTime(START_NS)

    def close(self) -> None: ...

    def order_stream(self, on_item: object) -> "Wordless":
        return self

    def __getattr__(self, name: str) -> Any:
        def ask(*_: object) -> Any:
            raise VenueUnclear("no answer")

        return ask


class Alarms:
    def __init__(self) -> None:
        self.told: list[str] = []

    def alarm(self, what: str, details: str) -> None:
        self.told.append(f"{what}: {details}")


class Line:
    """A line whose run has one entry in its journal, and is not run again yet."""

    def __init__(self, folder: Path, recorded: Sequence[OrderEvent]) -> None:
        config = SessionConfig.model_validate(
            {
                "name": "held", "mode": "live", "symbols": ["X", "Y"], "account": {"cash": 1000},
                "live": {"broker": "venue", "sessions": 1},
                "strategies": [{"use": "tests.unit.scripted:Scripted"}],
            }
        )  # fmt: skip
        journal = journal_of(folder, [news(1, *recorded)], [(1, [PLACED])])
        self.recovery = Recovery(journal)
        self.means, self.alarms = HeldMeans(), Alarms()
        self.line = LiveLine(
            config, None, Wordless(), self.alarms, self.means, self.recovery  # type: ignore[arg-type]
        )  # fmt: skip
        self.execution = manager_of(make_broker=LiveBroker)
        open_session(self.execution, dt.date(2024, 3, 8), 1)
        header: Any = SimpleNamespace(
            run_id=RUN,
            since_ns=START_NS,
            positions={},
            as_dict=lambda: {"format": 1},
            sessions=[1],
            told_first=(),
        )
        coordinator = SimpleNamespace(step=lambda news: (), asks_states=False)
        run: Any = SimpleNamespace(
            execution=self.execution,
            strategies={},
            coordinator=coordinator,
            engine=SimpleNamespace(now_ns=0),
            watches_clock=False,
        )
        self.line.begin(run, header, folder)
        self.ended: list[str] = []

    def end(self) -> None:
        self.ended.append("ended")

    def recover(self) -> None:
        submit(self.execution, 0, 0, UNITS, 5)
        self.execution.take_intents()
        self.line.take(results_of(1, PLACED))
        self.line.take(results_of(2))

    @property
    def book(self) -> GateBook:
        assert self.line._book is not None
        return self.line._book


@pytest.fixture
def no_answer_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends a run here does not wait for a venue that says nothing."""
    monkeypatch.setattr(line_ending, "_ANSWER_SECONDS", 0.1)
