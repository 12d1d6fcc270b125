"""The bar store: Parquet files are the truth, reads are zero-copy views of mapped copies."""

import datetime as dt
import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Floats, Ints
from app.core.errors import DataError, NotFoundError, did_you_mean
from app.core.intervals import interval_ns
from app.core.progress import OnCount
from app.repositories.bar_store_cache import DEFAULT_BOUND_BYTES, BarCache, OpenYear
from app.repositories.bar_store_codec import (
    Label,
    Quotes,
    make_label,
    read_label,
    write_parquet,
)
from app.repositories.bar_store_files import (
    Series,
    disk_errors,
    is_year,
    locked,
    series_folder,
    stored_series,
    sync_folder,
    write_all,
    year_start_ns,
)
from app.repositories.bar_store_merge import MergeCounts, merge, without_conflicts
from app.services.quotes import open_spread

EARLIEST_NS, LATEST_NS = -(1 << 62), 1 << 62  # years 1823 to 2116: datetime takes both
_NO_QUOTES: Quotes = {}
_NO_BARS = BarColumns(np.empty(0, np.int64), *(np.empty(0) for _ in COLUMNS[1:]))


class SeriesInfo(msgspec.Struct, frozen=True):
    """What `data list` says of one series."""

    market: str
    symbol: str
    interval: str
    bars: int
    first_ns: int
    last_ns: int
    prices: str
    synthetic: bool
    size_bytes: int
    venues: tuple[str, ...] = ()  # that told some of them


