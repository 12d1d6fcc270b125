"""The pipeline: pool and inline are the same, nothing hangs, and no failure is silent."""

import decimal
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import RunTimeoutError, StateError, StrategyError
from app.core.messages import EndOfStream
from app.threads.worker import Failure, Head, Pipeline, Worker

Runner = Literal["pool", "inline"]
RUNNERS: list[Runner] = ["pool", "inline"]
both = pytest.mark.parametrize("runner", RUNNERS)
pytestmark = pytest.mark.timeout(20)


class Source(Head):
    """A head that passes everything on."""

    name = "source head"

    def step(self, message: Any) -> Iterable[Any]:
        return (message,)


class Step(Worker):
    """Gives `copies` of each number, plus how many it has seen; raises at the `fails_at`-th."""

    name = "step"

    def __init__(self, copies: int = 1, fails_at: int | None = None, seconds: float = 0.0) -> None:
        self.copies, self.fails_at, self.seconds = copies, fails_at, seconds
        self.seen: list[Any] = []

    def step(self, message: Any) -> Iterator[Any]:
        self.seen.append(message)
        if self.fails_at is not None and len(self.seen) > self.fails_at:
            raise ArithmeticError(f"at {self.fails_at}")
        if self.seconds:
            time.sleep(self.seconds)
        if not isinstance(message, EndOfStream):
            for copy in range(self.copies):
                yield message * 3 + copy + len(self.seen)


class Last(Step):
    """Gives nothing; what it has seen is what came through."""

    name = "last"

    def step(self, message: Any) -> Iterator[Any]:
        for _ in super().step(message):
            pass
        yield from ()


def ends_seen(worker: Step) -> list[str]:
    return [message.reason for message in worker.seen if isinstance(message, EndOfStream)]


programs = st.lists(st.integers(0, 3), max_size=3)


@given(programs, st.lists(st.integers(0, 99), max_size=30), st.integers(1, 20))
@settings(max_examples=40)
def test_a_pool_gives_what_inline_gives(copies: list[int], source: list[int], bound: int) -> None:
    seen = []
    for runner in RUNNERS:
        last = Last()
        pipeline = Pipeline([Source(), *(Step(n) for n in copies), last], runner, bound)
        assert pipeline.run(source) == "finished"
        assert (pipeline.cause, pipeline.dropped) == (None, ())
        seen.append(last.seen)
    assert seen[0] == seen[1]
    assert seen[0][-1] == EndOfStream("finished")


@given(
    st.sampled_from(RUNNERS),
    st.integers(0, 2),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(1, 5),
)
@settings(max_examples=60)
def test_wherever_a_worker_raises_the_rest_ends_in_order(
    runner: Runner, place: int, fails_at: int, messages: int, bound: int
) -> None:
    steps: list[Step] = [Step(2), Step(), Last()]
    steps[place].fails_at = fails_at
    pipeline = Pipeline([Source(), *steps], runner, bound)
    reason = pipeline.run(range(messages))
    if pipeline.cause is None:
        assert reason == "finished"
        assert [ends_seen(step) for step in steps] == [["finished"]] * 3
        return
    assert reason == "failed"
    assert (pipeline.cause.worker, str(pipeline.cause.error)) == (
        steps[place].name,
        f"at {fails_at}",
    )
    for step in steps[place + 1 :]:
        assert ends_seen(step) == ["failed"]
        assert isinstance(step.seen[-1], EndOfStream)


@given(st.sampled_from(RUNNERS), st.floats(0, 0.004), st.integers(1, 5))
@settings(max_examples=25)
def test_whenever_a_run_is_stopped_it_ends_with_that_reason(
    runner: Runner, seconds: float, bound: int
) -> None:
    last = Last(seconds=0.0002)
    pipeline = Pipeline([Source(), Step(2), last], runner, bound)
    stopper = threading.Timer(seconds, pipeline.stop, ["stopped"])
    stopper.start()
    assert pipeline.run(iter(int, 1)) == "stopped"  # a source without end
    stopper.join()
    assert ends_seen(last) == ["stopped"]
    assert (pipeline.cause, pipeline.dropped) == (None, ())


