"""A live run's means in the simulator: its threads are events, its disk is memory."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.core.inbox import Heard, Inbox
from app.core.seams import Notifier
from app.core.venue import Venue, VenueTime
from app.managers.data_manager.errands import Errand
from app.managers.execution_manager.gate.calls import Call
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.time_manager import WallClock
from app.managers.time_manager.clock import OffsetClock
from app.repositories.journal_file import JournalWriter
from app.threads.live.order_gate import OrderGate, Report, ask_venue
from app.threads.live.recorder import Recorder
from tests.faults.venue_side import Link
from tests.faults.world import MILLISECOND, SECOND, World
from tests.memory_disk import MemoryDisk

_IDLE_NS = 50 * MILLISECOND


def keep_none(call: Call, hear: Callable[[], None]) -> bool:
    """No answer is kept back: each is heard in its time."""
    return False


class SteppedInbox(Inbox):
    """Waiting for it has the world go on."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def take(self, timeout_seconds: float) -> list[Heard]:
        until_ns = self._world.now_ns + int(timeout_seconds * SECOND) + 1
        while not len(self) and not self._woken:
            if not self._world.step(until_ns):
                break
        return super().take(0.0)


class SteppedRecorder(Recorder):
    """Its thread comes by a little later, as a thread does."""

    def __init__(
        self, writer: JournalWriter, on_failure: Callable[[Exception], None], means: "SimMeans"
    ) -> None:
        super().__init__(writer, on_failure)
        self._means = means
        self._due = [False, False]  # a look now and then, and a commit's

    def start(self) -> None:
        """Nothing runs by itself."""

    def record(self, kind: int, sequence: int, payload: bytes) -> None:
        super().record(kind, sequence, payload)
        self._flush_soon(0, _IDLE_NS)

    def commit(self, then: Callable[[], None]) -> None:
        super().commit(then)
        self._flush_soon(1, self._means.world.some_ns(12 * MILLISECOND))

    def _flush_soon(self, which: int, delay_ns: int) -> None:
        if not self._due[which]:
            self._due[which] = True

            def flush() -> None:
                self._due[which] = False
                if not self._means.link.is_dead and not self._closed:
                    self.flush()

            self._means.world.after(delay_ns, flush)


class SteppedGate(OrderGate):
    """Each call is made, answered and waited for as events."""

    def listen(self, means: "SimMeans", on_begin: Callable[[Call], None]) -> None:
        """Whose gate it is."""
        self._means, self._on_begin = means, on_begin
        self._book_due_ns: int | None = None
        self._known_due = False
        means.world.sources.append((self._due_ns, self._tick))

    def begin(self, call: Call) -> bool:
        self._known_due = False
        return super().begin(call)

    def _enter(self, step: Callable[[int], None]) -> None:
        self._known_due = False
        super()._enter(step)

    def put(self, calls: Sequence[Call]) -> None:
        for call in calls:
            self._put(call)

    def _put(self, call: Call) -> None:
        world = self._means.world
        world.after(world.some_ns(3 * MILLISECOND), lambda: self._begin(call))

    def _start_threads(self) -> None:
        """There are none."""

    def _is_over(self) -> bool:
        return self._means.link.is_dead or self._stopped.is_set()

    def _begin(self, call: Call) -> None:
        world = self._means.world
        if not self._is_over() and self.begin(call):
            self._on_begin(call)
            world.after(world.some_ns(20 * MILLISECOND), lambda: self._serve(call))

    def _serve(self, call: Call) -> None:
        means, link = self._means, self._means.link
        if link.is_dead and means.is_lost():
            return  # with its program, before it was on its way
        was_dead, link.is_dead = link.is_dead, False
        answer = ask_venue(self._venue, call)
        link.is_dead = was_dead
        delay_ns = round(link.took_seconds * SECOND) + means.world.some_ns(means.answer_ns)

        def hear() -> None:
            if not self._is_over():
                means.on_answer(call, answer)
                self.answered(call, answer)

        if not means.keep_answer(call, hear):
            means.world.after(delay_ns, hear)

    def _due_ns(self) -> int | None:
        if self._is_over() or self._stream is None:
            return None
        if not self._known_due:  # the book knows of nothing new since then
            self._book_due_ns, self._known_due = self.due_ns(), True
        due_ns = self._book_due_ns
        if due_ns is None:
            return None
        wait_ns = int(self._clock_seconds_until(due_ns) * SECOND) + 1
        return self._means.world.now_ns + wait_ns

    def _clock_seconds_until(self, at_ns: int) -> float:
        clock = self._clock
        assert isinstance(clock, OffsetClock)
        return clock.seconds_until(at_ns)

    def _tick(self) -> None:
        if not self.tick():
            self._means.on_defect()