class BarStore:
    """Bars at rest under `<folder>/bars`; `zone` gives a market's time zone: it parts the years."""

    def __init__(
        self,
        folder: Path,
        zone: Callable[[str], dt.tzinfo],
        open_bound_bytes: int = DEFAULT_BOUND_BYTES,
    ) -> None:
        self._root = folder / "bars"
        self._copies = folder / "cache" / "bars"
        self._zone = zone
        self._cache = BarCache(self._root, self._copies, open_bound_bytes)

    def columns(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> BarColumns:
        """Bars that start from `start_ns` up to, not including, `end_ns`; within a year, views."""
        parts = self.years(Series(market, symbol, interval), start_ns, end_ns)
        return _joined([part for part in parts if len(part)])

    def spreads(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> tuple[Ints, Floats]:
        """The starts of those bars, and the quoted spread at each one's open; nan for no quote."""
        starts, spreads = [_NO_BARS.start_ns], [_NO_BARS.open]
        for year in self._years(Series(market, symbol, interval), start_ns, end_ns):
            first, end = _rows(year, start_ns, end_ns)
            starts.append(year.columns.start_ns[first:end])
            spreads.append(open_spread(year.quotes, first, end))
        return np.concatenate(starts), np.concatenate(spreads)

    def quotes(self, series: Series, start_ns: int, end_ns: int) -> Quotes:
        """Bid and ask columns beside the bars of the same range; empty when none were imported."""
        parts: list[tuple[int, Quotes]] = []
        for year in self._years(series, start_ns, end_ns):
            first, end = _rows(year, start_ns, end_ns)
            cut = {name: values[first:end] for name, values in year.quotes.items()}
            parts.append((end - first, cut))
        names = {name: None for _, cut in parts for name in cut}
        return {
            name: np.concatenate([cut.get(name, np.full(length, np.nan)) for length, cut in parts])
            for name in names
        }

    def years(
        self, series: Series, start_ns: int, end_ns: int, *, latest_first: bool = False
    ) -> Iterator[BarColumns]:
        """The same bars a year at a time, all of them views."""
        for year in self._years(series, start_ns, end_ns, latest_first=latest_first):
            yield year.columns.slice(*_rows(year, start_ns, end_ns))

    def merge(
        self,
        series: Series,
        new: BarColumns,
        quotes: Quotes,
        *,
        prices: str = "trades",
        synthetic: bool = False,
        on_count: OnCount | None = None,
    ) -> MergeCounts:
        """Lay bars over what is stored: all of it or, when anything fails, none of it.

        `on_count` is told of the years that are written.
        """
        folder = series_folder(self._root, series)
        with disk_errors(f"Bars of {series} cannot be stored"), locked(folder):
            labels = self.labels(series)
            _refuse_mixed(series, labels, prices)
            synthetic = synthetic or any(label.synthetic for label in labels)
            counts, files = MergeCounts(), []
            for path, first, end in self._by_year(series, new.start_ns):
                bars = new.slice(first, end)
                sides: Quotes = {name: values[first:end] for name, values in quotes.items()}
                year_counts = MergeCounts(added=len(bars))
                if path.exists():
                    old = self._cache.open(path)
                    bars, sides, year_counts = merge(old.columns, old.quotes, bars, sides)
                counts += year_counts
                if year_counts.added or year_counts.changed:
                    label = make_label(
                        bars, sides, prices=prices, synthetic=synthetic, venues=_venues_of(path)
                    )
                    files.append((path, partial(write_parquet, bars, sides, label)))
            write_all(files, on_count)
        return counts

    def keep(
        self, series: Series, new: BarColumns, venue: str, own_ns: Ints
    ) -> tuple[MergeCounts, int]:
        """Add what a venue told: stored bars stay, but for those that start at `own_ns`.

        What was done, and how many bars of the venue's differ from those that stayed.
        """
        folder = series_folder(self._root, series)
        with disk_errors(f"Bars of {series} cannot be stored"), locked(folder):
            labels = self.labels(series)
            _refuse_mixed(series, labels, "trades")
            synthetic = any(label.synthetic for label in labels)
            counts, left, files = MergeCounts(), 0, []
            for path, first, end in self._by_year(series, new.start_ns):
                bars, sides, year_counts = (
                    new.slice(first, end),
                    _NO_QUOTES,
                    MergeCounts(end - first),
                )
                if path.exists():
                    old = self._cache.open(path)
                    bars, differ = without_conflicts(old.columns, bars, own_ns)
                    bars, sides, year_counts = merge(old.columns, old.quotes, bars, _NO_QUOTES)
                    left += differ
                counts += year_counts
                if year_counts.added or year_counts.changed:
                    venues = tuple(sorted({*_venues_of(path), venue}))
                    label = make_label(
                        bars, sides, prices="trades", synthetic=synthetic, venues=venues
                    )
                    files.append((path, partial(write_parquet, bars, sides, label)))
            write_all(files)
        return counts, left

    def catalogue(self, on_damaged: Callable[[str], None] | None = None) -> tuple[SeriesInfo, ...]:
        """Every stored series, in order of market, symbol, interval; `on_damaged` is told of those
        that cannot be read, which are an error otherwise.
        """
        found: list[SeriesInfo] = []
        for series in stored_series(self._root):
            try:
                found.append(self.info(series))
            except DataError as error:
                if on_damaged is None:
                    raise
                on_damaged(str(error))
        return tuple(found)

    def series(self) -> tuple[Series, ...]:
        """The names of every stored series; no file is opened."""
        return tuple(stored_series(self._root))

    def has(self, series: Series) -> bool:
        """Whether any bar of the series is stored."""
        return bool(self._paths(series))

    def labels(self, series: Series) -> tuple[Label, ...]:
        """The labels of a series' years, in order; none when it is not stored."""
        return tuple(read_label(path) for path in self._paths(series))

    def info(self, series: Series) -> SeriesInfo:
        """The extent and origin of a stored series."""
        self.require(series)
        paths = self._paths(series)
        labels = self.labels(series)
        return SeriesInfo(
            market=series.market,
            symbol=series.symbol,
            interval=series.interval,
            bars=sum(label.rows for label in labels),
            first_ns=labels[0].first_ns,
            last_ns=labels[-1].last_ns,
            prices=labels[0].prices,
            synthetic=any(label.synthetic for label in labels),
            size_bytes=sum(path.stat().st_size for path in paths),
            venues=tuple(sorted({venue for label in labels for venue in label.venues})),
        )

    def delete(self, series: Series) -> None:
        """Remove a series and its copies."""
        self.require(series)
        folder = series_folder(self._root, series)
        with disk_errors(f"{series} cannot be deleted"), locked(folder):
            shutil.rmtree(folder)
            sync_folder(folder.parent)
        shutil.rmtree(series_folder(self._copies, series), ignore_errors=True)

    def require(self, series: Series) -> None:
        """Refuse a series that is not stored, and say what is."""
        interval_ns(series.interval)  # refuses what is none: it names a folder as it is
        if self.has(series):
            return
        stored = stored_series(self._root)
        same_symbol = (series.market, series.symbol)
        intervals = [one.interval for one in stored if (one.market, one.symbol) == same_symbol]
        if intervals:
            raise NotFoundError(
                f"No {series.interval} bars of {series.symbol} on {series.market} are stored;"
                f" there are {', '.join(intervals)}."
            )
        symbols = {one.symbol for one in stored if one.market == series.market}
        elsewhere = sorted({one.market for one in stored if one.symbol == series.symbol})
        there = f"; there are on {', '.join(elsewhere)}" if elsewhere else ""
        raise NotFoundError(
            f"No bars of {series.symbol} on {series.market} are stored{there}."
            f"{did_you_mean(series.symbol, symbols)} See `data list`, or import them with"
            " `data import-csv` or `data import-api`."
        )

    def _paths(self, series: Series, first: int = 0, last: int = 9999) -> list[Path]:
        """The files of a series' years, those from one to another."""
        folder = series_folder(self._root, series)
        try:
            names = sorted(filter(is_year, os.listdir(folder)))
        except FileNotFoundError:
            return []
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            return []  # a symbol that no file can be named after has none
        return [folder / name for name in names if first <= int(name[:4]) <= last]

    def _years(
        self, series: Series, start_ns: int, end_ns: int, *, latest_first: bool = False
    ) -> Iterator[OpenYear]:
        zone = self._zone(series.market)
        first, last = _year(max(start_ns, EARLIEST_NS), zone), _year(min(end_ns, LATEST_NS), zone)
        paths = self._paths(series, first, last)
        for path in reversed(paths) if latest_first else paths:
            yield self._cache.open(path)

    def _by_year(self, series: Series, starts_ns: Ints) -> Iterator[tuple[Path, int, int]]:
        """Each year's file and the rows that belong to it."""
        zone = self._zone(series.market)
        folder = series_folder(self._root, series)
        first = 0
        while first < len(starts_ns):
            year = _year(int(starts_ns[first]), zone)
            end = int(np.searchsorted(starts_ns, year_start_ns(year + 1, zone)))
            yield folder / f"{year:04}.parquet", first, end
            first = end


def _year(at_ns: int, zone: dt.tzinfo) -> int:
    return dt.datetime.fromtimestamp(at_ns // 1_000_000_000, zone).year


def _rows(year: OpenYear, start_ns: int, end_ns: int) -> tuple[int, int]:
    first, end = np.searchsorted(year.columns.start_ns, (start_ns, end_ns))
    return int(first), max(int(first), int(end))


def _joined(parts: Sequence[BarColumns]) -> BarColumns:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return _NO_BARS
    arrays = [np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS]
    for array in arrays:
        array.flags.writeable = False
    return BarColumns(*arrays)


def _venues_of(path: Path) -> tuple[str, ...]:
    """Which venues told some of a year's bars."""
    return read_label(path).venues if path.exists() else ()


def _refuse_mixed(series: Series, labels: Sequence[Label], prices: str) -> None:
    for label in labels[:1]:
        if label.prices != prices:
            raise DataError(
                f"{series} holds {label.prices} prices and the file brings {prices} prices;"
                " one series keeps to one kind. Delete it first, or use another symbol."
            )
