"""`system recover --dry-run` against the simulated venue: what it counts and what differs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.message_codec import decode_output
from app.core.order_events import Place
from app.integrations.practice.adapter import PracticeAdapter
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.rerun import recovery_preview
from app.managers.system_manager.rerun.recovery_preview import Preview
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_format import Record
from app.repositories.journal_reader import JOURNAL_FOLDER
from tests.faults.life import FOLDER, Times
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation
from tests.faults.venue_side import Link

MINUTE_OF_DEATH = 15
Shown = Callable[[list[Record]], Preview]


class Killed(Exception):
    """The program is dead, and nobody starts it again."""


class Dying(Simulation):
    """Killed amid its session."""

    def __init__(self) -> None:
        super().__init__(1)
        schedule = Schedule(self, ())
        schedule.at(self.day.sessions[1].open_ns + MINUTE_OF_DEATH * 60 * 10**9, self._die)

    def _die(self) -> None:
        self.crash(lossy=False)

    def _after_crash(self) -> None:
        self.disk = self.disk.after_kill()
        raise Killed


@pytest.fixture
def sim() -> Simulation:
    made = Dying()
    with pytest.raises(Killed):
        made.run()
    return made


@pytest.fixture
def shown(sim: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """The preview of a journal of these records, asked of the simulated venue."""

    def open_venue(name: str, url: str, **more: object) -> PracticeAdapter:
        return Link(sim.side, lambda call: None, lambda stream, item: None).adapter()

    monkeypatch.setattr(recovery_preview, "open_venue", open_venue)

    def show(records: list[Record]) -> Preview:
        folder = tmp_path / str(len(records))
        writer = JournalWriter(folder / JOURNAL_FOLDER)
        writer.begin_part(RunJournal(FOLDER, sim.disk).header().as_dict())
        writer.append(Entry(one.kind, one.sequence, one.payload) for one in records)
        writer.close()
        return recovery_preview.preview(folder, Times(), sim.day.market().source)  # type: ignore[arg-type]

    return show


def records_of(sim: Simulation) -> list[Record]:
    return [one for one in RunJournal(FOLDER, sim.disk)._reader if one.kind != form.HEADER]


def is_one_entry(record: Record) -> bool:
    intents = decode_output(record.payload).intents if record.kind == form.OUTPUT else ()
    return len(intents) == 1 and isinstance(intents[0], Place) and not intents[0].reduce_only


def test_an_order_that_was_never_sent_is_not_counted_as_one_that_may_work(
    sim: Simulation, shown: Shown
) -> None:
    """The output that holds its intent is not durable: the recovery will decide it again, void."""
    records = records_of(sim)
    place = max(at for at, record in enumerate(records) if is_one_entry(record))
    without_it = [at for at in range(place) if records[at].kind == form.INPUT][-1]
    assert shown(records[:place]).orders == shown(records[:without_it]).orders


def test_a_run_killed_amid_its_session_agrees_with_the_venue(sim: Simulation, shown: Shown) -> None:
    found = shown(records_of(sim))
    assert found.goes_to_venue
    assert found.orders == len(sim.side.books.live) > 0
    assert {row.resolution for row in found.differences} <= {"applied", "ended", "goes on"}
