"""The control socket with real clients: good, slow, dead, many and malicious ones."""

import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.waiting import until

from app.core.errors import AppError, NotFoundError, StateError, UsageError
from app.managers.system_manager.control.client import (
    ControlClient,
    SessionEnded,
    connect,
    running,
)
from app.managers.system_manager.control.messages import (
    LONGEST_TOLD_BYTES,
    PROTOCOL,
    Answer,
    Ask,
    Frames,
    Goodbye,
    Hello,
    View,
    Welcome,
    framed,
    told_of,
)
from app.managers.system_manager.control.server import MOST_CLIENTS, VIEWS_A_SECOND, ControlServer
from app.managers.system_manager.control.sockets import (
    connect_to,
    control_folder,
    listen_at,
    make_control_folder,
)
from app.managers.time_manager import WallClock

pytestmark = pytest.mark.live


class Steered:
    """A session of which every view differs; `speed` is refused."""

    def __init__(self) -> None:
        self.obeyed: list[str] = []
        self.made = 0
        self.padding = ""
        self.may_tell = threading.Event()

    def welcome(self) -> Welcome:
        return Welcome(PROTOCOL, "1.2.3", "run-1", os.getpid())

    def obey(self, command: str, value: str) -> str:
        if command == "speed":
            raise UsageError(f"Speed '{value}' is neither 'max' nor a number.")
        if command in ("risk_status", "risk_resume"):  # a hook hangs
            self.may_tell.wait(20)
        self.obeyed.append(command)
        return "done"

    def tell(self, value: str) -> str:
        if value == "slow":
            self.may_tell.wait(20)
        if value == "refused":
            raise UsageError("What is asked cannot be read.")
        if value == "faulty":
            raise ArithmeticError("a defect")
        return f"told {value}"

    def view(self) -> bytes:
        self.made += 1
        return framed(
            View(
                run_id="run-1", config="proof" + self.padding, mode="replay", state="RUNNING",
                pid=1, started_at="", speed="max", now="", bars=self.made, currency="USD",
                cash=Decimal(1), equity=Decimal(1), positions=(), orders=(), orders_working=0,
                fills=(), fills_made=0, alarms=(),
            )
        )  # fmt: skip


