"""Secrets that a user has are nowhere but where the user put them: planted, then looked for."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from loguru import logger
from tests.binance_house import BinancePeer, Mishap, NotingFace, day_of_bars, day_session, minute

from app.cli.main import main
from app.core.settings import get_settings
from app.core.venue import VenueTime
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account
from app.integrations.practice.venue.exchange import Answer, Request
from app.repositories.journal_reader import JournalReader

CANARIES = {
    "key": "canary1key0f0b1nance",
    "secret": "canary2secret0f0b1nance",
    "database": "canary3passw0rd0f0sql",
    "user": "canary4user0f0an0address",
    "password": "canary5passw0rd0f0an0address",
    "alarm": "canary6token0f0the0environment",
    "word": "canary7token0in0the0command",
    "hook": "canary8path0of0a0webhook",
    "misspelt": "canary9misspelt",
    "query": "canary10token0in0an0address",
    "unread": "canary11no0address0of0a0database",
    "file": "canary12misspelt0in0the0file",
}
ROUTES = (
    *("POST /api/v3/order", "DELETE /api/v3/order", "GET /api/v3/order"),
    *("GET /api/v3/account", "GET /api/v3/openOrders", "GET /api/v3/myTrades"),
)
FAULTS = 3  # at each route
TALKER = """
import os
from loguru import logger
from app.strategies import Strategy

class Talker(Strategy):
    def on_bar(self, bar):
        logger.info("its key is {}", os.environ["MISMARTERA_BINANCE_KEY"])
        self.seen = getattr(self, "seen", 0) + 1
        self.order(bar.symbol, 0.001)
        for order in self.orders(bar.symbol):
            self.cancel(order)
        self.order(bar.symbol, 0.001, limit=round(bar.close - 50, 2), tif="gtc")
        if self.seen == 25:
            raise ValueError(f"with {os.environ['MISMARTERA_BINANCE_KEY']} in it")
