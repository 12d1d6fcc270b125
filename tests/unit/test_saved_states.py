"""State records: where they stand in a journal, what is in them, and when they are left alone."""

import tracemalloc
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.closing_feed import ClosingFeed
from tests.market import config_of, market_of, minute_starts, random_bars, weekday_sessions
from tests.random_market import FIRST
from tests.unit.recovery_house import PLACED, results_of

from app.core.bars import Block, SessionSpan
from app.core.calendar import TradingSession
from app.core.errors import DataError
from app.core.message_codec import decode, encode, encode_message, is_one_of
from app.core.messages import Backfill, Bars, BrokerNews, Command, History, Message
from app.core.order_events import Acknowledged, Cancel, Halted
from app.core.orders import ACCEPTED, GTC, LIMIT, Order, in_our_words
from app.managers.system_manager.journal.journal_feed import (
    ALARM,
    MOST_RECORDS_BEFORE,
    STATE_REFUSED,
    RunJournal,
    SavedStates,
)
from app.managers.system_manager.journal.passing import Passing
from app.managers.system_manager.journal.past import Past, past_of
from app.managers.system_manager.journal.program import program_of
from app.managers.system_manager.journal.saved_states import (
    Chapter,
    SavedState,
    StateKeeper,
    first_difference,
)
from app.managers.system_manager.live.line_journal import LineJournal
from app.managers.system_manager.live.line_states import state_keeper
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.wiring import Parts, Run
from app.repositories import journal_format as form
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER, JournalReader
from app.threads.live.recorder import Recorder
from app.threads.stream.run_state import RunState

SESSIONS = weekday_sessions(FIRST, 3, 30)
PROGRAM = {"program": "this"}


def fail(error: Exception) -> None:
    raise error


def block(session: TradingSession, rows: int, through_ns: int, sequence: int) -> Bars:
    """A block of bars of one session, or a beat."""
    times, prices = np.arange(rows, dtype=np.int64), np.ones(rows)
    spans = (SessionSpan(session, 0, rows),)
    symbols = np.zeros(rows, np.int32)
    columns = (times, times, symbols, prices, prices, prices, prices, prices)
    return Bars(Block(*columns, spans, through_ns), sequence)


