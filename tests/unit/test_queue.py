"""The queue between two workers: order, bound, and how both ends close it."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_blocks import all_rows, block_of, session

from app.core.messages import Bars, EndOfStream
from app.threads.machine.queues import RowQueue, rows_of


class Load:
    """A message of some rows."""

    def __init__(self, number: int, rows: int) -> None:
        self.number = number
        self.rows = rows

    def __len__(self) -> int:
        return self.rows


def put_all(queue: RowQueue[Load], loads: list[Load]) -> threading.Thread:
    def body() -> None:
        for load in loads:
            queue.put(load)
        queue.close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def test_a_message_weighs_its_rows_and_never_nothing() -> None:
    of = session()
    assert rows_of(Bars(block_of([(of, all_rows(of))]))) == 10
    assert rows_of(Bars(block_of([(of, [])]))) == 1
    assert rows_of(EndOfStream("finished")) == 1
    assert rows_of(Load(0, 7)) == 7


@given(st.lists(st.integers(0, 12), max_size=40), st.integers(1, 10))
def test_messages_keep_their_order_and_the_bound_holds(sizes: list[int], bound: int) -> None:
    queue: RowQueue[Load] = RowQueue(bound)
    thread = put_all(queue, [Load(number, rows) for number, rows in enumerate(sizes)])
    got = []
    for load in queue:
        got.append(load.number)
        assert queue.rows <= max(bound, *sizes)
    thread.join()
    assert got == list(range(len(sizes)))
    assert (queue.rows, queue.dropped_messages) == (0, 0)


def test_a_full_queue_holds_its_producer_back() -> None:
    queue: RowQueue[Load] = RowQueue(10)
    thread = put_all(queue, [Load(0, 6), Load(1, 4), Load(2, 1)])
    time.sleep(0.03)
    assert (queue.rows, thread.is_alive()) == (10, True)
    assert [load.number for load in queue] == [0, 1, 2]
    thread.join()


def test_a_message_above_the_bound_passes_alone() -> None:
    queue: RowQueue[Load] = RowQueue(5)
    assert queue.put(Load(0, 100))
    thread = put_all(queue, [Load(1, 1)])
    time.sleep(0.02)
    assert queue.rows == 100
    assert [load.number for load in queue] == [0, 1]
    thread.join()


def test_a_closed_queue_is_read_to_its_end_and_takes_nothing_more() -> None:
    queue: RowQueue[Load] = RowQueue(10)
    queue.put(Load(0, 2))
    queue.close()
    assert not queue.put(Load(1, 3))
    assert [load.number for load in queue] == [0]
    assert (queue.dropped_messages, queue.dropped_rows) == (1, 3)


def test_closing_wakes_a_reader_that_waits() -> None:
    queue: RowQueue[Load] = RowQueue(10)
    closer = threading.Timer(0.02, queue.close)
    closer.start()
    assert list(queue) == []
    closer.join()


@pytest.mark.timeout(10)
def test_dropping_wakes_a_producer_that_waits_and_counts_everything() -> None:
    queue: RowQueue[Load] = RowQueue(4)
    thread = put_all(queue, [Load(0, 4), Load(1, 3), Load(2, 2)])
    time.sleep(0.02)
    queue.drop()
    thread.join()
    assert (queue.dropped_messages, queue.dropped_rows, queue.rows) == (3, 9, 0)
    assert list(queue) == []
