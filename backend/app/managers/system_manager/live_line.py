"""A live run's line to the world: its venue, the venue's time, the journal and the gate."""

import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
from loguru import logger

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import NotFoundError, StateError
from app.core.inbox import Inbox
from app.core.instruments import Instrument
from app.core.intervals import SECOND_NS
from app.core.messages import Bars, BrokerNews, Command, Message
from app.core.money import from_units
from app.core.order_events import Halted, OrderEvent
from app.core.seams import BarSource
from app.core.venue import Venue, VenueError
from app.managers.data_manager.errands import Errands
from app.managers.data_manager.live_feed import LiveFeed
from app.managers.data_manager.live_stream import LiveTerms
from app.managers.data_manager.stored_bars import Wanted
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.live_broker import LiveBroker
from app.managers.system_manager.account_keeper import AccountKeeper
from app.managers.system_manager.alarms import Alarms
from app.managers.system_manager.holdings import Holdings, holdings_of
from app.managers.system_manager.reckoning import reckon
from app.managers.system_manager.recovery import Recovery, ResumedFeed, StartedFeed
from app.managers.system_manager.run_header import RunHeader
from app.managers.system_manager.wiring import Parts, Run, RunFeed
from app.managers.time_manager import TimeManager, WallClock
from app.managers.time_manager.clock import OffsetClock
from app.repositories.journal_file import JournalWriter
from app.repositories.journal_reader import JOURNAL_FOLDER
from app.threads.commands import HALT, KILL, PAUSE, RESUME, STOP, has_stopped
from app.threads.notifier import AlarmNotifier
from app.threads.order_gate import OrderGate
from app.threads.recorder import Recorder
from app.threads.results import Results

_LOOK_SECONDS = 0.05
_SYNC_SECONDS = 15.0
_LONGEST_STOP_SECONDS = 20.0  # of the machine: then the run ends, whatever is still open
_ALARMING = ("feed", "holdings")  # sources of halts that nobody else tells of
_PAPER = (
    "Paper: orders are simulated on the venue's prices and none leaves. On minute bars a market "
    "order fills at the open of the minute it is given in, and that is known when the minute is "
    "over: a fill is told about a minute late, at the price before it."
)


