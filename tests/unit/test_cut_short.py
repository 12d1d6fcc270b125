"""A run that broke off where a hook had been interrupted: that input has come to half of it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.unit.recovery_house import PLACED, journal_of, news, results_of

from app.core.errors import DataError
from app.core.message_codec import encode_note, encode_output
from app.core.messages import LastNews, Message
from app.core.order_events import Acknowledged, Intent, Place, Voided
from app.core.orders import Terms
from app.managers.system_manager.journal.journal_feed import RELOADED, RunJournal
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.system_manager.rerun.recovery import Recovery
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.threads.stream.reloading import ReloadOutcome
from app.threads.stream.results import Results

MORE = msgspec.structs.replace(PLACED, order_id=2)
STOP = Place(3, 0, "stop", "gtc", Terms(-1, None, 9.0, None, None), True, False)
FAILED = LastNews((Acknowledged(1),), 0, 3)  # told behind its end


def results(sequence: int, entries: bytes, *intents: Intent) -> Results:
    found = results_of(sequence, *intents)
    records = msgspec.structs.replace(found.records, entries=entries)
    return msgspec.structs.replace(found, records=records)


def append(folder: Path, *entries: Entry) -> RunJournal:
    writer = JournalWriter(folder / JOURNAL_FOLDER)
    writer.append(list(entries))
    writer.close()
    return RunJournal(folder)


def cut_short(folder: Path, behind: Sequence[Message] = ()) -> RunJournal:
    """Of its second input one order and one entry are on record."""
    journal_of(folder, [news(1), news(2), *behind], [(1, [])])
    return append(folder, Entry(form.OUTPUT, 2, encode_output(b"one", [PLACED])))


@pytest.mark.parametrize("behind", [(), (FAILED,)])
def test_what_was_not_come_to_is_new_and_what_opens_of_it_is_never_sent(
    tmp_path: Path, behind: Sequence[Message]
) -> None:
    recovery = Recovery(cut_short(tmp_path, behind))
    assert recovery.take(results(1, b"")) is None
    rest = recovery.take(results(2, b"one, two", PLACED, MORE, STOP))
    assert rest is not None
    assert (rest.sequence, rest.records.entries, rest.intents) == (2, b", two", (MORE, STOP))
    _, late, never = recovery.finish()
    assert (late, never) == ([STOP], (Voided(2),))


def test_both_halves_are_what_the_input_came_to(tmp_path: Path) -> None:
    cut_short(tmp_path)
    rest = Entry(form.OUTPUT, 2, encode_output(b", two", [MORE]))
    journal = append(tmp_path, rest, Entry(form.OUTPUT, 3, encode_output(b"", [])))
    whole = (2, b"one, two", (PLACED, MORE))
    assert [*journal.outputs()] == [(1, b"", ()), whole, (3, b"", ())]


@pytest.mark.parametrize(
    "again",
    [results(2, b"two", PLACED), results(2, b"one", MORE, PLACED), results(2, b"on", PLACED)],
)
def test_what_came_of_it_before_must_be_the_same(tmp_path: Path, again: Results) -> None:
    recovery = Recovery(cut_short(tmp_path))
    recovery.take(results(1, b""))
    with pytest.raises(DataError, match="not what the journal says"):
        recovery.take(again)


def test_only_the_last_input_that_anything_came_of_can_have_been_cut_short(tmp_path: Path) -> None:
    recovery = Recovery(cut_short(tmp_path))
    with pytest.raises(DataError, match="not what the journal says"):
        recovery.take(results(1, b"", MORE))


def test_a_run_that_has_ended_is_not_run_beyond_its_record(tmp_path: Path) -> None:
    cut_short(tmp_path)
    end = msgspec.to_builtins(RunEnd("failed", error="interrupted"))
    recovery = Recovery(append(tmp_path, Entry(form.NOTE, 0, encode_note(end))))
    recovery.take(results(1, b""))
    with pytest.raises(DataError, match="not what the journal says"):
        recovery.take(results(2, b"one, two", PLACED, MORE))


@pytest.mark.parametrize(("then", "now"), [("it raised", ""), ("", "it raised")])
def test_new_code_is_taken_or_refused_as_it_was(tmp_path: Path, then: str, now: str) -> None:
    outcome = ReloadOutcome(2, 0, "one", "one.py", "", {}, False, then)
    cut_short(tmp_path)
    note = Entry(form.NOTE, 0, encode_note({RELOADED: msgspec.to_builtins(outcome)}))
    recovery = Recovery(append(tmp_path, note))
    recovery.take(results(1, b""))
    again = results(2, b"one", PLACED)
    other = msgspec.structs.replace(outcome, refused=now)
    with pytest.raises(DataError, match="not what the journal says"):
        recovery.take(msgspec.structs.replace(again, reload=other))
    assert recovery.take(msgspec.structs.replace(again, reload=outcome)) is None