class Journal:
    """A line's journal, written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorder = Recorder(JournalWriter(folder / JOURNAL_FOLDER), fail)
        header: Any = _Header(list(SESSIONS))
        means: Any = _Means(self.recorder)
        self.line = LineJournal(folder, header, means, None, lambda events: None, str)  # type: ignore[arg-type]

    def read(self) -> RunJournal:
        self.recorder.close()
        return RunJournal(self.folder)

    def kinds(self) -> list[tuple[int, int, int]]:
        self.recorder.flush()
        reader = JournalReader(self.folder / JOURNAL_FOLDER)
        return [(one.part, one.kind, one.sequence) for one in reader]


class _Header:
    def __init__(self, sessions: list[TradingSession]) -> None:
        self.sessions = sessions

    def as_dict(self) -> dict[str, Any]:
        return {"format": 1}


class _Means:
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def recorder(self, folder: Path, on_failure: object) -> Recorder:
        return self._recorder


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    yield Journal(tmp_path)


# -- where a state stands --------------------------------------------------------------------------


def test_an_alarm_is_noted_once_a_part_has_begun_and_holds_nobody_up(journal: Journal) -> None:
    journal.line.note_alarm("too early", "no part has begun")
    journal.line.record_input(block(SESSIONS[0], 1, 5, 1))
    journal.line.note_alarm("late fill", "x" * 9_999)
    noted = [note[ALARM] for note in journal.read().notes() if ALARM in note]
    assert noted == [["late fill", "x" * 500]]
    journal.line.note_alarm("too late", "it is closed")


def test_a_state_that_is_there_before_its_part_waits_for_it(journal: Journal) -> None:
    line = journal.line
    line.record_input(block(SESSIONS[0], 1, 5, 1))
    assert line.accepts_state(1)
    line.record_state(1, b"state")
    line.record_input(block(SESSIONS[1], 1, 9, 2))
    assert journal.kinds() == [
        (1, form.HEADER, 0), (1, form.INPUT, 1),
        (2, form.HEADER, 0), (2, form.STATE, 1), (2, form.INPUT, 2),
    ]  # fmt: skip


def test_a_state_that_comes_late_stands_a_little_behind_the_beginning_of_its_part(
    journal: Journal,
) -> None:
    line = journal.line
    line.record_input(block(SESSIONS[0], 1, 5, 1))
    line.record_input(block(SESSIONS[1], 1, 9, 2))
    line.record_input(block(SESSIONS[1], 1, 10, 3))
    assert line.accepts_state(1)
    assert not line.accepts_state(2), "no part begins behind that input"
    line.record_state(1, b"state")
    assert journal.kinds()[-2:] == [(2, form.INPUT, 3), (2, form.STATE, 1)]


def test_a_state_that_comes_too_late_to_be_found_is_not_recorded(journal: Journal) -> None:
    line = journal.line
    line.record_input(block(SESSIONS[0], 1, 5, 1))
    for number in range(MOST_RECORDS_BEFORE):
        line.record_input(block(SESSIONS[1], 0, 9 + number, 2 + number))
    assert not line.accepts_state(1)


def test_a_state_is_found_at_the_last_place_where_one_may_stand(journal: Journal) -> None:
    line = journal.line
    line.record_input(block(SESSIONS[0], 1, 5, 1))
    for number in range(MOST_RECORDS_BEFORE - 1):
        line.record_input(block(SESSIONS[1], 0, 9 + number, 2 + number))
        if number < 5:
            line.note_alarm("late fill", "alarms take no place")
    assert line.accepts_state(1)
    saved = SavedState(PROGRAM, msgspec.Raw(encode(1)), msgspec.Raw(encode(2)))
    line.record_state(1, encode(saved))
    ((part, sequence, found),) = journal.read().saved_states()
    assert (part, sequence, found.program) == (2, 1, PROGRAM)


# -- chapters --------------------------------------------------------------------------------------


def test_a_chapter_gives_back_news_and_intents_in_the_order_of_the_inputs() -> None:
    news = BrokerNews((Acknowledged(1),), 3)
    halt = BrokerNews((Halted(0, "stale", "feed"),), 7)
    command = Command("stop", "keep", 9)
    chapter = Chapter(
        told=[encode_message(one) for one in (news, halt, command)],
        intents=[(2, (Cancel(1),)), (3, (Cancel(2),)), (8, (Cancel(3),)), (10, (Cancel(4),))],
    )
    told = [message or intents[0] for message, intents in chapter.messages()]
    assert told == [Cancel(1), news, Cancel(2), halt, Cancel(3), command, Cancel(4)]


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ("a[1].b: 2", "a[1].b: 3")),
        ({"a": 1}, {"a": 1, "c": 2}, ("c: None", "c: 2")),
        ({"a": [1]}, {"a": [1, 2]}, ("a: [1]", "a: [1, 2]")),
        ({"a": np.array([1.0])}, {"a": np.array([2.0])}, ("a: [1.]", "a: [2.]")),
    ],
)
def test_the_first_difference_of_two_states_is_named(
    one: object, other: object, place: tuple[str, str]
) -> None:
    assert first_difference(one, other) == place


def test_an_order_that_was_read_is_known_by_our_own_words() -> None:
    order = Order(
        1, 0, "AAA", 0, 5, 7, state="ACC" + "EPTED"[0:5], kind="lim" + "it", tif="gt" + "c"
    )
    order = msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=Order)
    assert order.state is not ACCEPTED
    in_our_words(order)
    assert (order.state is ACCEPTED) and (order.kind is LIMIT) and (order.tif is GTC)


def test_a_state_that_cannot_be_saved_ends_nothing_and_its_chapter_goes_on() -> None:
    saved: list[tuple[int, bytes]] = []
    keeper = StateKeeper(
        PROGRAM, lambda sequence: True, lambda *words: saved.append(words) is None, {},
        lambda *words: pytest.fail("nothing is compared"),
    )  # fmt: skip
    keeper.hear(Command("pause", sequence=1))
    keeper.take(results_of(1))
    keeper.take_state(1, object())  # type: ignore[arg-type]
    assert saved == []
    keeper.hear(Command("resume", sequence=2))
    keeper.take(results_of(2))
    keeper.take_state(2, a_state())
    ((sequence, payload),) = saved
    chapter = decode(payload, SavedState).read_chapter()
    names = [message.name for message, _ in chapter.messages() if isinstance(message, Command)]
    assert (sequence, names) == (2, ["pause", "resume"])
    keeper.take_state(3, a_state())
    assert decode(saved[1][1], SavedState).read_chapter().told == []


def test_a_state_whose_part_has_grown_while_it_was_made_does_not_end_its_chapter(
    journal: Journal,
) -> None:
    line = journal.line
    line.record_input(block(SESSIONS[0], 1, 5, 1))
    line.record_input(block(SESSIONS[1], 0, 9, 2))

    def save(sequence: int, payload: bytes) -> bool:
        for number in range(MOST_RECORDS_BEFORE):
            line.record_input(block(SESSIONS[1], 0, 10 + number, 3 + number))
        return line.record_state(sequence, payload)

    keeper = StateKeeper(PROGRAM, line.accepts_state, save, {}, lambda *words: None)
    keeper.take(results_of(1, PLACED))
    keeper.take_state(1, a_state())
    assert keeper._chapter.intents == [(1, (PLACED,))], "else no gate would know of that order"
    assert form.STATE not in [kind for _, kind, _ in journal.kinds()]


def test_a_run_that_is_asked_for_no_state_keeps_no_chapter(journal: Journal) -> None:
    market = market_of(
        SESSIONS, {("AAA", "1m"): random_bars(minute_starts(SESSIONS), 1, 3_000, 400)}, ["AAA"]
    )

    def keeper(strategy: str) -> StateKeeper | None:
        parts = Parts(lambda wanted: ClosingFeed(market.source, wanted), on_state=lambda *_: None)
        run = Run(config_of(["AAA"], [strategy]), market, Path(), lambda _: None, parts=parts)
        return state_keeper(run, journal.line, None)

    assert keeper("tests.stream_strategies:Daily") is not None
    assert keeper("tests.unit.scripted:Scripted") is None, "it would have the whole run in it"


# -- when a state is left alone --------------------------------------------------------------------


@lru_cache(1)
def a_state() -> RunState:
    """Of a run that has closed a session."""
    starts = minute_starts(SESSIONS)
    market = market_of(SESSIONS, {("AAA", "1m"): random_bars(starts, 1, 3_000, 400)}, ["AAA"])
    found: list[RunState] = []
    parts = Parts(
        lambda wanted: ClosingFeed(market.source, wanted),
        on_state=lambda sequence, state: found.append(state),
    )
    config = config_of(
        ["AAA"], ["tests.faults.traders:Trader"], engine={"block_rows": 1, "runner": "inline"}
    )
    Run(config, market, Path(), lambda results: None, parts=parts).execute()
    return found[0]


def recorded(folder: Path, saved: bytes, *notes: dict[str, Any]) -> RunJournal:
    """A journal of two parts, the second with this state."""
    writer = JournalWriter(folder / JOURNAL_FOLDER)
    writer.begin_part({"format": 1})
    writer.append([Entry(form.INPUT, 1, encode_message(Command("pause", sequence=1)))])
    writer.begin_part({"format": 1})
    entries = [Entry(form.STATE, 1, saved)]
    entries.append(Entry(form.INPUT, 2, encode_message(Command("resume", sequence=2))))
    entries += [Entry(form.NOTE, 0, msgspec.json.encode(note)) for note in notes]
    writer.append(entries)
    writer.close()
    return RunJournal(folder)


def saved_as(state: object) -> bytes:
    chapter = Chapter(told=[encode_message(Command("stop", "keep", 1))]).whole()
    raws = [msgspec.Raw(encode(one)) for one in (state, chapter)]
    return encode(SavedState(PROGRAM, *raws))


def test_a_run_goes_on_from_its_state_and_reads_nothing_before_it(tmp_path: Path) -> None:
    journal = recorded(tmp_path, saved_as(a_state()))
    past = past_of(journal, PROGRAM)
    assert isinstance(past, Past)
    assert (past.part, past.sequence, len(past.chapters)) == (2, 1, 1)
    recovery = Recovery(journal, past)
    assert [message.sequence for message in journal.since(2, 1).inputs()] == [2]
    assert recovery.last_sequence == 2
    assert recovery.through_ns == past.state.processor.through_ns
    assert recovery.ending == "keep", "a stop of an earlier chapter is still to be carried out"


@pytest.mark.parametrize("who", ["verifies", "goes on"])
def test_the_states_of_all_sessions_are_not_in_memory_at_once(tmp_path: Path, who: str) -> None:
    large = 4 << 20  # bytes; of a state nobody goes on from
    writer = JournalWriter(tmp_path / JOURNAL_FOLDER)
    for part in range(1, 7):
        writer.begin_part({"format": 1})
        state = a_state() if part == 6 else b"x" * large
        writer.append([Entry(form.STATE, part, saved_as(state))])
    writer.close()
    journal = RunJournal(tmp_path)
    tracemalloc.start()
    if who == "verifies":
        known = SavedStates(journal)
        assert list(known) == [1, 2, 3, 4, 5, 6]
        assert all(one.program == PROGRAM for one in known.values())
        assert decode(known[3].state, bytes) == b"x" * large
        assert known.get(7) is None
    else:
        past = past_of(journal, PROGRAM)
        assert past is not None
        assert (past.part, past.sequence, len(past.chapters)) == (6, 6, 6)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 4.5 * large  # one that is read is there as bytes, with a buffer and more


@pytest.mark.parametrize("what", ["program", "unreadable", "refused"])
def test_a_state_that_may_not_be_what_it_seems_is_left_alone(tmp_path: Path, what: str) -> None:
    state = {"no": "state"} if what == "unreadable" else a_state()
    notes = [{STATE_REFUSED: 1}] if what == "refused" else []
    journal = recorded(tmp_path, saved_as(state), *notes)
    program = {"program": "another"} if what == "program" else PROGRAM
    assert past_of(journal, program) is None
    assert Recovery(journal).last_sequence == 2


def test_a_state_record_of_another_form_is_as_none(tmp_path: Path) -> None:
    journal = recorded(tmp_path, encode({"counter": {"bars_seen": 3}}))
    assert list(journal.saved_states()) == []
    assert past_of(journal, PROGRAM) is None
    assert Recovery(journal).saved == {}


def test_a_program_is_known_by_its_files_and_its_strategies_files() -> None:
    from tests.faults.traders import Keeper, Trader
    from tests.stream_strategies import Reader

    one = program_of({"mine": Trader})
    assert one == program_of({"mine": Trader}) != program_of({"other": Trader})
    assert program_of({"mine": Keeper}) == one, "they are in one file"
    assert program_of({"mine": Reader}) != one


def test_results_that_differ_behind_a_state_have_the_next_start_use_the_first_part(
    tmp_path: Path,
) -> None:
    journal = recorded(tmp_path, saved_as(a_state()))
    recovery = Recovery(journal, past_of(journal, PROGRAM))
    recovery._next = (2, b"", (Cancel(9),))
    own = Journal(tmp_path)
    with pytest.raises(DataError, match=r"load_state does not bring back .* Start again, and"):
        own.line.hold_against(recovery, results_of(2, PLACED))
    assert past_of(own.read(), PROGRAM) is None


def test_a_run_that_fails_behind_its_state_has_the_next_start_use_the_first_part(
    tmp_path: Path,
) -> None:
    journal = recorded(tmp_path, saved_as(a_state()))
    recovery = Recovery(journal, past_of(journal, PROGRAM))
    own = Journal(tmp_path)
    own.line.close(RunEnd("failed", error="AttributeError in on_bar"), recovery)
    assert past_of(RunJournal(tmp_path), PROGRAM) is None
    assert RunJournal(tmp_path).end() is None


def test_a_run_that_is_stopped_amid_its_recovery_goes_on_from_the_same_state(
    tmp_path: Path,
) -> None:
    journal = recorded(tmp_path, saved_as(a_state()))
    recovery = Recovery(journal, past_of(journal, PROGRAM))
    Journal(tmp_path).line.close(RunEnd("interrupted"), recovery)
    assert past_of(RunJournal(tmp_path), PROGRAM) is not None


# -- beats -----------------------------------------------------------------------------------------


def test_beats_that_nothing_came_of_are_left_out_before_a_block_of_their_session(
    tmp_path: Path,
) -> None:
    first, second = SESSIONS[:2]
    given: list[Message] = [
        block(first, 1, 1, 1), block(first, 0, 2, 2), block(first, 0, 3, 3), block(first, 1, 4, 4),
        block(first, 0, 5, 5), Command("pause", sequence=6), block(first, 0, 7, 7),
        block(second, 0, 8, 8), block(second, 1, 9, 9), block(second, 0, 10, 10),
    ]  # fmt: skip
    writer = JournalWriter(tmp_path / JOURNAL_FOLDER)
    writer.begin_part({"format": 1})
    recorder = Recorder(writer, fail)
    for message in given:
        recorder.record_input(message)
        if message.sequence < 10:  # what came of the last was not durable yet
            recorder.record_output(message.sequence, b"x" if message.sequence == 3 else b"", ())
    recorder.close()
    passing = Passing(RunJournal(tmp_path))
    kept = [message.sequence for message in passing.without_beats(iter(given))]
    assert kept == [1, 3, 4, 5, 6, 7, 9, 10]
    assert passing.left_out == {2, 8}


def test_a_block_is_told_from_other_inputs_without_reading_it() -> None:
    others = (
        Command("Bars"), BrokerNews(()), Backfill({}), History((), {}, ()),
    )  # fmt: skip
    assert is_one_of(encode_message(block(SESSIONS[0], 2, 5, 1)), Bars)
    assert not any(is_one_of(encode_message(one), Bars) for one in others)
