"""A practice venue over hand-made bars and a clock that tests move, and one as a process."""

import json
import queue
import signal
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.practice import commands as practice
from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS
from app.core.orders import Terms
from app.core.venue import Execution, VenueOrder, VenueReport
from app.integrations.practice import wire
from app.integrations.practice.adapter import PracticeAdapter, open_practice
from app.integrations.practice.venue.book_file import BookFile
from app.integrations.practice.venue.books import BookEvent
from app.integrations.practice.venue.checks import Sizes
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.desk import Desk, Request
from app.integrations.practice.venue.floor import Terrain
from app.integrations.practice.venue.opening import new_books
from app.integrations.practice.venue.process import VenueProcess
from app.integrations.practice.venue.stream_faults import Sent
from app.integrations.practice.venue.tape import Tape
from app.integrations.practice.venue.venue import PracticeVenue
from app.managers.time_manager.clock import WallClock
from tests.data_house import ns, session
from tests.practice_in_process import InProcess
from tests.processes import PIPE, Process, begin

DAY = "2024-11-04"
OPENS_NS = ns(f"{DAY}T09:30")
CASH = 100_000 * UNITS
Row = tuple[float, float, float, float, float]  # open, high, low, close, volume

# Two short sessions, so that a close and an open are near.
SESSIONS = (session(DAY, "09:30", "09:40"), session("2024-11-05", "09:30", "09:40"))
FLAT: Row = (100.0, 100.5, 99.5, 100.0, 1000.0)


def rows_of(first: Sequence[Row], count: int = 10) -> list[Row]:
    """A session of bars: these, and flat ones up to its end."""
    return [*first, *[FLAT] * (count - len(first))]


def columns_of(rows: Mapping[int, Row]) -> BarColumns:
    """Bars by their starts."""
    starts = np.array(sorted(rows), np.int64)
    table = np.array([rows[start] for start in sorted(rows)], np.float64).reshape(len(rows), 5)
    return BarColumns(starts, *(np.ascontiguousarray(table[:, i]) for i in range(5)))


def minute(number: int, seconds: int = 0, day: int = 0) -> int:
    """A moment: minutes after the open of the first session, or of the second."""
    return SESSIONS[day].open_ns + number * MINUTE_NS + seconds * 10**9


def order(
    client_id: str,
    shares: int,
    kind: str = "market",
    *,
    limit: float | None = None,
    stop: float | None = None,
    trail: float | None = None,
    tif: str = "day",
    symbol: str = "AAA",
    reduce_only: bool = False,
) -> VenueOrder:
    """An order in shares; negative sells."""
    return VenueOrder(
        client_id=client_id,
        symbol=symbol,
        kind=kind,
        tif=tif,
        terms=terms(shares, limit=limit, stop=stop, trail=trail),
        reduce_only=reduce_only,
    )


def terms(
    shares: int,
    limit: float | None = None,
    stop: float | None = None,
    trail: float | None = None,
) -> Terms:
    return Terms(shares * UNITS, limit, stop, trail, None)


