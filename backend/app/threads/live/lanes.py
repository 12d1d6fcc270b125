"""Work by kind, each kind on a few threads of its own, so that none holds up another."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from loguru import logger

from app.threads.worker import prepare_thread


class Lanes:
    """Runs `work` on what is put; an error of it is logged, and the thread goes on."""

    def __init__(self, threads: Mapping[str, int], work: Callable[[object], None]) -> None:
        self._work = work
        self._lanes = {name: _Lane() for name in threads}
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

    def put(self, lane: str, items: Sequence[object]) -> None:
        """Leave things to a lane's threads, all at once."""
        self._lanes[lane].put(items)

    def stop(self, seconds: float) -> tuple[str, ...]:
        """Take up nothing more; name what was left and who still hangs after `seconds`."""
        self._stopped.set()
        for lane in self._lanes.values():
            lane.put([None] * len(self._threads))  # wakes whoever waits
        own = threading.current_thread()
        living = [one for one in self._threads if one.is_alive() and one is not own]
        for thread in living:
            thread.join(seconds / len(living))
        counts = {
            name: sum(1 for item in list(lane.items) if item is not None)
            for name, lane in self._lanes.items()
        }
        left = [f"{count} calls of lane '{name}'" for name, count in counts.items() if count]
        left += [f"thread '{thread.name}'" for thread in living if thread.is_alive()]
        return tuple(left)

    def _run(self, name: str) -> None:
        prepare_thread()
        take, work, is_stopped = self._lanes[name].take, self._work, self._stopped.is_set
        while True:
            item = take()
            if is_stopped():
                self._lanes[name].items.appendleft(item)  # left too
                return
            try:
                work(item)
            except Exception as error:
                logger.opt(exception=True).error(f"Lane '{name}' failed: {error}")


class _Lane:
    """A queue that takes no lock while there is something in it, and is filled by one."""

    def __init__(self) -> None:
        self.items: deque[object] = deque()
        self._filled = threading.Condition(threading.Lock())

    def put(self, items: Sequence[object]) -> None:
        self.items.extend(items)
        with self._filled:
            self._filled.notify(len(items))

    def take(self) -> object:
        while True:
            try:
                return self.items.popleft()
            except IndexError:
                with self._filled:
                    if not self.items:  # else it came since
                        self._filled.wait()
