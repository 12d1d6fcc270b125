"""How long a live run's end waits for what closes positions."""

import threading
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
from tests.unit.test_order_gate import House, place

from app.core.inbox import Inbox
from app.core.intervals import interval_ns
from app.managers.execution_manager.kill import FLATTEN
from app.managers.system_manager.line_ending import LineEnding, close_seconds
from app.managers.system_manager.live_means import LiveMeans
from app.managers.time_manager.clock import WallClock
from app.threads.commands import KEEP

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
    monkeypatch.setattr("app.managers.system_manager.line_ending._ANSWER_SECONDS", 0.2)
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
    house.gate.stop()
