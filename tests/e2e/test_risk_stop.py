"""`risk drill` and `risk flatten`, as a user gives them, over replays."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house
from tests.told_house import Teller, teller

from app.managers.system_manager.control.client import running
from app.managers.system_manager.control.server import ControlServer
from app.managers.system_manager.control.sockets import make_control_folder
from app.managers.system_manager.run_session import RunSession
from app.managers.system_manager.steering.desk import ControlDesk
from app.managers.system_manager.system_manager import SystemManager
from app.managers.time_manager import WallClock

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

# Holds a hundred of each from the first bar on, protected by a stop, and goes on asking for more.
GREEDY = """
from app.strategies import Strategy

class Greedy(Strategy):
    def on_bar(self, bar):
        if not self.position(bar.symbol).quantity and not self.orders(bar.symbol):
            self.bracket(bar.symbol, 100, stop=bar.close * 0.5)
        if self.now.minute % 10 == 0:
            self.order(bar.symbol, 10, limit=round(bar.close * 0.6, 2))
"""
LATE = """
from app.strategies import Strategy

class Late(Strategy):
    def on_bar(self, bar):
        if (self.now.hour, self.now.minute) == (9, 40):
            self.order(bar.symbol, 10, limit=round(bar.close * 1.05, 2))
"""
RAISING = """
from app.strategies import Strategy

class Raising(Strategy):
    def on_bar(self, bar):
        if self.now.minute == 40:
            raise ValueError("odd")
        self.order_target(bar.symbol, 5)
