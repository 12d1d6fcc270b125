"""Coins traded around the clock at the Binance peer: `python -m tests.faults.coin_days`.

Days of the peer's time at a high rate, by the real program and the real library: over midnights
and the end of each connection after 24 hours. What the run says is held against the peer's books.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import httpx2
import msgspec

from app.core.intervals import DAY_NS, MINUTE_NS
from app.core.message_codec import decode_message
from app.core.messages import Backfill, Bars, BrokerNews, LastNews
from app.core.order_events import Filled, GateFilled, Halted
from app.integrations.practice import wire
from app.integrations.practice.venue.books import BookEvent, Placed, Traded
from app.repositories import journal_format as form
from app.repositories.journal_reader import JOURNAL_FOLDER, JournalReader
from tests.faults.killed_house import ROOT, wait_for
from tests.processes import PIPE, Process, begin, run

SYMBOLS = ("BTC/USDT", "ETH/USDT")
BEGIN = "2024-11-02T00:10"  # the Saturday before New York sets its clocks back
RATE = 600.0
NEAR_MINUTES = 10
_LINES = msgspec.json.Decoder(list[BookEvent])


class Days(NamedTuple):
    """What a run over days came to."""

    minutes: int  # of each symbol, each of them once
    late_minutes: int  # of these, came after their instant
    orders: int
    fills: int
    midnights: int
    disconnects: int
    refused: int
    fills_after_the_end: int  # of orders that the run has left at the peer


class CoinHouse:
    """The peer and a trader, in processes of their own."""

    def __init__(
        self,
        folder: Path,
        at: str = BEGIN,
        rate: float = RATE,
        sessions: int = 3,
        **more: Any,
    ) -> None:
        self.folder = folder
        self._logs: list[IO[bytes]] = []
        (folder / "strategies").mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("coin_strategy.py"), folder / "strategies")
        self.environment = {
            **os.environ,
            "MISMARTERA_DATA_FOLDER": str(folder / "data"),
            "MISMARTERA_STRATEGIES_FOLDER": str(folder / "strategies"),
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(ROOT),
        }
        words = ["practice", "start", "--as", "binance", "--symbols", ",".join(SYMBOLS), "--json"]
        words += ["--at", at, "--rate", str(rate), "--port", "0", "--books", str(folder / "books")]
        self.peer = self._started("peer", words, stdout=PIPE)
        assert self.peer.stdout is not None
        told = json.loads(self.peer.stdout.readline())
        self.url = told["url"]
        self.environment["MISMARTERA_BINANCE_KEY"] = told["key"]
        self.environment["MISMARTERA_BINANCE_SECRET"] = told["secret"]
        config = {
            "name": "awake",
            "mode": "live",
            "market": "24/7",
            "symbols": list(SYMBOLS),
            "account": {"currency": "USDT"},
            # Of the peer's time, of which a way takes much at these rates.
            "live": {
                **told["live"],
                "sessions": sessions,
                "on_stop": "flatten",
                "grace_ms": 30_000,
            },
            "strategies": [{"use": "coin_strategy.py"}],
            **more,
        }
        (folder / "awake.json").write_text(json.dumps(config), encoding="utf-8")
        self.trader = self._started("trader", ["system", "start", "awake.json", "--json"])

    def _started(self, name: str, words: Sequence[str], **streams: Any) -> Process:
        log = (self.folder / f"{name}.log").open("wb")
        self._logs.append(log)
        return begin(
            words, self.folder, self.environment, stderr=log, **({"stdout": log} | streams)
        )

    def control(self, **words: Any) -> None:
        self.post(wire.CONTROL, wire.Control(**words))

    def arm(self, *faults: wire.Fault) -> None:
        self.post(wire.FAULTS, wire.FaultList(list(faults)))

    def post(self, path: str, body: object) -> None:
        reply = httpx2.post(f"{self.url}{path}", content=wire.encode(body), trust_env=False)
        assert reply.status_code == 200, reply.text

    def now_ns(self) -> int:
        """The peer's time."""
        return int(httpx2.get(f"{self.url}{wire.TIME}", trust_env=False).json()["venue_ns"])

    def log(self, name: str = "trader") -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def books(self) -> list[BookEvent]:
        """All that the peer has in its books."""
        lines = (self.folder / "books" / "books.jsonl").read_bytes().splitlines()
        return [event for line in lines for event in _LINES.decode(line)]

    def inputs(self) -> list[Any]:
        """All that the run was told."""
        (run,) = (self.folder / "data" / "runs").iterdir()
        records = JournalReader(run / JOURNAL_FOLDER)
        return [decode_message(one.payload) for one in records if one.kind == form.INPUT]

    def wait_time(self, at_ns: int, seconds: float) -> None:
        """Until the peer's clock is there."""

        def look() -> bool | None:
            assert self.trader.poll() is None, self.log()
            return self.now_ns() >= at_ns or None

        wait_for(look, "the peer's clock", seconds)

    def ended(self, seconds: float) -> None:
        """The trader's end, by itself."""
        assert self.trader.wait(seconds) == 0, self.log()

    def stop(self) -> None:
        self.trader.send_signal(signal.SIGINT)
        assert self.trader.wait(30) in (0, 130), self.log()

    def verified(self) -> None:
        words = ["verify", "last", "--json"]
        done = run(words, self.folder, self.environment, timeout=300.0)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["equal"], done.stdout

    def __enter__(self) -> "CoinHouse":
        return self

    def __exit__(self, *error: object) -> None:
        for process in (self.trader, self.peer):
            if process.poll() is None:
                process.kill()
                process.wait(20)
        assert self.peer.stdout is not None
        self.peer.stdout.close()
        for log in self._logs:
            log.close()


