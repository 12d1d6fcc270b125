"""A live run's side of its journal: inputs go in as they are numbered, intents leave when durable.

Where the disk refuses, nothing that waits is ever sent: the run is told so of each intent, entries
halt, and the journal is tried again until it can be written.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from loguru import logger

from app.core.calendar import TradingSession
from app.core.errors import DataError, StateError
from app.core.halts import ALL_SYMBOLS, JOURNAL
from app.core.messages import Bars, Message
from app.core.order_events import (
    NEVER_SENT,
    ChangeRefused,
    Halted,
    Intent,
    OrderEvent,
    Place,
    Refused,
    Resumed,
    Split,
)
from app.core.seams import Notifier
from app.managers.system_manager.journal.journal_feed import (
    ALARM,
    MOST_RECORDS_BEFORE,
    RELOADED,
    STATE_REFUSED,
)
from app.managers.system_manager.journal.run_header import RunHeader
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.system_manager.rerun.recovery import Recovery
from app.threads.stream.results import Results

_LONGEST_DETAILS = 500  # of an alarm that is noted
_REFUSED = "it was never sent: the journal cannot be written"

Hear = Callable[[Sequence[OrderEvent]], None]
Send = Callable[[Sequence[Intent]], None]


class LineJournal:
    """A part a session, each with the run's header; `hear` puts events among the run's inputs."""

    def __init__(
        self,
        folder: Path,
        header: RunHeader,
        means: LiveMeans,
        notifier: Notifier,
        hear: Hear,
        still_closed: Callable[[], str],
    ) -> None:
        """`still_closed` says what keeps entries closed besides the journal, or ""."""
        self.header = header
        self._still_closed = still_closed
        self._notifier = notifier
        self._hear = hear
        self._part_of: TradingSession | None = None  # whose part is being written
        self._parting = threading.Lock()  # for what follows
        self._passed = self._part_after = 0  # last input; the last before this part
        self._records = 0  # in this part
        self._state: tuple[bytes, int] | None = None  # of the part to come
        self._turn = threading.Lock()
        self._unsent: dict[int, tuple[Sequence[Intent], Send]] = {}  # by the input they came of
        self._sending = 0  # of these, just now
        self.recorder = means.recorder(folder, self._fail)

    def record_input(self, message: Message) -> None:
        """A numbered input, before anybody acts on it; it may begin a part."""
        session = self._session_of(message)
        with self._parting:
            if session is not None and session != self._part_of:
                self._part_of = session
                self.recorder.begin_part(self.header.as_dict())
                self._part_after, self._records = self._passed, 0
                if self._state is not None and self._state[1] == self._passed:
                    self.recorder.record_state(*self._state)
                self._state = None
            self._passed = message.sequence
            self._records += 1
            self.recorder.record_input(message)

    def pass_over(self, sequence: int) -> None:
        """An input that is on record already."""
        self._passed = sequence

    def accepts_state(self, sequence: int) -> bool:
        """Whether the state behind an input can stand at the beginning of a part."""
        with self._parting:
            # the part that begins next, or has just begun
            return sequence == self._passed or self._may_stand_here(sequence)

    def record_state(self, sequence: int, state: bytes) -> bool:
        """The state behind an input, at the beginning of the part that follows it. False where it
        comes too late: the part has grown while the state was made.
        """
        with self._parting:
            if sequence == self._passed:
                self._state = state, sequence
                return True
            may = self._may_stand_here(sequence)
            if may:
                self.recorder.record_state(state, sequence)
            return may

    def _may_stand_here(self, sequence: int) -> bool:
        return sequence == self._part_after and self._records < MOST_RECORDS_BEFORE

    def _session_of(self, message: Message) -> TradingSession | None:
        if isinstance(message, Bars) and message.block.spans:
            return message.block.spans[-1].session
        return None if self._part_of is not None else self.header.sessions[0]

    def record_output(self, results: Results) -> None:
        """What came of an input."""
        self._records += 1
        if results.reload is not None:
            self.recorder.record_note({RELOADED: msgspec.to_builtins(results.reload)})
        self.recorder.record_output(results.sequence, results.records.entries, results.intents)

    def hold_against(self, recovery: Recovery, results: Results) -> Results | None:
        """What of results is not on record. Where they differ from it, the next start does not
        go on from the state that this one went on from.
        """
        try:
            return recovery.take(results)
        except DataError:
            if recovery.past is not None:
                self.refuse_state(recovery.past.sequence)
            raise

    def refuse_state(self, sequence: int) -> None:
        """Have no start go on from the state behind this input."""
        self.recorder.record_note({STATE_REFUSED: sequence})

    def send(self, sequence: int, intents: Sequence[Intent], send: Send) -> None:
        """Send intents once all that was recorded until now is durable; never, if it cannot be."""

        def go() -> None:
            with self._turn:
                waiting = self._unsent.pop(sequence, None)
                self._sending += 1
            if waiting is not None:
                send(waiting[0])
            with self._turn:
                self._sending -= 1

        with self._turn:
            self._unsent[sequence] = intents, send
        self.recorder.commit(go)
        if self.recorder.failed is not None:
            self._give_up()

    def note_alarm(self, what: str, details: str) -> None:
        """For the run's report, once a part has begun; from any thread, and nobody waits for it."""
        if self._part_of is None:
            return
        with suppress(StateError):  # it is closed
            self.recorder.record_note({ALARM: [what, details[:_LONGEST_DETAILS]]})

    @property
    def is_all_sent(self) -> bool:
        """Whether no intent waits to be durable: it is with the gate, or given up."""
        with self._turn:
            return not self._unsent and not self._sending

    def try_again(self) -> None:
        """Put the journal right, if it has failed and the disk lets it."""
        if self.recorder.failed is not None and self.recorder.try_again():
            self._give_up()  # of what was asked to be sent while it was being put right
            closed = self._still_closed()
            told = f"entries stay refused: {closed}" if closed else "entries pass."
            self._notifier.alarm("journal", f"It can be written again; {told}")
            self._hear([Resumed(ALL_SYMBOLS, "the journal can be written again", JOURNAL)])

    def close(self, end: RunEnd, recovery: Recovery | None = None) -> None:
        """Write what waits and how the run ended; for good, unless it failed. A recovery that did
        not come to its end leaves it unfinished; one that failed tries the first part next.
        """
        if recovery is not None and not recovery.is_over:
            if end.error is not None and recovery.past is not None:
                self.refuse_state(recovery.past.sequence)
                logger.warning("Start again, and the run goes on from its journal's first part.")
            self.recorder.close()
            return
        self.recorder.close(msgspec.to_builtins(end), ended=end.error is None)

    def _fail(self, error: Exception) -> None:
        """Nothing can be made durable: no order leaves but what the gate closes by itself."""
        self._notifier.alarm("journal failed", str(error))
        self._hear([Halted(ALL_SYMBOLS, f"the journal cannot be written: {error}", JOURNAL)])
        self._give_up()

    def _give_up(self) -> None:
        """Tell the run of what was never sent."""
        with self._turn:
            lost = list(self._unsent.values())
            self._unsent.clear()
        events: list[OrderEvent] = []
        for intents, send in lost:
            for one in intents:
                if isinstance(one, Split):
                    send([one])  # nothing leaves by it
                elif isinstance(one, Place):
                    events.append(Refused(one.order_id, _REFUSED, NEVER_SENT))
                else:
                    events.append(ChangeRefused(one.order_id, _REFUSED))
        places = [one for intents, _ in lost for one in intents if isinstance(one, Place)]
        exits = [str(one.order_id) for one in places if one.reduce_only]
        if exits:
            told = "they reduce positions; the stops among them leave when it can be written."
            self._notifier.alarm("exits not sent", f"Of orders {', '.join(exits)}: {told}")
        if events:
            self._hear(events)