class SimWall(WallClock):
    """The machine's clock, simulated."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_ns(self) -> int:
        return self._world.now_ns + self._world.wall_ahead_ns

    def monotonic_ns(self) -> int:
        return self._world.now_ns


class SimMeans(LiveMeans):
    """Of one life of the program."""

    def __init__(self, world: World, link: Link, disk: MemoryDisk) -> None:
        super().__init__(SimWall(world), lambda: None)
        self.world = world
        self.link = link
        self.disk = disk
        self.is_closed = False
        self.answer_ns = 20 * MILLISECOND
        self.made_recorder: SteppedRecorder | None = None
        self.made_gate: SteppedGate | None = None
        self.on_begin: Callable[[Call], None] = lambda call: None
        self.on_answer: Callable[[Call, object], None] = lambda call, answer: None
        # whether an answer is kept back; who keeps it has it heard
        self.keep_answer: Callable[[Call, Callable[[], None]], bool] = keep_none
        self.on_defect: Callable[[], None] = lambda: None

    def is_lost(self) -> bool:
        """Whether what was on its way out of a dying program is lost."""
        return self.world.random.random() < 0.5

    def clock(self, told: VenueTime) -> OffsetClock:
        return OffsetClock(told, lambda: self.world.now_ns)

    def inbox(self) -> Inbox:
        return SteppedInbox(self.world)

    def run_errand(self, errand: Errand) -> None:
        def run() -> None:
            if not self.link.is_dead:
                errand()

        self.world.after(self.world.some_ns(30 * MILLISECOND), run)

    def recorder(self, folder: Path, on_failure: Callable[[Exception], None]) -> Recorder:
        writer = JournalWriter(folder, self.disk)
        self.made_recorder = SteppedRecorder(writer, on_failure, self)
        return self.made_recorder

    def gate(
        self,
        book: GateBook,
        venue: Venue,
        clock: OffsetClock,
        report: Report,
        notifier: Notifier,
        rate: float,
    ) -> OrderGate:
        gate = SteppedGate(book, venue, clock, report, notifier, rate)
        gate.listen(self, self.on_begin)
        self.made_gate = gate
        return gate

    def when(
        self, is_done: Callable[[], bool], then: Callable[[], None], longest_seconds: float
    ) -> None:
        until_ns = self.world.now_ns + round(longest_seconds * SECOND)

        def look() -> None:
            if self.link.is_dead:
                return
            if is_done() or self.world.now_ns >= until_ns:
                then()
            else:
                self.world.after(_IDLE_NS, look)

        self.world.after(_IDLE_NS, look)

    def repeat(self, every_seconds: float, what: Callable[[], None]) -> None:
        def again() -> None:
            if not self.link.is_dead and not self.is_closed:
                what()
                self.world.after(round(every_seconds * SECOND), again)

        self.world.after(round(every_seconds * SECOND), again)

    def wait_until(self, is_done: Callable[[], bool], longest_seconds: float) -> None:
        until_ns = self.world.now_ns + round(longest_seconds * SECOND)
        while not is_done() and self.world.now_ns < until_ns:
            self.world.let_pass(0.05)

    def close(self) -> None:
        self.is_closed = True
