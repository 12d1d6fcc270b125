"""What a journal holds of a run: its header, its inputs as a feed, and what came of them."""

from collections.abc import Iterator, Mapping
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

import msgspec

from app.core.errors import DataError, NotFoundError
from app.core.folders import need_run_folder
from app.core.message_codec import (
    decode,
    decode_message,
    decode_note,
    decode_output,
    is_one_of,
)
from app.core.messages import Bars, BrokerNews, EndOfStream, LastNews, Message
from app.core.order_events import Intent, OrderEvent
from app.managers.data_manager.stored_bars import HistorySources
from app.managers.system_manager.journal.run_header import RunHeader, read_header
from app.managers.system_manager.journal.saved_states import SavedState
from app.managers.system_manager.record.run_outcome import RunEnd
from app.repositories import journal_format as form
from app.repositories.disk import MACHINE_DISK, Disk
from app.repositories.journal_format import PartHeader, Record
from app.repositories.journal_reader import JOURNAL_FOLDER, JournalReader, Torn, open_run_journal
from app.threads.stream.reloading import ReloadOutcome
from app.threads.watch.watchdog import HOOK_HANGS

ALARM = "alarm"  # in a note: what a human was told, and its details
HISTORY_SOURCES = "history"  # in a note: which past bars the run was given
STATE_REFUSED = "state refused"  # in a note: a run that went on from it decided otherwise
RELOADED = "reloaded"  # in a note: what came of a strategy's new code
MOST_RECORDS_BEFORE = 2_000  # in a part, behind its header, before its state


class RunJournal:
    """The journal of the run in a folder; each pass reads the files anew."""

    def __init__(self, run_folder: Path, disk: Disk = MACHINE_DISK) -> None:
        self._folder, self._disk = run_folder, disk
        self._reader: JournalReader = open_run_journal(run_folder, disk)
        self._part = 1  # the first that is read, and
        self._after = 0  # the number of the last input that is not

    def since(self, part: int, sequence: int) -> "RunJournal":
        """The same, for inputs, what came of them and states: behind an input, from a part on."""
        later = RunJournal(self._folder, self._disk)
        later._part, later._after = part, sequence
        return later

    def _records(self) -> Iterator[Record]:
        """The records behind where reading begins."""
        for record in self._reader.from_part(self._part):
            if record.kind not in (form.INPUT, form.OUTPUT) or record.sequence > self._after:
                yield record

    @property
    def torn(self) -> Torn | None:
        """The end that was never durable, once a pass has come to it."""
        return self._reader.torn

    def header(self) -> RunHeader:
        """What its first part begins with."""
        for record in self._reader:
            if record.kind == form.HEADER:
                content: dict[str, Any] = decode(record.payload, PartHeader).header
                return read_header(content, self._folder)
            break
        raise DataError(f"The journal in {self._folder} has no header; it cannot be used.")

    def inputs(self) -> Iterator[Message]:
        """The inputs in their order, but for the end, which comes with the feed's, and what was
        told behind it.
        """
        for record in self._records():
            if record.kind == form.INPUT:
                yield from _input_of(record)

    def inputs_and_notes(self) -> Iterator[Message | dict[str, Any]]:
        """The same, with what was noted between them, and behind them."""
        for record in self._records():
            if record.kind == form.NOTE:
                yield decode_note(record.payload)
            elif record.kind == form.INPUT:
                yield from _input_of(record)

    def input_count(self) -> int:
        """How many inputs there are; none is decoded."""
        return sum(record.kind == form.INPUT for record in self._records())

    def last_news(self) -> Iterator[LastNews]:
        """What was told of orders when the stream had ended."""
        for record in self._valid_records():
            if record.kind == form.INPUT and is_one_of(record.payload, LastNews):
                yield decode(record.payload, tuple[str, LastNews])[1]

    def last_sequence(self) -> int | None:
        """The last input that the engine came to before that; None where nothing was told then.

        Others may have been numbered behind it while it failed, or hung.
        """
        first = next(self.last_news(), None)
        if first is None:
            return None
        return max((number for number, *_ in self.outputs() if number < first.sequence), default=0)

    def hung_in(self) -> int | None:
        """The last input in which a hook was found to hang: what came of it stands behind that
        alarm. None where it was left behind, or none has hung.
        """
        found, is_told = None, False
        for record in self._valid_records():
            if record.kind == form.NOTE:
                told = decode_note(record.payload).get(ALARM)
                is_told = is_told or (told is not None and told[0] == HOOK_HANGS)
            elif record.kind == form.OUTPUT and is_told:
                found, is_told = record.sequence, False
        return found

    def outline(self) -> Iterator[Message]:
        """The inputs again, but of all blocks of bars only the last."""
        last = None
        for record in self._records():
            if record.kind == form.INPUT and is_one_of(record.payload, Bars):
                last = record
            elif record.kind == form.INPUT:
                yield from _input_of(record)
        if last is not None:
            yield decode_message(last.payload)

    def outputs(self) -> Iterator[tuple[int, bytes, tuple[Intent, ...]]]:
        """What came of the inputs: the input's number, fingerprint entries, intents.

        An input that the run failed in has two records where a recovery has run it to its end.
        """
        records = (record for record in self._valid_records() if record.kind == form.OUTPUT)
        for sequence, of_input in groupby(records, lambda record: record.sequence):
            found = [decode_output(record.payload) for record in of_input]
            intents = chain.from_iterable(output.intents for output in found)
            yield sequence, b"".join(output.entries for output in found), tuple(intents)

    def saved_states(self, first_part: int = 0) -> Iterator[tuple[int, int, SavedState]]:
        """The state records: part, number of the input it is the state behind, and content.

        Of each part only the beginning is read; notes do not count, as whoever writes a state does
        not count them either. A record of another form is as none: whoever cannot read it did not
        end a chapter with it.
        """
        for part in range(first_part or self._part, self._reader.last_part + 1):
            records = self._reader.from_part(part)
            counted = (one for one in records if one.part != part or one.kind != form.NOTE)
            for record in islice(counted, MOST_RECORDS_BEFORE + 2):
                if record.part != part:
                    break
                if record.kind == form.STATE:
                    saved = _read_state(record)
                    if saved is not None:
                        yield part, record.sequence, saved
                    break

    def gate_items(self) -> Iterator[Intent | OrderEvent]:
        """What a gate must know again: intents and what was told of orders, as they came."""
        for record in self._valid_records():
            if record.kind == form.OUTPUT:
                yield from decode_output(record.payload).intents
            elif record.kind == form.INPUT and not is_one_of(record.payload, Bars):
                message = decode_message(record.payload)
                if isinstance(message, BrokerNews):
                    yield from message.events

    def _valid_records(self) -> Iterator[Record]:
        """All records but an end of the stream that was gone past, and what came behind it: its
        process died before the run was closed. The next inputs have those numbers.
        """
        end = 0  # its number
        held: list[Record] = []
        for record in self._records():
            if record.kind == form.INPUT:
                if is_one_of(record.payload, EndOfStream, LastNews):
                    end = end or record.sequence
                elif end:
                    held.clear()
                    end = 0
            if end and record.sequence >= end:
                held.append(record)
            else:
                yield record
        yield from held

    def notes(self) -> Iterator[dict[str, Any]]:
        """What was noted for people."""
        for record in self._records():
            if record.kind == form.NOTE:
                yield decode_note(record.payload)

    def history_sources(self) -> HistorySources:
        """Which past bars the run was given; noted once, at its beginning."""
        found = (note[HISTORY_SOURCES] for note in self.notes() if HISTORY_SOURCES in note)
        return next(found, {})

    def reloads(self) -> list[ReloadOutcome]:
        """What came of new code for strategies, each once."""
        found = (note[RELOADED] for note in self.notes() if RELOADED in note)
        outcomes = [msgspec.convert(one, ReloadOutcome) for one in found]
        return list({one.sequence: one for one in outcomes}.values())

    def end(self) -> RunEnd | None:
        """How it ended; None where it broke off, or has gone on since."""
        found = None
        for record in self._reader:
            if record.kind == form.NOTE:
                note = decode_note(record.payload)
                found = msgspec.convert(note, RunEnd) if "ended" in note else found
            elif record.kind == form.INPUT:
                found = None
        return found


