"""DataManager: bars at rest, instruments and corporate actions, for every face and the engine."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.bars import BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.errors import DataError, NotFoundError, UsageError, did_you_mean
from app.core.instruments import Adjustment, CorporateAction, Instrument
from app.core.intervals import interval_ns, is_multiple
from app.core.progress import OnCount
from app.managers.data_manager import sample
from app.managers.data_manager.corporate_actions import adjustments_of
from app.managers.data_manager.kept_bars import KeptBars
from app.managers.data_manager.options import ImportOptions, ImportReport, Progress
from app.managers.data_manager.passport import (
    SessionQuality,
    SymbolPassport,
    session_columns,
    session_qualities,
    symbol_passport,
)
from app.managers.data_manager.ranges import Moment, time_range
from app.managers.data_manager.reference import (
    default_instrument,
    read_actions,
    read_instruments,
    with_sizes,
)
from app.managers.data_manager.symbols import check_symbol
from app.managers.time_manager import TimeManager
from app.repositories.bar_store import BarStore, SeriesInfo
from app.repositories.bar_store_files import Series
from app.repositories.bar_store_merge import MergeCounts

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

    from app.repositories.action_repository import ActionRepository
    from app.repositories.instrument_repository import InstrumentRepository

ADJUSTMENTS = ("raw", "back")


class DataManager:
    """Everything at rest under one folder; SQL is opened when instruments or actions are asked for.

    Where no market is named, the TimeManager's is meant.
    """

    def __init__(
        self, folder: Path, time: TimeManager, engine_factory: "Callable[[], Engine]"
    ) -> None:
        self._time = time
        self._engine_factory = engine_factory
        self.store = BarStore(folder, time.zone)

    @cached_property
    def _engine(self) -> "Engine":
        return self._engine_factory()

    @cached_property
    def _instruments(self) -> "InstrumentRepository":
        from app.repositories.instrument_repository import InstrumentRepository

        return InstrumentRepository(self._engine)

    @cached_property
    def _actions(self) -> "ActionRepository":
        from app.repositories.action_repository import ActionRepository

        return ActionRepository(self._engine)

    # Files in and out

    def import_csv(
        self, path: Path | str, options: ImportOptions, progress: Progress | None = None
    ) -> ImportReport:
        """Import one CSV file, whole or not at all."""
        return self._import(Path(path), "csv", options, progress)

    def import_parquet(
        self, path: Path | str, options: ImportOptions, progress: Progress | None = None
    ) -> ImportReport:
        """Import one Parquet file, whole or not at all."""
        return self._import(Path(path), "parquet", options, progress)

    def _import(
        self, path: Path, kind: str, options: ImportOptions, progress: Progress | None
    ) -> ImportReport:
        from app.managers.data_manager.importing import import_file

        check_symbol(options.symbol)
        return import_file(self.store, self._time, path, kind, options, progress)

    def export(
        self,
        path: Path | str,
        kind: str,
        series: Series,
        start: Moment | None = None,
        end: Moment | None = None,
        on_count: OnCount | None = None,
        *,
        replace: bool = False,
    ) -> int:
        """Write bars as "csv" or "parquet", stored ones with their quotes, else derived ones; how
        many there were. A file that is there is refused, unless it may be replaced.
        """
        from app.managers.data_manager.exporting import write_file

        path = Path(path)
        start_ns, end_ns = time_range(self._time, series.market, start, end)
        columns, source = self.load(series.market, series.symbol, series.interval, start_ns, end_ns)
        if not len(columns):
            raise NotFoundError(f"No bars of {series} lie in the range asked for.")
        if path.is_file() and not replace:
            raise UsageError(
                f"{path} is there already; nothing was written. Name another file, or give "
                "--replace."
            )
        is_stored = source == series.interval
        quotes = self.store.quotes(series, start_ns, end_ns) if is_stored else {}
        write_file(path, kind, columns, quotes, on_count)
        return len(columns)

    # Bars

    def get_bars(
        self,
        symbol: str,
        interval: str,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        market: str | None = None,
        adjust: str = "raw",
    ) -> "pd.DataFrame":
        """Bars as a DataFrame; an interval that is not stored is derived from one that is.

        A date is that session, as `end` included; a time as `end` is excluded. A bar is in the
        range in which it starts, and whole. `adjust="back"` applies all known splits and dividends
        to earlier prices, for charts and comparisons; `attrs` say so.
        """
        from app.managers.data_manager.exporting import to_frame

        if adjust not in ADJUSTMENTS:
            raise UsageError(
                f"adjust is {' or '.join(ADJUSTMENTS)}, not '{adjust}'."
                f"{did_you_mean(adjust, ADJUSTMENTS)}"
            )
        if not isinstance(symbol, str):
            raise UsageError(f"{symbol!r} is no symbol; give one as text, such as 'AAPL'.")
        market = market or self._time.market
        zone = self._time.zone(market)  # which refuses a market that there is not
        start_ns, end_ns = time_range(self._time, market, start, end)
        columns, source = self.load(market, symbol, interval, start_ns, end_ns)
        if adjust == "back":
            columns = self._adjusted_back(market, symbol, columns)
        attributes = {
            "market": market,
            "symbol": symbol,
            "interval": interval,
            "adjust": adjust,
            "derived_from": None if source == interval else source,
            "venues": self.venues(Series(market, symbol, source)),
        }
        return to_frame(columns, zone, attributes)

    def venues(self, series: Series) -> tuple[str, ...]:
        """Which venues told some of a series' bars, in a live run or for one."""
        return self.store.info(series).venues if self.store.has(series) else ()

    def load(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> tuple[BarColumns, str]:
        """Raw bars that start in this time, and the stored interval they come from; derived ones
        with extended hours, each of all its parts.
        """
        source = self.source_interval(market, symbol, interval, start_ns, end_ns)
        series = Series(market, symbol, source)
        if source == interval:
            return self.store.columns(market, symbol, source, start_ns, end_ns), source
        from app.services.aggregation import aggregate

        info = self.store.info(series)
        first_ns, last_ns = (min(max(at, info.first_ns), info.last_ns) for at in (start_ns, end_ns))
        sessions = self._sessions_from(market, first_ns, last_ns)
        hours = [one.hours(True) for one in sessions]
        begin_ns = min((start for start, end in hours if end > first_ns), default=first_ns)
        until_ns = max((end for start, end in hours if start <= last_ns), default=last_ns)
        columns = self.store.columns(market, symbol, source, begin_ns, until_ns)
        columns, _ = aggregate(columns, interval, sessions, True)
        rows = columns.start_ns.searchsorted((start_ns, end_ns))
        return columns.slice(*rows.tolist()), source

    def source_interval(
        self, market: str, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> str:
        """The stored interval that gives this one: itself, or of those it is a multiple of the one
        whose bars fill most of these years, the longest where several do.
        """
        interval_ns(interval)
        series = Series(market, symbol, interval)
        if not self.store.has(series):
            stored = [
                one.interval
                for one in self.store.series()
                if (one.market, one.symbol) == (market, symbol)
                and is_multiple(interval, one.interval)
            ]
            if not stored:
                self.store.require(series)
            return max(
                stored,
                key=lambda one: (
                    self._filled_ns(Series(market, symbol, one), start_ns, end_ns),
                    interval_ns(one),
                ),
            )
        return interval

    def _filled_ns(self, series: Series, start_ns: int, end_ns: int) -> int:
        """How much time a series' bars stand for, in the years of this range."""
        labels = self.store.labels(series)
        rows = sum(one.rows for one in labels if one.first_ns < end_ns and one.last_ns >= start_ns)
        return rows * interval_ns(series.interval)

    def _sessions_from(
        self, market: str, first_ns: int, last_ns: int
    ) -> tuple[TradingSession, ...]:
        """The sessions these moments can belong to; one may open on the eve of its date."""
        first, last = (self._time.to_local(at, market).date() for at in (first_ns, last_ns))
        return self._time.known_sessions(first, last + dt.timedelta(days=4), market)

    def _adjusted_back(self, market: str, symbol: str, columns: BarColumns) -> BarColumns:
        from app.services.adjust import adjust_back

        if not len(columns):
            return columns
        first = self._time.to_local(int(columns.start_ns[0]), market).date()
        actions = self.actions(market, symbol)
        last = max((action.ex_date for action in actions), default=first)
        sessions = self._time.known_sessions(first, last + dt.timedelta(days=14), market)
        begins_ns = {one.date: one.hours(True)[0] for one in sessions}
        effects = [
            (begins_ns[one.session_date], one) for one in self.adjustments(market, symbol, sessions)
        ]
        return adjust_back(columns, effects)

    def catalogue(self, on_damaged: Callable[[str], None] | None = None) -> tuple[SeriesInfo, ...]:
        """Every stored series; `on_damaged` is told of those that cannot be read."""
        return self.store.catalogue(on_damaged)

    def keep_bars(self, series: Series, bars: BarColumns, venue: str, own_ns: Ints) -> KeptBars:
        """Add bars that a venue told. Stored ones stay, but for those that start at `own_ns`."""
        counts, left = self.store.keep(series, bars, venue, own_ns)
        return KeptBars(counts.added, counts.same, counts.changed, left)

    def delete(self, series: Series) -> None:
        """Remove a series from the store."""
        self.store.delete(series)

    def quality(
        self,
        series: Series,
        start: Moment | None = None,
        end: Moment | None = None,
        on_count: OnCount | None = None,
    ) -> tuple[SessionQuality, ...]:
        """How complete a stored series is, per session between its first and last bar."""
        info = self.store.info(series)
        start_ns, end_ns = time_range(self._time, series.market, start, end)
        sessions = [
            session
            for session in self._sessions_from(series.market, info.first_ns, info.last_ns)
            if start_ns <= session.open_ns < end_ns and session.open_ns <= info.last_ns
        ]
        columns = session_columns(self.store, series, sessions)
        return session_qualities(columns, series.interval, sessions, on_count=on_count)

    def passport(
        self,
        market: str,
        symbols: Sequence[str],
        interval: str,
        sessions: Sequence[TradingSession],
        *,
        extended_hours: bool = False,
        quotes: bool = False,
    ) -> tuple[SymbolPassport, ...]:
        """Per symbol, exactly which bars these sessions stand on and how complete they are."""
        return tuple(
            symbol_passport(
                self.store,
                Series(market, symbol, interval),
                sessions,
                extended_hours=extended_hours,
                quotes=quotes,
            )
            for symbol in symbols
        )

    # Instruments and corporate actions

    def instrument(self, market: str, symbol: str) -> Instrument:
        """The instrument as it was set, else with its market's defaults."""
        return self._instruments.get(market, symbol) or default_instrument(market, symbol)

    def instruments(self, market: str | None = None) -> tuple[Instrument, ...]:
        """Every instrument that was set."""
        return self._instruments.all(market)

    def set_instrument(
        self,
        market: str,
        symbol: str,
        sizes: Mapping[str, str | Decimal | float],
        currency: str | None = None,
    ) -> Instrument:
        """Set some of an instrument's sizes, as `SIZES` names them; the rest stays."""
        self._time.zone(market)
        current = self.instrument(market, check_symbol(symbol))
        words = {name: str(size) for name, size in sizes.items()}
        instrument = with_sizes(current, words, currency or current.currency)
        self._instruments.put([instrument])
        return instrument

    def import_instruments(self, path: Path | str, market: str) -> tuple[Instrument, ...]:
        """Set the instruments of a CSV file, all or none."""
        instruments = read_instruments(Path(path), market, check_symbol)
        for name in {one.market for one in instruments}:
            self._time.zone(name)
        self._instruments.put(instruments)
        return tuple(instruments)

    def actions(self, market: str, symbol: str | None = None) -> tuple[CorporateAction, ...]:
        """A market's corporate actions, or one symbol's."""
        return self._actions.of(market, symbol)

    def import_actions(self, path: Path | str, market: str) -> MergeCounts:
        """Set the corporate actions of a CSV file, all or none."""
        actions = read_actions(Path(path), check_symbol, self._time.known_years(market))
        return MergeCounts(*self._actions.put(market, actions))

    def adjustments(
        self, market: str, symbol: str, sessions: Sequence[TradingSession]
    ) -> tuple[Adjustment, ...]:
        """What takes effect at these sessions, in order; later data never changes it."""
        return adjustments_of(
            self.store, self._time, (market, symbol), self.actions(market, symbol), sessions
        )

    # The sample

    def make_sample(self) -> MergeCounts:
        """Make the synthetic sample with its instruments and actions; again changes nothing."""
        all_series = [Series(sample.MARKET, name, sample.INTERVAL) for name in sample.SYMBOLS]
        for series in all_series:
            if any(not label.synthetic for label in self.store.labels(series)):
                raise DataError(
                    f"Bars of {series} were imported from a file; delete them before the sample"
                    " is made under the same name."
                )
        sessions = self._time.sessions_between(sample.FIRST_DATE, sample.LAST_DATE, sample.MARKET)
        self._instruments.put(sample.sample_instruments())
        self._actions.put(sample.MARKET, sample.sample_actions())
        counts = MergeCounts()
        for series in all_series:
            bars = sample.make_bars(series.symbol, sessions)
            counts += self.store.merge(series, bars, {}, synthetic=True)
        return counts

    def ensure_sample(self, market: str, symbols: Sequence[str], interval: str) -> bool:
        """Make the sample when a run asks for its symbols and lacks one; whether it was made."""
        if market != sample.MARKET or interval != sample.INTERVAL:
            return False
        wanted = set(symbols) & set(sample.SYMBOLS)
        if all(self.store.has(Series(market, symbol, interval)) for symbol in wanted):
            return False
        self.make_sample()
        return True
