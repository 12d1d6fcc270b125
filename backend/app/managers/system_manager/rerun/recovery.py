"""Recovery: an unfinished run is run again from its journal, then goes on live.

Up to where the journal ends, what comes of each input must be what was recorded; nothing is sent.
Behind that, an order that is decided again was never sent, for its intent was not durable: it is
void, and an amendment by which an order may open more is refused; what takes a position out is sent
late rather than never. The same goes for what a hook that was interrupted did not come to, and now
does. A command marks the place in the order of inputs, so that `verify` passes it too.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from app.core.errors import DataError
from app.core.halts import FEED, JOURNAL, RECOVERY
from app.core.messages import Bars, BrokerNews, Command, Message
from app.core.order_events import (
    Amend,
    Cancel,
    ChangeRefused,
    GateActed,
    GateFilled,
    Halted,
    Intent,
    OrderEvent,
    Place,
    Resumed,
    Split,
    Voided,
)
from app.core.venue import Abilities
from app.managers.execution_manager.orders.kill import FLATTEN, FREEZE, kill_of
from app.managers.execution_manager.orders.parts import APART, order_of
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.journal.passing import Passing
from app.managers.system_manager.journal.past import Past
from app.threads.stream.commands import KILL, PAUSE, RECOVER, RESUME, STOP
from app.threads.stream.results import Results
from app.threads.stream.run_state import StateGiven

# Sources of halts that begin anew with each life of the program.
_REBORN: Final = frozenset({FEED, RECOVERY, JOURNAL})
_PATIENCE_SECONDS: Final = 600.0  # for all that was recorded to be run again
_LOOK_SECONDS: Final = 0.1
_NEVER_SENT: Final = "decided again in recovery, and never sent"
_AFTER: Final = {"latched": FREEZE, "flattening": FLATTEN}  # by the gate's acts


class Recovery:
    """Brings one run back; used once. The feed's thread and the engine's meet in it."""

    def __init__(self, journal: RunJournal, past: Past | None = None) -> None:
        """With a past the run goes on from its state, and reads the journal from there on."""
        self.past = past
        self.history_sources = journal.history_sources()  # noted in its first part
        if past is not None:
            journal = journal.since(past.part, past.sequence)
        self._journal = journal
        self._expected = journal.outputs()
        self._known = [*journal.gate_items()]  # before more is recorded
        self._reloads = {one.sequence: one for one in journal.reloads()}
        self._next = next(self._expected, None)
        self._passing = Passing(journal)
        self.last_sequence = 0 if past is None else past.sequence  # of the recorded inputs
        # how far they had come
        self.through_ns = 0 if past is None else past.state.processor.through_ns
        self.saved = {sequence: saved for _, sequence, saved in journal.saved_states()}
        self._void: list[int] = []  # orders decided again that were never sent
        self._not_grown: list[int] = []  # orders that were to open more
        self._late: list[Intent] = []  # what else was asked for then, and may be asked for still
        self._done = threading.Event()
        self.is_paused = False  # it takes no entries until somebody resumes it
        self.ending: str | None = None  # how, if the run was being ended when it broke off
        self._halts: dict[tuple[int, str], None] = {}  # by symbol and source, still in force
        self._told: set[OrderEvent] = set()  # halts, and fills of nobody's orders
        if past is not None:
            self._known = [*self._told_before(past), *self._known]
        for message in journal.outline():
            self.last_sequence = max(self.last_sequence, message.sequence)
            if isinstance(message, Bars):
                self.through_ns = message.block.through_ns
            self._note(message)
        # It died behind the end of its stream: what the gate did by itself there counts.
        self._acts = [one for news in journal.last_news() for one in _acts(news.events)]
        for act in self._acts:
            self.ending = _AFTER.get(act.what, self.ending)

    def _told_before(self, past: Past) -> Iterator[Intent | OrderEvent]:
        """What a gate must know again of the chapters, and this recovery of halts and an end."""
        for chapter in past.chapters:
            for message, intents in chapter.messages():
                yield from intents
                if isinstance(message, BrokerNews):
                    yield from message.events
                if message is not None:
                    self._note(message)

    def _note(self, message: Message) -> None:
        if isinstance(message, BrokerNews):
            self._note_events(message.events)
        if isinstance(message, Command) and message.name in (PAUSE, RESUME):
            self.is_paused = message.name == PAUSE
        self.ending = _ending(message, self.ending)

    @property
    def abilities(self) -> Abilities:
        """What the venue could do as the run began."""
        return self._journal.header().abilities

    @property
    def is_over(self) -> bool:
        """Whether the run goes on live."""
        return self._done.is_set()

    def _note_events(self, events: tuple[OrderEvent, ...]) -> None:
        for event in events:
            if isinstance(event, Halted | GateFilled):
                self._told.add(event)
            if isinstance(event, Halted) and event.source in _REBORN:
                self._halts[event.symbol, event.source] = None
            elif isinstance(event, Resumed):
                self._halts.pop((event.symbol, event.source), None)

    def lifted(self) -> tuple[Resumed, ...]:
        """Halts of those who begin anew with the program, and know nothing of them any more."""
        return tuple(Resumed(symbol, "it began anew", source) for symbol, source in self._halts)

    def lacking(self, told: Sequence[OrderEvent]) -> list[OrderEvent]:
        """What a run must be told again: of what it hears when it begins, what the journal broke
        off before; and what its gate did behind the end of its stream.
        """
        return [*(event for event in told if event not in self._told), *self._acts]

    def messages(self, is_stopping: Callable[[], bool]) -> Iterator[Message | StateGiven]:
        """What was recorded, then the mark; it ends when all of it has been run again, or when
        the run ends before that.
        """
        if self.past is not None:
            yield StateGiven(self.past.sequence, self.past.state)
        yield from self._passing.without_beats(self._journal.inputs())
        yield Command(RECOVER)
        for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            if self._done.wait(_LOOK_SECONDS) or is_stopping():
                return
        raise DataError(f"The recorded inputs were not run again within {_PATIENCE_SECONDS:g} s.")

    def has_record_of(self, sequence: int) -> bool:
        """Whether an input is in the journal already."""
        return sequence <= self.last_sequence

    def take(self, results: Results) -> Results | None:
        """One input's results, again: what of them the journal does not have yet; None: nothing."""
        if results.sequence > self.last_sequence:
            return results
        entries, intents = results.records.entries, results.intents
        if not self._has_same_reload(results):
            raise self._is_other(results.sequence, results.sequence)
        while self._next is not None and self._next[0] in self._passing.left_out:
            self._next = next(self._expected, None)
        if self._next is None or results.sequence < self._next[0]:
            self._take_back(intents)
            return results
        sequence, recorded, asked = self._next
        self._next = next(self._expected, None)
        if (sequence, recorded, asked) == (results.sequence, entries, intents):
            return None
        is_rest = entries.startswith(recorded) and intents[: len(asked)] == asked
        if sequence == results.sequence and is_rest and self._may_have_failed_in_last:
            rest = intents[len(asked) :]
            self._take_back(rest)
            records = replace(results.records, entries=entries[len(recorded) :])
            return replace(results, records=records, intents=rest)
        raise self._is_other(results.sequence, sequence)

    def _has_same_reload(self, results: Results) -> bool:
        """Whether a strategy's new code is taken, or refused, as it was."""
        again, recorded = results.reload, self._reloads.get(results.sequence)
        return again is None or recorded is None or bool(again.refused) == bool(recorded.refused)

    def _is_other(self, sequence: int, recorded: int) -> DataError:
        cause, way_out = self._astray()
        return DataError(
            f"What comes of input {sequence} is not what the journal says came of "
            f"input {recorded}: {cause}. Nothing was sent; positions and orders at the venue "
            f"are as they were. {way_out}, or see to the venue by hand and give the run up by "
            "'system recover --give-up'."
        )

    @property
    def _may_have_failed_in_last(self) -> bool:
        """Whether the input just held against the journal is the last that anything came of, in a
        run that has not ended: a hook that hung in it, and was interrupted, has cut that short.
        """
        is_last = self._next is None or self._next[0] > self.last_sequence
        return is_last and self._journal.end() is None

    def _take_back(self, intents: Sequence[Intent]) -> None:
        """These were decided again, and never sent."""
        for intent in intents:
            if isinstance(intent, Place) and not _protects(intent):
                self._void.append(intent.order_id)
            elif isinstance(intent, Amend) and intent.opens:
                self._not_grown.append(intent.order_id)
            else:
                self._late.append(intent)

    def _astray(self) -> tuple[str, str]:
        """What may be the cause, and what to do."""
        if self.past is not None:
            return (
                "a strategy's load_state does not bring back all that it goes by",
                "Start again, and the run goes on from the first part of its journal",
            )
        return (
            "this program, its libraries or a strategy have changed since. 'verify' shows the "
            "first difference",
            "Put back what has changed and start again",
        )

    def finish(
        self,
    ) -> tuple[Iterator[Intent | OrderEvent], list[Intent], tuple[Voided | ChangeRefused, ...]]:
        """All has been run again: what the gate must know, what it is still asked for, and what
        the run must hear. Then the feed goes on.
        """
        void = self._void
        late = [one for one in self._late if isinstance(one, Split) or one.order_id not in void]
        answered = {*void, *(one.order_id for one in late if isinstance(one, Cancel))}
        refused = [one for one in self._not_grown if one not in answered]
        never: list[Voided | ChangeRefused] = [Voided(number) for number in void]
        never += [ChangeRefused(number, _NEVER_SENT) for number in refused]
        return iter(self._known), late, tuple(never)

    @property
    def void(self) -> set[int]:
        """Orders decided again that were never sent; not those of which a first part had been."""
        return {number for number in self._void if number == order_of(number)}

    def go_on(self) -> None:
        """Let the feed go on, live."""
        self._done.set()


def _protects(intent: Place) -> bool:
    """Whether it takes a position out; of an order that leaves anew, what was there has been taken
    back for it.
    """
    return intent.reduce_only or (intent.order_id >= APART and not intent.opens)


def _ending(message: Message, before: str | None) -> str | None:
    """What is left to be done with positions once a run was told to end: nobody takes that back."""
    if isinstance(message, Command) and message.name in (STOP, KILL):
        return kill_of(message.value)[0]
    for act in _acts(message.events if isinstance(message, BrokerNews) else ()):
        before = _AFTER.get(act.what, before)
    return before


def _acts(events: Iterable[OrderEvent]) -> list[GateActed]:
    return [event for event in events if isinstance(event, GateActed)]
