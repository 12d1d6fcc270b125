"""Sessions followed by the shell: real sockets and processes, and every way they can go."""

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.system_house import SystemHouse, stored_market, system_house
from tests.waiting import until

from app.cli.context import Context
from app.cli.shell.followed import Followed, record_reader
from app.cli.system.serving import detach, detached_here
from app.core.errors import NotFoundError, UsageError
from app.managers.system_manager.control.client import connect
from app.managers.system_manager.control.messages import PROTOCOL, View, Welcome, framed
from app.managers.system_manager.control.server import ControlServer
from app.managers.system_manager.control.sockets import listen_at, make_control_folder
from app.managers.time_manager.clock import WallClock

__all__ = ["stored_market", "system_house"]

VIEW = View(
    run_id="run-1", config="proof", mode="live", state="RUNNING", pid=os.getpid(), started_at="",
    speed=1, now="2024-11-01T10:31:00-04:00", bars=1, currency="USD", cash=Decimal(1),
    equity=Decimal(1000), positions=(), orders=(), orders_working=0, fills=(), fills_made=0,
    alarms=(),
)  # fmt: skip
RUNNING = {"run_id": "run-1", "state": "running", "pid": os.getpid(), "mode": "live", "config": {}}
FINISHED = {
    **RUNNING, "state": "finished", "name": "proof", "ended_at": VIEW.now, "error": None,
    "config": {"account": {"currency": "USD"}},
    "summary": {
        "start_equity": 1, "final_equity": 3, "trades": 1, "fills": 2, "fingerprint": "abcdef0123",
    },
}  # fmt: skip


class Session:
    """A session in this process, under the socket of `run-1`."""

    def __init__(self, data: Path) -> None:
        self.seen = VIEW
        self.path = make_control_folder(data) / "run-1.sock"
        self.server = self.serve()

    def serve(self) -> ControlServer:
        return ControlServer(self.path, self, lambda: framed(self.seen), WallClock())

    def welcome(self) -> Welcome:
        return Welcome(PROTOCOL, "1.2.3", "run-1", os.getpid())

    def obey(self, command: str, value: str) -> str:
        return "done"


class Screen:
    """A shell that follows, and what it has shown."""

    def __init__(
        self, data: Path, record: dict[str, Any] | None = None, shows: bool = True
    ) -> None:
        self.lines: list[str] = []
        self.record = record
        self.asked = 0  # how often for the record
        self.followed = Followed(data, self._record_of, self._show if shows else None, WallClock())

    def _show(self, text: str, style: str) -> None:
        self.lines.append(text)

    def _record_of(self, run_id: str) -> dict[str, Any] | None:
        self.asked += 1
        return self.record

    def waits_for(self, words: str, seconds: float = 20.0) -> str:
        """The first line with these words, once it is shown."""
        until(lambda: any(words in line for line in self.lines), seconds)
        return next(line for line in self.lines if words in line)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path)
    yield made
    made.server.close()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    before = threading.active_count()
    made = Screen(tmp_path, RUNNING)
    yield made
    made.followed.close()
    until(lambda: threading.active_count() <= before + 2, 3)  # a server's own


def test_what_happens_in_a_session_is_shown_until_its_end(session: Session, screen: Screen) -> None:
    screen.followed.begun("run-1")
    assert "started: live, equity 1,000.00 USD" in screen.waits_for("started")
    session.seen = replace(VIEW, state="PAUSED")
    screen.waits_for("paused")
    standing = screen.followed.standing()
    assert standing is not None
    assert tuple(standing) == ("live", "PAUSED", "10:31:00", 0, False)
    screen.record = FINISHED
    session.server.close()
    assert "net +2.00 USD, 1 trade, 2 fills\n" in screen.waits_for("finished", 3)
    until(lambda: screen.followed.standing() is None)
    assert screen.followed.runs == []


def test_a_connection_that_is_lost_is_told_once_and_looked_for_until_it_is_there(
    session: Session, screen: Screen
) -> None:
    screen.followed.begun("run-1")
    screen.waits_for("started")
    session.server.close()
    screen.waits_for("connection is lost")
    standing = screen.followed.standing()
    assert standing is not None
    assert standing.state == "NO ANSWER"
    until(lambda: screen.asked >= 3)
    session.server = session.serve()
    screen.waits_for("answers again")
    assert len([line for line in screen.lines if "lost" in line]) == 1


