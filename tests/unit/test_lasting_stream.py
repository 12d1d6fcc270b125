"""A stream that comes back by itself: at once where it stood for a while, else ever later."""

import numpy as np

from app.core.intervals import SECOND_NS
from app.core.venue import Disconnected
from app.integrations.lasting_stream import LONGEST_WAIT_SECONDS, LastingStream


class Flapping(LastingStream):
    """Connections that end by themselves; it notes how long it waits for the next one."""

    def __init__(self, lasting_seconds: list[int]) -> None:
        self.heard: list[object] = []
        super().__init__("flapping", self.heard.append, np.random.default_rng(1))
        self._left = list(reversed(lasting_seconds))
        self._now_ns = 0
        self.waits: list[float] = []
        self._closing.wait = self._wait  # type: ignore[method-assign, assignment]

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if not self._left:
            self._closing.set()

    def _moment_ns(self) -> int:
        return self._now_ns

    def _listen(self) -> tuple[bool, str]:
        lasting_seconds = self._left.pop()
        if lasting_seconds < 0:
            raise OverflowError("a number that is none")
        self._now_ns += lasting_seconds * SECOND_NS
        return True, "it was cut"


def waits_of(lasting_seconds: list[int]) -> list[float]:
    stream = Flapping(lasting_seconds)
    stream._run()
    assert [type(one) for one in stream.heard] == [Disconnected] * len(lasting_seconds)
    return stream.waits


def test_a_connection_that_stood_comes_back_at_once() -> None:
    assert max(waits_of([3600, 60, 5])) <= 0.1


def test_connections_that_end_as_soon_as_they_stand_are_opened_ever_seldomer() -> None:
    waits = waits_of([0] * 30)
    assert sum(waits[:7]) > 5.0, "a venue counts connections, and each asks for what was missed"
    assert all(LONGEST_WAIT_SECONDS / 2 <= one <= LONGEST_WAIT_SECONDS for one in waits[7:])


def test_one_that_lasts_ends_the_waiting() -> None:
    assert waits_of([0, 0, 0, 0, 0, 10])[-1] <= 0.1


def test_what_nobody_foresaw_is_waited_out_as_a_cut_is() -> None:
    assert len(waits_of([-1, -1, 60])) == 3