class Sim:
    """A venue whose clock is moved by hand, begun five minutes before the first open."""

    def __init__(
        self,
        first: Sequence[Row] = (),
        *,
        symbols: Sequence[str] = ("AAA",),
        second: Sequence[Row] = (),
        ticks: bool = False,
        participation: str = "0.1",
        sessions: Sequence[TradingSession] = SESSIONS,
        events: Sequence[BookEvent] = (),
        file: BookFile | None = None,
        adjustments: Sequence[Adjustment] = (),
        currency: str = "USD",
        lot_units: int = UNITS,
    ) -> None:
        rows = {minute(i): row for i, row in enumerate(rows_of(first))}
        rows |= {minute(i, day=1): row for i, row in enumerate(rows_of(second))}
        self.all_bars = columns_of(rows)
        self.kept: list[list[BookEvent]] = []
        self.sizes = dict.fromkeys(symbols, Sizes(UNITS // 100, lot_units, UNITS, currency))
        terrain = Terrain(
            "XNYS",
            self.sizes,
            lambda symbol, interval, start, end: self._load(symbol, start, end),
            Decimal(participation),
            {currency: CASH},
        )
        self.books = new_books(terrain)
        for event in events:
            self.books.apply(event)
        keep = file.write if file is not None else lambda step: self.kept.append(list(step))
        tape = Tape(self._load, symbols, sessions, adjustments=adjustments, ticks=ticks)
        self.now_ns = max(minute(-5), self.books.through_ns)
        self.venue = PracticeVenue(terrain, tape, self.books, keep, minute(-5))
        self.desk = Desk(
            self.venue,
            VenueClock(self.now_ns, self.now_ns),
            wire.About("XNYS", list(symbols), 0, ticks),
        )
        self.events = list(events)

    def _load(self, symbol: str, start_ns: int, end_ns: int) -> BarColumns:
        first, end = np.searchsorted(self.all_bars.start_ns, (start_ns, end_ns))
        return self.all_bars.slice(int(first), max(int(first), int(end)))

    def at(self, now_ns: int) -> "Sim":
        self.now_ns = now_ns
        return self

    def to(self, now_ns: int) -> list[Sent]:
        """Go on to a moment; what the streams brought."""
        self.now_ns = now_ns
        return self.venue.advance(now_ns)

    def place(self, asked: VenueOrder) -> VenueReport:
        return self.venue.place(asked, self.now_ns)

    def state(self, client_id: str) -> str:
        return self.venue.order(client_id, self.now_ns).state

    def fills(self) -> list[tuple[str, int, float, int]]:
        """Client id, shares, price and minute of each execution."""
        return [
            (one.client_id, one.units // UNITS, one.price, (one.at_ns - OPENS_NS) // MINUTE_NS)
            for one in self.venue.executions(0, self.now_ns)
        ]

    def arm(self, *faults: wire.Fault) -> None:
        self.venue.menu.arm(faults)

    def fired(self) -> dict[str, int]:
        return self.venue.menu.told().fired

    def ask(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """A request as it comes over HTTP."""
        sent = b"" if body is None else wire.encode(body)
        answer = self.desk.answer(Request(method, path, query, sent), self.now_ns)
        try:
            return answer.status, json.loads(answer.body)
        except ValueError:  # garbage, or nothing at all
            return answer.status, None

    def in_process(self) -> InProcess:
        return InProcess(self.desk, lambda: self.now_ns)

    def restarted(self) -> "Sim":
        """The same bars and what the books have kept, in a new venue."""
        events = [*self.events, *(event for step in self.kept for event in step)]
        again = Sim.__new__(Sim)
        Sim.__init__(again, events=events)
        return again


def items_of(sent: Sequence[Sent], stream: str) -> list[Any]:
    return [item for on, item in sent if on == stream]


def executions_of(sent: Sequence[Sent]) -> list[Execution]:
    return [item for _, item in sent if isinstance(item, Execution)]


class Heard:
    """What a stream brought, waited for with a bound."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._queue: queue.Queue[Any] = queue.Queue()

    def __call__(self, item: Any) -> None:
        self._queue.put(item)

    def until(self, kind: type[Any], seconds: float = 20.0) -> Any:
        """The next item of a kind; the others are kept in `items`."""
        while True:
            item = self._queue.get(timeout=seconds)
            self.items.append(item)
            if isinstance(item, kind):
                return item


class Practice:
    """A venue in its own process, on the sample; ended with the test."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.words = words
        self.process: Process | None = None
        self.url = ""
        self.adapter: PracticeAdapter | None = None
        self._here: tuple[VenueProcess, BookFile] | None = None

    def start_here(self, symbols: str, at: str) -> PracticeAdapter:
        """The same in threads of the tests' process, sockets and all: it is there at once."""
        context = Context(DEFAULT_MARKET)
        names = practice._symbols(context, symbols)
        terrain, sessions = practice._terrain(context, names, "100000", "0.1")
        begin = (0, practice._moment_ns(context, at), None)
        folder = self.folder / "books"
        opened = practice._opened(context, folder, terrain, sessions, begin, ticks=False)
        about = wire.About(DEFAULT_MARKET, names, 0, False)
        process = VenueProcess(opened.venue, opened.clock, about, WallClock(), 0)
        process.start()
        self._here = process, opened.file
        return self._found_at(process.url)

    def start(self, *words: str) -> PracticeAdapter:
        """Start it, again on the same books; its adapter."""
        given = ["practice", "start", "--port", "0", "--json"]
        given += ["--books", str(self.folder / "books"), *(words or self.words)]
        self.process = begin(given, self.folder, stdout=PIPE, stderr=PIPE)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=20)[1]
        return self._found_at(json.loads(line)["url"])

    def _found_at(self, url: str) -> PracticeAdapter:
        self.url = url
        if self.adapter is not None:
            self.adapter.close()
        self.adapter = open_practice(url, np.random.default_rng(1))
        return self.adapter

    def post(self, path: str, body: object) -> Any:
        """Ask something that is not in the adapter's words."""
        import httpx2

        reply = httpx2.post(f"{self.url}{path}", content=wire.encode(body), trust_env=False)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def get(self, path: str) -> Any:
        import httpx2

        return httpx2.get(f"{self.url}{path}", trust_env=False).json()

    def pause_at(self, now_ns: int) -> None:
        """Have its clock stand still at a moment."""
        self.post(wire.CONTROL, wire.Control(pause=True, advance_to_ns=now_ns))

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=20)
        return self.process.returncode

    def close(self) -> None:
        if self.adapter is not None:
            self.adapter.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=20)
        if self._here is not None:
            process, file = self._here
            process.close()
            file.close()
