"""Halting and killing a run through the system, and what the run's record says then."""

import threading
from pathlib import Path

import pytest
from tests.system_house import SystemHouse, stored_market, system_house
from tests.waiting import until

from app.core.errors import StateError, StrategyError, UsageError
from app.managers.execution_manager.orders.kill import KILL_MODES
from app.managers.system_manager.control.alarms import Alarms
from app.managers.system_manager.control.client import connect
from app.managers.system_manager.control.server import ControlServer
from app.managers.system_manager.control.sockets import make_control_folder
from app.managers.system_manager.run_session import RunSession
from app.managers.system_manager.steering.desk import ControlDesk
from app.managers.system_manager.system_manager import SystemManager
from app.managers.time_manager import WallClock

pytestmark = pytest.mark.live

__all__ = ["stored_market", "system_house"]

SPINNING = """
from app.strategies import Strategy

class Spinning(Strategy):
    def on_session_open(self, session):
        open("spins", "w").close()
        while True:
            pass
"""
HOLDING = """
from app.strategies import Strategy

class Holding(Strategy):
    def on_bar(self, bar):
        self.order_target(bar.symbol, 5)
        if self.now.minute == 40:
            open("spins", "w").close()
            while True:
                pass
"""


@pytest.mark.parametrize("mode", KILL_MODES)
@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_a_killed_run_is_recorded_as_stopped_and_its_reason_is_told(
    system_house: SystemHouse, runner: str, mode: str
) -> None:
    system = system_house.system
    run_id = system.start(system_house.config(speed=60.0, engine={"runner": runner}), paused=True)
    system.kill(mode)
    summary = system.wait(20)
    assert summary is not None
    assert (summary.state, summary.run_id) == ("stopped", run_id)
    assert system.ended is not None
    assert (system.ended.reason, system.ended.error) == ("killed", None)
    assert system_house.row(run_id)["state"] == "stopped"
    assert [(alarm.what, alarm.details) for alarm in system.alarms.latest()] == [("killed", mode)]


def test_a_session_hook_that_spins_does_not_outlive_a_kill(system_house: SystemHouse) -> None:
    use = system_house.strategy("spinning.py", SPINNING)
    system = system_house.system
    system.start(system_house.config(use=use, engine={"hook_seconds": 600}))
    until(Path("spins").exists)
    system.kill()
    summary = system.wait(20)
    assert summary is not None
    assert summary.state == "stopped"
    assert [alarm.what for alarm in system.alarms.latest()] == ["killed", "hook hangs"]


@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_a_replay_whose_strategy_spins_is_flattened_all_the_same(
    system_house: SystemHouse, runner: str
) -> None:
    use = system_house.strategy("holding.py", HOLDING)
    system = system_house.system
    engine = {"hook_seconds": 600, "runner": runner}
    run_id = system.start(system_house.config(use=use, engine=engine))
    until(Path("spins").exists)
    system.kill("flatten", "it spins")
    summary = system.wait(20)
    assert summary is not None
    assert (summary.state, summary.orders, summary.trades) == ("stopped", 4, 2)
    told = system_house.facts(run_id)["killed"]
    assert (told["done"], told["left"]["positions"]) == (True, {})
    assert told["found"]["positions"] == {"AAA": "5", "BBB": "5"}
    assert told["session_time"] == "2024-06-03T09:40:00-04:00"
    assert told["done_session_time"] == "2024-06-03T09:41:00-04:00"


def test_a_session_hook_that_spins_is_named_when_its_time_is_over(
    system_house: SystemHouse,
) -> None:
    use = system_house.strategy("spinning.py", SPINNING)
    config = system_house.config(use=use, engine={"hook_seconds": 0.4})
    with pytest.raises(StrategyError, match="Strategy spinning failed in on_session_open"):
        system_house.system.run(config)
    (alarm,) = system_house.system.alarms.latest()
    assert alarm.what == "hook hangs"
    assert "has not returned from on_session_open, at spinning.py:" in alarm.details


def test_a_replay_is_not_released(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(system_house.config(speed=60.0), paused=True)
    system.halt("odd")
    for ask in (lambda: system.release("looked at"), system.released):
        with pytest.raises(StateError, match="Only a live run is released"):
            ask()
    system.kill()
    assert system.wait(20) is not None


def test_nothing_that_does_not_run_is_killed_or_halted_nor_in_a_way_there_is_not(
    system_house: SystemHouse,
) -> None:
    system = system_house.system
    with pytest.raises(StateError, match="No run is under way"):
        system.kill()
    with pytest.raises(StateError, match="No run is under way"):
        system.halt()
    system.start(system_house.config(), paused=True)
    with pytest.raises(UsageError, match="killed by freeze or flatten, not 'drown'"):
        system.kill("drown")
    assert system.is_running


def test_a_desk_shows_the_run_from_before_its_first_bar_to_its_end(
    system_house: SystemHouse,
) -> None:
    servers: list[ControlServer] = []

    def serve(session: RunSession) -> None:
        desk = ControlDesk(system, session)
        path = make_control_folder(system_house.folder) / f"{session.run_id}.sock"
        servers.append(ControlServer(path, desk, desk.view, WallClock()))

    system = SystemManager(system_house.system._settings, on_begin=serve)
    run_id = system.start(system_house.config(), paused=True)
    try:
        with connect(system_house.folder) as client:
            before = client.view()
            assert (before.run_id, before.state, before.bars) == (run_id, "PAUSED", 0)
            assert (before.mode, before.config, before.equity) == ("replay", "proof run", 100_000)
            client.ask("step", "40")
            while (found := client.view()).bars < 80:
                pass
            assert found.now == "2024-06-03T10:10:00-04:00"
            assert found.fills_made > 0
            assert found.orders_working == len(found.orders)
            assert {one.symbol for one in found.positions} <= {"AAA", "BBB"}
            with pytest.raises(StateError, match="Cannot step 'many' instants"):
                client.ask("step", "many")
            assert found.no_entries == ""
            client.ask("halt", "news at noon")
            assert client.view().no_entries == "news at noon"
            assert client.ask("stop", "seen enough").endswith("stops: seen enough.")
        summary = system.wait(20)
        assert summary is not None
        assert summary.state == "stopped"
    finally:
        system.stop()
        for server in servers:
            server.close()


def test_of_many_alarms_the_latest_are_kept_in_order() -> None:
    alarms, heard = Alarms(lambda: "now"), threading.Event()
    alarms.on_alarm = lambda alarm: heard.set()
    for number in range(50):
        alarms.alarm("flood", str(number))
    assert heard.is_set()
    assert [alarm.details for alarm in alarms.latest()] == [str(n) for n in range(30, 50)]


def test_a_control_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir(mode=0o777)
    assert make_control_folder(tmp_path).stat().st_mode & 0o777 == 0o700