class LiveLine:
    """One live run's; used once. Everything that reaches the run goes through its inbox."""

    def __init__(
        self,
        config: SessionConfig,
        source: BarSource,
        venue: Venue,
        alarms: Alarms,
        wall: WallClock,
        recovery: Recovery | None = None,
    ) -> None:
        self._config = config
        self._source = source
        self._wall = wall
        self._keeper: AccountKeeper | None = None
        self._recovery = recovery  # of an unfinished run
        self.venue = venue
        told = venue.time()
        self.clock = OffsetClock(told)
        self._rate = told.rate
        notify = config.lived.notify
        self._notifier = AlarmNotifier(wall, notify.command or (), notify.timeout_seconds)
        self._notifier.attach(lambda alarm: alarms.keep(alarm.what, alarm.details))
        self._alarms = alarms
        self._closed = threading.Event()
        self.inbox = Inbox()
        self._errands = Errands("venue errands")
        self._stopping = threading.Lock()  # held by the one who stops the run
        self._header: RunHeader | None = None
        self._recorder: Recorder | None = None
        self._gate: OrderGate | None = None
        self._book: GateBook | None = None
        self._part_of: TradingSession | None = None  # whose part of the journal is being written
        self._run: Run | None = None
        self._feed: LiveFeed | None = None

    @property
    def goes_to_venue(self) -> bool:
        """Whether orders are sent, or simulated here."""
        return self._config.lived.broker == "venue"

    def sessions(self, times: TimeManager) -> tuple[TradingSession, ...]:
        """The session under way or the next, and as many as the config says."""
        market, now_ns = self._config.market, self.clock.now_ns()
        today = times.to_local(now_ns, market).date()
        first = times.previous_session(today, market)
        extended = self._config.extended_hours
        while first.segments(extended)[-1].end_ns <= now_ns:
            first = times.next_session(first.date, market)
        found = [first]
        while len(found) < self._config.lived.sessions:
            found.append(times.next_session(found[-1].date, market))
        return tuple(found)

    def opened(
        self, config: SessionConfig, instruments: Sequence[Instrument]
    ) -> tuple[SessionConfig, Holdings]:
        """The config with the account as the venue has it, and what is held there, where orders
        go there.
        """
        if not self.goes_to_venue:
            return config, Holdings()
        account, now_ns = config.account, self.clock.now_ns()
        held = holdings_of(
            self.venue, config.symbols, config.base_interval, config.lived.external, now_ns
        )
        cash, worth = self.venue.cash(), held.worth_units(instruments)
        if cash.get(account.currency, 0) <= 0:
            has = ", ".join(f"{from_units(units)} {name}" for name, units in cash.items())
            raise StateError(
                f"The venue's account has no {account.currency}: it has {has or 'nothing'}. "
                "Name its currency in account.currency."
            )

        def opening(name: str) -> Decimal:
            return from_units(cash.get(name, 0) + worth.get(name, 0))

        books = {name: opening(name) for name in account.books}
        changed = {"cash": opening(account.currency), "books": books}
        return config.model_copy(update={"account": account.model_copy(update=changed)}), held

    def parts(self) -> Parts:
        """What a run has from here, in place of bars at rest and a simulated broker."""
        return Parts(
            make_feed=self._make_feed,
            make_broker=LiveBroker if self.goes_to_venue else None,
            record_input=self._record_input,
            on_gap=self.inbox.put,
        )

    def _make_feed(self, wanted: Wanted) -> RunFeed:
        live = self._config.lived
        # Waits are for networks and machines, which are no faster where the venue's time is.
        pace = max(self._rate, 1.0)
        usual = LiveTerms()
        terms = LiveTerms(
            grace_ns=int(live.grace_ms * 1_000_000 * pace),
            stale_ns=int(live.stale_seconds * SECOND_NS * pace),
            silent_ns=int(usual.silent_ns * pace),
            catch_up_ns=int(usual.catch_up_ns * pace),
            beat_ns=int(usual.beat_ns * pace),
        )
        self._feed = LiveFeed(
            self._source, wanted, terms, self.venue, self.inbox, self.clock, self._errands.run
        )
        if self._recovery is not None:
            return ResumedFeed(self._recovery, self._feed, self.clock.now_ns)
        return StartedFeed(self._feed, self.clock.now_ns())

    # -- its course ------------------------------------------------------------------------------

    def begin(
        self,
        run: Run,
        header: RunHeader,
        folder: Path,
        keeper: AccountKeeper | None,
        holdings: Holdings,
    ) -> None:
        """Begin the journal in the run's folder, then the gate."""
        self._run, self._header = run, header
        self._recorder = Recorder(JournalWriter(folder / JOURNAL_FOLDER), self._on_disk_trouble)
        self._recorder.start()
        self._notifier.start()
        self._alarms.notify = self._notifier.alarm
        if not self.goes_to_venue:
            logger.info(_PAPER)
        threading.Thread(target=self._keep_time, name="venue clock", daemon=True).start()
        if keeper is not None:
            self._keeper = keeper
            keeper.start()
        if self.goes_to_venue:
            book = GateBook(
                header.run_id,
                self._config.symbols,
                since_ns=header.since_ns,
                positions=header.positions,
                external=self._config.lived.external,
            )
            self._book = book
            self._gate = OrderGate(
                book, self.venue, self.clock, self._hear, self._notifier, self._rate
            )
            if self._recovery is None:
                adopted = holdings.adopted(self._config.symbols, header.since_ns)
                for fill in adopted:
                    book.recall(fill)
                halts = holdings.halts(self._config.symbols, self._config.lived.external)
                self._hear((*adopted, *halts))
                self._gate.start()

    def take(self, results: Results) -> None:
        """What came of an input: into the journal, and once it is durable to the venue."""
        recorder, intents, recovery = self._recorder, results.intents, self._recovery
        if recorder is None:
            return
        if recovery is not None and not recovery.is_over:
            if recovery.take(results):
                recorder.record_output(results.sequence, results.records.entries, intents)
            if not recovery.has_record_of(results.sequence):
                self._recovered(recovery)
            return
        recorder.record_output(results.sequence, results.records.entries, intents)
        if intents and self._gate is not None:
            gate = self._gate
            recorder.commit(lambda: gate.send(intents))

    def _recovered(self, recovery: Recovery) -> None:
        """All that was recorded has been run again: the gate knows it too, and asks the venue."""
        known, late, void = recovery.finish()
        if self._gate is not None and self._book is not None:
            for item in known:
                self._book.recall(item)
            self._reconcile(self._book)
            self._gate.start()
            gate, recorder = self._gate, self._recorder
            if late and recorder is not None:
                recorder.commit(lambda: gate.send(late))
        self._hear(void)
        recovery.go_on()

    def _reconcile(self, book: GateBook) -> None:
        """Compare with the venue; one that does not answer is asked by the gate until it does."""
        assert self._run is not None
        assert self._header is not None
        try:
            rows, told = reckon(
                self._run.execution, book, self.venue, self._header.since_ns, self.clock.now_ns()
            )
        except VenueError as error:
            self._notifier.alarm("not reconciled yet", str(error))
            return
        self._hear(told)
        for row in rows:
            logger.warning("{}: ours {}, the venue's {}: {}", *msgspec.structs.astuple(row))

    def _keep_time(self) -> None:
        """Follow the venue's clock."""
        while not self._wall.wait(self._closed, _SYNC_SECONDS):
            try:
                self.clock.sync(self.venue.time())
            except VenueError:
                continue  # it goes on as it went

    def _record_input(self, message: Message) -> None:
        recorder, header = self._recorder, self._header
        assert recorder is not None, "the run begins after its journal"
        assert header is not None
        if self._recovery is not None and self._recovery.has_record_of(message.sequence):
            return
        session = self._session_of(message)
        if session is not None and session != self._part_of:
            self._part_of = session
            recorder.begin_part(header.as_dict())
        recorder.record_input(message)
        for event in message.events if isinstance(message, BrokerNews) else ():
            if isinstance(event, Halted) and event.source in _ALARMING:
                name = "" if event.symbol < 0 else f"{self._config.symbols[event.symbol]}: "
                self._notifier.alarm("halted", name + event.reason)

    def _session_of(self, message: Message) -> TradingSession | None:
        """Whose part an input belongs to, where it begins one."""
        if isinstance(message, Bars) and message.block.spans:
            return message.block.spans[-1].session
        return None if self._part_of is not None else self._header_sessions()[0]

    def _header_sessions(self) -> list[TradingSession]:
        if self._header is None:
            raise NotFoundError("The run has no header yet.")
        return self._header.sessions

    def _hear(self, events: tuple[OrderEvent, ...]) -> None:
        for event in events:
            self.inbox.put(event)

    def lose(self, reason: str) -> None:
        """Somebody else trades the account: nothing opens here any more."""
        self._notifier.alarm("account lost", reason)
        self.halt(reason)

    def _on_disk_trouble(self, error: Exception) -> None:
        """Nothing can be made durable: no order leaves any more but what the gate itself closes."""
        self._notifier.alarm("journal failed", str(error))
        if self._gate is not None:
            self._gate.halt(f"the journal cannot be written: {error}")
        self.inbox.put(Command(HALT, "the journal cannot be written"))

    # -- commands --------------------------------------------------------------------------------

    def pause(self) -> None:
        """Entries are refused; the run streams on."""
        self.inbox.put(Command(PAUSE))

    def resume(self) -> None:
        """Entries pass again."""
        self.inbox.put(Command(RESUME))

    def halt(self, reason: str) -> None:
        """Exits only, at the gate at once, also while a strategy hangs."""
        if self._gate is not None:
            self._gate.halt(reason)
        self.inbox.put(Command(HALT, reason))

    def kill(self, mode: str, end: Callable[[], None]) -> None:
        """The gate latches and acts at once; a simulated broker is told as an input.

        When that is done, or cannot be in time, `end` ends the stream.
        """
        if self._gate is not None:
            self._gate.kill(mode, "killed")
        else:
            self.inbox.put(Command(KILL, mode))
        self._end_when_done(mode, end)

    def stop(self, end: Callable[[], None]) -> None:
        """Cancel entries, do with positions as the config says, then `end` the stream.

        Returns at once, and may be asked twice: the second time it ends without more ado.
        """
        if not self._stopping.acquire(blocking=False):
            self._end(end)
            return
        mode = self._config.lived.on_stop
        self.inbox.put(Command(STOP, mode))
        self._end_when_done(mode, end)

    def _end_when_done(self, mode: str, end: Callable[[], None]) -> None:
        def wait() -> None:
            never = threading.Event()
            for _ in range(int(_LONGEST_STOP_SECONDS / _LOOK_SECONDS)):
                self._wall.wait(never, _LOOK_SECONDS)
                if self._run is not None and has_stopped(self._run.execution, mode):
                    break
            self._end(end)

        threading.Thread(target=wait, name="run stopping", daemon=True).start()

    def _end(self, end: Callable[[], None]) -> None:
        end()
        if self._feed is not None:
            self._feed.stop()

    def close(self, reason: str, error: str) -> None:
        """The run has ended, with an error or "": no more calls, and a journal that says so."""
        if error:
            self._notifier.alarm("run failed", error)
        if error and self._gate is not None:
            self._gate.kill(self._config.lived.on_error, f"the run {reason}")
            self._wall.wait(threading.Event(), 1.0)
        if self._gate is not None:
            left = self._gate.stop()
            if left:
                self._notifier.alarm("gate", f"never called: {', '.join(left)}")
        if self._recorder is not None:
            self._recorder.close({"ended": reason}, ended=not error)
        self._closed.set()
        self._errands.close(5.0)
        self._alarms.notify = None
        self._notifier.stop()
        self.venue.close()
        if self._keeper is not None:
            self._keeper.close()
        logger.info("The line to the venue is closed: {}", reason)
