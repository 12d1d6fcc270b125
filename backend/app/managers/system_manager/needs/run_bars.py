"""Whether a run's market is one, which sessions it has, whether its bars are there, and what is
odd about them.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain

import numpy as np
from loguru import logger

from app.core.bars import BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.config_json import InvalidConfigError
from app.core.errors import NotFoundError, did_you_mean
from app.core.instruments import Instrument
from app.core.intervals import interval_ns
from app.managers.data_manager import DataManager
from app.managers.time_manager import TimeManager
from app.repositories.bar_store_files import Series

_LOOKED_AT = 1000  # bars of a symbol, to see what ticks its prices are in
_NAMED = 10  # symbols in a warning


def need_market(config: SessionConfig, times: TimeManager) -> None:
    """The config's market is one that there is, and trades on a replay's dates."""
    try:
        times.zone(config.market)
    except NotFoundError as error:
        raise InvalidConfigError(None, [("market", str(error))]) from None
    if config.replay is not None:
        replayed_sessions(config, times)


def need_bars(
    config: SessionConfig,
    sessions: Sequence[TradingSession],
    data: DataManager,
    *,
    tells: bool = False,
) -> None:
    """Every symbol has bars in the run's sessions; the sample is made when it is asked for. What is
    odd about them is logged where the run `tells`.
    """
    market, interval = config.market, config.base_interval
    data.ensure_sample(market, config.symbols, interval)
    start_ns = sessions[0].hours(config.extended_hours)[0]
    end_ns = sessions[-1].hours(config.extended_hours)[1]
    bounds_ns = np.array([session.hours(config.extended_hours) for session in sessions]).T
    lacking, empty, between = list[str](), dict[str, int](), dict[str, float]()
    for symbol in config.symbols:
        series = Series(market, symbol, interval)
        years = (bars for bars in data.store.years(series, start_ns, end_ns) if len(bars))
        first = next(years, None)
        if first is None:
            lacking.append(symbol)
        elif tells:
            empty[symbol] = _without_a_bar(bounds_ns, chain((first,), years))
            between[symbol] = _between_ticks(first, data.instrument(market, symbol).tick)
    if lacking:
        raise NotFoundError(
            f"There are no {interval} bars of {', '.join(lacking)} on "
            f"{market} from {config.replayed.start} to {config.replayed.end}. "
            f"{_what_there_is(config, lacking, data)}"
            "'data list' shows what there is; 'data import-csv' and 'data import-api' bring more."
        )
    _tell_of_sessions(len(sessions), {symbol: n for symbol, n in empty.items() if n})
    for symbol, price in between.items():
        if price:
            _tell_of_tick(data.instrument(market, symbol), price)


def _without_a_bar(bounds_ns: Ints, years: Iterable[BarColumns]) -> int:
    """How many sessions; a year at a time, as years joined would be in memory once more."""
    has_bars = np.zeros(bounds_ns.shape[1], bool)
    for bars in years:
        first, end = np.searchsorted(bars.start_ns, bounds_ns)
        has_bars |= first < end
    return int((~has_bars).sum())


def _tell_of_sessions(count: int, empty: dict[str, int]) -> None:
    """A range that is longer than the data thins out figures: days without a bar count as days."""
    if empty:
        named = [f"{without} of {symbol}" for symbol, without in list(empty.items())[:_NAMED]]
        logger.warning(
            "Sessions without a bar, of {}: {}{}. They count in all figures; 'data list' shows how "
            "far the bars reach.",
            count,
            ", ".join(named),
            f", and of {len(empty) - _NAMED} more symbols" if len(empty) > _NAMED else "",
        )


def _between_ticks(bars: BarColumns, tick: Decimal) -> float:
    """A price between two ticks where most of the first ones are; else 0."""
    prices = bars.close[:_LOOKED_AT]
    steps = prices / (float(tick) / 2)  # the middle of bid and ask lies halfway
    between = np.abs(steps - np.rint(steps)) > 0.01
    return float(prices[between][0]) if between.mean() > 0.5 else 0.0


def _tell_of_tick(instrument: Instrument, price: float) -> None:
    """Each fill would be moved on to the tick, against the order."""
    logger.warning(
        "{} has a tick of {}, and most of its prices lie between, such as {}: fills are moved on "
        "to the tick, against the order. 'data instruments set {} --market {} --tick ...' sets it. "
        "Prices that were adjusted lie so, too; a run wants them raw.",
        instrument.symbol,
        instrument.tick,
        price,
        instrument.symbol,
        instrument.market,
    )


def _what_there_is(config: SessionConfig, lacking: Sequence[str], data: DataManager) -> str:
    """For whoever took an interval that is derived, another market, or a wrong name."""
    stored = data.store.series()
    of_market = [one for one in stored if one.market == config.market]
    intervals = {one.interval for one in of_market if one.symbol in lacking}
    if other := sorted(intervals - {config.base_interval}, key=interval_ns):
        return (
            f"There are {' and '.join(other)} bars: a run's base_interval is one that is stored, "
            "longer ones are its derived_intervals. "
        )
    if markets := sorted({one.market for one in stored if one.symbol in lacking} - {config.market}):
        return f"There are on {' and '.join(markets)}. "
    hints = (did_you_mean(symbol, {one.symbol for one in of_market}) for symbol in lacking)
    return next((f"{hint.strip()} " for hint in hints if hint), "") if not intervals else ""


def replayed_sessions(config: SessionConfig, times: TimeManager) -> tuple[TradingSession, ...]:
    """The sessions of a replay's dates; there is one at least."""
    replay = config.replayed
    sessions = times.sessions_between(replay.start, replay.end, config.market)
    if not sessions:
        what = f"{config.market} has no session from {replay.start} to {replay.end}"
        raise InvalidConfigError(None, [("replay", f"{what}; choose other replay dates.")])
    return sessions


def live_sessions(
    config: SessionConfig, times: TimeManager, now_ns: int
) -> tuple[TradingSession, ...]:
    """The session under way or the next, and as many as a live run's config says."""
    market = config.market
    first = times.previous_session(times.to_local(now_ns, market).date(), market)
    while first.hours(config.extended_hours)[1] <= now_ns:
        first = times.next_session(first.date, market)
    found = [first]
    while len(found) < config.lived.sessions:
        found.append(times.next_session(found[-1].date, market))
    return tuple(found)
