"""The OrderGate: the live Broker, a thin shell of threads round the gate's book.

The book is entered under one lock. Calls on the venue block, so each kind has threads of its own:
a placement that hangs holds up no cancel and no question, and a stuck strategy holds up nothing.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from loguru import logger

from app.core.halts import ALL_SYMBOLS
from app.core.order_events import Intent, OrderEvent
from app.core.seams import Clock, Notifier
from app.core.venue import MarketItem, OrderItem, Stream, Venue, VenueRefused, VenueUnclear
from app.managers.execution_manager.gate.calls import (
    AmendCall,
    Answer,
    Call,
    CancelCall,
    ExecutionsCall,
    GateStatus,
    OpenOrdersCall,
    OrderCall,
    PlaceCall,
    SizesCall,
)
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.reconcile import Difference, VenueSays, recheck
from app.managers.execution_manager.gate.splits import ComingSplit
from app.threads.live.lanes import Lanes
from app.threads.machine.brief_lock import BriefLock
from app.threads.worker import prepare_thread

Report = Callable[[tuple[OrderEvent, ...]], object]

PLACING, RESCUING, ASKING = "placing", "rescuing", "asking"
LANES: Final = {PLACING: 2, RESCUING: 8, ASKING: 1}  # threads each
_NEVER_NS: Final = 1 << 62
_LONGEST_WAIT_SECONDS = 1.0  # of the timer, so that a clock set back costs no more than this
_LONGEST_UNHEARD_SECONDS = 0.005  # answers wait so long at most while calls that rescue wait,
_HEARD_AT_ONCE = 32  # and then so many hold up no such call for long


def ask_venue(venue: Venue, call: Call) -> Answer:
    """Make a call, on whatever thread; what an adapter did not foresee is unclear."""
    try:
        return _ask(venue, call)
    except (VenueRefused, VenueUnclear) as answer:
        return answer
    except Exception as error:
        logger.opt(exception=True).error(f"The adapter failed: {error}")
        return VenueUnclear(f"The adapter failed: {error}")


def _ask(venue: Venue, call: Call) -> Answer:
    if isinstance(call, PlaceCall):
        return venue.place(call.order)
    if isinstance(call, CancelCall):
        return venue.cancel(call.client_id, call.symbol)
    if isinstance(call, AmendCall):
        return venue.amend(call.client_id, call.terms, call.symbol)
    if isinstance(call, OrderCall):
        return venue.order(call.client_id, call.symbol)
    if isinstance(call, OpenOrdersCall):
        return venue.open_orders()
    if isinstance(call, ExecutionsCall):
        return venue.executions(call.since_ns)
    if isinstance(call, SizesCall):
        return venue.sizes(call.symbol)
    return venue.positions()


def _rescues(call: Call) -> bool:
    return isinstance(call, CancelCall) or (isinstance(call, PlaceCall) and call.closes)


def _lane(call: Call) -> str:
    if _rescues(call):
        return RESCUING
    return PLACING if isinstance(call, PlaceCall | AmendCall) else ASKING


class OrderGate:
    """`report` takes what the stream must hear, each batch in order.

    It must not block, and not call the gate. `clock` is the session's wall clock, and `rate`
    says how fast that runs.
    """

    def __init__(
        self,
        book: GateBook,
        venue: Venue,
        clock: Clock,
        report: Report,
        notifier: Notifier,
        rate: float = 1.0,
    ) -> None:
        self._book = book
        self._venue = venue
        self._clock = clock
        self._report = report
        self._notifier = notifier
        self._rate = rate
        self._lock = BriefLock()
        self._reporting = threading.Lock()  # what left the book first is reported first
        self._timer_ns = _NEVER_NS  # what the timer waits for
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._lanes = Lanes(LANES, self._make)
        self._pressing = 0  # calls that cancel or close, and have not left yet
        self._answers: deque[tuple[Call, Answer]] = deque()  # given, and not heard yet
        self._timer = threading.Thread(target=self._keep_time, name="gate timer", daemon=True)
        self._stream: Stream | None = None

    # Commands, from any thread

    def start(self) -> None:
        """Listen to the venue and begin, once the book is reconciled; nothing after a `stop`."""
        if self._stopped.is_set():
            return
        self._start_threads()
        self._enter(self._book.recover)
        self._stream = self._venue.order_stream(self._take_item)

    def stop(self, seconds: float = 5.0) -> tuple[str, ...]:
        """Make no further calls; what was never made, and which threads hang, is named."""
        self._stopped.set()
        self._wake.set()
        if self._stream is not None:
            self._stream.close()
        left = self._lanes.stop(seconds)
        while self._answers:
            self._react(self._hear_some)
        if self._timer.is_alive() and self._timer is not threading.current_thread():
            self._timer.join(seconds)
        return left

    def send(self, intents: Sequence[Intent]) -> None:
        """Intents, once they are durable."""
        self._enter(lambda now_ns: self._book.send(intents, now_ns))

    def expect(self, coming: Sequence[ComingSplit]) -> None:
        """Splits that the venue may make before the run does."""
        self._enter(lambda _: self._book.expect(coming))

    def kill(self, mode: str, reason: str) -> None:
        """Latch, then "flatten" or "freeze"."""
        self._enter(lambda now_ns: self._book.kill(mode, reason, now_ns))

    def halt(self, reason: str, symbol: int = ALL_SYMBOLS) -> None:
        """Exits only."""
        self._enter(lambda _: self._book.halt(reason, symbol))

    def lift(self, reason: str, halted: Mapping[str, str]) -> None:
        """Entries again where a status told of these halts, as far as the kill latch lets them."""
        self._enter(lambda _: self._book.lift(reason, halted))

    def look_again(self, says: VenueSays) -> list[Difference]:
        """What still stands against that, by an answer of the venue's; nothing is halted by it."""
        rows: list[Difference] = []
        self._enter(lambda now_ns: rows.extend(recheck(self._book, says, now_ns)))
        return rows

    def status(self) -> GateStatus:
        """How things stand; from any thread."""
        with self._lock:
            return self._book.status()

    # What the threads do; a simulator does it on its own

    def begin(self, call: Call) -> bool:
        """Whether a call may still be made; asked just before."""
        with self._lock:
            self._pressing -= _rescues(call)
            may = self._book.begin(call, self._clock.now_ns())
        if not may:
            self._react(lambda _: None)  # why not is told
        return may

    def answered(self, call: Call, answer: Answer) -> None:
        """What came of a call."""
        self._react(lambda now_ns: self._book.answered(call, answer, now_ns))

    def due_ns(self) -> int | None:
        """When `tick` has something to do, by the session's wall clock."""
        with self._lock:
            return self._book.due_ns()

    def tick(self) -> bool:
        """Time has passed; False where the book failed."""
        return self._react(self._book.tick)

    def put(self, calls: Sequence[Call]) -> None:
        """Have calls made soon."""
        by_lane: dict[str, list[Call]] = {}
        for call in calls:
            by_lane.setdefault(_lane(call), []).append(call)
        for lane, own in by_lane.items():
            self._lanes.put(lane, own)

    # The threads

    def _start_threads(self) -> None:
        self._lanes.start()
        self._timer.start()

    def _take_item(self, item: MarketItem | OrderItem) -> None:
        if isinstance(item, OrderItem):
            self._react(lambda now_ns: self._book.streamed(item, now_ns))

    def _make(self, made: object) -> None:
        """On a lane's thread: one call, if it may still be made. Calls that rescue go before
        hearing what came of others.
        """
        call = cast(Call, made)
        if self.begin(call):
            answer = ask_venue(self._venue, call)
            is_first = not self._answers
            self._answers.append((call, answer))
            if is_first and self._pressing:
                self._wake.set()  # the timer hears it, if nobody does
        while self._answers and not self._pressing:
            self._react(self._hear_some)

    def _hear_some(self, now_ns: int) -> None:
        for _ in range(_HEARD_AT_ONCE):
            if self._answers:
                call, answer = self._answers.popleft()
                self._book.answered(call, answer, now_ns)

    def _react(self, step: Callable[[int], None]) -> bool:
        """Enter on a thread of the gate's own, where a defect must neither pass nor end it."""
        try:
            self._enter(step)
        except Exception as error:
            logger.opt(exception=True).error(f"The gate failed: {error}")
            self.halt(f"The gate failed: {error}")
            return False
        return True

    def _enter(self, step: Callable[[int], None]) -> None:
        """Step the book, and let out what came of it: calls first, for somebody may wait."""
        with self._reporting:
            with self._lock:
                step(self._clock.now_ns())
                out = self._book.take()
                self._pressing += sum(map(_rescues, out.calls))
                due_ns = self._book.due_ns()
            if out.calls:
                self.put(out.calls)
            if out.events:
                self._report(tuple(out.events))
        if due_ns is not None and due_ns < self._timer_ns:
            self._wake.set()
        for alarm in out.alarms:
            self._notifier.alarm(alarm.what, alarm.details)

    def _keep_time(self) -> None:
        prepare_thread()
        while not self._stopped.is_set():
            self._wake.clear()
            with self._lock:
                due_ns = self._book.due_ns()
                self._timer_ns = _NEVER_NS if due_ns is None else due_ns
            now_ns = self._clock.now_ns()
            if due_ns is not None and due_ns <= now_ns:
                if self.tick():
                    continue
                due_ns = None  # not again at once
            wait = _LONGEST_WAIT_SECONDS
            if due_ns is not None and self._rate:  # at 0 its clock stands still
                wait = min(wait, (due_ns - now_ns) / 1e9 / self._rate)
            is_unheard = bool(self._answers)
            self._wake.wait(min(wait, _LONGEST_UNHEARD_SECONDS) if is_unheard else wait)
            if is_unheard:
                self._react(self._hear_some)
