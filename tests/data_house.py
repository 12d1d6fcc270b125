"""A data manager over a temporary folder, and bars and files to feed it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine

from app.core.bars import COLUMNS, BarColumns
from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS
from app.managers.data_manager import DataManager, ImportOptions, ImportReport
from app.managers.time_manager import TimeManager
from app.repositories.database import open_database
from tests.empty_database import put_database

NEW_YORK = ZoneInfo("America/New_York")
MINUTE = dt.timedelta(minutes=1)
HEADER = "timestamp,open,high,low,close,volume"


def ns(text: str, zone: dt.tzinfo = NEW_YORK) -> int:
    """The moment of a wall-clock time, as nanoseconds UTC."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 10**9


def session(
    date: str, opens: str = "09:30", closes: str = "16:00", pre: str = "04:00", post: str = "20:00"
) -> TradingSession:
    """A session of New York."""
    return TradingSession(
        market="XNYS",
        date=dt.date.fromisoformat(date),
        open_ns=ns(f"{date}T{opens}"),
        close_ns=ns(f"{date}T{closes}"),
        pre_open_ns=ns(f"{date}T{pre}"),
        post_close_ns=ns(f"{date}T{post}"),
    )


def bars(starts_ns: Sequence[int], price: float = 100.0, volume: float = 10.0) -> BarColumns:
    """Bars a cent apart, so that each can be told from the next."""
    starts = np.array(starts_ns, dtype=np.int64)
    base = price + np.arange(len(starts)) / 100
    return BarColumns(starts, base, base + 1, base - 1, base + 0.5, np.full(len(starts), volume))


def minutes(first: str, count: int, price: float = 100.0) -> BarColumns:
    """`count` minute bars from a wall-clock time of New York on."""
    start = ns(first)
    return bars(range(start, start + count * MINUTE_NS, MINUTE_NS), price)


def same_bars(one: BarColumns, other: BarColumns) -> bool:
    """Whether two sets of bars are equal to the last bit."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


def rows_text(rows: Sequence[str], header: str = HEADER) -> str:
    """A CSV file's text."""
    return "\n".join([header, *rows]) + "\n"


def minute_rows(first: str, count: int) -> list[str]:
    """Good rows of a CSV file, from a wall-clock time on."""
    start = dt.datetime.fromisoformat(first)
    return [
        f"{(start + index * MINUTE).isoformat()},{100 + index},{101 + index},{99 + index},"
        f"{100.5 + index},{10 + index}"
        for index in range(count)
    ]


class Counts:
    """How far something told that it is."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.told.append((done, total))

    def goes_to(self, done: int, of: int | None = None) -> bool:
        """Whether it grew, to this at the last; of as much, where nothing else is given."""
        grown = [one for one, _ in self.told]
        totals = {total for _, total in self.told}
        return grown == sorted(grown) and grown[-1] == done and totals == {of or done}


class House:
    """A data manager with its parts at hand."""

    def __init__(self, folder: Path, time: TimeManager) -> None:
        self.folder = folder
        self.time = time
        self.data = DataManager(folder, time, self._open)
        self.store = self.data.store

    def _open(self) -> Engine:
        return open_database(put_database(self.folder))

    def write(self, name: str, text: str | bytes) -> Path:
        """A file beside the store."""
        path = self.folder.parent / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def import_text(
        self,
        text: str | bytes,
        symbol: str = "AAA",
        market: str = "XNYS",
        interval: str = "1m",
        columns: Mapping[str, str] | None = None,
        **options: object,
    ) -> ImportReport:
        """Import a CSV file of this text."""
        given = ImportOptions(market, symbol, interval, columns or {}, **options)  # type: ignore[arg-type]
        return self.data.import_csv(self.write("file.csv", text), given)

    def all_bars(
        self, symbol: str = "AAA", market: str = "XNYS", interval: str = "1m"
    ) -> BarColumns:
        """Everything stored of a series."""
        return self.store.columns(market, symbol, interval, -(1 << 62), 1 << 62)

    def files(self) -> dict[str, bytes]:
        """Every bar file and its content."""
        root = self.folder / "bars"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.parquet")}


@pytest.fixture(scope="session")
def calendars(tmp_path_factory: pytest.TempPathFactory) -> TimeManager:
    """One TimeManager for all tests: building a calendar takes a second."""
    return _calendars(tmp_path_factory.getbasetemp())


@cache  # each module that imports a fixture has one of its own, with a session of its own
def _calendars(folder: Path) -> TimeManager:
    return TimeManager(folder / "calendars")


@pytest.fixture
def house(tmp_path: Path, calendars: TimeManager) -> House:
    """An empty house."""
    folder = tmp_path / "house"
    folder.mkdir()
    return House(folder, calendars)