class House:
    """A server in a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.session = Steered()
        self.path = make_control_folder(data) / "run-1.sock"
        self.server = ControlServer(
            self.path, self.session, self.session.view, WallClock(), self.session.tell
        )

    def client(self) -> ControlClient:
        return connect(self.data)

    def raw(self) -> socket.socket:
        found = connect_to(self.path, 5.0)
        assert found is not None
        return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "data")
    yield made
    made.server.close()


def all_told(client: socket.socket) -> list[object]:
    """What a server says until it hangs up."""
    data = b""
    while chunk := client.recv(65_536):
        data += chunk
    return [told_of(body) for body in Frames(LONGEST_TOLD_BYTES).add(data)]


def test_commands_are_acknowledged_and_refusals_keep_their_exit_code(house: House) -> None:
    with house.client() as client:
        assert client.session.run_id == "run-1"
        assert [client.ask(one) for one in ("pause", "ping", "kill")] == ["done", "ping", "done"]
        with pytest.raises(AppError, match="Speed 'x' is neither") as refused:
            client.ask("speed", "x")
        assert refused.value.exit_code == 2
        assert client.view().config == "proof"
    assert house.session.obeyed == ["pause", "kill"]


def test_the_socket_is_its_owner_s_alone(house: House) -> None:
    assert stat.S_IMODE(house.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(house.path.parent.stat().st_mode) == 0o700


def let_all_in(folder: Path) -> None:
    """Any user may reach this folder, and write to it."""
    folder.chmod(0o777)
    for above in folder.parents:
        mode = stat.S_IMODE(above.stat().st_mode)
        if not mode & stat.S_IXOTH:
            above.chmod(mode | stat.S_IXOTH)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_even_where_the_modes_let_it_in(house: House) -> None:
    house.path.chmod(0o777)
    let_all_in(house.path.parent)
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534);"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "sys.stdout.buffer.write(s.recv(65536))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(house.path)],
        capture_output=True,
        check=True,
        timeout=20,
    )
    (body,) = Frames(LONGEST_TOLD_BYTES).add(done.stdout)
    goodbye = told_of(body)
    assert isinstance(goodbye, Goodbye)
    assert goodbye.reason == "Only the user who started the session may steer it."


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_nothing_is_asked_of_another_user_who_listens_in_a_session_s_place(tmp_path: Path) -> None:
    folder = control_folder(tmp_path)
    folder.mkdir()
    let_all_in(folder)
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534);"
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print(flush=True);"
        "c, _ = s.accept(); print(c.recv(65536))"
    )
    path = folder / "run-1.sock"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StateError, match="Another user listens at the session's socket"):
            connect(tmp_path)
        assert other.stdout.read() == b"b''\n"  # it was told nothing


def test_views_come_while_somebody_watches_and_no_faster_than_they_may(house: House) -> None:
    before = house.session.made
    with house.client() as client:
        views = client.views()
        first = next(views)
        began = time.monotonic()
        bars = [next(views).bars for _ in range(VIEWS_A_SECOND)]
        assert time.monotonic() - began > 0.9
        assert bars == sorted(set(bars))
        assert bars[0] > first.bars
    assert before == 0
    until(lambda: not house.server._watched.is_set())
    made = house.session.made
    time.sleep(0.3)
    assert house.session.made <= made + 1


def test_what_takes_long_to_tell_holds_up_no_command_and_a_defect_in_it_no_other_telling(
    house: House,
) -> None:
    with house.client() as client, house.client() as other:
        assert client.ask("session_data", "one") == "told one"
        client._send(framed(Ask(90, "session_data", "slow")))
        assert [other.ask(one) for one in ("pause", "ping")] == ["done", "ping"]
        house.session.may_tell.set()
        answer = client._next()
        assert isinstance(answer, Answer)
        assert (answer.id, answer.text) == (90, "told slow")
        with pytest.raises(AppError, match="cannot be read") as refused:
            client.ask("session_data", "refused")
        assert refused.value.exit_code == 2
        with pytest.raises(AppError, match="'session_data' failed; the session's log says why"):
            client.ask("session_data", "faulty")
        assert client.ask("session_data", "two") == "told two"
    assert house.session.made == 0  # nobody asked for a view
    until(lambda: not house.server._watched.is_set())


@pytest.mark.parametrize("command", ["risk_status", "risk_resume"])
def test_what_waits_for_the_run_holds_up_no_kill_and_no_greeting(
    house: House, command: str
) -> None:
    with house.client() as client, house.client() as other:
        client._send(framed(Ask(90, command)))
        assert other.ask("kill") == "done"
        with house.client() as third:
            assert third.ask("ping") == "ping"
        house.session.may_tell.set()
        assert client._next() == Answer(90, "done")
    assert house.session.obeyed == ["kill", command]


def test_who_leaves_before_an_answer_hinders_nobody(house: House) -> None:
    with house.client() as gone:
        gone._send(framed(Ask(1, "session_data", "slow")))
        until(lambda: house.server._watched.is_set())
    house.session.may_tell.set()
    with house.client() as client:
        assert client.ask("session_data", "x") == "told x"


def test_a_client_that_never_reads_is_dropped_and_hinders_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.managers.system_manager.control.peer.STALLED_NS", 500_000_000)
    house.session.padding = "x" * 100_000
    deaf = house.raw()
    deaf.sendall(framed(Hello(PROTOCOL)) + framed(Ask(1, "subscribe")))
    with house.client() as client:
        views = client.views()
        for _ in range(VIEWS_A_SECOND):
            next(views)
        until(lambda: len(house.server._peers) == 1)
        assert client.ask("pause") == "done"
    deaf.close()


def test_fifty_clients_are_served_and_one_too_many_is_told_so(house: House) -> None:
    clients = [house.client() for _ in range(50)]
    assert {client.ask("ping") for client in clients} == {"ping"}
    assert {client.view().run_id for client in clients} == {"run-1"}
    more = [house.client() for _ in range(MOST_CLIENTS - 50)]
    with pytest.raises(StateError, match="64 clients are connected already"):
        house.client()
    for client in [*clients, *more]:
        client.close()
    until(lambda: not house.server._peers)
    with house.client() as client:
        assert client.ask("ping") == "ping"


def test_a_client_that_is_killed_leaves_the_session_as_it_was(house: House) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from app.managers.system_manager.control.client import connect;"
        "views = connect(Path(sys.argv[1])).views(); next(views); print('watching', flush=True);"
        "[None for _ in views]"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(house.data)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "watching\n"
    child.kill()
    child.communicate(timeout=10)
    until(lambda: not house.server._peers)
    with house.client() as client:
        assert client.ask("ping") == "ping"


def test_another_version_is_refused_and_told_what_to_do(house: House) -> None:
    with pytest.raises(StateError, match="Use the program the session was started with"):
        ControlClient(house.raw(), protocol=PROTOCOL + 1)


def test_garbage_is_answered_with_a_reason_and_hung_up_on(house: House) -> None:
    client = house.raw()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    (goodbye,) = all_told(client)
    client.close()
    assert isinstance(goodbye, Goodbye)
    assert "is longer than the" in goodbye.reason


@given(st.lists(st.binary(max_size=100), max_size=4), st.booleans(), st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_whatever_end_the_server(
    house: House, chunks: list[bytes], after_hello: bool, abrupt: bool
) -> None:
    client = house.raw()
    try:
        client.sendall(framed(Hello(PROTOCOL)) if after_hello else b"")
        for chunk in chunks:
            client.sendall(chunk)
        if not abrupt:
            client.shutdown(socket.SHUT_WR)
            all_told(client)
    except (BrokenPipeError, ConnectionResetError):  # it had enough
        pass
    finally:
        client.close()
    with house.client() as good:
        assert good.ask("ping") == "ping"
    assert house.session.obeyed == []


def test_who_names_a_run_that_is_over_gets_and_is_offered_no_other(house: House) -> None:
    for name in ("run", "rum-1"):
        (house.data / "runs" / name).mkdir(parents=True)
    assert running(house.data) == ["run-1"]
    for name in ("run", "rum-1"):  # the one begins the other's id, the other is like it
        with pytest.raises(
            NotFoundError, match=rf"'{name}' runs: run {name} is over, or does not answer"
        ) as refused:
            connect(house.data, name)
        assert "run-1" not in str(refused.value)
    with connect(house.data, "run-") as client:
        assert client.session.run_id == "run-1"


def test_the_file_of_a_dead_session_is_removed_and_a_run_is_found_by_its_beginning(
    house: House,
) -> None:
    folder = control_folder(house.data)
    listen_at(folder / "dead.sock").close()
    other = listen_at(folder / "run-2.sock")
    assert running(house.data) == ["run-1", "run-2"]
    assert not (folder / "dead.sock").exists()
    with pytest.raises(UsageError, match="2 sessions run; name one of: run-1, run-2"):
        connect(house.data)
    with pytest.raises(UsageError, match="2 running sessions begin with 'run'"):
        connect(house.data, "run")
    with pytest.raises(NotFoundError, match=r"No session 'rum-1' runs\. Did you mean 'run-1'\?"):
        connect(house.data, "rum-1")
    with connect(house.data, "run-1") as client:
        assert client.session.run_id == "run-1"
    other.close()


def test_a_data_folder_with_a_long_path_serves_all_the_same(tmp_path: Path) -> None:
    house = House(tmp_path / ("long" * 40) / "data")
    try:
        assert len(str(house.path)) > 200
        with house.client() as client:
            assert client.ask("ping") == "ping"
    finally:
        house.server.close()
    assert not house.path.exists()


def test_clients_learn_that_the_session_has_ended_and_its_threads_end(house: House) -> None:
    client = house.client()
    views = client.views()
    next(views)
    ended = threading.Event()

    def watch() -> None:
        for _ in views:
            pass
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    house.server.close()
    assert ended.wait(5)
    with pytest.raises(SessionEnded):
        client.ask("ping")
    client.close()
    with pytest.raises(NotFoundError, match="No session runs"):
        house.client()
    assert not any(thread.is_alive() for thread in house.server._threads)


def test_a_view_that_cannot_be_made_leaves_the_commands_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(house.server, "_view", broken)
    monkeypatch.setattr("app.managers.system_manager.control.client.ANSWER_SECONDS", 0.3)
    with house.client() as client, pytest.raises(StateError, match="does not answer"):
        client.view()
    with house.client() as client:
        assert client.ask("pause") == "done"