"""


class ListeningFace(NotingFace):
    """Takes the planted key alone, and keeps each signature that it is sent."""

    def __init__(self, ground: Ground, whose: Account) -> None:
        super().__init__(ground, Account(CANARIES["key"], CANARIES["secret"]))
        self.signatures: set[str] = set()
        self.orders = 0

    def disturb(self) -> None:
        """No answer, which the library tells with the whole address, and one that is nonsense."""
        for route in ROUTES:
            self.mishaps.append(Mishap(route, silent=True))
            self.mishaps.append(Mishap(route, silent=True, after=True))
            self.mishaps.append(Mishap(route, status=200, body=b"<html>"))

    def answer(self, request: Request, at: VenueTime) -> Answer:
        told = parse_qs(f"{request.raw_query}&{request.body.decode()}")
        self.signatures.update(told.get("signature", ()))
        if f"{request.method} {request.path}" == ROUTES[0]:
            self.orders += 1
            if self.orders == 3:
                self.disturb()
        return super().answer(request, at)


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinancePeer]:
    monkeypatch.setattr("tests.binance_house.NotingFace", ListeningFace)
    made = BinancePeer({"BTC/USDT": day_of_bars(60_000.0)}, day_session())
    made.to(minute(30))
    made.run(600.0)
    yield made
    made.close()


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[dict[str, str]]:
    """All that commands have said, by their words; the user's secrets are where they belong."""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "talker.py").write_text(TALKER, encoding="utf-8")
    (tmp_path / ".env").write_text(f"MISMARTERA_BINANCE_SECRET={CANARIES['secret']}\n")
    (tmp_path / ".env").chmod(0o600)
    environment = {
        "MISMARTERA_DATA_FOLDER": str(tmp_path / "data"),
        "MISMARTERA_STRATEGIES_FOLDER": str(tmp_path / "strategies"),
        "MISMARTERA_BINANCE_KEY": CANARIES["key"],
        "LOG_LEVEL": "TRACE",
        "ALARM_TOKEN": CANARIES["alarm"],
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    capfd.readouterr()
    yield {}
    get_settings.cache_clear()
    logger.remove()
    logger.add(sys.stderr)


def config(folder: Path, name: str, url: str, **live: Any) -> str:
    path = folder / f"{name}.json"
    content = {
        "name": name,
        "mode": "live",
        "market": "24/7",
        "symbols": ["BTC/USDT"],
        "account": {"currency": "USDT"},
        "live": {"venue": "binance", "broker": "venue", "url": url, "account": name, **live},
        "strategies": [{"use": "talker.py"}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def found_in(path: Path, canaries: Mapping[str, str]) -> list[str]:
    """Which of them a file holds; a journal is read as it is written, too."""
    content = path.read_bytes()
    if path.suffix == ".journal":
        content += b"".join(record.payload for record in JournalReader(path.parent))
    return [f"{name} in {path.name}" for name, text in canaries.items() if text.encode() in content]


def test_planted_secrets_are_in_no_file_no_output_and_no_process_list(
    peer: BinancePeer,
    told: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    command = ["sh", "-c", 'test -n "$ALARM_TOKEN" && cat >> alarms']
    good = config(tmp_path, "good", peer.url, notify={"command": command})

    def say(*words: str, code: int | None = 0) -> None:
        ended = main([*words])
        out, errors = capfd.readouterr()
        told[" ".join(words)] = out + errors
        assert code is None or ended == code, out + errors

    def look() -> None:
        """At all processes, once it trades."""
        for _ in range(2_000):
            if peer.books.executions:
                told["process list"] = "".join(map(_read, Path("/proc").glob("[0-9]*/cmdline")))
                return
            threading.Event().wait(0.01)

    looking = threading.Thread(target=look)
    looking.start()
    say("system", "start", good, code=1)  # the strategy fails in the end, with a secret in it
    looking.join()
    left = Counter(one.route for one in peer.face.mishaps)
    assert [route for route in ROUTES[:3] if left[route] < FAULTS] == list(ROUTES[:3])
    assert "python" in told["process list"]

    words = {"command": ["curl", "-H", f"Authorization: Bearer {CANARIES['word']}"]}
    hook = {"command": ["curl", f"https://me:{CANARIES['hook']}@hooks.example"]}
    url = peer.url.replace("://", f"://{CANARIES['user']}:{CANARIES['password']}@")
    query = f"{peer.url}/?token={CANARIES['query']}"
    for name, address, live in (
        ("words", peer.url, {"notify": words}),
        ("hook", peer.url, {"notify": hook}),
        ("url", url, {}),
        ("query", query, {}),
    ):
        path = config(tmp_path, name, address, **live)
        for asked in (("config", "check"), ("system", "start")):
            say(*asked, path, code=4)
    for asked in (
        *("runs list --json", "runs show last", "runs show last --json", "runs orders last"),
        *("runs fills last --json", "verify last", "system status --json", "doctor --json"),
        *("runs rebuild last", f"config check {good}", "risk status", "system recover --dry-run"),
        *("report show last", "report html last --output page.html", "report show last --json"),
        *("report export last --format json --output exported", "why 1"),
    ):
        say(*asked.split(), code=None)
    monkeypatch.setenv("MISMARTERA_BINANCE_SECRT", CANARIES["misspelt"])
    say("runs", "list", code=4)
    monkeypatch.delenv("MISMARTERA_BINANCE_SECRT")
    kept = Path(".env").read_text()
    Path(".env").write_text(f"{kept}MISMARTERA_BINANCE_SECRT={CANARIES['file']}\n")
    say("doctor", code=None)
    say("runs", "list", code=4)
    Path(".env").write_text(kept)
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", CANARIES["unread"])
    say("runs", "list", code=4)
    database = f"postgresql://me:{CANARIES['database']}@127.0.0.1:1/none?connect_timeout=1"
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", database)
    for asked in ("runs list", "doctor --json"):
        say(*asked.split(), code=None)

    canaries = dict(CANARIES)
    signatures = peer.face.signatures  # type: ignore[attr-defined]
    assert len(signatures) > 20
    canaries |= {f"signature {number}": one for number, one in enumerate(sorted(signatures))}
    leaks = [
        f"{name} by {words}"
        for words, text in told.items()
        for name, canary in canaries.items()
        if canary in text
    ]
    own = {tmp_path / ".env", *tmp_path.glob("*.json")}  # where the user put them
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path not in own]
    kinds = {"app.log", "alarms", "mismartera.db", "run.json", "page.html", "orders.json"}
    assert kinds <= {path.name for path in files}
    leaks += [leak for path in files for leak in found_in(path, canaries)]
    assert leaks == []


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
