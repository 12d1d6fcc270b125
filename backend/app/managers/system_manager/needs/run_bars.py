"""Whether a run's market and bars are there at all, asked before it begins."""

from collections.abc import Sequence

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.config_json import InvalidConfigError
from app.core.errors import ConfigError, NotFoundError
from app.core.intervals import interval_ns
from app.managers.data_manager import DataManager
from app.managers.time_manager import TimeManager


def need_market(config: SessionConfig, times: TimeManager) -> None:
    """The config's market is one that there is."""
    try:
        times.zone(config.market)
    except NotFoundError as error:
        raise InvalidConfigError(None, [("market", str(error))]) from None


def need_bars(config: SessionConfig, sessions: Sequence[TradingSession], data: DataManager) -> None:
    """Every symbol has bars in the run's sessions; the sample is made when it is asked for."""
    market, interval = config.market, config.base_interval
    data.ensure_sample(market, config.symbols, interval)
    start_ns = sessions[0].hours(config.extended_hours)[0]
    end_ns = sessions[-1].hours(config.extended_hours)[1]
    lacking = [
        symbol
        for symbol in config.symbols
        if not len(data.store.columns(market, symbol, interval, start_ns, end_ns))
    ]
    if lacking:
        raise NotFoundError(
            f"There are no {interval} bars of {', '.join(lacking)} on "
            f"{market} from {config.replayed.start} to {config.replayed.end}. "
            f"{_other_intervals(config, lacking, data)}"
            "'data list' shows what there is; 'data import-csv' and 'data import-api' bring more."
        )


def _other_intervals(config: SessionConfig, lacking: Sequence[str], data: DataManager) -> str:
    """What there is of them, for whoever takes a base interval for one that is derived."""
    stored = {
        one.interval
        for one in data.store.series()
        if one.market == config.market and one.symbol in lacking
    } - {config.base_interval}
    if not stored:
        return ""
    names = " and ".join(sorted(stored, key=interval_ns))
    return (
        f"There are {names} bars: a run's base_interval is one that is stored, longer ones are its "
        "derived_intervals. "
    )


def replayed_sessions(config: SessionConfig, times: TimeManager) -> tuple[TradingSession, ...]:
    """The sessions of a replay's dates; there is one at least."""
    replay = config.replayed
    sessions = times.sessions_between(replay.start, replay.end, config.market)
    if not sessions:
        raise ConfigError(
            f"{config.market} has no session from {replay.start} to {replay.end}; "
            "choose other replay dates."
        )
    return sessions
