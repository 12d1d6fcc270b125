"""Runs of real money, at a peer that stands where the real exchange would: no request leaves here.

A run has the tests' own process, sockets and all.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from tests.binance_house import KEY, SECRET, BinancePeer, day_of_bars, day_session, minute

from app.cli.main import main
from app.core.errors import AppError
from app.core.settings import get_settings
from app.integrations.binance import endpoints
from app.managers.system_manager.control.client import connect

WORD = "I trade real money"
RIGHTS, PLACE = "GET /sapi/v1/account/apiRestrictions", "POST /api/v3/order"
BUYER = """
from app.strategies import Strategy

class Buyer(Strategy):
    def on_bar(self, bar):
        self.order(bar.symbol, 0.001)
"""
Start = Callable[..., tuple[int, str, str]]


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinancePeer]:
    """Where the real exchange would be; whoever asks elsewhere fails."""
    made = BinancePeer({"BTC/USDT": day_of_bars(60_000.0)}, day_session())
    monkeypatch.setattr(endpoints, "REAL", endpoints.endpoints_of(made.url))
    join = socket.socket.connect

    def stay_here(own: socket.socket, address: Any) -> None:
        assert own.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"), address
        join(own, address)

    monkeypatch.setattr(socket.socket, "connect", stay_here)
    made.to(minute(30))
    made.run(300.0)
    yield made
    made.close()


@pytest.fixture
def start(
    peer: BinancePeer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Start]:
    """`system start` of a config that trades real money; exit code, output and errors."""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "buyer.py").write_text(BUYER, encoding="utf-8")
    environment = {
        "DATA_FOLDER": str(tmp_path / "data"),
        "STRATEGIES_FOLDER": str(tmp_path / "strategies"),
        "BINANCE_KEY": KEY,
        "BINANCE_SECRET": SECRET,
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"MISMARTERA_{name}", value)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    config = {
        "name": "btc",
        "mode": "live",
        "market": "24/7",
        "symbols": ["BTC/USDT"],
        "account": {"currency": "USDT"},
        "live": {"venue": "binance", "broker": "venue", "real_money": WORD},
        "strategies": [{"use": "buyer.py"}],
    }
    (tmp_path / "session_configs").mkdir()
    path = tmp_path / "session_configs" / "btc.json"
    path.write_text(json.dumps(config), encoding="utf-8")

    def run(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["system", "start", str(path), "--timeout", "20", *words])
        out, errors = capfd.readouterr()
        assert "Traceback" not in errors
        return code, out, errors

    yield run
    get_settings.cache_clear()
    logger.remove()
    logger.add(sys.stderr)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "trades REAL MONEY at binance: BTC/USDT, account 'default' in USDT. Nobody is at a"),
        (("--confirm-real-money", "btd"), "'btd' was confirmed, and the config that trades REAL"),
        (("--detach",), "give --confirm-real-money NAME"),
    ],
)
def test_nothing_is_even_asked_before_the_name_is_confirmed(
    start: Start, peer: BinancePeer, words: tuple[str, ...], told: str
) -> None:
    code, out, errors = start(*words)
    assert (code, out) == (2, "")
    assert told in errors
    assert peer.asked == []


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        ({"enableWithdrawals": True, "enableSpotAndMarginTrading": True}, "may withdraw from the"),
        ({"enableWithdrawals": False, "enableSpotAndMarginTrading": False}, "may not trade"),
        ({"msg": "nothing"}, "cannot be read"),
    ],
)
def test_a_key_that_is_not_fit_is_refused_before_anything_is_ordered(
    start: Start, peer: BinancePeer, rights: dict[str, Any], told: str
) -> None:
    for _ in range(2):
        peer.fail(RIGHTS, status=200, body=json.dumps(rights).encode())
    code, out, errors = start("--confirm-real-money", "btc")
    assert (code, out) == (1 if told == "cannot be read" else 4, "")
    assert told in errors
    assert RIGHTS in peer.asked and PLACE not in peer.asked
    assert peer.books.entries == {}


def test_what_is_confirmed_trades_with_a_key_that_was_looked_at_first_and_says_so_everywhere(
    start: Start, peer: BinancePeer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    loose = {"enableWithdrawals": False, "enableSpotAndMarginTrading": True, "ipRestrict": False}
    peer.fail(RIGHTS, status=200, body=json.dumps(loose).encode())
    seen: list[Any] = []

    def look() -> None:
        """From another terminal, until something was bought; then it is stopped."""
        for _ in range(400):
            with suppress(AppError), connect(tmp_path / "data") as client:
                view = client.view()
                if view.fills_made:
                    from app.cli.shell.greeting import greeting
                    from app.cli.system.attached import AccountPage

                    seen.extend((view, AccountPage().line(view), greeting(get_settings())))
                    client.ask("stop")
                    return
            threading.Event().wait(0.05)

    looking = threading.Thread(target=look)
    looking.start()
    code, _, errors = start("--confirm-real-money", "btc", "--json")
    looking.join()
    assert code == 0, errors
    assert peer.asked.index(RIGHTS) < peer.asked.index(PLACE)
    assert "trades REAL MONEY at binance" in errors
    assert "can be used from any address" in errors
    view, line, greets = seen
    assert view.real_money
    assert "  REAL MONEY  RUNNING" in line
    assert f"REAL MONEY: {view.run_id} trades it." in greets
    capfd.readouterr()
    assert main(["doctor", "--only", "real money", "--json"]) == 0
    (found,) = json.loads(capfd.readouterr().out)["findings"]
    assert (found["state"], found["what"]) == (
        "warning",
        "these configs trade REAL MONEY: btc.json",
    )
