"""Workers: the stages of the stream, each a plain step; and the pipeline that runs them.

A step knows nothing of threads. The same steps run in a pool, one thread a worker with a bounded
queue between each two, or inline on the caller's thread. Either way every worker gets exactly one
`EndOfStream`, as its last message, unless it failed itself.
"""

import decimal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal

import msgspec

from app.core.errors import RunTimeoutError, StateError
from app.core.messages import EndOfStream
from app.core.run_states import FAILED, FINISHED, INTERRUPTED, KILLED, STOPPED
from app.managers.time_manager.clock import WallClock
from app.threads.machine.affinity import stay_on, this_processor
from app.threads.machine.queues import RowQueue

Emit = Callable[[Any], bool]

_POLL_SECONDS = 0.1
_KILL_SECONDS = 5.0
_now_ns = WallClock().monotonic_ns


class Worker(ABC):
    """One stage. Only the thread that runs it calls `step`."""

    name: ClassVar[str]

    @abstractmethod
    def step(self, message: Any) -> Iterable[Any]:
        """Take one message, give those that follow from it; `EndOfStream` is passed on for it."""


class Head(Worker):
    """The first worker: the only one that can end the stream early."""

    def __init__(self) -> None:
        # Reentrant, so that a signal handler may stop the head on the very thread that runs it.
        self._control = threading.Condition(threading.RLock())
        self.stop_reason: str | None = None

    def stop(self, reason: str) -> None:
        """End the stream before its next message; from any thread, also before the start."""
        with self._control:
            if self.stop_reason is None:
                self.stop_reason = reason
            self._control.notify_all()


class Failure(msgspec.Struct, frozen=True):
    """What ended a pipeline early: the worker that raised, and its error."""

    worker: str
    error: BaseException


def prepare_thread() -> None:
    """Set the Decimal context this thread computes with; new threads start with another."""
    decimal.setcontext(
        decimal.Context(
            prec=50,
            rounding=decimal.ROUND_HALF_EVEN,
            traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
        )
    )