def _input_of(record: Record) -> Iterator[Message]:
    """The input of a record; none where that is the end, or was told behind it."""
    message = decode_message(record.payload)
    if not isinstance(message, EndOfStream | LastNews):
        yield message


class SavedStates(Mapping[int, SavedState]):
    """The states on record, by the input that each is the state behind; one is read when it is
    asked for, as all together are as much as the run has sessions.
    """

    def __init__(self, journal: RunJournal) -> None:
        self._journal = journal
        self._parts = {sequence: part for part, sequence, _ in journal.saved_states()}

    def __getitem__(self, sequence: int) -> SavedState:
        return next(self._journal.saved_states(self._parts[sequence]))[2]

    def __iter__(self) -> Iterator[int]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def _read_state(record: Record) -> SavedState | None:
    try:
        return decode(record.payload, SavedState)
    except DataError:
        return None


def journal_of(run: Mapping[str, Any], runs: Path) -> RunJournal:
    """The journal of a run by its row in SQL; a replay has none."""
    need_run_folder(runs / run["run_id"])
    if not (runs / run["run_id"] / JOURNAL_FOLDER).exists():
        raise NotFoundError(
            f"Run {run['run_id']} is a replay and has no journal: only live runs are verified. To "
            "prove a replay, run its config again and compare the fingerprints."
        )
    return RunJournal(runs / run["run_id"])


class JournalFeed:
    """A Feed of what a run was given, in the order it was numbered."""

    def __init__(self, journal: RunJournal) -> None:
        self._journal = journal
        self.history_sources = journal.history_sources()

    def messages(self) -> Iterator[Message]:
        """The recorded inputs, as far as the engine came."""
        last = self._journal.last_sequence()
        for message in self._journal.inputs():
            if last is None or message.sequence <= last:
                yield message
