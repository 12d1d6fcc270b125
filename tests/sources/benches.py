"""The sources there are, as benches: Binance's at its peer, the practice venue's; real sockets."""

import datetime as dt
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, MINUTE_NS, SECOND_NS
from app.core.source import DataSource
from app.core.venue import VenueTime
from app.integrations.binance.endpoints import endpoints_of
from app.integrations.binance.places import TESTNET_FACTS
from app.integrations.binance.source import open_source
from app.integrations.practice.adapter import open_practice
from app.integrations.practice.source import FACTS, PracticeSource
from app.integrations.practice.venue.exchange import Answer, Request
from app.managers.time_manager.clock import WallClock
from tests.binance_house import BinancePeer
from tests.conformance.bench import GARBAGE as HTTP_GARBAGE
from tests.conformance.bench import STATUS as HTTP_STATUS
from tests.conformance.bench import TIMEOUT_BEFORE, Fault
from tests.conformance.benches.practice import PracticeBench
from tests.data_house import ns
from tests.practice_house import minute
from tests.sources.bench import (
    BUSY,
    GARBAGE,
    LENGTHS,
    LIMIT,
    PAGE,
    ROWS,
    SILENT,
    STATUS,
    SourceBench,
    made,
)

KLINES = "GET /api/v3/klines"
OPEN_NS = ns("2024-11-04T00:00", dt.UTC)
NOWHERE = "http://127.0.0.1:9"


class CountingPeer(BinancePeer):
    """It remembers how often it had to turn somebody away."""

    def __init__(self, bars: Mapping[str, BarColumns], session: TradingSession) -> None:
        super().__init__(bars, session)
        self.refused = 0
        self._own_answer = self.face.answer
        self.face.answer = self.counted  # type: ignore[method-assign]

    def counted(self, request: Request, at: VenueTime) -> Answer:
        answer = self._own_answer(request, at)
        self.refused += answer.status in (418, 429)
        return answer


class PeerWall(WallClock):
    """A machine whose clock is the peer's, and whose waits pass at once."""

    def __init__(self, peer: BinancePeer) -> None:
        self._peer = peer
        self.waits: list[float] = []

    def now_ns(self) -> int:
        return self._peer.now_ns

    def monotonic_ns(self) -> int:
        return self._peer.now_ns

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self._peer.to(self._peer.now_ns + int(seconds * SECOND_NS) + 1)
        return False


def source_at(
    peer: BinancePeer, url: str, page_bars: int, wall: PeerWall | None = None
) -> DataSource:
    """Binance's source, by the clock of the peer."""
    facts = msgspec.structs.replace(TESTNET_FACTS, page_bars=page_bars)
    endpoints = endpoints_of(url)._replace(tells_rate=False)  # it stands, and is moved by hand
    return open_source(
        "binance", facts, endpoints, wall or PeerWall(peer), np.random.default_rng(1)
    )


class BinanceSourceBench:
    """Public klines, asked by the real library."""

    name: ClassVar[str] = "binance"
    lacks: ClassVar[Mapping[str, str]] = {}
    symbols: ClassVar[tuple[str, str]] = ("BTC/USDT", "ETH/USDT")
    misspelt: ClassVar[str] = "BTCUSDT"

    def __init__(self, is_holed: bool) -> None:
        session = TradingSession("24/7", dt.date(2024, 11, 4), OPEN_NS, OPEN_NS + DAY_NS)
        self.peer = CountingPeer(dict.fromkeys(self.symbols, made(OPEN_NS, is_holed)), session)
        self._sources: list[DataSource] = []

    def open(self) -> DataSource:
        return self._opened(self.peer.url)

    def open_nowhere(self) -> DataSource:
        return self._opened(NOWHERE)

    def _opened(self, url: str) -> DataSource:
        self._sources.append(source_at(self.peer, url, PAGE))
        return self._sources[-1]

    def minute(self, number: int, seconds: int = 0) -> int:
        return OPEN_NS + number * MINUTE_NS + seconds * SECOND_NS

    def to(self, number: int, seconds: int = 0) -> None:
        self.peer.to(self.minute(number, seconds))

    def arm(self, kind: str) -> None:
        how: dict[str, dict[str, Any]] = {
            STATUS: {"status": 503, "code": -1007},
            GARBAGE: {"status": 200, "body": b"<html>"},
            SILENT: {"silent": True},
            BUSY: {"status": 429, "code": -1003, "retry_after": 40},
        }
        self.peer.fail(KLINES, **how[kind])

    def arm_rows(self, *minutes: int) -> None:
        rows = [
            [self.minute(n) // 1_000_000, "1", "2", "1", "1", "5", 0, "0", 1, "0", "0", "0"]
            for n in minutes
        ]
        self.peer.fail(KLINES, status=200, body=msgspec.json.encode(rows))

    def limit(self, pages_of_a_minute: int) -> None:
        self.peer.weights.limit = 25 + 2 * pages_of_a_minute  # the symbols weigh 20

    def turned_away(self) -> int:
        return self.peer.refused

    def asked(self) -> int:
        return len(self.peer.asked)

    def cut(self) -> None:
        self.peer.disconnect()

    def close(self) -> None:
        for source in self._sources:
            source.close()
        threading.Thread(target=self.peer.close).start()  # the next case need not wait for it


class PracticeSourceBench:
    """The practice venue on its sockets."""

    name: ClassVar[str] = "practice"
    lacks: ClassVar[Mapping[str, str]] = {
        LIMIT: "it turns nobody away",
        LENGTHS: "the bench's venue has minutes alone",
        ROWS: "its answers are its own",
    }
    symbols: ClassVar[tuple[str, str]] = PracticeBench.facts.symbols
    misspelt: ClassVar[str] = "AAAA"

    def __init__(self, is_holed: bool) -> None:
        bars = made(minute(0), is_holed=False)
        prices = (getattr(bars, name).tolist() for name in COLUMNS[1:])
        self._bench = PracticeBench(tuple(zip(*prices, strict=True)))
        self._bench.sim.all_bars = made(minute(0), is_holed)
        self._sources: list[DataSource] = []

    def open(self) -> DataSource:
        return self._opened(self._bench._process.url)

    def open_nowhere(self) -> DataSource:
        return self._opened(NOWHERE)

    def _opened(self, url: str) -> DataSource:
        facts = msgspec.structs.replace(FACTS, page_bars=PAGE)
        adapter = open_practice(url, np.random.default_rng(1))
        self._sources.append(PracticeSource(self.name, adapter, facts))
        return self._sources[-1]

    def minute(self, number: int, seconds: int = 0) -> int:
        return minute(number, seconds)

    def to(self, number: int, seconds: int = 0) -> None:
        self._bench.to(number, seconds)

    def arm(self, kind: str) -> None:
        kinds = {STATUS: HTTP_STATUS, GARBAGE: HTTP_GARBAGE, SILENT: TIMEOUT_BEFORE}
        self._bench.arm(Fault(kinds[kind], "bars"))

    def arm_rows(self, *minutes: int) -> None:
        raise NotImplementedError

    def limit(self, pages_of_a_minute: int) -> None:
        raise NotImplementedError

    def turned_away(self) -> int:
        raise NotImplementedError

    def asked(self) -> int:
        raise NotImplementedError

    def cut(self) -> None:
        self._bench.arm(Fault("disconnect", "market"))
        self._bench.to(1)  # it goes with the next item

    def close(self) -> None:
        for source in self._sources:
            source.close()
        self._bench.close()


BENCHES: Mapping[str, type[SourceBench]] = {
    one.name: one for one in (BinanceSourceBench, PracticeSourceBench)
}