def audited(house: CoinHouse, near_minutes: int = NEAR_MINUTES) -> Days:
    """Hold what the run was told against the peer's books; what is not so is an AssertionError."""
    inputs, books = house.inputs(), house.books()
    rows, late, cuts = _rows(inputs)
    assert all(count == 1 for count in rows.values()), "a minute was told twice"
    counts = []
    for symbol in range(len(SYMBOLS)):
        starts = [start_ns for of, start_ns in rows if of == symbol]
        counts.append(len(starts))
        assert len(starts) == (max(starts) - min(starts)) // MINUTE_NS + 1, "minutes are missing"
    placed = [one for one in books if isinstance(one, Placed)]
    names = [one.order.client_id for one in placed]
    assert len(names) == len(set(names)), "an order is at the peer twice"
    theirs = [one for one in books if isinstance(one, Traded)]
    told = Counter(_fills(inputs))
    assert max(told.values(), default=1) == 1, "a fill was told twice"
    known = {f"{one.execution.symbol}/{one.execution.execution_id[1:]}": one for one in theirs}
    first_ns = min(start_ns for _, start_ns in rows)
    last_ns = max(start_ns for _, start_ns in rows) + MINUTE_NS
    untold = [known[name] for name in known.keys() - told.keys()]
    lost = [_text(one.at_ns) for one in untold if one.at_ns <= last_ns]
    assert not lost, f"fills that the run was never told: at {lost}"
    assert not told.keys() - known.keys(), "fills that the peer has not made"
    midnights = range((first_ns // DAY_NS + 1) * DAY_NS, last_ns, DAY_NS)
    for at_ns in (*midnights, *cuts):
        for side in (-1, 1):
            far_ns = near_minutes * MINUTE_NS
            near = [one for one in placed if 0 <= (one.at_ns - at_ns) * side <= far_ns]
            assert near, f"no order {'before' if side < 0 else 'behind'} {_text(at_ns)}"
    refused = sum(
        type(event).__name__ == "Refused"
        for message in inputs if isinstance(message, BrokerNews) for event in message.events
    )  # fmt: skip
    fills = len(theirs) - len(untold)
    return Days(
        counts[0], late, len(placed), fills, len(midnights), len(cuts), refused, len(untold)
    )


def _rows(inputs: Sequence[Any]) -> tuple[Counter[tuple[int, int]], int, list[int]]:
    """How often each minute came, how many were late, and when the market's stream was lost."""
    rows: Counter[tuple[int, int]] = Counter()
    late, now_ns, cuts = 0, 0, []
    for message in inputs:
        if isinstance(message, Bars):
            now_ns = message.block.through_ns
            rows.update(
                zip(message.block.symbol.tolist(), message.block.start_ns.tolist(), strict=True)
            )
        elif isinstance(message, Backfill):
            for symbol, table in message.bars.items():
                rows.update((symbol, start_ns) for start_ns in table.start_ns.tolist())
                late += len(table.start_ns)
        elif isinstance(message, BrokerNews):
            cuts += [
                now_ns
                for event in message.events
                if isinstance(event, Halted) and "stream is gone" in event.reason
            ]
    return rows, late, cuts


def _fills(inputs: Sequence[Any]) -> list[str]:
    return [
        event.execution_id
        for message in inputs
        if isinstance(message, BrokerNews | LastNews)
        for event in message.events
        if isinstance(event, Filled | GateFilled)
    ]


def _text(at_ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ns / 1e9, dt.UTC):%Y-%m-%d %H:%M:%S}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--at", default=BEGIN)
    parser.add_argument("--rate", type=float, default=RATE)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        CoinHouse(Path(folder) / "days", asked.at, asked.rate, asked.days) as house,
    ):
        house.ended(asked.days * DAY_NS / 1e9 / asked.rate + 120)
        found = audited(house)
        house.verified()
    print(", ".join(f"{name} {value}" for name, value in found._asdict().items()))
    assert found.disconnects >= asked.days - 1, "a connection lasted longer than a day"


if __name__ == "__main__":
    main()
