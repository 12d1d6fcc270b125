"""How long a live run's end waits for what closes positions."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
from tests.unit.order_gate_house import Heard, House, place

from app.core.inbox import Inbox
from app.core.intervals import interval_ns
from app.core.money import UNITS
from app.managers.execution_manager.orders.kill import FLATTEN
from app.managers.system_manager.live.line_ending import LineEnding, close_seconds
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.time_manager.clock import WallClock
from app.threads.stream.commands import KEEP

NOTHING = cast(Any, None)


@pytest.mark.parametrize(
    ("interval", "rate", "seconds"),
    [
        ("1m", 1.0, 247.0),  # four bars, 2 s of grace, and 5
        ("1m", 60.0, 20.0),  # a venue's answer may take as long
        ("1m", 0.0, 20.0),  # its clock stands: no bar will come
        ("1h", 1.0, 300.0),  # nobody waits for hours
        ("1h", 60.0, 247.0),
    ],
)
def test_a_close_may_take_until_the_next_bar_is_over(
    interval: str, rate: float, seconds: float
) -> None:
    asked = close_seconds(interval_ns(interval), 2000, rate)
    ending = LineEnding(NOTHING, NOTHING, NOTHING, lambda: True, asked)
    assert ending.patience_seconds(FLATTEN) == seconds
    assert ending.patience_seconds(KEEP) == 20.0


class Sending(NamedTuple):
    """A journal of which all is sent once the event is set."""

    sent: threading.Event

    @property
    def is_all_sent(self) -> bool:
        return self.sent.is_set()


def test_the_end_waits_until_the_last_orders_are_sent_and_answered() -> None:
    house, journal = House(), Sending(threading.Event())
    means = LiveMeans(WallClock(), lambda: None)
    ending = LineEnding(means, house.heard, NOTHING, lambda: True, 20.0)
    ending.gate = house.gate
    house.gate.start()
    house.venue.hang.set()
    settling = threading.Thread(target=ending.settle, args=(journal, None))
    settling.start()
    settling.join(0.1)
    assert settling.is_alive(), "its last order is not durable yet"
    house.gate.send([place(1)])
    journal.sent.set()
    assert house.venue.hanging.wait(10)
    settling.join(0.1)
    assert settling.is_alive(), "the venue has not answered"
    house.venue.let_go.set()
    settling.join(10)
    assert not settling.is_alive()
    assert house.gate.stop() == ()
    assert len(house.venue.reports) == 1 and not house.heard.alarms
    means.close()


def test_an_end_without_an_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.managers.system_manager.live.line_ending._ANSWER_SECONDS", 0.2)
    house, journal = House(), Sending(threading.Event())
    journal.sent.set()
    means = LiveMeans(WallClock(), lambda: None)
    ending = LineEnding(means, house.heard, NOTHING, lambda: True, 20.0)
    ending.gate = house.gate
    house.gate.start()
    house.venue.hang.set()
    house.gate.send([place(1)])
    assert house.venue.hanging.wait(10)
    ending.settle(cast(Any, journal), None)
    assert [what for what, _ in house.heard.alarms] == ["ended without an answer"]
    ending.settle(cast(Any, journal), "it failed: a kill has seen to it")
    assert len(house.heard.alarms) == 1
    house.venue.let_go.set()
    house.gate.stop()
    means.close()


class Away:
    """A gate with an exit that its venue turns away for some waits; and means that are stepped:
    a wait that takes too long is over at once.
    """

    def __init__(self) -> None:
        self.away = {"mm-2": "AAA: banned for another 57 s"}
        self.let_after = 2  # waits
        self.waits: list[float] = []

    def status(self) -> Any:
        positions = {"AAA": 5}
        return SimpleNamespace(
            killed="", away=self.away, put_off={}, left={}, in_doubt=0,
            unanswered=int(len(self.waits) <= self.let_after),
            open_orders=len(self.away), opening_orders=0, positions=positions,
        )  # fmt: skip

    def _pass(self, is_done: Callable[[], bool], seconds: float) -> None:
        self.waits.append(seconds)
        if not is_done() and len(self.waits) == self.let_after:
            self.away = {}

    def when(
        self, is_done: Callable[[], bool], then: Callable[[], None], longest_seconds: float
    ) -> None:
        self._pass(is_done, longest_seconds)
        then()

    def wait_until(self, is_done: Callable[[], bool], longest_seconds: float) -> None:
        self._pass(is_done, longest_seconds)


def stopping_with_an_exit_away() -> tuple[LineEnding, Away, Heard]:
    away, heard = Away(), Heard()
    ending = LineEnding(cast(Any, away), heard, NOTHING, lambda: True, 20.0)
    ending.gate, entries = cast(Any, away), SimpleNamespace(
        closed={(-1, "command"): "the run is stopping"}, kill=SimpleNamespace(mode=""),
        is_closed=lambda symbol: True,
    )  # fmt: skip
    broker = SimpleNamespace(working={})
    held = [SimpleNamespace(symbol="AAA")]
    ending.execution = cast(Any, Stopping(entries, broker, [5], [held]))
    return ending, away, heard


def test_a_stop_that_keeps_positions_waits_for_an_exit_that_a_venue_turns_away() -> None:
    ending, away, heard = stopping_with_an_exit_away()
    ended: list[int] = []
    ending.when_done(KEEP, lambda: ended.append(len(away.waits)))
    assert ended == [2]
    (what, details) = heard.alarms[0]
    assert what == "end waits" and "mm-2, which reduces AAA: banned for another 57 s" in details
    assert "Ask it to stop again to end it at once" in details
    ending.settle(cast(Any, SimpleNamespace(is_all_sent=True)), None)
    assert len(heard.alarms) == 1


def test_an_end_waits_for_what_a_venue_turns_away_no_longer_than_an_hour() -> None:
    ending, away, heard = stopping_with_an_exit_away()
    away.let_after = 10_000
    ended: list[int] = []
    ending.when_done(KEEP, lambda: ended.append(1))
    assert (ended, sum(away.waits)) == ([1], 3600.0)
    ending.settle(cast(Any, SimpleNamespace(is_all_sent=True)), None)
    assert sum(away.waits) <= 3620.0, "what is done behind it does not begin anew"
    told = [what for what, _ in heard.alarms]
    assert told == ["end waits", "ended with open orders or positions", "ended without an exit"]
    assert "It waited 3600 s in vain" in heard.alarms[1][1]
    assert "Not at the venue: mm-2, which reduces AAA" in heard.alarms[2][1]


def test_a_run_that_ends_by_itself_waits_for_an_exit_too() -> None:
    ending, away, heard = stopping_with_an_exit_away()
    away.let_after = 5
    ending.settle(cast(Any, SimpleNamespace(is_all_sent=True)), None)
    assert len(away.waits) == 6, "what was given at the last is waited for, too"
    assert [what for what, _ in heard.alarms] == ["end waits"]


def test_who_ends_it_at_once_hears_that_the_exit_is_not_at_the_venue() -> None:
    ending, away, heard = stopping_with_an_exit_away()
    away.let_after = 10_000
    ending.is_hurried = True
    ending.settle(cast(Any, SimpleNamespace(is_all_sent=True)), None)
    assert len(away.waits) == 1
    assert [what for what, _ in heard.alarms] == ["ended without an exit"]


def test_a_kill_and_a_stop_that_wait_together_wait_for_an_hour_and_not_for_half() -> None:
    ending, away, _ = stopping_with_an_exit_away()
    away.let_after = 10_000
    waiting: list[tuple[Callable[[], bool], Callable[[], None]]] = []
    away.when = lambda done, then, seconds: waiting.append((done, then))  # type: ignore[method-assign]
    ended: list[str] = []
    ending.when_done(FLATTEN, lambda: ended.append("kill"))
    ending.when_done(KEEP, lambda: ended.append("stop"))
    passed = 0
    while not ended:
        passed, now = passed + 20, list(waiting)
        waiting.clear()
        for is_done, _ in now:
            assert not is_done()
        for _, then in now:  # one just after the other
            then()
    assert passed == 3600


def test_a_ctrl_c_ends_the_last_wait_and_says_what_is_not_at_the_venue() -> None:
    ending, away, heard = stopping_with_an_exit_away()
    away.let_after = 10_000
    passes = away._pass

    def interrupted(is_done: Callable[[], bool], seconds: float) -> None:
        passes(is_done, seconds)
        if len(away.waits) == 3:
            raise KeyboardInterrupt

    away._pass = interrupted  # type: ignore[method-assign]
    ending.settle(cast(Any, SimpleNamespace(is_all_sent=True)), None)
    assert len(away.waits) == 3
    assert [what for what, _ in heard.alarms] == ["end waits", "ended without an exit"]


class Stopping(NamedTuple):
    """A run that was told to stop, and holds what its own orders cannot close."""

    entries: Any
    broker: Any
    held_units: list[int]
    positions: list[list[Any]]


def test_what_strategies_cannot_close_by_themselves_the_gate_closes_together() -> None:
    house, asked = House(), Inbox()
    why = {(-1, "command"): "the run is stopping"}
    entries = SimpleNamespace(
        closed=why, kill=SimpleNamespace(mode=""), is_closed=lambda symbol: True
    )
    broker, held = SimpleNamespace(working={}), [SimpleNamespace(symbol="AAA")]
    ending = LineEnding(NOTHING, house.heard, asked, lambda: True, 20.0)
    ending.execution = cast(Any, Stopping(entries, broker, [5], [held]))
    ending.gate = house.gate
    for _ in range(2 * 10):
        assert not ending._flatten_again(FLATTEN)
    assert house.gate.status().killed == ""
    for _ in range(10):
        ending._flatten_again(FLATTEN)
    assert house.gate.status().killed == FLATTEN
    assert "could not be closed by itself" in house.heard.alarms[0][1]
    assert len(asked.take(0)) == 3
    for _ in range(100):
        ending._flatten_again(FLATTEN)
    assert asked.take(0) == [], "the gate sees to it, and needs no asking"
    house.gate.stop()


class Killed:
    """A gate, and means by which a wait looks once and is over."""

    def __init__(self, killed: str, **told: Any) -> None:
        usual = {"open_orders": 0, "opening_orders": 0, "positions": {}, "away": {}}
        self._told = {"put_off": {}, "left": {}} | usual | told | {"killed": killed}
        self.kills: list[tuple[str, str]] = []

    def status(self) -> Any:
        return SimpleNamespace(**self._told)

    def kill(self, mode: str, reason: str) -> None:
        self.kills.append((mode, reason))

    def stop(self) -> tuple[str, ...]:
        return ("a cancel",)

    def wait_until(self, is_done: Callable[[], bool], longest_seconds: float) -> None:
        is_done()

    def ending(self, heard: Heard) -> LineEnding:
        ending = LineEnding(cast(Any, self), heard, NOTHING, lambda: True, 20.0)
        ending.gate = cast(Any, self)
        return ending


@pytest.mark.parametrize("asked", [KEEP, FLATTEN])
@pytest.mark.parametrize(
    ("gate", "is_done"),
    [
        (Killed("flatten"), True),
        (Killed("flatten", open_orders=1), False),
        (Killed("flatten", positions={"AAA": 5}), False),
        (Killed("freeze", open_orders=1, positions={"AAA": 5}), True),  # under what protects it
        (Killed("freeze", opening_orders=1), False),
        (Killed("freeze", away={"mm-2": "AAA: banned"}), False),
    ],
)
def test_how_a_gate_was_killed_says_when_that_is_done_whatever_else_was_asked_for(
    gate: Killed, is_done: bool, asked: str
) -> None:
    assert gate.ending(Heard()).is_done(asked) is is_done


def test_an_error_has_its_gate_killed_and_what_that_leaves_is_told() -> None:
    gate, heard, booked = Killed("flatten", positions={"AAA": 5 * UNITS}), Heard(), []
    gate.ending(heard).close(
        None, RunEnd("failed", error="by zero"), FLATTEN, lambda: booked.append(1)
    )
    assert gate.kills == [("flatten", "the run failed")]
    assert [what for what, _ in heard.alarms] == ["ended with open orders or positions", "gate"]
    assert "held: 5 AAA" in heard.alarms[0][1] and heard.alarms[1][1] == "never called: a cancel"
    assert booked, "what the venue tells last"
