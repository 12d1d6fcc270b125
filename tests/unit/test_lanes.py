"""The threads of a lane: all of them take what is put at once, and none holds up another lane."""

import threading

from app.threads.live.lanes import Lanes

THREADS, PATIENCE_SECONDS = 4, 10.0


def test_what_is_put_at_once_is_done_side_by_side() -> None:
    together = threading.Barrier(THREADS + 1)
    lanes = Lanes({"lane": THREADS}, lambda item: together.wait(PATIENCE_SECONDS))
    lanes.start()
    for _ in range(20):  # also while some threads still come back from the last time
        lanes.put("lane", range(THREADS))
        together.wait(PATIENCE_SECONDS)
    assert lanes.stop(PATIENCE_SECONDS) == ()


def test_everything_put_is_done_once_whoever_puts_it() -> None:
    done: list[int] = []
    counted = threading.Semaphore(0)

    def work(item: object) -> None:
        assert isinstance(item, int)
        done.append(item)
        counted.release()

    lanes = Lanes({"lane": THREADS}, work)
    lanes.start()
    puts = [range(at, at + 50) for at in range(0, 2000, 50)]
    putters = [
        threading.Thread(target=lambda own: [lanes.put("lane", some) for some in own], args=(own,))
        for own in (puts[:20], puts[20:])
    ]
    for putter in putters:
        putter.start()
    assert all(counted.acquire(timeout=PATIENCE_SECONDS) for _ in range(2000))
    assert lanes.stop(PATIENCE_SECONDS) == ()
    assert sorted(done) == list(range(2000))


def test_work_that_fails_leaves_its_thread_to_the_next() -> None:
    done = threading.Semaphore(0)

    def work(item: object) -> None:
        done.release()
        raise ValueError(item)

    lanes = Lanes({"lane": 1}, work)
    lanes.start()
    lanes.put("lane", ["one", "two"])
    assert all(done.acquire(timeout=PATIENCE_SECONDS) for _ in range(2))
    assert lanes.stop(PATIENCE_SECONDS) == ()


def test_a_stop_names_what_was_left_and_who_hangs() -> None:
    at_it, let_go = threading.Event(), threading.Event()

    def work(item: object) -> None:
        at_it.set()
        let_go.wait(PATIENCE_SECONDS)

    lanes = Lanes({"slow": 1, "idle": 2}, work)
    lanes.start()
    lanes.put("slow", ["one", "two", "three"])
    assert at_it.wait(PATIENCE_SECONDS)
    assert lanes.stop(0.1) == ("2 calls of lane 'slow'", "thread 'gate slow 0'")
    let_go.set()


def test_what_a_thread_had_just_taken_up_when_the_stop_came_is_named_too() -> None:
    lanes = Lanes({"lane": 1}, lambda item: None)
    lanes.put("lane", ["one"])
    lanes._stopped.set()  # between its taking it up and its looking
    lanes.start()
    assert lanes.stop(PATIENCE_SECONDS) == ("1 calls of lane 'lane'",)
