"""Calendars at rest: one small JSON file per market and year, so that a start needs no library.

A file that is missing, unreadable, damaged, or was made from another version of the library
counts as absent: what it held is made again.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from app.core.calendar import TradingSession
from app.repositories.bar_store_files import escape, locked, write_all


class Market(msgspec.Struct, frozen=True):
    """What holds for a market in every year, and the years its calendar is known for."""

    name: str
    source: str
    zone: str
    first_year: int
    last_year: int


class CalendarYear(msgspec.Struct, frozen=True):
    """The sessions of one market whose trade date lies in one year, in order."""

    market: str
    source: str
    year: int
    weekdays: tuple[int, ...]  # those the market ordinarily trades on; Monday is 0
    sessions: tuple[TradingSession, ...]


Stored = TypeVar("Stored", Market, CalendarYear)


class CalendarFiles:
    """The calendar files in one folder, made from one `source`: the library and its version."""

    def __init__(self, folder: Path, source: str) -> None:
        self._folder = folder
        self._source = source

    def market(self, name: str) -> Market | None:
        """What is stored of a market, if it can be used."""
        found = self._read(self._path(name, "market"), Market)
        return found if found is not None and found.name == name else None

    def year(self, market: str, year: int) -> CalendarYear | None:
        """What is stored of a market's year, if it can be used."""
        found = self._read(self._path(market, str(year)), CalendarYear)
        return found if found is not None and (found.market, found.year) == (market, year) else None

    def write(self, market: Market, years: Sequence[CalendarYear]) -> None:
        """Store a market and some of its years; each file appears whole or not at all."""
        stored = [(str(year.year), msgspec.json.encode(year)) for year in years]
        stored.append(("market", msgspec.json.encode(market)))
        with locked(self._folder / escape(market.name)):
            write_all([(self._path(market.name, at), partial(_put, what)) for at, what in stored])

    def _path(self, market: str, name: str) -> Path:
        return self._folder / escape(market) / f"{name}.json"

    def _read(self, path: Path, kind: type[Stored]) -> Stored | None:
        try:
            found = msgspec.json.decode(path.read_bytes(), type=kind)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        return found if found.source == self._source else None


def _put(content: bytes, file: BinaryIO) -> None:
    file.write(content)
