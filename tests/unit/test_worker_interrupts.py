"""Interruptions of a pool's owner, and what a worker's last step is told."""

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from tests.waiting import until

from app.core.errors import RunTimeoutError
from app.core.messages import EndOfStream
from app.threads.worker import Head, Pipeline, Worker

pytestmark = pytest.mark.usefixtures("interruptible")


class Passing(Head):
    name = "passing"

    def step(self, message: Any) -> Iterator[Any]:
        yield message


class Sleeping(Worker):
    """Takes its time over each message; `deaf` ones do not end with the stream."""

    name = "sleeping"

    def __init__(self, seconds: float, deaf: threading.Event | None = None) -> None:
        self.seconds = seconds
        self.deaf = deaf
        self.seen: list[Any] = []

    def step(self, message: Any) -> Iterator[Any]:
        self.seen.append(message)
        time.sleep(self.seconds)
        if self.deaf is not None:
            self.deaf.wait(20)
        yield message


def endless() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def press(seconds: float = 0.1, times: int = 1) -> None:
    """Ctrl+C, once the main thread waits for the pool."""
    for _ in range(times):
        time.sleep(seconds)
        _thread.interrupt_main(signal.SIGINT)


def started(body: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=body)
    thread.start()
    return thread


def interrupt_after(seconds: float, times: int = 1) -> threading.Thread:
    """The same, by a thread of its own."""
    return started(partial(press, seconds, times))


def test_an_interrupted_pool_works_off_what_is_under_way_and_ends() -> None:
    worker = Sleeping(0.001)
    pipeline = Pipeline([Passing(), worker], "pool", bound_rows=4)
    presser = interrupt_after(0.1)
    assert pipeline.run(endless()) == "interrupted"
    presser.join()
    assert pipeline.cause is None and pipeline.was_interrupted
    numbers = [one for one in worker.seen if not isinstance(one, EndOfStream)]
    assert numbers == list(range(len(numbers)))
    assert numbers
    assert worker.seen[-1] == EndOfStream("interrupted")
    assert pipeline.dropped == ()


def test_an_interrupted_pool_waits_for_the_one_worker_that_is_under_way() -> None:
    interrupted = threading.Event()
    worker = Sleeping(0.0, interrupted)
    pipeline = Pipeline([Passing(), worker], "pool", bound_rows=4)

    def press_meanwhile() -> None:
        until(lambda: worker.seen and pipeline._ends[0].is_set())  # the stream has been read
        press()
        until(lambda: pipeline.was_interrupted)
        interrupted.set()

    presser = started(press_meanwhile)
    assert pipeline.run([1]) == "finished"
    presser.join()
    assert pipeline.was_interrupted and not pipeline.goes_on
    assert worker.seen == [1, EndOfStream("finished")]


def test_who_interrupts_twice_does_not_wait_for_a_worker_that_hangs() -> None:
    deaf = threading.Event()
    worker = Sleeping(0.0, deaf)
    pipeline = Pipeline([Passing(), worker], "pool", bound_rows=4, stop_seconds=30)

    def press_twice() -> None:
        until(lambda: worker.seen)
        press()
        until(lambda: pipeline.is_stopping)
        press()

    presser = started(press_twice)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(endless())
        assert time.monotonic() - began < 5
        assert pipeline.goes_on
    finally:
        deaf.set()
        presser.join()


def test_an_interrupt_as_the_threads_are_started_leaves_none_that_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Sleeping(0.001)
    pipeline = Pipeline([Passing(), worker], "pool", bound_rows=4)
    begun: list[threading.Thread] = []
    start = threading.Thread.start

    def start_and_press(thread: threading.Thread) -> None:
        start(thread)
        begun.append(thread)
        if len(begun) == 2:
            press()

    monkeypatch.setattr(threading.Thread, "start", start_and_press)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(endless())
    until(lambda: not any(thread.is_alive() for thread in begun))
    assert worker.seen[-1] == EndOfStream("interrupted")
    assert not pipeline.goes_on


def test_who_interrupts_once_is_told_of_the_worker_that_hangs() -> None:
    deaf = threading.Event()
    pipeline = Pipeline([Passing(), Sleeping(0.0, deaf)], "pool", bound_rows=4, stop_seconds=0.3)
    presser = interrupt_after(0.1)
    try:
        assert pipeline.run(endless()) == "failed"
    finally:
        deaf.set()
        presser.join()
    assert pipeline.cause is not None
    assert pipeline.cause.worker == "sleeping"
    assert isinstance(pipeline.cause.error, RunTimeoutError)
    assert str(pipeline.cause.error) == (
        "Worker 'sleeping' did not end within 0.3 s of the stop and was left behind."
    )
    assert "to sleeping" in pipeline.dropped[0]


def test_a_reason_given_before_the_start_reaches_every_worker() -> None:
    worker = Sleeping(0.0)
    head = Passing()
    head.stop("timeout")
    pipeline = Pipeline([head, worker], "inline", bound_rows=4)
    assert pipeline.run(endless()) == "timeout"
    assert worker.seen == [EndOfStream("timeout")]