def test_a_process_that_died_is_told_within_two_seconds_with_what_it_holds(
    session: Session, screen: Screen
) -> None:
    session.seen = replace(VIEW, pid=2**30, orders_working=2)  # nobody has such a number
    screen.followed.begun("run-1")
    screen.waits_for("started")
    session.server.close()
    text = screen.waits_for("BROKE OFF", 2)
    assert "has died, holding 2 orders" in text
    assert "'system recover' goes on with it" in text


def test_another_version_and_a_session_that_is_silent_are_told(
    session: Session, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.managers.system_manager.control.peer.PROTOCOL", PROTOCOL + 1)
    screen.followed.begun("run-1")
    assert "Use the program the session was started with" in screen.waits_for("cannot be followed")
    monkeypatch.setattr("app.managers.system_manager.control.client.ANSWER_SECONDS", 0.2)
    silent = listen_at(session.path.with_name("run-2.sock"))
    screen.followed.begun("run-2")
    screen.waits_for("does not answer")
    until(lambda: screen.followed.runs == [])
    silent.close()


def test_a_session_that_falls_silent_keeps_the_shell_alive_and_its_threads_end(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.shell.follower.ANSWER_SECONDS", 0.2)
    listener = listen_at(make_control_folder(tmp_path) / "run-1.sock")
    listener.setblocking(True)
    greeted: list[socket.socket] = []

    def greet() -> None:
        client, _ = listener.accept()
        client.sendall(framed(Welcome(PROTOCOL, "1.2.3", "run-1", os.getpid())))
        greeted.append(client)

    greeting = threading.Thread(target=greet, daemon=True)
    greeting.start()
    screen.followed.begun("run-1")
    screen.waits_for("does not answer")
    began = time.monotonic()
    screen.followed.close()
    assert time.monotonic() - began < 1.5
    greeting.join(5)
    for one in (*greeted, listener):
        one.close()


def test_events_wait_while_a_command_has_the_terminal(session: Session, screen: Screen) -> None:
    screen.followed.begun("run-1")
    screen.waits_for("started")
    with screen.followed.held():
        session.seen = replace(VIEW, state="PAUSED")
        until(lambda: (one := screen.followed.standing()) and one.state == "PAUSED")
        session.seen = VIEW
        until(lambda: (one := screen.followed.standing()) and one.state == "RUNNING")
        assert len(screen.lines) == 1
        waiting = screen.followed.waiting()
    assert [re.split(r"  +", text)[-1] for text, _ in waiting] == ["paused", "goes on"]


def test_on_a_terminal_that_only_appends_nothing_is_shown_between(
    session: Session, tmp_path: Path
) -> None:
    screen = Screen(tmp_path, RUNNING, shows=False)
    screen.followed.begun("run-1")
    until(lambda: screen.followed.standing() is not None)
    assert screen.lines == []
    assert ["started" in text for text, _ in screen.followed.waiting()] == [True]
    screen.followed.close()


def test_sessions_started_elsewhere_are_followed_when_asked_and_left_again(
    session: Session, screen: Screen
) -> None:
    followed = screen.followed
    assert followed.follow() == ["run-1"]
    assert "is running: live" in screen.waits_for("is running")
    assert followed.follow("run") == []
    assert followed.focus_on("run") == "run-1"
    with pytest.raises(NotFoundError, match=r"No session 'rum-1' runs\. Did you mean 'run-1'\?"):
        followed.follow("rum-1")
    other = listen_at(session.path.with_name("run-2.sock"))
    with pytest.raises(UsageError, match="2 sessions begin with 'run': run-1, run-2"):
        followed.follow("run")
    assert followed.unfollow("run") == ["run-1"]
    assert followed.standing() is None
    assert followed.unfollow() == []
    other.close()


def test_where_nothing_runs_there_is_nothing_to_follow_and_the_folder_stays_empty(
    tmp_path: Path,
) -> None:
    followed = Screen(tmp_path).followed
    with pytest.raises(NotFoundError, match="No session runs"):
        followed.follow()
    followed.close()
    assert list(tmp_path.iterdir()) == []


def test_one_that_has_ended_before_it_could_be_looked_at_is_told_by_its_record(
    tmp_path: Path, screen: Screen
) -> None:
    screen.record = FINISHED
    screen.followed.begun("run-0")
    assert "net +2.00 USD" in screen.waits_for("finished")


def test_of_several_the_prompt_speaks_of_the_newest_unless_told_otherwise(
    session: Session, screen: Screen
) -> None:
    second = ControlServer(
        session.path.with_name("run-2.sock"), session,
        lambda: framed(replace(VIEW, run_id="run-2", state="PAUSED")), WallClock(),
    )  # fmt: skip
    for run_id in ("run-1", "run-2"):
        screen.followed.begun(run_id)
        until(lambda: screen.followed.focus)
    until(lambda: (one := screen.followed.standing()) and one.state == "PAUSED" and one.more == 1)
    screen.followed.focus_on("run-1")
    standing = screen.followed.standing()
    assert standing is not None
    assert standing.state == "RUNNING"
    second.close()


def test_two_of_one_config_are_told_apart_by_their_runs(session: Session, screen: Screen) -> None:
    screen.followed.begun("run-1")
    assert "  proof         started" in screen.waits_for("started")
    second = ControlServer(
        session.path.with_name("run-2.sock"), session,
        lambda: framed(replace(VIEW, run_id="run-2", state="PAUSED")), WallClock(),
    )  # fmt: skip
    screen.followed.follow("run-2")
    assert "  2             is paused" in screen.waits_for("is paused")
    session.seen = replace(VIEW, state="STOPPING")
    assert "  1             stops" in screen.waits_for("stops")
    second.close()


def test_a_run_that_goes_on_after_it_broke_off_is_followed_anew(
    session: Session, screen: Screen
) -> None:
    session.seen = replace(VIEW, pid=2**30)
    screen.followed.begun("run-1")
    screen.waits_for("started")
    session.server.close()
    screen.waits_for("BROKE OFF")
    until(lambda: screen.followed.runs == [])
    session.seen = replace(VIEW, fills_made=7)
    session.server = session.serve()
    screen.followed.begun("run-1")
    screen.waits_for("started: live, equity 1,000.00 USD, 7 fills, holds nothing")
    assert screen.followed.runs == ["run-1"]


@pytest.fixture
def real(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[SystemHouse, list[str], Followed]]:
    """A house whose sessions are processes of their own, followed with their records."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(system_house.strategies))
    lines: list[str] = []
    followed = Followed(
        system_house.folder, record_reader(Context()), lambda text, style: lines.append(text),
        WallClock(),
    )  # fmt: skip
    yield system_house, lines, followed
    followed.close()
    for one in detached_here:
        one.process.kill()
        one.process.wait()
    detached_here.clear()


def fills_told(lines: list[str]) -> int:
    """How many fills these lines stand for."""
    count = 0
    for line in lines:
        if more := re.search(r"([\d,]+) (?:more )?fills? earlier|([\d,]+) more fill", line):
            count += int((more[1] or more[2]).replace(",", ""))
        elif re.search(r"  (buy |sell) +[\d,]+ ", line):
            several = re.search(r" \(([\d,]+) fills\)$", line)
            count += int(several[1].replace(",", "")) if several else 1
    return count


@pytest.mark.live
def test_a_paced_replay_is_told_from_its_start_to_its_end(
    real: tuple[SystemHouse, list[str], Followed],
) -> None:
    house, lines, followed = real
    run_id = detach(["start", str(house.file(house.config(speed=2000.0)))])["run_id"]
    followed.begun(run_id)
    assert followed.running_here() == [run_id]
    until(lambda: fills_told(lines) > 3)
    with connect(house.folder, run_id) as client:
        client.ask("pause")
        until(lambda: any(line.endswith("  paused") for line in lines))
        client.ask("speed", "max")
        client.ask("resume")
    until(lambda: any("finished: net" in line for line in lines))
    row = house.row(run_id)
    end = next(line for line in lines if "finished: net" in line)
    assert f"fingerprint {row['fingerprint'][:8]}" in end
    assert f"'runs show {run_id}' tells of it" in end
    assert f", {row['summary']['fills']:,} fills, still holds 100 AAA at " in end
    assert fills_told(lines) <= row["summary"]["fills"]
    assert followed.runs == []
    until(lambda: followed.running_here() == [])


@pytest.mark.live
def test_a_session_that_is_killed_is_told_within_two_seconds(
    real: tuple[SystemHouse, list[str], Followed],
) -> None:
    house, lines, followed = real
    run = detach(["start", str(house.file(house.config(speed=600.0)))])
    followed.begun(run["run_id"])
    until(lambda: any("started" in line for line in lines))
    os.kill(run["pid"], signal.SIGKILL)
    until(lambda: any("BROKE OFF" in line for line in lines), 2)
    assert "a replay cannot go on: start it anew" in next(x for x in lines if "BROKE OFF" in x)
    assert followed.standing() is None
