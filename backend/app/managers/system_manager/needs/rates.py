"""Rates of foreign currencies, session by session, from closes that were known before each."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from app.core.bars import Floats, Ints
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import ConfigError
from app.core.instruments import Instrument
from app.core.intervals import DAILY, DAY_NS, interval_ns
from app.core.seams import BarSource

_LOOK_BACK_NS = 366 * DAY_NS  # an older close is no rate any more

RatesBySession = dict[dt.date, dict[str, float]]


def rates_of(
    config: SessionConfig,
    sessions: Sequence[TradingSession],
    currencies: Iterable[str],
    instrument: Callable[[str, str], Instrument],
    source: BarSource,
) -> RatesBySession:
    """What each foreign currency is worth in the account's, by the date of the session.

    Later data never changes a session's rates: they are read from what was known at its start.
    """
    market = config.account.rates_market or config.market
    starts = np.array([s.hours(config.extended_hours)[0] for s in sessions], np.int64)
    rates: RatesBySession = {session.date: {} for session in sessions}
    for currency, symbol in rate_symbols(config, currencies, instrument).items():
        intervals = dict.fromkeys((config.base_interval, DAILY))
        closes = _closes_before(source, market, symbol, list(intervals), starts)
        for session, close in zip(sessions, closes.tolist(), strict=True):
            if not close > 0:
                raise ConfigError(
                    f"There is no rate of {currency} for {session.date}: {symbol} on {market} has "
                    f"no {' or '.join(intervals)} bar in the year before that session. Import "
                    "some with 'data import-csv'."
                )
            rates[session.date][currency] = close
    return rates


def check_rates(config: SessionConfig, instrument: Callable[[str, str], Instrument]) -> None:
    """Whether each rate that a run needs can be read from somewhere; not whether it is there."""
    traded = [instrument(config.market, symbol).currency for symbol in config.symbols]
    rate_symbols(config, traded, instrument)


def rate_symbols(
    config: SessionConfig, currencies: Iterable[str], instrument: Callable[[str, str], Instrument]
) -> dict[str, str]:
    """From which symbol each foreign currency's rate is read; an error where none can be."""
    account, found = config.account, {}
    market = account.rates_market or config.market
    needed = dict.fromkeys([*currencies, *account.books, *account.rates])
    for currency in needed:
        if currency == account.currency:
            continue
        symbol = account.rates.get(currency)
        if symbol is None:
            raise ConfigError(
                f"The account is in {account.currency} and needs a rate of {currency}. Name a "
                f'symbol to read it from: "rates": {{"{currency}": '
                f'"{currency}/{account.currency}"}} in the config\'s account. Where the '
                f'account itself is in {currency}, it is "currency": "{currency}".'
            )
        priced_in = instrument(market, symbol).currency
        if priced_in != account.currency:
            raise ConfigError(
                f"account.rates.{currency}: {symbol} on {market} is priced in {priced_in}, not in "
                f"{account.currency}; name a symbol that tells what one {currency} is worth in "
                f"{account.currency}."
            )
        found[currency] = symbol
    return found


def _closes_before(
    source: BarSource, market: str, symbol: str, intervals: Sequence[str], starts: Ints
) -> Floats:
    """The close known last at each of these times, of bars of any interval; 0 for none.

    A daily bar counts from 24 hours after its start, which is never before its close.
    """
    closes, known_before = np.zeros(len(starts)), np.zeros(len(starts), np.int64)
    for interval in intervals:
        length_ns = interval_ns(interval)
        from_ns, end_ns = int(starts[0]) - _LOOK_BACK_NS, int(starts[-1])
        bars = source.columns(market, symbol, interval, from_ns, end_ns)
        if not len(bars):
            continue
        known_ns = bars.start_ns + length_ns
        rows = np.searchsorted(known_ns, starts, side="right") - 1
        newer = (rows >= 0) & (known_ns[rows] > np.maximum(known_before, starts - _LOOK_BACK_NS))
        closes = np.where(newer, bars.close[rows], closes)
        known_before = np.where(newer, known_ns[rows], known_before)
    return closes
