"""A Binance peer with days of minutes, and imports from it: in this process, and in others."""

import datetime as dt
import os
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from app.core.progress import OnCount
from app.core.source import DataSource
from app.core.venue import VenueTime
from app.integrations.practice.venue.exchange import Answer, Request
from app.managers.data_manager import DataManager
from app.managers.data_manager.fetch_report import FetchReport
from app.managers.data_manager.fetching import Fetch, Stretch
from app.managers.time_manager import TimeManager
from app.repositories.bar_store_files import Series
from tests.data_house import ns
from tests.sources.benches import CountingPeer, PeerWall, source_at
from tests.warm_client import ask

BTC = "BTC/USDT"
SERIES = Series("24/7", BTC, "1m")
FIRST_NS = ns("2024-12-31T00:00", dt.UTC)  # its minutes lie in two years
KLINES = "/api/v3/klines"


def minutes(count: int, without: Collection[int] = ()) -> BarColumns:
    """A walk in cents with the volumes of coins; every hundredth minute has none."""
    rng = np.random.default_rng(7)
    closes = np.round(60_000 + np.cumsum(rng.normal(0, 3, count)), 2)
    opens = np.concatenate(([60_000.0], closes[:-1]))
    wide = np.round(rng.random(count) * 5, 2)
    volumes = np.round(rng.random(count) * 40, 5)
    volumes[::100] = 0.0
    highs = np.round(np.maximum(opens, closes) + wide, 2)
    lows = np.round(np.minimum(opens, closes) - wide, 2)
    starts = FIRST_NS + np.arange(count, dtype=np.int64) * MINUTE_NS
    kept = ~np.isin(np.arange(count), list(without))
    return BarColumns(*(one[kept] for one in (starts, opens, highs, lows, closes, volumes)))


class MinutePeer(CountingPeer):
    """It stands a few seconds after the last of its minutes; pages can be watched."""

    def __init__(self, count: int, without: Collection[int] = (), after_seconds: int = 10) -> None:
        self.end_ns = FIRST_NS + count * MINUTE_NS
        early_ns = FIRST_NS - DAY_NS  # nothing trades then, and it is over
        session = TradingSession("24/7", dt.date(2024, 12, 30), early_ns, early_ns + HOUR_NS)
        self.pages = 0
        self.on_page: Callable[[int], None] = lambda page: None
        super().__init__({BTC: minutes(count, without)}, session)
        self.to(self.end_ns + after_seconds * SECOND_NS)

    def counted(self, request: Request, at: VenueTime) -> Answer:
        if request.path == KLINES:
            self.pages += 1
            self.on_page(self.pages)
        return super().counted(request, at)

    def until(self) -> str:
        """Its end as a command takes it."""
        return dt.datetime.fromtimestamp(self.end_ns // SECOND_NS, dt.UTC).isoformat()


class FetchHouse:
    """A data folder, and imports into it from a peer by the peer's own clock."""

    def __init__(self, folder: Path, peer: MinutePeer, time: TimeManager) -> None:
        self.folder = folder
        self.peer = peer
        self.wall = PeerWall(peer)
        self.time = time
        self.data = DataManager(folder, time, lambda: _no_database())
        self._sources: list[DataSource] = []

    def source(self) -> DataSource:
        self._sources.append(source_at(self.peer, self.peer.url, 1_000, self.wall))
        return self._sources[-1]

    def fetch(
        self,
        *,
        replace: bool = False,
        source: DataSource | None = None,
        start_ns: int = FIRST_NS,
        end_ns: int | None = None,
        interval: str = "1m",
        on_count: OnCount | None = None,
    ) -> FetchReport:
        series = Series(SERIES.market, SERIES.symbol, interval)
        stretch = Stretch(series, start_ns, end_ns or self.peer.end_ns, replace)
        own = source or self.source()
        return Fetch(self.data, self.time, own, "binance", stretch, self.wall).run(on_count)

    def bars(self) -> BarColumns:
        return self.data.store.columns("24/7", BTC, "1m", 0, 1 << 62)

    def close(self) -> None:
        for source in self._sources:
            source.close()


def _no_database() -> None:
    raise AssertionError("bars need no database")


def files_of(folder: Path) -> dict[str, bytes]:
    """The year files of a data folder, as they lie on disk."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("bars/*/*/*/*.parquet"))}


class Import:
    """`data import-api` of the peer's minutes in a process of its own."""

    def __init__(self, warm: str, folder: Path, peer: MinutePeer, *words: str) -> None:
        environment = {**os.environ, "MISMARTERA_DATA_FOLDER": str(folder / "data")}
        started = "2024-12-31"
        own: Sequence[str] = (
            *("data", "import-api", BTC, "--source", "binance", "--url", peer.url),
            *("--start", started, "--end", peer.until(), *words),
        )
        self._said = [folder / "said", folder / "errors"]
        with open(os.devnull, "rb") as given, _written(self._said) as streams:
            self._server = ask(warm, own, str(folder), environment, [given.fileno(), *streams])
        self._server.settimeout(60)
        self.pid = int(self._server.recv(64))

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def end(self) -> tuple[int, str, str]:
        """Its exit code, and what it said."""
        with self._server:
            code = int(self._server.recv(64))
        said, errors = (path.read_text() for path in self._said)
        return code, said, errors


@contextmanager
def _written(paths: Sequence[Path]) -> Iterator[list[int]]:
    files = [path.open("wb") for path in paths]
    try:
        yield [file.fileno() for file in files]
    finally:
        for file in files:
            file.close()