class Pipeline:
    """Runs workers in order over a source of messages, once.

    `run` returns the reason the stream ended with: that of its `EndOfStream`, or "failed" when a
    worker raised; `cause` then says which and why. What was thrown away is named in `dropped`.
    `spent_ns` is the time inside each worker's steps, a paced head's waits included.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        runner: Literal["pool", "inline"],
        bound_rows: int,
        stop_seconds: float = 30.0,
        one_processor: bool = False,
    ) -> None:
        if not workers or not isinstance(workers[0], Head):
            raise StateError("A pipeline needs workers, and the first of them to be its head.")
        self._head: Head = workers[0]
        self._workers = tuple(workers)
        self._runner = runner
        self._bound_rows = bound_rows
        self._stop_seconds = stop_seconds
        self._one_processor = one_processor
        self._started = threading.Lock()
        self._failing = threading.Lock()
        self._killed = self._hurried = False
        self.cause: Failure | None = None
        self.threads: dict[str, int] = {}  # by worker, that of the one that runs it
        self.dropped: tuple[str, ...] = ()
        self._queues: list[RowQueue[Any]] = []  # before each worker but the first, in a pool
        self.was_interrupted = False  # by a Ctrl+C that came to the thread that waits for it
        self.is_left_behind = False  # a worker did not end, and may go on with what it has
        # Of a pool's workers, in order. An interrupted `join` may take a thread for ended.
        self._ends: list[threading.Event] = []
        self.spent_ns = dict.fromkeys(["source", *(worker.name for worker in workers)], 0)

    def stop(self, reason: str) -> None:
        """End the stream in order, from any thread: what is under way is worked off."""
        self._head.stop(reason)

    def hurry(self) -> None:
        """A kill has been asked for: hooks that take their time are interrupted soon."""
        self._hurried = True

    @property
    def is_hurried(self) -> bool:
        return self._hurried or self._killed

    def waiting_rows(self) -> dict[str, int]:
        """What waits before each worker but the first; nothing does on one thread."""
        workers = zip(self._workers[1:], self._queues, strict=False)
        return {worker.name: queue.rows for worker, queue in workers}

    @property
    def stop_reason(self) -> str | None:
        """Why the stream was asked to end, once it was."""
        return self._head.stop_reason

    @property
    def is_stopping(self) -> bool:
        """Whether the stream was asked to end."""
        return self.stop_reason is not None

    @property
    def goes_on(self) -> bool:
        """Whether a worker of a pool is under way still."""
        return not all(end.is_set() for end in self._ends)

    def kill(self, reason: str) -> None:
        """End the stream, and soon: who does not end is left behind, and no error is a cause."""
        self._killed = True
        self._stop_seconds = min(self._stop_seconds, _KILL_SECONDS)
        self._head.stop(reason)

    def abandon(self, worker: str, error: BaseException) -> None:
        """A worker will not end: fail with this, and wait for it no longer. A pool can do so."""
        self._stop_seconds = 0.0
        self.fail(worker, error)

    def run(self, source: Iterable[Any]) -> str:
        """Run the source through all workers, and wait for the last."""
        if not self._started.acquire(blocking=False):
            raise StateError("This pipeline has run already; build another one.")
        ended: list[str] = []

        def sink(message: object) -> bool:
            if isinstance(message, EndOfStream):
                ended.append(message.reason)
            return True

        if self._runner == "pool":
            self._run_pool(source, sink)
        else:
            self._run_inline(source, sink)
        if self.cause is not None:
            return FAILED
        return ended[0] if ended else self._head.stop_reason or KILLED

    def _run_inline(self, source: Iterable[Any], sink: Emit) -> None:
        emit = sink
        for worker in reversed(self._workers[1:]):
            emit = _Stage(self, worker, emit).take
        first = _Stage(self, self._head, emit)
        self.threads = dict.fromkeys(self.spent_ns, threading.get_ident())
        with decimal.localcontext():
            prepare_thread()
            first.take_all(self._inputs(source))

    def _run_pool(self, source: Iterable[Any], sink: Emit) -> None:
        queues = self._queues = [RowQueue(self._bound_rows) for _ in self._workers[1:]]
        inputs: list[Iterable[Any]] = [self._inputs(source), *queues]
        threads = []
        processor = this_processor() if self._one_processor else None
        for place, worker in enumerate(self._workers):
            inbox = queues[place - 1] if place else None
            outbox = queues[place] if place < len(queues) else None
            stage = _Stage(self, worker, outbox.put if outbox is not None else sink)
            self._ends.append(end := threading.Event())
            body = self._thread_body(stage, inputs[place], inbox, outbox, end, processor)
            threads.append(threading.Thread(target=body, name=worker.name, daemon=True))
        try:
            for thread in threads:
                thread.start()
            self._wait(queues)
        except KeyboardInterrupt:  # as they were started, or the second one
            self.stop(INTERRUPTED)  # what has begun ends by itself
            raise
        self.dropped = tuple(
            f"{queue.dropped_messages} messages ({queue.dropped_rows} rows) to {worker.name}"
            for queue, worker in zip(queues, self._workers[1:], strict=True)
            if queue.dropped_messages
        )

    def _thread_body(
        self,
        stage: "_Stage",
        inputs: Iterable[Any],
        inbox: RowQueue[Any] | None,
        outbox: RowQueue[Any] | None,
        end: threading.Event,
        processor: int | None,
    ) -> Callable[[], None]:
        def body() -> None:
            self.threads[stage.worker.name] = threading.get_ident()
            prepare_thread()
            stay_on(processor)
            try:
                stage.take_all(inputs)
            finally:
                if inbox is not None:
                    inbox.drop()
                if outbox is not None:
                    outbox.close()
                end.set()

        return body

    def _inputs(self, source: Iterable[Any]) -> Iterator[Any]:
        """The source until it ends or the head is stopped, closed by the one end of the stream."""
        messages = iter(source)
        while self._head.stop_reason is None:
            begin_ns = _now_ns()
            try:
                message = next(messages)
            except StopIteration:
                break
            finally:
                self.spent_ns["source"] += _now_ns() - begin_ns
            yield message
        yield EndOfStream(self._head.stop_reason or FINISHED)

    def _wait(self, queues: Sequence[RowQueue[Any]]) -> None:
        """Wait for all; after a stop for no longer than `stop_seconds`, then name who hangs."""
        waited = 0.0
        while alive := [place for place, end in enumerate(self._ends) if not end.is_set()]:
            try:
                self._ends[alive[0]].wait(_POLL_SECONDS)
            except KeyboardInterrupt:
                self.was_interrupted = True
                if self._head.stop_reason is not None:
                    raise  # asked for twice: whoever does not end is left behind
                self.stop(INTERRUPTED)
            if self._head.stop_reason is None:
                continue
            waited += _POLL_SECONDS
            if waited > self._stop_seconds:
                self.is_left_behind = True
                stuck = self._workers[alive[-1]].name  # those before may be waiting for it
                text = (
                    f"did not end within {self._stop_seconds:g} s of the stop and was left behind."
                )
                self.fail(stuck, RunTimeoutError(f"Worker '{stuck}' {text}"))  # unless one has
                for queue in queues:
                    queue.drop()
                return

    def fail(self, worker: str, error: BaseException) -> str:
        """Keep the first error as the cause, have the head end the stream, and say why it ends."""
        reason = INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
        with self._failing:
            if self._killed and self.cause is None:
                reason = self._head.stop_reason or reason
            elif self.cause is None and reason == FAILED:
                self.cause = Failure(worker, error)
        self._head.stop(reason)
        return reason


class _Stage:
    """One worker at its place: the same conduct on a thread of its own and inline."""

    def __init__(self, pipeline: Pipeline, worker: Worker, emit: Emit) -> None:
        self._pipeline = pipeline
        self.worker = worker
        self._emit = emit
        self._ended = False

    def take_all(self, messages: Iterable[Any]) -> None:
        """Take messages until the stream ends here; an error of their source is this worker's."""
        try:
            for message in messages:
                if not self.take(message):
                    return
        except BaseException as error:
            self._fail(error)

    def take(self, message: Any) -> bool:
        """One step; False once this worker takes no more. No error of the worker leaves it."""
        if not self._ended:
            try:
                self._ended = not self._step(message)
            except BaseException as error:
                self._fail(error)
        return not self._ended

    def _step(self, message: Any) -> bool:
        last = isinstance(message, EndOfStream)
        begin_ns, passing_ns = _now_ns(), 0
        try:
            for out in self.worker.step(message):
                given_ns = _now_ns()
                taken = self._emit(out)
                passing_ns += _now_ns() - given_ns
                if isinstance(out, EndOfStream) or not taken:
                    if not last:
                        self._pipeline.stop(getattr(out, "reason", STOPPED))
                    return False
        finally:
            self._pipeline.spent_ns[self.worker.name] += _now_ns() - begin_ns - passing_ns
        if last:
            self._emit(message)
        return not last

    def _fail(self, error: BaseException) -> None:
        self._ended = True
        self._emit(EndOfStream(self._pipeline.fail(self.worker.name, error)))
