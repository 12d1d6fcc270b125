"""The sequencer: numbers, pacing, pausing and stepping, on a clock driven by hand."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_blocks import all_rows, block_of, blocks, columns_of, minute, session

from app.core.bars import Block
from app.core.errors import StateError, UsageError
from app.core.messages import Bars, EndOfStream, History, Message
from app.managers.time_manager.clock import WallClock
from app.threads.machine.pacing import Speed
from app.threads.session_coordinator import SessionCoordinator
from app.threads.worker import Pipeline

Act = Callable[[SessionCoordinator], None]


class Bench:
    """A coordinator on a clock that only its waits move; acts happen at their second."""

    def __init__(
        self, speed: Speed = "max", paused: bool = False, acts: Sequence[tuple[float, Act]] = ()
    ) -> None:
        self.now_ns = 0
        self.acts = list(acts)
        self.coordinator = SessionCoordinator(self, speed, paused, self.wait)

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Time passes until the next act or the end of the wait, whichever is first."""
        until_ns = None if seconds is None else self.now_ns + round(seconds * 1e9)
        if self.acts and (until_ns is None or self.acts[0][0] * 1e9 <= until_ns):
            at, act = self.acts.pop(0)
            self.now_ns = max(self.now_ns, round(at * 1e9))
            act(self.coordinator)
            return
        assert until_ns is not None, "waits for ever"
        self.now_ns = until_ns

    def run(self, *messages: Message) -> list[tuple[float, Message]]:
        """What comes out, with the second at which it does."""
        return [
            (self.now_ns / 1e9, out)
            for message in (*messages, EndOfStream("finished"))
            for out in self.coordinator.step(message)
        ]


def blocks_in(out: list[tuple[float, Message]]) -> list[Block]:
    return [message.block for _, message in out if isinstance(message, Bars)]


def seconds_of(out: list[tuple[float, Message]]) -> list[float]:
    return [seconds for seconds, message in out if isinstance(message, Bars)]


def three_minutes() -> Bars:
    of = session(minutes=3)
    return Bars(block_of([(of, all_rows(of, symbols=2))]))


def test_at_full_speed_a_block_passes_as_it_is() -> None:
    message = three_minutes()
    bench = Bench()
    out = bench.run(message)
    assert blocks_in(out)[0] is message.block
    assert bench.now_ns == 0


def test_every_input_gets_the_next_number_commands_too() -> None:
    bench = Bench(paused=True, acts=[(1, lambda c: c.step_instants(1)), (2, lambda c: c.resume())])
    out = bench.run(History((), {}, ()), three_minutes())
    numbers = [message.sequence for _, message in out]
    commands = [command.sequence for command in bench.coordinator.commands]
    assert sorted(numbers + commands) == list(range(1, 7))
    assert numbers == sorted(numbers)
    assert [c.name for c in bench.coordinator.commands] == ["step", "resume"]


def test_a_paced_replay_shows_each_instant_when_it_is_due() -> None:
    out = Bench(speed=60).run(three_minutes())
    assert seconds_of(out) == [1.0, 2.0, 3.0]
    assert [len(block) for block in blocks_in(out)] == [2, 2, 2]


def test_the_time_between_sessions_is_not_waited_for() -> None:
    first, second = session(0, minutes=2), session(1, minutes=1)
    out = Bench(speed=60).run(
        Bars(block_of([(first, all_rows(first)), (second, all_rows(second))]))
    )
    assert seconds_of(out) == [1.0, 2.0, 3.0]


def test_a_quiet_end_of_a_session_is_waited_for_up_to_its_close() -> None:
    of = session(minutes=10)
    out = Bench(speed=60).run(
        Bars(block_of([(of, [(minute(of, 0), 0)])], through_ns=of.close_ns * 2))
    )
    assert seconds_of(out) == [1.0, 10.0]


def test_a_pause_holds_the_replay_and_the_rest_of_the_wait_follows_it() -> None:
    acts: list[tuple[float, Act]] = [(1.25, lambda c: c.pause()), (9, lambda c: c.resume())]
    out = Bench(speed=60, acts=acts).run(three_minutes())
    assert seconds_of(out) == [1.0, 9.75, 10.75]


def test_the_speed_can_change_in_the_middle_of_a_wait() -> None:
    acts: list[tuple[float, Act]] = [(1.5, lambda c: c.set_speed(30))]
    out = Bench(speed=60, acts=acts).run(three_minutes())
    assert seconds_of(out) == [1.0, 2.5, 4.5]


def test_full_speed_lets_the_rest_of_a_block_go_at_once() -> None:
    acts: list[tuple[float, Act]] = [(1.5, lambda c: c.set_speed("max"))]
    out = Bench(speed=60, acts=acts).run(three_minutes())
    assert seconds_of(out) == [1.0, 1.5]
    assert [len(block) for block in blocks_in(out)] == [2, 4]


