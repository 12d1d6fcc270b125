"""A block of one row through the four threads, fed one at a time, beside four bare threads."""

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter_ns

from app.core.config import SessionConfig
from app.core.messages import Bars, Message
from app.managers.system_manager.system_manager import SystemManager
from app.managers.system_manager.wiring import Run
from app.threads.stream.results import Results
from benchmarks.house import fill_store, open_system, plain_market
from benchmarks.measure import BenchError, fresh, interleaved, percentile
from benchmarks.outcome import Outcome, Row

PATIENCE_SECONDS = 10.0
_HAND_OVERS = 3  # between four threads


def hop(folder: Path, hops: int, repeats: int) -> Outcome:
    """What a live minute would wait for the engine: half of the time, and all but 1 % of it."""
    config = fresh(fill_store, folder, ("HOP",), hops)
    engine, bare_threads = fresh(measure, folder, config, repeats)
    figures: dict[str, float] = {"hops": hops}
    rows = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        own = min(percentile(hops_us, share) for hops_us in engine)
        bare = min(percentile(hops_us, share) for hops_us in bare_threads)
        figures |= {f"{name}_us": round(own, 1), f"bare_{name}_us": round(bare, 1)}
        rows.append(Row(name, f"{own:.0f} us", f"{bare:.0f} us through bare threads", own / bare))
    return Outcome("hop", figures, tuple(rows))


def measure(folder: Path, config: SessionConfig, repeats: int) -> list[list[list[float]]]:
    """Microseconds of every hop, by round: through the engine's pool, and through bare threads."""
    system = open_system(folder)
    engine = config.engine.model_copy(update={"block_rows": 1})
    config = config.model_copy(update={"engine": engine})
    count = len(_engine_hops_us(system, config))
    return interleaved(
        [lambda: _engine_hops_us(system, config), lambda: _bare_hops_us(count)], repeats
    )


def _engine_hops_us(system: SystemManager, config: SessionConfig) -> list[float]:
    """From the moment a block is handed to the first worker until its results are out."""
    arrived, arrived_ns, took_us = threading.Event(), [0], list[float]()

    def on_results(results: Results) -> None:
        arrived_ns[0] = perf_counter_ns()
        arrived.set()

    def one_at_a_time(messages: Iterator[Message]) -> Iterator[Message]:
        for message in messages:
            arrived.clear()
            begin_ns = perf_counter_ns()
            yield message
            if isinstance(message, Bars):
                if not arrived.wait(PATIENCE_SECONDS):
                    raise BenchError(f"A block has not come through in {PATIENCE_SECONDS:g} s.")
                took_us.append((arrived_ns[0] - begin_ns) / 1e3)

    run = Run(config, plain_market(system, config), Path(), on_results)
    run.pipeline.run(one_at_a_time(run.feed.messages()))
    if run.pipeline.cause is not None:
        raise run.pipeline.cause.error
    return took_us


def _bare_hops_us(count: int) -> list[float]:
    """The same way through queues and threads that do nothing but pass on."""
    queues = [SimpleQueue[int]() for _ in range(_HAND_OVERS)]
    arrived, arrived_ns, took_us = threading.Event(), [0], list[float]()

    def pass_on(place: int) -> None:
        for number in iter(queues[place].get, count):
            if place + 1 < len(queues):
                queues[place + 1].put(number)
            else:
                arrived_ns[0] = perf_counter_ns()
                arrived.set()

    threads = [threading.Thread(target=pass_on, args=(place,)) for place in range(_HAND_OVERS)]
    for thread in threads:
        thread.start()
    for number in range(count):
        arrived.clear()
        begin_ns = perf_counter_ns()
        queues[0].put(number)
        arrived.wait()
        took_us.append((arrived_ns[0] - begin_ns) / 1e3)
    for queue in queues:
        queue.put(count)  # the end
    for thread in threads:
        thread.join()
    return took_us
