"""Proofs from a recorded run: it repeats, also with other blocks, and a changed byte is found."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import ClassVar

import numpy as np

from app.core import message_codec as codec
from app.core.bars import Block, SessionSpan, fields_of
from app.core.calendar import TradingSession
from app.core.messages import Bars, Message
from app.managers.data_manager.stored_bars import HistorySources
from app.managers.system_manager.journal.journal_feed import JournalFeed, RunJournal
from app.managers.system_manager.journal.past import Past
from app.managers.system_manager.journal.saved_states import first_difference
from app.managers.system_manager.rerun.rewiring import wired_again
from app.managers.system_manager.rerun.verification import Repetition, Verdict
from app.managers.system_manager.wiring import Run
from app.strategies.failure import HookInterrupted
from app.threads.stream.results import Results
from app.threads.stream.run_state import StateGiven
from tests.faults.life import Times
from tests.faults.read_once import ReadJournal
from tests.faults.simulation import Simulation
from tests.memory_disk import MemoryDisk
from tests.same_objects import runs_differ

RUNNERS = ("inline", "pool")


class MergedJournal(ReadJournal):
    """A journal whose blocks between two other inputs come as one, of at most so many."""

    def __init__(self, disk: MemoryDisk, most: int) -> None:
        super().__init__(disk)
        self._most = most

    def inputs(self) -> Iterator[Message]:
        waiting: list[Bars] = []
        last = self.last_sequence()
        for message in super().inputs():
            if last is not None and message.sequence > last:
                break  # the engine never came to these
            if isinstance(message, Bars):
                if waiting and _newest(message) != _newest(waiting[-1]):
                    yield _merged(waiting)  # a state stands between two sessions
                    waiting = []
                waiting.append(message)
            if waiting and (not isinstance(message, Bars) or len(waiting) == self._most):
                yield _merged(waiting)
                waiting = []
            if not isinstance(message, Bars):
                yield message
        if waiting:
            yield _merged(waiting)


def _newest(message: Bars) -> TradingSession | None:
    spans = message.block.spans
    return spans[-1].session if spans else None


def _merged(messages: list[Bars]) -> Bars:
    blocks = [message.block for message in messages]
    columns = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in fields_of(blocks[0])
    }
    spans: list[SessionSpan] = []
    first = 0
    for block in blocks:
        for span in block.spans:
            end = first + span.end
            if spans and spans[-1].session == span.session:
                spans[-1] = SessionSpan(span.session, spans[-1].first, end)
            else:
                spans.append(SessionSpan(span.session, first + span.first, end))
        first += len(block)
    merged = Block(**columns, spans=tuple(spans), through_ns=blocks[-1].through_ns)
    return Bars(merged, messages[-1].sequence)


def verdict_of(sim: Simulation, runner: str = "inline", most: int = 1) -> Verdict:
    """What `verify` says of a simulated run; `most` blocks are given as one."""
    journal = MergedJournal(sim.disk, most) if most > 1 else ReadJournal(sim.disk)
    source = sim.day.market().source
    return Repetition(journal, Times(), source, runner).verdict()  # type: ignore[arg-type]


def trouble_of(sim: Simulation, runner: str, most: int) -> str:
    """Why a run does not repeat, or ""."""
    try:
        verdict = verdict_of(sim, runner, most)
    except (Exception, HookInterrupted) as error:
        failed = sim.outcome.reason == "failed"  # then it fails again, in the same place
        return "" if failed else f"{type(error).__name__}: {error}"
    if not sim.watch.money_is_booked:  # a repetition books it, and so finds the run out
        return ""
    return trouble_from_states(sim) if verdict.equal else str(verdict.difference)


def trouble_from_states(sim: Simulation) -> str:
    """Why a run does not go on from one of its saved states as it did, or ""."""
    journal, source = ReadJournal(sim.disk), sim.day.market().source
    states = [*journal.saved_states()]
    if not states:
        return ""
    header, chapters = journal.header(), []
    whole: list[Results] = []
    feed = JournalFeed(journal)
    with wired_again(header, Times(), source, feed, whole.append) as unbroken:  # type: ignore[arg-type]
        _execute(unbroken, journal)
    for part, sequence, saved in states:
        chapters.append(saved.read_chapter())
        past = Past(part, sequence, saved.run_state(), chapters)
        rest, told = GoingOn(past, journal), list[Results]()
        with wired_again(header, Times(), source, rest, told.append) as run:  # type: ignore[arg-type]
            for chapter in chapters:
                run.execution.diary.fingerprint.add(chapter.entries)
            _execute(run, journal)
        trouble = _first_trouble(run, told, unbroken, [r for r in whole if r.sequence > sequence])
        if trouble:
            return f"from the state behind input {sequence}: {trouble}"
    return ""


def _execute(run: Run, journal: RunJournal) -> None:
    """With what was told behind the end of its stream."""
    run.execute()
    for news in journal.last_news():
        run.book(news)


class GoingOn:
    """A feed of a state, and what the journal has behind it."""

    history_sources: ClassVar[HistorySources] = {}

    def __init__(self, past: Past, journal: RunJournal) -> None:
        self._past = past
        self._journal = journal.since(past.part, past.sequence)

    def messages(self) -> Iterator[Message | StateGiven]:
        yield StateGiven(self._past.sequence, self._past.state)
        yield from JournalFeed(self._journal).messages()


def _first_trouble(run: Run, told: list[Results], other: Run, wanted: list[Results]) -> str:
    """Where two runs have not told or come to the same."""
    for ours, theirs in zip_longest(told, wanted):
        if codec.encode(ours) != codec.encode(theirs) and _plain(ours) != _plain(theirs):
            return str(first_difference(_plain(ours), _plain(theirs)))
    found = next(runs_differ(run, other), None)
    if found is not None:
        return found
    prints = [one.execution.diary.fingerprint.hexdigest() for one in (run, other)]
    return "" if prints[0] == prints[1] else f"fingerprints: {prints}"


def _plain(results: Results | None) -> object:
    return None if results is None else codec.decode(codec.encode(results), dict)