def test_a_step_shows_one_instant_and_stands_still_again() -> None:
    acts: list[tuple[float, Act]] = [
        (5, lambda c: c.step_instants()),
        (6, lambda c: c.step_instants()),
        (7, lambda c: c.resume()),
    ]
    out = Bench(paused=True, acts=acts).run(three_minutes())
    assert seconds_of(out) == [5.0, 6.0, 7.0]
    assert [len(block) for block in blocks_in(out)] == [2, 2, 2]


def test_a_step_over_an_empty_stretch_still_shows_an_instant() -> None:
    of = session(minutes=3)
    empty = Bars(block_of([(of, [])], through_ns=minute(of, 1)))
    bars = Bars(block_of([(of, [(minute(of, 1), 0)])]))
    acts: list[tuple[float, Act]] = [(5, lambda c: c.step_instants()), (6, lambda c: c.resume())]
    out = Bench(paused=True, acts=acts).run(empty, bars)
    assert seconds_of(out) == [5.0, 5.0, 6.0]


def test_after_stepping_a_paced_replay_goes_on_from_there() -> None:
    acts: list[tuple[float, Act]] = [
        (0.5, lambda c: c.pause()),
        (5, lambda c: c.step_instants(2)),
        (8, lambda c: c.resume()),
    ]
    out = Bench(speed=60, acts=acts).run(three_minutes())
    assert seconds_of(out) == [5.0, 5.0, 9.0]


def test_a_pause_holds_back_the_end_of_the_stream() -> None:
    bench = Bench(paused=True, acts=[(3, lambda c: c.resume())])
    assert bench.run() == [(3.0, EndOfStream("finished", 2))]


@pytest.mark.parametrize("paused", [False, True])
def test_a_stop_ends_a_wait_and_gives_its_reason(paused: bool) -> None:
    bench = Bench(speed=60, paused=paused, acts=[(0.5, lambda c: c.stop("stopped"))])
    out = bench.run(three_minutes())
    assert [(seconds, getattr(message, "reason", None)) for seconds, message in out] == [
        (0.5, "stopped")
    ]


def test_a_pace_that_takes_ages_is_waited_for_and_can_still_be_stopped() -> None:
    out = Bench(speed=1e-12, acts=[(9e5, lambda c: c.stop("stopped"))]).run(three_minutes())
    assert [seconds for seconds, _ in out] == [9e5]


def test_nonsense_is_refused_in_plain_words() -> None:
    coordinator = Bench().coordinator
    for speed in (0, -1.0, float("nan"), float("inf"), "fast"):
        with pytest.raises(UsageError, match="neither 'max' nor a multiple"):
            coordinator.set_speed(speed)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="1 or more"):
        coordinator.step_instants(0)
    with pytest.raises(StateError, match="pause it first"):
        coordinator.step_instants()
    assert coordinator.commands == []


acts_at = st.sampled_from(["pause", "resume", "step", "max", "slow", "fast"])


def perform(name: str) -> Act:
    def act(coordinator: SessionCoordinator) -> None:
        if name == "pause":
            coordinator.pause()
        elif name == "resume" or (name == "step" and not coordinator.paused):
            coordinator.resume()
        elif name == "step":
            coordinator.step_instants()
        else:
            coordinator.set_speed({"max": "max", "slow": 6.0, "fast": 600.0}[name])  # type: ignore[arg-type]

    return act


@given(
    st.lists(blocks(), min_size=1, max_size=2),
    st.lists(st.tuples(st.floats(0, 30), acts_at), max_size=6),
    st.sampled_from([60.0, "max"]),
)
def test_whatever_is_asked_of_it_no_bar_is_lost_or_moved(
    feed: list[Block], asked: list[tuple[float, str]], speed: Speed
) -> None:
    acts = [(at, perform(name)) for at, name in sorted(asked)] + [(99.0, perform("resume"))] * 2
    out = Bench(speed, acts=acts).run(*(Bars(block) for block in feed))
    assert columns_of(blocks_in(out)) == columns_of(feed)
    assert out[-1][1] == EndOfStream("finished", out[-1][1].sequence)


def test_on_the_real_clock_pause_and_stop_act_within_milliseconds() -> None:
    coordinator = SessionCoordinator(WallClock(), speed=0.001)
    pipeline = Pipeline([coordinator], "pool", 100)
    ended: list[tuple[str, float]] = []

    def run() -> None:
        ended.append((pipeline.run(iter([three_minutes()])), time.monotonic()))

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.05)
    coordinator.pause()
    assert coordinator.paused
    at = time.monotonic()
    coordinator.stop("stopped")
    thread.join(5)
    assert ended[0][0] == "stopped"
    assert ended[0][1] - at < 0.25


def test_on_the_real_clock_a_paced_replay_takes_its_time() -> None:
    begin = time.monotonic()
    pipeline = Pipeline([SessionCoordinator(WallClock(), 3600.0)], "inline", 9)
    assert pipeline.run([three_minutes()]) == "finished"
    assert 0.045 < time.monotonic() - begin < 1.0
