"""Every market's sessions by year: from memory, else from a file, else from the library."""

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import DataError, NotFoundError, UsageError
from app.managers.time_manager import library
from app.repositories.calendar_files import CalendarFiles, CalendarYear, Market

if TYPE_CHECKING:
    from app.core.progress import OnCount

_MARKETS_KEPT = 64
_YEARS_KEPT = 512


class Calendars:
    """The calendars of one data folder; safe to ask from several threads."""

    def __init__(self, folder: Path) -> None:
        self._files = CalendarFiles(folder / "calendars", library.source())
        self._lock = threading.Lock()  # the library is not made for threads
        self.market = lru_cache(maxsize=_MARKETS_KEPT)(self._find_market)
        self.year = lru_cache(maxsize=_YEARS_KEPT)(self._find_year)

    def is_stored(self, name: str) -> bool:
        """Whether the market can be told of without the library, which takes a second to come."""
        return self._files.market(name) is not None

    def rebuild(
        self, name: str, first_year: int, last_year: int, on_count: "OnCount | None" = None
    ) -> tuple[CalendarYear, ...]:
        """Make years anew from the library and store them."""
        if first_year > last_year:
            raise UsageError(f"The first year, {first_year}, is after the last, {last_year}.")
        with self._lock:
            market = library.find_market(name)
            for year in (first_year, last_year):
                _check_year(market, year)
            built = library.build_years(market, first_year, last_year, on_count)
            try:
                self._files.write(market, built)
            except OSError as error:
                raise DataError(f"The calendar of {name} cannot be stored: {error}.") from error
        self.market.cache_clear()
        self.year.cache_clear()
        return built

    def _find_market(self, name: object) -> Market:
        if not isinstance(name, str):
            raise UsageError(f"{name!r} is no market; name its MIC, such as 'XNYS', or '24/7'.")
        with self._lock:
            found = self._files.market(name)
            if found is None:
                found = library.find_market(name)
                self._store(found, ())
        return found

    def _find_year(self, name: str, year: int) -> CalendarYear:
        market = self.market(name)
        _check_year(market, year)
        with self._lock:
            return self._files.year(name, year) or self._build(market, year)

    def _build(self, market: Market, year: int) -> CalendarYear:
        """Build the year's whole decade, so that its neighbours need no import later."""
        decade = year - year % 10
        first_year = max(decade, market.first_year)
        built = library.build_years(market, first_year, min(decade + 9, market.last_year))
        self._store(market, built)
        return built[year - first_year]

    def _store(self, market: Market, years: tuple[CalendarYear, ...]) -> None:
        try:
            self._files.write(market, years)
        except OSError as error:  # slower the next time, but just as right
            from loguru import logger

            logger.warning("The calendar of {} cannot be stored: {}", market.name, error)


def _check_year(market: Market, year: int) -> None:
    if not market.first_year <= year <= market.last_year:
        raise NotFoundError(
            f"The calendar of {market.name} reaches from {market.first_year} to "
            f"{market.last_year}; {year} is beyond it ({market.source})."
        )