@both
def test_a_stop_before_the_start_is_kept_and_the_source_left_alone(runner: Runner) -> None:
    last, source = Last(), iter([1, 2])
    pipeline = Pipeline([Source(), last], runner, 5)
    pipeline.stop("stopped")
    assert pipeline.run(source) == "stopped"
    assert last.seen == [EndOfStream("stopped")]
    assert list(source) == [1, 2]


@both
def test_the_first_reason_to_stop_counts(runner: Runner) -> None:
    pipeline = Pipeline([Source(), Last()], runner, 5)
    pipeline.stop("timeout")
    pipeline.stop("stopped")
    assert pipeline.run([]) == "timeout"


@both
def test_an_error_of_the_source_is_the_heads(runner: Runner) -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("disk gone")

    last = Last()
    pipeline = Pipeline([Source(), last], runner, 5)
    assert pipeline.run(source()) == "failed"
    assert pipeline.cause is not None
    assert (pipeline.cause.worker, str(pipeline.cause.error)) == ("source head", "disk gone")
    assert last.seen == [1, EndOfStream("failed")]


@both
@pytest.mark.parametrize(
    ("error", "reason"), [(SystemExit(3), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_a_worker_that_wants_to_end_the_process_ends_the_run(
    runner: Runner, error: BaseException, reason: str
) -> None:
    class Leaver(Step):
        def step(self, message: Any) -> Iterator[Any]:
            raise error
            yield

    last = Last()
    pipeline = Pipeline([Source(), Leaver(), last], runner, 5)
    assert pipeline.run([1]) == reason
    assert (pipeline.cause is None) == (reason == "interrupted")
    assert ends_seen(last) == [reason]


@both
def test_a_worker_may_end_the_stream_itself(runner: Runner) -> None:
    class Enough(Step):
        def step(self, message: Any) -> Iterator[Any]:
            yield message
            if message == 3:
                yield EndOfStream("stopped")
                yield 99

    last = Last()
    pipeline = Pipeline([Source(), Enough(), last], runner, 5)
    assert pipeline.run(iter(range(1_000_000))) == "stopped"
    assert last.seen == [0, 1, 2, 3, EndOfStream("stopped")]


def test_what_a_failure_leaves_unread_is_named() -> None:
    class Stuck(Step):
        name = "stuck"

        def step(self, message: Any) -> Iterator[Any]:
            filled.wait(5)
            raise ArithmeticError("late")
            yield

    filled = threading.Event()

    def source() -> Iterator[int]:
        yield from range(4)
        filled.set()

    pipeline = Pipeline([Source(), Stuck()], "pool", 100)
    assert pipeline.run(source()) == "failed"
    # one was in its hands, three waited, and so may the end of the stream
    assert pipeline.dropped in (
        ("3 messages (3 rows) to stuck",),
        ("4 messages (4 rows) to stuck",),
    )


def test_a_worker_that_will_not_end_is_named_and_left_behind() -> None:
    release = threading.Event()

    class Sleeper(Last):
        name = "sleeper"

        def step(self, message: Any) -> Iterator[Any]:
            release.wait(10)
            yield from ()

    pipeline = Pipeline([Source(), Step(), Sleeper()], "pool", 2, stop_seconds=0.2)
    stopper = threading.Timer(0.05, pipeline.stop, ["stopped"])
    stopper.start()
    assert pipeline.run(iter(int, 1)) == "failed"
    release.set()
    assert pipeline.cause is not None
    assert pipeline.cause.worker == "sleeper"
    assert isinstance(pipeline.cause.error, RunTimeoutError)
    assert "did not end within 0.2 s" in str(pipeline.cause.error)
    assert pipeline.dropped


@both
def test_every_step_computes_with_fifty_digits_and_the_caller_keeps_its_context(
    runner: Runner,
) -> None:
    class Third(Last):
        def step(self, message: Any) -> Iterator[Any]:
            self.seen.append(str(decimal.Decimal(1) / 3))
            yield from ()

    last = Third()
    before = decimal.getcontext().prec
    Pipeline([Source(), last], runner, 5).run([1])
    assert {len(text) for text in last.seen} == {52}
    assert decimal.getcontext().prec == before


@both
def test_a_signal_handler_may_stop_the_run_it_interrupts(runner: Runner) -> None:
    class Interrupted(Step):
        def step(self, message: Any) -> Iterator[Any]:
            signal.raise_signal(signal.SIGINT)
            yield message

    pipeline = Pipeline([Source(), Interrupted(), Last()], runner, 5)
    before = signal.signal(signal.SIGINT, lambda *_: pipeline.stop("interrupted"))
    try:
        assert pipeline.run(iter(int, 1)) == "interrupted"
    finally:
        signal.signal(signal.SIGINT, before)
    assert pipeline.cause is None


@both
def test_time_is_told_per_worker(runner: Runner) -> None:
    pipeline = Pipeline([Source(), Step(seconds=0.01), Last()], runner, 5)
    pipeline.run([1, 2])
    assert list(pipeline.spent_ns) == ["source", "source head", "step", "last"]
    assert pipeline.spent_ns["step"] >= 20_000_000
    assert pipeline.spent_ns["source head"] < 10_000_000


def test_what_waits_before_each_worker_can_be_asked_at_any_time() -> None:
    told: list[dict[str, int]] = []

    class Counting(Last):
        def step(self, message: Any) -> Iterator[Any]:
            told.append(pipeline.waiting_rows())
            return super().step(message)

    pipeline = Pipeline([Source(), Counting()], "pool", 3)
    assert pipeline.waiting_rows() == {}
    pipeline.run(range(20))
    assert {name for one in told for name in one} == {"last"}
    assert max(one["last"] for one in told) <= 3
    assert pipeline.waiting_rows() == {"last": 0}
    inline = Pipeline([Source(), Last()], "inline", 3)
    inline.run(range(3))
    assert inline.waiting_rows() == {}


def test_a_pipeline_runs_once_and_needs_a_head() -> None:
    pipeline = Pipeline([Source(), Last()], "inline", 5)
    pipeline.run([])
    with pytest.raises(StateError, match="has run already"):
        pipeline.run([])
    with pytest.raises(StateError, match="its head"):
        Pipeline([Last()], "inline", 5)


def test_no_thread_is_left_when_a_run_has_ended() -> None:
    before = threading.active_count()
    Pipeline([Source(), Step(), Last()], "pool", 5).run(range(10))
    assert threading.active_count() == before


class Stuck(Worker):
    """Does not return from its first message until it is let go."""

    name = "stuck"

    def __init__(self, error: Exception | None = None) -> None:
        self.began, self.let_go, self.error = threading.Event(), threading.Event(), error

    def step(self, message: Any) -> Iterator[Any]:
        self.began.set()
        self.let_go.wait(20)
        if self.error is not None:
            raise self.error
        return iter(())


def ended_by(stuck: Stuck, end: Callable[[Pipeline], None]) -> tuple[str, Pipeline]:
    """How a pool ends that is told so while its worker hangs; it does not wait for the worker."""
    pipeline = Pipeline([Source(), stuck], "pool", bound_rows=4)
    thread = threading.Thread(target=lambda: (stuck.began.wait(10), end(pipeline)))
    thread.start()
    reason = pipeline.run(iter([1, 2]))
    thread.join()
    return reason, pipeline


def test_a_killed_pool_leaves_a_stuck_worker_behind_and_was_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.threads.worker._KILL_SECONDS", 0.3)
    stuck = Stuck()
    reason, pipeline = ended_by(stuck, lambda one: one.kill("killed"))
    assert (reason, pipeline.cause) == ("killed", None)
    stuck.let_go.set()


def test_an_error_of_a_worker_that_was_killed_is_no_cause() -> None:
    stuck = Stuck(ZeroDivisionError())

    def end(pipeline: Pipeline) -> None:
        pipeline.kill("killed")
        stuck.let_go.set()

    reason, pipeline = ended_by(stuck, end)
    assert (reason, pipeline.cause) == ("killed", None)


def test_an_abandoned_worker_is_waited_for_no_longer_and_its_error_is_the_cause() -> None:
    stuck, error = Stuck(), StrategyError("it hangs")
    began = time.monotonic()
    reason, pipeline = ended_by(stuck, lambda one: one.abandon("stuck", error))
    assert time.monotonic() - began < 5
    assert reason == "failed"
    assert pipeline.cause == Failure("stuck", error)
    stuck.let_go.set()
