"""`data session` and `watch` over the real control socket of a run in this process."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app.cli.main import main
from app.cli.system.serving import Serving
from app.core.session_data import SessionData
from app.core.settings import Settings
from app.managers.system_manager.control.client import ControlClient, connect
from app.managers.system_manager.control.messages import UNKNOWN, Look

__all__ = ["stored_market", "system_house"]

CONFIG: dict[str, Any] = {
    "derived_intervals": ("5m", "1h"),
    "indicators": ({"name": "SMA", "params": {"timeperiod": 3}},),
}


class Served:
    """A run of this process that other terminals can look at; `json` is one command's."""

    def __init__(self, house: SystemHouse, capsys: pytest.CaptureFixture[str]) -> None:
        settings = Settings(
            data_folder=house.folder, strategies_folder=house.strategies, database_url=None
        )
        self.house, self._capsys = house, capsys
        self.serving = Serving(settings, None)
        self.system = self.serving.system

    def begin(self, paused: bool = True, **parts: Any) -> str:
        """Start a run; its id."""
        return self.system.start(self.house.config(**{**CONFIG, **parts}), paused=paused)

    def step(self, instants: int) -> SessionData:
        """Take so many instants, and wait until they are over."""
        before = self.system.session_data()
        assert before is not None
        wanted_ns = before.through_ns + instants * 60 * 10**9
        self.system.step(instants)
        return self.until(lambda seen: seen.through_ns >= wanted_ns)

    def until(self, holds: Callable[[SessionData], bool]) -> SessionData:
        for _ in range(1_000):
            seen = self.system.session_data(timeout_seconds=0.02)
            if seen is not None and holds(seen):
                return seen
            threading.Event().wait(0.01)
        raise AssertionError("it did not come about")

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main(list(words))
        out, err = self._capsys.readouterr()
        return code, out, err

    def json(self, *words: str) -> Any:
        code, out, err = self.run(*words, "--once", "--json")
        assert code == 0, err
        return json.loads(out)

    def client(self) -> ControlClient:
        return connect(self.house.folder)


@pytest.fixture
def served(
    system_house: SystemHouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Served]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    made = Served(system_house, capsys)
    with closing(made.serving):
        yield made
        made.system.interrupt()
        made.system.stop()


def test_what_a_command_tells_is_what_the_api_tells(served: Served) -> None:
    run_id = served.begin()
    assert served.json("data", "session")["session"] is None
    stepped = served.step(37)
    told = served.json("data", "session", run_id[:12])
    assert told == json.loads(json.dumps(_plain(stepped), default=str))
    assert (told["run_id"], told["state"], told["base_interval"]) == (run_id, "PAUSED", "1m")
    one = told["symbols"][0]
    assert one["symbol"] == "AAA"
    assert list(one["bars"]) == ["1m", "5m"]
    assert list(one["forming"]) == ["5m", "1h"]
    assert (one["quality"]["expected"], one["quality"]["present"]) == (37, 37)
    assert one["age_seconds"] == 0.0
    closes = [bar.close for bar in served.system.session_data(["AAA"], 3).symbols[0].bars["1m"]]  # type: ignore[union-attr]
    assert one["indicators"]["SMA(3) on 1m"]["value"] == pytest.approx(sum(closes) / 3)


def _plain(seen: SessionData) -> Any:
    import msgspec

    return msgspec.to_builtins(seen)


def test_symbols_are_picked_and_a_wrong_one_is_met_with_the_right_one(served: Served) -> None:
    served.begin()
    served.step(3)
    assert [one["symbol"] for one in served.json("data", "session", "--symbols", "BBB, AAA")[
        "symbols"
    ]] == ["BBB", "AAA"]  # fmt: skip
    code, _, err = served.run("data", "session", "--symbols", "AAB", "--once")
    assert code == 3
    assert "has no symbol 'AAB'. Did you mean 'AAA'? It has AAA, BBB." in err
    code, _, err = served.run("data", "session", "--symbols", " , ", "--once")
    assert (code, "names no symbol; write them as AAPL,MSFT." in err) == (2, True)
    code, _, err = served.run("watch", "aaa", "--once", "--json")
    assert (code, "Did you mean 'AAA'?" in json.loads(err)["error"]) == (3, True)


def test_a_symbol_is_watched_with_as_many_bars_as_asked_for(served: Served) -> None:
    served.begin()
    served.step(30)
    told = served.json("watch", "BBB", "--bars", "25")
    (one,) = told["symbols"]
    assert (one["symbol"], len(one["bars"]["1m"])) == ("BBB", 25)
    assert {order["symbol"] for order in told["ended"]} <= {"BBB"}
    code, out, err = served.run("watch", "BBB", "--once", "--bars", "4")
    assert code == 0, err
    assert out.startswith("BBB  ")
    assert "Bars of 5m" in out
    code, out, _ = served.run("data", "session", "--once")
    assert (code, "AAA" in out, "BBB" in out) == (0, True, True)


def test_without_a_session_the_answer_says_how_to_start_one(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for words in (("data", "session"), ("watch", "AAA")):
        code, _, err = served.run(*words, "--once")
        assert code == 3
        assert "No session runs. 'system start CONFIG --detach' starts one." in err


def test_while_a_hook_hangs_all_is_shown_as_it_stood_and_commands_still_pass(
    served: Served,
) -> None:
    served.begin()
    stood = served.step(5)
    entered, leave = threading.Event(), threading.Event()

    def hang(bar: object) -> None:
        entered.set()
        leave.wait(30)

    assert served.system._session is not None
    served.system._session.run.engine._on_bar = hang
    served.system.step(1)
    assert entered.wait(10)
    try:
        with served.client() as client, served.client() as other:
            shown = client.session_data(Look(bars=2))
            assert (shown.now_ns, shown.equity) == (stood.now_ns, stood.equity)
            assert shown.stale_seconds > 0.0
            assert [one.bars["1m"][-1:] for one in shown.symbols] == [
                one.bars["1m"] for one in stood.symbols
            ]
            assert len(shown.symbols[0].bars["1m"]) == 2
            assert other.ask("ping") == "ping"
            assert other.view().now == shown.now
        code, out, _ = served.run("watch", "AAA", "--once")
        assert (code, "a block takes long, or a hook hangs." in out) == (0, True)
    finally:
        leave.set()
    after = served.until(lambda seen: seen.now_ns > stood.now_ns)
    assert after.stale_seconds == 0.0


def test_what_is_asked_wrongly_or_is_too_much_is_refused(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.begin()
    served.step(2)
    with served.client() as client:
        for value in ("{", '{"bars": 0}', '{"colour": 1}', '{"limit": 0}', "[]"):
            with pytest.raises(Exception, match="What is asked of the session's data"):
                client.ask("session_data", value)
        with pytest.raises(Exception, match="ask for fewer bars or symbols"):
            client.session_data(Look(bars=10_000))
        monkeypatch.setattr("app.managers.system_manager.steering.desk.MOST_ANSWER_BYTES", 100)
        with pytest.raises(Exception, match="more than the 100 told at once"):
            client.session_data(Look())


def test_a_session_of_an_older_program_is_told_apart(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.begin()

    def refuse(client: ControlClient, command: str, value: str = "") -> str:
        from app.core.errors import StateError

        raise StateError(f"{UNKNOWN} '{command}'.")

    monkeypatch.setattr(ControlClient, "ask", refuse)
    code, _, err = served.run("data", "session", "--once")
    assert code == 1
    assert "was started with an older program" in err
    assert "start the session again" in err
