"""A live run's line to the world: its venue, the venue's time, the journal and the gate."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from loguru import logger

from app.core.config import SessionConfig
from app.core.halts import JOURNAL
from app.core.instruments import Adjustment
from app.core.intervals import SECOND_NS, interval_ns
from app.core.messages import Command, History, Message
from app.core.order_events import OrderEvent
from app.core.run_states import STOPPED
from app.core.seams import BarSource, Notifier
from app.core.venue import Venue, VenueError
from app.managers.data_manager.live_feed import LiveFeed
from app.managers.data_manager.stored_bars import Wanted
from app.managers.execution_manager.gate.calls import GateTimes
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.splits import ComingSplit, coming_splits
from app.managers.execution_manager.live.shared_broker import broker_of
from app.managers.execution_manager.orders.kill import Standing, kill_value
from app.managers.system_manager.control.manner import PAPER, Manner
from app.managers.system_manager.journal.journal_feed import HISTORY_SOURCES
from app.managers.system_manager.journal.run_header import RunHeader
from app.managers.system_manager.journal.saved_states import StateKeeper
from app.managers.system_manager.live.bar_keeping import BarKeeping
from app.managers.system_manager.live.catching_up import ResumedFeed, StartedFeed
from app.managers.system_manager.live.feed_terms import feed_terms
from app.managers.system_manager.live.line_aftermath import Aftermath
from app.managers.system_manager.live.line_ending import LineEnding, close_seconds
from app.managers.system_manager.live.line_journal import LineJournal
from app.managers.system_manager.live.line_reconciling import Reconciling
from app.managers.system_manager.live.line_states import state_keeper
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.system_manager.live.releasing import Releasing
from app.managers.system_manager.live.told_halts import ToldHalts
from app.managers.system_manager.record.run_outcome import RunEnd, left_at_venue
from app.managers.system_manager.rerun.recovery import Recovery
from app.managers.system_manager.wiring import Parts, Run, RunFeed
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.threads.engines.guarded_engine import SKEW
from app.threads.live.order_gate import OrderGate
from app.threads.stream.commands import HALT, KILL, PAUSE, RESUME, STOP
from app.threads.stream.results import Results
from app.threads.stream.run_state import RunState

_SYNC_SECONDS = 15.0  # how often the venue's clock is asked for
_SPLIT_SECONDS = 60.0  # from the open, for the run to make a split that its venue has made


class LiveLine:
    """One live run's; used once. Everything that reaches the run goes through its inbox."""

    def __init__(
        self,
        config: SessionConfig,
        source: BarSource,
        venue: Venue,
        notifier: Notifier,
        means: LiveMeans,
        recovery: Recovery | None = None,
    ) -> None:
        self._config = config
        self._source = source
        self._notifier = notifier
        self._means = means
        self._recovery = recovery  # of an unfinished run
        self.was_paused = recovery is not None and recovery.is_paused
        self.venue = venue
        told = venue.time()
        self.clock = means.clock(told)
        self.rate = told.rate
        self.inbox = means.inbox()
        self._stopping = threading.Lock()  # held by the one who stops the run
        bar_ns, grace_ms = interval_ns(config.base_interval), config.lived.grace_ms
        self.ending = LineEnding(
            means, notifier, self.inbox, lambda: self.is_recovered,
            close_seconds(bar_ns, grace_ms, told.rate),
        )  # fmt: skip
        self._aftermath = Aftermath(notifier)
        self._reconciling = Reconciling(venue, notifier, self._hear)
        self.releasing = Releasing(
            means, venue, notifier, self.inbox,
            lambda: self.is_recovered and not self._stopping.locked(),
        )  # fmt: skip
        self._turn = threading.Lock()  # for what follows
        # what is asked of the gate before it knows again what it must; None: it does
        self._early: list[Callable[[OrderGate], None]] | None = None if recovery is None else []
        self.journal: LineJournal | None = None
        self._keeper: StateKeeper | None = None
        self.bar_keeping: BarKeeping | None = None
        self._book: GateBook | None = None
        self._gate: OrderGate | None = None
        self._run: Run | None = None
        self._feed: LiveFeed | None = None
        self._halts = ToldHalts(config.symbols, notifier)

    @property
    def manner(self) -> Manner:
        """How the run is lived."""
        return Manner(
            "takes no entries until it is resumed",
            self.ending.words(self._config.lived.on_stop),
            "a live run goes at its venue's pace",
        )

    @property
    def goes_to_venue(self) -> bool:
        """Whether orders are sent, or simulated here."""
        return self._config.lived.goes_to_venue

    # -- before the run --------------------------------------------------------------------------

    def parts(self) -> Parts:
        """What a run has from here, in place of bars at rest and a simulated broker."""
        abilities = (self._recovery or self.venue).abilities
        strategies = len(self._config.strategies)
        return Parts(
            make_feed=self._make_feed,
            make_broker=broker_of(abilities, strategies) if self.goes_to_venue else None,
            record_input=self._record_input,
            on_gap=self.inbox.put,
            on_trouble=self._notifier.alarm,
            on_state=self._take_state,
        )

    def _make_feed(self, wanted: Wanted) -> RunFeed:
        terms = feed_terms(self._config.lived, self.rate)
        self._feed = LiveFeed(
            self._source, wanted, terms, self.venue, self.inbox, self.clock, self._means.run_errand,
            None if self._recovery is None else self._recovery.through_ns,
        )  # fmt: skip
        if self._recovery is not None:
            return ResumedFeed(self._recovery, self._feed, self.clock.now_ns, self._is_stopping)
        return StartedFeed(self._feed, self.clock.now_ns())

    def begin(self, run: Run, header: RunHeader, folder: Path) -> None:
        """Begin the journal in the run's folder, then the gate."""
        self._run = run
        self.ending.execution = self.releasing.execution = run.execution
        self.releasing.since_ns = header.since_ns
        self.journal = LineJournal(
            folder / JOURNAL_FOLDER, header, self._means, self._notifier, self._hear,
            lambda: self.releasing.besides(JOURNAL),
        )  # fmt: skip
        self._keeper = state_keeper(run, self.journal, self._recovery)
        self._means.repeat(_SYNC_SECONDS, self._look_after)
        if not self.goes_to_venue:
            logger.info(PAPER)
            return
        self._book = GateBook(
            header.run_id,
            self._config.symbols,
            since_ns=header.since_ns,
            positions=header.positions,
            external=self._config.lived.external,
            times=GateTimes().at_rate(self.rate),
            lot_units=run.execution.lot_units,
            tick_units=run.execution.tick_units,
        )
        self._gate = self._means.gate(
            self._book, self.venue, self.clock, self._hear, self._notifier, self.rate
        )
        self.ending.gate = self.releasing.gate = self._gate
        if self._recovery is None:
            told = header.told_first
            for event in told:
                self._book.recall(event)
            self._hear(told)
            self._gate.start()
        elif self._recovery.past is not None:  # in place of the history that tells of them
            adjustments = self._recovery.past.state.processor.adjustments
            self._gate.expect(self._coming_splits(adjustments, header))

    def _take_state(self, sequence: int, state: RunState) -> None:
        if self._keeper is not None:
            self._keeper.take_state(sequence, state)

    def _is_stopping(self) -> bool:
        return self._run is not None and self._run.pipeline.is_stopping

    # -- its course ------------------------------------------------------------------------------

    def _record_input(self, message: Message) -> None:
        journal = self.journal
        assert journal is not None, "the run begins after its journal"
        if self.bar_keeping is not None:
            self.bar_keeping.hear(message)
        if isinstance(message, History) and self._gate is not None:
            self._gate.expect(self._coming_splits(message.adjustments, journal.header))
        if self._keeper is not None:
            self._keeper.hear(message)
        if self._recovery is not None and self._recovery.has_record_of(message.sequence):
            journal.pass_over(message.sequence)
            return
        self._aftermath.number(message)
        journal.record_input(message)
        self._halts.hear(message)
        if isinstance(message, History) and self._feed is not None:
            journal.recorder.record_note({HISTORY_SOURCES: self._feed.history_sources})

    def _coming_splits(
        self, adjustments: Sequence[Adjustment], header: RunHeader
    ) -> list[ComingSplit]:
        patience_ns = int(_SPLIT_SECONDS * SECOND_NS * max(self.rate, 1.0))
        return coming_splits(adjustments, header.sessions, self._config.symbols, patience_ns)

    def admit(self, results: Results, take: Callable[[Results], None]) -> None:
        """What came of an input is for `take` too, also where the run has been left."""
        self.take(results)
        take(results)

    def take(self, results: Results) -> None:
        """What came of an input: into the journal, and once it is durable to the venue."""
        journal, recovery = self.journal, self._recovery
        if journal is None:
            return
        self._aftermath.arrived(results.sequence)
        if self._keeper is not None:
            self._keeper.take(results)
        if recovery is not None and not recovery.is_over:
            if (new := journal.hold_against(recovery, results)) is not None:
                journal.record_output(new)
            if not recovery.has_record_of(results.sequence):
                self._recovered(recovery, journal, results.sequence)
            return
        journal.record_output(results)
        if results.intents and self._gate is not None:
            journal.send(results.sequence, results.intents, self._gate.send)

    def _recovered(self, recovery: Recovery, journal: LineJournal, sequence: int) -> None:
        """All that was recorded has been run again: the gate knows it too, and asks the venue."""
        known, late, never = recovery.finish()
        if self._gate is not None and self._book is not None:
            first = recovery.lacking(journal.header.told_first)
            for item in (*known, *first):
                self._book.recall(item)
            self._hear(first)
            assert self._run is not None
            self._reconciling.compare(
                self._run.execution, self._book, journal.header.since_ns, self.clock.now_ns(), first
            )
            with self._turn:
                early, self._early = self._early or [], None
            for ask in early:
                ask(self._gate)
            self._gate.start()
            if late:
                journal.send(sequence, late, self._gate.send)
        self._hear(never)
        recovery.go_on()
        if recovery.ending is not None and self._run is not None:
            self._end_at_last(self._run, recovery.ending)

    def _end_at_last(self, run: Run, mode: str) -> None:
        """The run had been told to end when it broke off: it does so now."""
        logger.warning("The run was being ended when it broke off; it ends now.")
        self._stopping.acquire(blocking=False)  # asked for again, it ends without more ado
        self.ending.when_done(mode, lambda: self._end(lambda: run.pipeline.stop(STOPPED)))

    def leave(self) -> None:
        """There are no figures but the run's own: its journal tells what is on record."""

    def lag_seconds(self, through_ns: int) -> float:
        """How far the stream is behind the venue, in our time."""
        behind_ns = self.clock.now_ns() - through_ns
        return round(behind_ns / max(self.rate, 1.0) / SECOND_NS, 3)

    def waiting(self) -> dict[str, int]:
        """What waits before the first worker."""
        return {"inbox": len(self.inbox)}

    def standing(self) -> Standing | None:
        """What the gate knows to work and to be held; None where orders are simulated."""
        return self.ending.standing()

    def _look_after(self) -> None:
        """Follow the venue's clock; put the journal right where it failed."""
        if self.journal is not None:
            self.journal.try_again()
        try:
            ahead_ns = self.clock.sync(self.venue.time())
        except VenueError:
            return  # it goes on as it went
        if self._run is not None and self._run.watches_clock:
            self.inbox.put(Command(SKEW, str(int(ahead_ns / max(self.rate, 1.0)))))
        if self._gate is not None:
            self._reconciling.look_again(self._gate)

    def _hear(self, events: Sequence[OrderEvent]) -> None:
        self._aftermath.expect(events)
        for event in events:
            self.inbox.put(event)

    # -- commands --------------------------------------------------------------------------------

    def pause(self) -> None:
        """Entries are refused; the run streams on."""
        self.inbox.put(Command(PAUSE))

    def resume(self) -> None:
        """Entries pass again."""
        self.inbox.put(Command(RESUME))

    def ask(self, command: Command) -> None:
        """What a person asks of the account's trading state: an input of the run."""
        self.inbox.put(command)

    def halt(self, reason: str) -> None:
        """Exits only, at the gate at once, also while a strategy hangs."""
        self.releasing.halts_again(reason)
        self._ask_gate(lambda gate: gate.halt(reason))
        self.inbox.put(Command(HALT, reason))

    def _ask_gate(self, ask: Callable[[OrderGate], None]) -> None:
        """At once; while a run is being recovered, when the gate knows its orders again."""
        with self._turn:
            if self._early is not None:
                self._early.append(ask)
                return
        if self._gate is not None:
            ask(self._gate)

    def lose(self, reason: str) -> None:
        """Somebody else trades the account: nothing opens here any more."""
        self._notifier.alarm("account lost", reason)
        self.halt(reason)

    def kill(self, mode: str, end: Callable[[], None], reason: str = "") -> None:
        """The gate latches at once, a simulated broker hears an input; `end` when that is done."""
        if self.goes_to_venue:
            self._ask_gate(lambda gate: gate.kill(mode, reason or "killed"))
        else:
            self.inbox.put(Command(KILL, kill_value(mode, reason)))
        self.ending.when_done(mode, lambda: self._end(end))

    def stop(self, end: Callable[[], None]) -> None:
        """Cancel entries, do with positions as the config says, then `end` the stream.

        Returns at once, and may be asked twice: the second time it ends without more ado. So it
        does the first time where a kill waits, and has told that who stops it ends it at once.
        """
        if not self._stopping.acquire(blocking=False) or self.ending.has_told:
            self.hurry()
            self._end(end)
            return
        mode = self._config.lived.on_stop
        self.inbox.put(Command(STOP, mode))
        self.ending.when_done(mode, lambda: self._end(end))

    def hurry(self) -> None:
        """The end waits for the venue no longer."""
        self.ending.is_hurried = True

    def break_off(self) -> None:
        """The thread that runs it was interrupted: a second time, where it is being stopped."""
        if self._stopping.locked():
            self.hurry()

    @property
    def is_recovered(self) -> bool:
        """Whether it is no recovery, or one that is over."""
        return self._recovery is None or self._recovery.is_over

    def _end(self, end: Callable[[], None]) -> None:
        end()
        if self._feed is not None:
            self._feed.stop()

    def _book_last(self) -> None:
        if self._run is not None and self.is_recovered:
            self._aftermath.book(self._run)

    def undisturbed(self, heard: list[int]) -> AbstractContextManager[None]:
        """Its end may wait for the venue, and a Ctrl+C breaks off that wait."""
        return nullcontext()

    def close(self, end: RunEnd) -> None:
        """The run has ended: no more calls, and a journal that says so."""
        self._stopping.acquire(blocking=False)  # who stops it now waits for nothing any more
        if end.error is not None:
            self._notifier.alarm("run failed", end.error)
        with ExitStack() as rest:  # from below, whatever breaks off what is above it
            rest.callback(self.venue.close)
            if self.bar_keeping is not None:
                rest.callback(self.bar_keeping.close)
            rest.callback(self._means.close)
            if self.journal is not None:
                rest.callback(self.journal.close, end, self._recovery)
            self.ending.close(self.journal, end, self._config.lived.on_error, self._book_last)
        logger.info("The line to the venue is closed: {}", end.ended)
        if self._run is not None and self.goes_to_venue:
            held, working = left_at_venue(self._run.execution)
            if held or working:
                told = "Left at the venue: held: {}; orders that work: {}"
                logger.warning(told, held or "nothing", working or "none")
