"""Words of a venue that mean to steer a terminal, run in a browser or forge a log: a live run."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger
from tests.binance_house import KEY, SECRET, BinancePeer, Mishap, day_of_bars, day_session, minute

from app.cli.main import main
from app.core.settings import get_settings

ROUTE = "POST /api/v3/order"
WORDS = (
    "\x1b[2J\x1b]0;mine\x07\x9b31m\u202e\r\n09:30:00.000 INFO     _tell:1 flat"
    "</pre><script>alert(1)</script><img src=x onerror=alert(1)>{0}[bold]%s" + "token" * 20_000
)
STRATEGY = """
from app.strategies import Strategy

class Buyer(Strategy):
    def on_bar(self, bar):
        self.seen = getattr(self, "seen", 0) + 1
        if self.seen < 25:
            self.order(bar.symbol, 0.001)
        elif self.seen == 25:
            raise ValueError("</pre><script>alert(2)</script>")
"""


@pytest.fixture
def peer() -> Iterator[BinancePeer]:
    made = BinancePeer({"BTC/USDT": day_of_bars(60_000.0)}, day_session())
    made.to(minute(30))
    for code in (-2010, -1013, -1100, 7) * 3:
        body = json.dumps({"code": code, "msg": WORDS}).encode()
        made.face.mishaps.append(Mishap(ROUTE, status=400, body=body))
    made.run(600.0)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "buyer.py").write_text(STRATEGY, encoding="utf-8")
    for name, value in {
        "DATA_FOLDER": "data", "BINANCE_KEY": KEY, "BINANCE_SECRET": SECRET,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"MISMARTERA_{name}", value)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()
    logger.remove()
    logger.add(sys.stderr)


def test_what_a_venue_says_is_shown_and_logged_as_words(
    peer: BinancePeer, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = {
        "name": "hostile",
        "mode": "live",
        "market": "24/7",
        "symbols": ["BTC/USDT"],
        "account": {"currency": "USDT"},
        "live": {"venue": "binance", "broker": "venue", "url": peer.url},
        "strategies": [{"use": "buyer.py"}],
        "report": {"html": True},
    }
    Path("config.json").write_text(json.dumps(config), encoding="utf-8")
    main(["system", "start", "config.json"])
    for words in (
        *("runs orders last", "runs show last", "runs list", "why 1", "report show last"),
        *("system recover --dry-run", "risk status", "verify last", "report export last"),
    ):
        main(words.split())
    said = "".join(capfd.readouterr())
    (page,) = folder.rglob("report.html")
    (log,) = folder.rglob("app.log")
    assert "09:30:00.000 INFO" in said  # as words of the venue
    for text in (said, log.read_text(encoding="utf-8")):
        assert not [one for one in text.splitlines() if one.startswith("09:30:00.000 INFO")]
        assert not [char for char in text if not char.isprintable() and char != "\n"]
        assert len(text) < 200_000
    html = page.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(2)" in html
    assert not re.search(r"<script>alert|<img", html)
