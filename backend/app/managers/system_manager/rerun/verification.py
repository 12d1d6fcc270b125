"""`verify`: a recorded run, run again from its journal, decides the same; or where it does not.

The run is wired as it was, with the recorded inputs for a feed and nobody behind its orders. What
comes of the inputs is compared with the record byte by byte, wherever either was cut.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest

import msgspec

from app.core.fingerprint_text import described
from app.core.logging import without_secrets
from app.core.messages import Message
from app.core.order_events import Intent
from app.core.progress import OnCount
from app.core.run_states import KILLED
from app.core.seams import BarSource
from app.managers.system_manager.journal.journal_feed import RunJournal, SavedStates
from app.managers.system_manager.journal.platform_tag import platform_tag
from app.managers.system_manager.journal.program import program_of
from app.managers.system_manager.journal.saved_states import StateKeeper
from app.managers.system_manager.rerun.hung_again import HungAgain
from app.managers.system_manager.rerun.rewiring import HeardFeed, changed_strategies, wired_again
from app.managers.system_manager.wiring import Run
from app.managers.time_manager import TimeManager
from app.strategies.failure import HookInterrupted
from app.threads.engines.watched_engine import Witness
from app.threads.stream.reloading import ReloadOutcome
from app.threads.stream.results import Results
from app.threads.stream.run_state import RunState


class Difference(msgspec.Struct, frozen=True):
    """The first thing that is not the same; "" where one side has nothing more."""

    what: str  # "decision", "intent", "reload", "state" or "fill after the end"
    number: int  # of it, from 1
    recorded: str
    repeated: str


class Verdict(msgspec.Struct, frozen=True):
    """What a repetition came to."""

    run_id: str
    equal: bool
    inputs: int
    decisions: int
    intents: int
    fingerprint: str
    difference: Difference | None
    notes: tuple[str, ...]  # what may explain a difference, or should be known


class Repetition:
    """One run again, from its journal; used once."""

    def __init__(
        self,
        journal: RunJournal,
        times: TimeManager,
        source: BarSource,
        runner: str = "inline",
        witness: Witness | None = None,
        on_count: OnCount | None = None,
    ) -> None:
        """With `witness`, somebody who sees it from within; `on_count` is told of its inputs."""
        self._witness = witness
        self._on_count = on_count
        self._inputs_in_all = 0 if on_count is None else journal.input_count()
        self._journal = journal
        self._times = times
        self._source = source
        self._runner = runner
        self.header = journal.header()
        self._end = journal.end()
        self._hangs = HungAgain(journal, self._end, runner)
        self._run: Run | None = None
        self._last_news = [*journal.last_news()]
        self._entries: list[bytes] = []
        self._stream_entries = 0  # of them, what came of the stream: the rest was told behind it
        self._intents: list[Intent] = []
        self._keeper: StateKeeper | None = None
        self._state_differs: Difference | None = None
        self.reloads: list[ReloadOutcome] = []
        self.inputs = 0

    def verdict(self) -> Verdict:
        """Run it, and compare."""
        header, feed = self.header, HeardFeed(self._journal, self._hear)
        with wired_again(
            header, self._times, self._source, feed, self._take,
            self._runner, self._take_state, self._witness,
        ) as run:  # fmt: skip
            self._run, self._keeper = run, self._state_keeper(run)
            self._hangs.begin(run)
            notes = [*self._notes(run)]  # of the code that it began with
            notes += self._executed(run)
        recorded = [*self._journal.outputs()]
        names = [seat.name for seat in run.seats], header.session_config.symbols

        def decisions(entries: Iterable[bytes]) -> list[str]:
            return [*described(b"".join(entries), *names)]

        behind = self._last_news[0].sequence if self._last_news else None
        theirs = decisions(e for n, e, _ in recorded if behind is None or n < behind)
        ours = decisions(self._entries[: self._stream_entries])
        asked = [*chain.from_iterable(intents for _, _, intents in recorded)]
        found = (
            _first("decision", theirs, ours)
            or _first("intent", asked, self._intents)
            or _first("reload", _told(self._journal.reloads()), _told(self.reloads))
            or self._state_differs
        )
        if found is None:
            found = self._missed_state(notes)
        if found is not None and not found.recorded and self._broke_off:
            notes.append(f"the run broke off: what came of its last inputs has no {found.what}")
            found = None
        if found is None and behind is not None:
            theirs = decisions(e for n, e, _ in recorded if n >= behind)
            found = _first(
                "fill after the end", theirs, decisions(self._entries[self._stream_entries :])
            )
        if self._end is None:
            notes.append("the run goes on, or broke off: this is what it had come to")
        if self._journal.torn is not None:
            notes.append("the last record was never durable and is left out")
        return Verdict(
            run_id=header.run_id,
            equal=found is None,
            inputs=self.inputs,
            decisions=len(decisions(self._entries)),
            intents=len(self._intents),
            fingerprint=run.execution.diary.fingerprint.hexdigest(),
            difference=found,
            notes=tuple(notes),
        )

    @property
    def _broke_off(self) -> bool:
        """Whether what its last inputs led to may be missing."""
        is_cut = self._end is None or self._end.error is not None or self._end.ended == KILLED
        return is_cut or self._hangs.is_so

    def _executed(self, run: Run) -> Iterator[str]:
        """Run it, and book what was told behind its end; what should be known of that."""
        try:
            run.execute()
        except (Exception, HookInterrupted) as error:
            if not self._hangs.is_as_then(error):
                raise
            what = "it failed" if self._end is None or self._end.error else "a hook hung"
            yield f"{what} then, and again: {without_secrets(str(error)).splitlines()[0]}"
        self._stream_entries = len(self._entries)
        for news in self._last_news:
            run.book(news)

    def _missed_state(self, notes: list[str]) -> Difference | None:
        """A state on record that the run has not come to; those of another program are noted."""
        assert self._keeper is not None
        missed = list(self._keeper.missed)
        if missed and self._keeper.is_of_another_program:
            notes.append(f"{len(missed)} saved states are of another program and not compared")
            return None
        return Difference("state", 1, f"behind input {missed[0]}", "") if missed else None

    def _take(self, results: Results) -> None:
        self.inputs += 1
        self._entries.append(results.records.entries)
        self._intents += results.intents
        if results.reload is not None:
            self.reloads.append(results.reload)
        if self._witness is not None:
            self._witness.took(results)
        if self._keeper is not None:
            self._keeper.take(results)
        if self._on_count is not None:
            self._on_count(self.inputs, self._inputs_in_all)

    def _hear(self, message: Message) -> None:
        if self._run is not None:
            self._hangs.hear(self._run, message)
        if self._keeper is not None:
            self._keeper.hear(message)

    def _take_state(self, sequence: int, state: RunState) -> None:
        if self._keeper is not None:
            self._keeper.take_state(sequence, state)

    def _state_keeper(self, run: Run) -> StateKeeper:
        """Holds each state on record against what the run has come to by then."""
        known = SavedStates(self._journal)
        numbers = {sequence: number for number, sequence in enumerate(known, start=1)}

        def differ(sequence: int, recorded: str, repeated: str) -> None:
            self._state_differs = self._state_differs or Difference(
                "state", numbers[sequence], recorded, repeated
            )

        def save(sequence: int, payload: bytes) -> bool:
            raise AssertionError("a repetition saves nothing")

        program = program_of(run.strategies)
        return StateKeeper(program, lambda sequence: False, save, known, differ)

    def _notes(self, run: Run) -> Iterator[str]:
        for name in changed_strategies(run, self.header.strategies):
            yield f"the strategy {name} is not what it was: its file has changed"
        if platform_tag() != self.header.platform:
            yield f"recorded on {self.header.platform}, repeated on {platform_tag()}"


def _told(outcomes: Iterable[ReloadOutcome]) -> list[str]:
    """Whether each took over; why not is told with the lines of a file that may lie elsewhere."""
    return [
        f"{one.strategy} {one.hash} at input {one.sequence}: "
        + ("refused" if one.refused else "replaced")
        for one in outcomes
    ]


def _first(what: str, recorded: Sequence[object], repeated: Sequence[object]) -> Difference | None:
    for number, (theirs, ours) in enumerate(zip_longest(recorded, repeated), start=1):
        if theirs != ours:
            sides = ("" if side is None else str(side) for side in (theirs, ours))
            return Difference(what, number, *sides)
    return None
