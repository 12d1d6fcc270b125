"""Work by kind, each kind on a few threads of its own, so that none holds up another."""

import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue

from loguru import logger

from app.threads.worker import prepare_thread


class Lanes:
    """Runs `work` on what is put; an error of it is logged, and the thread goes on."""

    def __init__(self, threads: Mapping[str, int], work: Callable[[object], None]) -> None:
        self._work = work
        self._queues: dict[str, SimpleQueue[object]] = {name: SimpleQueue() for name in threads}
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(name,), name=f"gate {name} {n}", daemon=True)
            for name, count in threads.items()
            for n in range(count)
        ]

    def start(self) -> None:
        """Begin with what was put already."""
        for thread in self._threads:
            thread.start()

    def put(self, lane: str, item: object) -> None:
        """Leave something to a lane's threads."""
        self._queues[lane].put(item)

    def stop(self, seconds: float) -> tuple[str, ...]:
        """Take up nothing more; name what was left and who still hangs after `seconds`."""
        self._stopped.set()
        left = []
        for name, queue in self._queues.items():
            if queue.qsize():
                left.append(f"{queue.qsize()} calls of lane '{name}'")
            for _ in self._threads:
                queue.put(None)  # wakes whoever waits
        own = threading.current_thread()
        living = [one for one in self._threads if one.is_alive() and one is not own]
        for thread in living:
            thread.join(seconds / len(living))
            if thread.is_alive():
                left.append(f"thread '{thread.name}'")
        return tuple(left)

    def _run(self, lane: str) -> None:
        prepare_thread()
        queue = self._queues[lane]
        while True:
            item = queue.get()
            if self._stopped.is_set():
                return
            try:
                self._work(item)
            except Exception as error:
                logger.opt(exception=True).error(f"Lane '{lane}' failed: {error}")