"""


def config(teller: Teller, **parts: Any) -> str:
    use = teller.house.strategy("greedy.py", parts.pop("strategy", GREEDY))
    return str(teller.house.file(teller.house.config(use=use, end="2024-06-04", **parts)))


def checks(told: dict[str, Any]) -> dict[str, bool]:
    return {one["check"]: one["ok"] for one in told["checks"]}


def test_a_drill_finds_its_moment_and_all_that_a_flatten_promises_holds(teller: Teller) -> None:
    told = teller.json("risk", "drill", config(teller))
    assert told["ok"]
    assert told["found"]["positions"] == {"AAA": "100", "BBB": "100"}
    assert told["at"] == "2024-06-03 09:32:00-04:00"
    assert (told["done_at"], told["done_bars"]) == ("2024-06-03 09:34:00-04:00", 2)
    assert told["left"] == {"orders": 0, "opening": 0, "positions": {}}
    assert told["closing_orders"] == 2
    assert told["refused_after"] > 100
    assert Decimal(told["final_equity"]) != Decimal(told["unstopped_equity"])
    assert all(checks(told).values())
    assert teller.json("runs", "list") == []
    assert not (teller.house.folder / "runs").exists()


def test_a_freeze_keeps_what_protects_and_a_time_can_be_named(teller: Teller) -> None:
    words = ("risk", "drill", config(teller), "--freeze", "--at", "2024-06-03 11:00:30")
    told = teller.json(*words)
    assert told["at"] == "2024-06-03 11:00:30-04:00"
    assert told["found"]["opening"] > 0
    assert told["left"]["opening"] == 0
    assert told["left"]["orders"] == 2
    assert told["left"]["positions"] == {"AAA": "100", "BBB": "100"}
    assert checks(told)["what protects is kept"]
    assert told["unstopped_equity"] is None
    text = teller.text(*words)
    assert "All of it holds." in text
    assert "2 of 2" in text


def test_an_entry_that_fills_after_the_stop_is_closed_at_the_next_open(teller: Teller) -> None:
    words = ("risk", "drill", config(teller, strategy=LATE), "--at", "2024-06-03 09:40:30")
    told = teller.json(*words)  # the bar under way may still fill what is being taken back
    assert told["ok"]
    assert told["found"] == {"orders": 2, "opening": 2, "positions": {}}
    assert told["closing_orders"] == 2
    assert (told["done_at"], told["done_bars"]) == ("2024-06-03 09:42:00-04:00", 2)


def test_a_drill_that_does_not_hold_ends_with_exit_code_one_and_says_what(teller: Teller) -> None:
    late = ("risk", "drill", config(teller), "--at", "2024-06-04 15:59:30")
    told = teller.json(*late, code=1)
    assert next(name for name, ok in checks(told).items() if not ok) == "flat within 5 bars"
    assert told["done_at"] is None
    code, out, _ = teller.say(*late)
    assert code == 1
    assert "never" in out
    assert "It does not hold." in out
    told = teller.json("risk", "drill", config(teller, strategy=RAISING), code=1)
    assert not checks(told)["the run goes on to its end"]
    assert "ValueError: odd" in json.dumps(told)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--at", "noon"), 2, "'noon' is not a time"),
        (("--at", "2024-07-01 10:00"), 2, "is not within the sessions of 2024-06-03 to 2024-06-04"),
        (("--within", "0"), 2, "--within"),
    ],
)
def test_a_drill_at_a_time_that_there_is_not_is_refused(
    teller: Teller, words: tuple[str, ...], code: int, told: str
) -> None:
    ended, _, err = teller.say("risk", "drill", config(teller), *words)
    assert ended == code
    assert told in err


def test_a_live_config_is_drilled_on_its_last_stored_session(teller: Teller) -> None:
    given = json.loads(Path(config(teller)).read_text(encoding="utf-8"))
    path = teller.house.folder.parent / "live.json"
    path.write_text(json.dumps({**given, "mode": "live", "replay": None, "live": {}}))
    told = teller.json("risk", "drill", str(path))
    assert told["ok"]
    assert told["sessions"] == "2024-06-07 to 2024-06-07"


@pytest.mark.live
def test_a_drill_gets_through_to_a_run_whose_strategy_hangs(teller: Teller) -> None:
    told = teller.json("risk", "drill", config(teller), "--stuck")
    assert told["ok"]
    assert told["at"] == "2024-06-03 09:32:00-04:00"
    assert told["refused_after"] == 0
    assert told["left"] == {"orders": 0, "opening": 0, "positions": {}}


@pytest.fixture
def served(teller: Teller) -> Iterator[Teller]:
    """Runs of the house can be steered by commands, as those of a process are."""
    servers: list[ControlServer] = []
    house = teller.house

    def serve(session: RunSession) -> None:
        desk = ControlDesk(house.system, session)
        path = make_control_folder(house.folder) / f"{session.run_id}.sock"
        server = ControlServer(path, desk, desk.view, WallClock())
        servers.append(server)

        def close() -> None:
            assert house.system.wait(30) is not None
            server.close()

        threading.Timer(0.1, close).start()

    house.system = SystemManager(house.system._settings, on_begin=serve)
    yield teller
    house.system.stop()
    for server in servers:
        server.close()


def begun(house: SystemHouse, instants: int, **parts: Any) -> str:
    """A replay that stands still after so many instants."""
    use = house.strategy("greedy.py", GREEDY)
    run_id = house.system.start(house.config(use=use, speed=60.0, **parts), paused=True)
    house.system.step(instants)
    while (seen := house.system.session_data()) is None or seen.fills_made < 2:
        threading.Event().wait(0.01)
    return run_id


def test_a_running_replay_is_flattened_recorded_and_ended_though_it_stands_still(
    served: Teller,
) -> None:
    run_id = begun(served.house, 5)
    told = served.json("risk", "flatten", "--reason", "smoke: hall")
    assert (told["run_id"], told["mode"], told["reason"]) == (
        run_id,
        "flatten",
        "smoke: hall",
    )
    assert (told["done"], told["again"]) == (True, False)
    assert told["found"]["positions"] == {"AAA": "100", "BBB": "100"}
    assert told["left"] == {"orders": 0, "opening": 0, "positions": {}}
    assert told["done_session_time"] > told["session_time"]
    facts = served.house.facts(run_id)
    assert {**facts["killed"], "run_id": run_id, "again": False} == told
    assert facts["summary"]["state"] == "stopped"
    alarms = served.house.system.alarms.latest()
    assert [(one.what, one.details) for one in alarms] == [("killed", "flatten: smoke: hall")]
    orders = served.house.runs().get_orders(run_id)
    assert {order["reason"] for order in orders if order["state"] == "CANCELED"} == {
        "killed (flatten)"
    }
    once_more = served.json("risk", "flatten", run_id, "--reason", "again")
    assert once_more == {**told, "again": True}
    assert "was stopped before" in served.text("risk", "flatten", "--all", "--reason", "again")


def test_a_frozen_replay_ends_at_that_instant_with_what_it_holds(served: Teller) -> None:
    run_id = begun(served.house, 5)
    told = served.json("risk", "flatten", "--freeze", "--reason", "look at it")
    assert told["done"]
    assert told["session_time"] == told["done_session_time"]
    assert told["left"]["positions"] == {"AAA": "100", "BBB": "100"}
    assert served.house.facts(run_id)["summary"]["fills"] == 2


def test_a_run_that_has_ended_is_told_so_and_no_other_is_offered_to_an_emergency_stop(
    served: Teller,
) -> None:
    house = served.house
    ended = house.system.start(house.config())
    assert house.system.wait(30) is not None
    while running(house.folder):
        threading.Event().wait(0.01)
    other = begun(house, 5)  # in the same second its id begins with the first one's
    assert running(house.folder) == [other]
    code, _, err = served.say("risk", "flatten", ended, "--reason", "x")
    assert code == 3
    assert f"Run {ended} has ended (finished, " in err and "so nothing was stopped" in err
    assert "Did you mean" not in err and other not in err.replace(ended, "")
    code, _, err = served.say("system", "halt", ended)
    assert code == 3
    assert f"No session '{ended}' runs: run {ended} is over, or does not answer." in err
    assert "Did you mean" not in err and other not in err.replace(ended, "")
    assert running(house.folder) == [other]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--reason", "x"), 3, "No session runs"),
        (("--reason", " "), 2, "--reason is empty"),
        ((), 2, "--reason"),
        (("some", "--all", "--reason", "x"), 2, "leave one of them out"),
        (("2021", "--reason", "x"), 3, "No session '2021' runs"),
    ],
)
def test_a_stop_that_cannot_be_says_why(
    teller: Teller, words: tuple[str, ...], code: int, told: str
) -> None:
    ended, _, err = teller.say("risk", "flatten", *words)
    assert ended == code
    assert told in err
