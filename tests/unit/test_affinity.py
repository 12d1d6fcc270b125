"""Threads that take turns stay on one processor; others run where there is room."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.test_worker_pipeline import Last, Source, Step

from app.threads.machine.affinity import stay_on, this_processor
from app.threads.worker import Pipeline

needs_binding = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="threads cannot be bound here"
)


def on_a_thread(work: Callable[[], object]) -> Any:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@needs_binding
def test_this_processor_is_one_the_thread_may_use() -> None:
    assert this_processor() in os.sched_getaffinity(0)


@needs_binding
def test_a_thread_that_stays_is_bound_and_its_starter_is_not() -> None:
    before = os.sched_getaffinity(0)
    processor = max(before)

    def bound() -> set[int]:
        stay_on(processor)
        return os.sched_getaffinity(0)

    assert on_a_thread(bound) == {processor}
    assert os.sched_getaffinity(0) == before


def test_a_processor_that_is_unknown_or_gone_binds_nothing() -> None:
    def unbound() -> bool:
        stay_on(None)
        stay_on(100_000)
        return True

    assert on_a_thread(unbound)


@needs_binding
@pytest.mark.parametrize("one_processor", [True, False])
def test_the_workers_of_a_pipeline_share_a_processor_when_asked_to(one_processor: bool) -> None:
    allowed = os.sched_getaffinity(0)
    seen: list[set[int]] = []

    class Looking(Step):
        def step(self, message: Any) -> Iterator[Any]:
            seen.append(os.sched_getaffinity(0))
            yield from super().step(message)

    workers = [Source(), Looking(1), Looking(1), Last()]
    Pipeline(workers, "pool", 8, one_processor=one_processor).run([1, 2, 3])
    assert {len(found) for found in seen} == ({1} if one_processor else {len(allowed)})
    if one_processor:
        assert len(set(map(frozenset, seen))) == 1
    assert os.sched_getaffinity(0) == allowed
