"""A run of real money is confirmed by its name: at a terminal, in the background, on a recovery."""

import json
import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.live_terminal import LiveTerminal, wait_until
from tests.processes import PIPE, begin

from app.core.processes import is_running

pytestmark = pytest.mark.live

ROOT = Path(__file__).resolve().parents[2]
BUYER = """
from app.strategies import Strategy

class Buyer(Strategy):
    def on_bar(self, bar):
        self.order(bar.symbol, 0.001)
"""


class RealDesk:
    """A peer that stands where the real exchange would, and commands that believe it."""

    def __init__(self, terminal: LiveTerminal, told: dict[str, Any]) -> None:
        self.terminal, self.url = terminal, told["url"]
        self.environment = {
            **os.environ,
            "MISMARTERA_DATA_FOLDER": str(terminal.data),
            "MISMARTERA_STRATEGIES_FOLDER": str(terminal.folder / "strategies"),
            "MISMARTERA_BINANCE_KEY": told["key"],
            "MISMARTERA_BINANCE_SECRET": told["secret"],
            "PYTHONPATH": str(ROOT),
        }
        (terminal.folder / "strategies" / "buyer.py").write_text(BUYER, encoding="utf-8")
        live = {"venue": "binance", "broker": "venue", "real_money": "I trade real money"}
        config = {
            "name": "the real thing",
            "mode": "live",
            "market": "24/7",
            "symbols": ["BTC/USDT"],
            "account": {"currency": "USDT"},
            "live": live,
            "strategies": [{"use": "buyer.py"}],
        }
        self.config = str(terminal.write("real", config))

    def begin(self, *words: str, **streams: Any) -> Any:
        kinds = {"stdout": PIPE, "stderr": PIPE, **streams}
        module = ("-m", "tests.real_launcher", self.url)
        return begin((*module, *words), self.terminal.folder, self.environment, **kinds)

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.begin(*words)
        out, errors = process.communicate(timeout=60)
        assert "Traceback" not in out + errors
        return process.returncode, out, errors

    def typed(self, answer: str, *words: str) -> tuple[int, str]:
        """At a terminal, whose question is answered so; the exit code, and all that it showed."""
        own, theirs = pty.openpty()
        process = self.begin(*words, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown, end, is_answered = b"", time.monotonic() + 40, False
        while process.poll() is None or select.select([own], [], [], 0)[0]:
            assert time.monotonic() < end, shown
            if select.select([own], [], [], 0.1)[0]:
                try:
                    shown += os.read(own, 65_536)
                except OSError:  # nobody has it open any more
                    break
            if b"Type its name" in shown and not is_answered:
                os.write(own, answer.encode() + b"\n")
                is_answered = True
        os.close(own)
        return process.wait(20), shown.decode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RealDesk]:
    terminal = LiveTerminal(tmp_path)
    words = ("practice", "start", "--as", "binance", "--rate", "300", "--port", "0", "--json")
    venue = terminal.begin(*words)
    assert venue.stdout is not None
    yield RealDesk(terminal, json.loads(venue.stdout.readline()))
    terminal.close()


def test_the_name_is_typed_at_a_terminal_handed_on_to_the_background_and_asked_of_a_recovery(
    desk: RealDesk,
) -> None:
    start = ("system", "start", desk.config, "--detach")
    code, shown = desk.typed("yes", *start)
    assert code == 2
    assert "Config 'the real thing' trades REAL MONEY at binance: BTC/USDT" in shown
    assert "That is not its name: nothing was started." in shown
    assert desk.run("system", "status", "--json")[1].count('"run_id"') == 0

    code, shown = desk.typed("the real thing", *start)
    assert code == 0, shown
    (session,) = json.loads(desk.run("system", "status", "--json")[1])["sessions"]
    assert (session["real_money"], session["config"]) == (True, "the real thing")
    os.kill(session["pid"], signal.SIGKILL)
    wait_until(lambda: not is_running(session["pid"]), "its end")

    recover = ("system", "recover", "--detach")
    code, out, errors = desk.run(*recover)
    assert (code, out) == (2, "")
    assert "give --confirm-real-money NAME" in errors
    code, out, errors = desk.run("system", "recover", "--dry-run", "--json")  # it sends nothing
    assert (code, json.loads(out)["run_id"]) == (0, session["run_id"]), errors
    code, out, errors = desk.run(*recover, "--confirm-real-money", "the real thing", "--json")
    assert code == 0, errors
    found = json.loads(out)
    assert (found["run_id"], found["goes_on"]) == (session["run_id"], True)
    code, out, errors = desk.run("system", "stop", "--json")
    assert (code, json.loads(out)["state"]) == (0, "stopped"), errors
