"""Where a drill takes place: which replay, and at which of its instants the stop is rehearsed."""

import datetime as dt
from collections.abc import Sequence

from app.core.calendar import TradingSession
from app.core.config import ReplayConfig, SessionConfig
from app.core.errors import NotFoundError, UsageError
from app.core.orders import HELD, INSTANT, REJECTED, SYMBOL
from app.managers.data_manager import DataManager
from app.managers.system_manager.rerun.complete_runs import as_fast_as_it_goes
from app.managers.time_manager import TimeManager
from app.threads.stream.results import Results

_BEGINS, _FILLS, _ENDS = 2, 0, 1  # of what happens at one instant, in this order


def drilled_config(
    config: SessionConfig, at_ns: int | None, data: DataManager, times: TimeManager
) -> SessionConfig:
    """The replay to rehearse in, as fast as it goes; of a live config the session of `at_ns`, or
    the last that all its symbols have bars of.
    """
    if config.replay is not None:
        return as_fast_as_it_goes(config)
    market = config.market
    data.ensure_sample(market, config.symbols, config.base_interval)
    if at_ns is None:
        at_ns = min(_last_ns(config, symbol, data) for symbol in config.symbols)
    session = times.session_at(at_ns, market) or times.previous_session(
        times.to_local(at_ns, market).date() + dt.timedelta(days=1), market
    )
    dates = ReplayConfig(start=session.date, end=session.date)
    parts = {"mode": "replay", "live": None, "replay": dates}
    return as_fast_as_it_goes(config.model_copy(update=parts))


def _last_ns(config: SessionConfig, symbol: str, data: DataManager) -> int:
    """The start of a symbol's last bar."""
    wanted = config.market, symbol, config.base_interval
    for one in data.catalogue():
        if (one.market, one.symbol, one.interval) == wanted:
            return one.last_ns
    raise NotFoundError(
        f"There are no {config.base_interval} bars of {symbol} on {config.market}, and a drill is "
        "a replay. 'data list' shows what there is; 'data import-csv' and 'data import-api' bring"
        " more."
    )


def check_moment(at_ns: int, sessions: Sequence[TradingSession], times: TimeManager) -> None:
    """Refuse a moment that is not between the run's first open and its last close."""
    if not sessions[0].open_ns < at_ns < sessions[-1].close_ns:
        moment = times.to_local(at_ns, sessions[0].market)
        raise UsageError(
            f"{moment:%Y-%m-%d %H:%M:%S} is not within the sessions of {sessions[0].date} to "
            f"{sessions[-1].date}; choose a time between their first open and their last close."
        )


class Rehearsal:
    """The same replay with nobody to stop it: where there is something to stop, and its end."""

    def __init__(self) -> None:
        self._events: list[tuple[int, int, int, int]] = []

    def take(self, results: Results) -> None:
        """What came of a block."""
        for row in results.records.changes:
            self._events.append((row[INSTANT], _FILLS, row[SYMBOL], row[HELD]))
        for order in results.records.orders:
            if order.state != REJECTED:
                self._events.append((order.created_ns, _BEGINS, order.order_id, 0))
                self._events.append((order.ended_ns, _ENDS, order.order_id, 0))

    def moment(self, sessions: Sequence[TradingSession]) -> int:
        """The first instant with a position and a working order; else with a position; else the
        middle of the run.
        """
        held: dict[int, int] = {}
        working: set[int] = set()
        first_ns = 0
        events = sorted(self._events)
        for place, (at_ns, kind, number, units) in enumerate(events):
            if kind == _FILLS:
                held[number] = units
            elif kind == _BEGINS:
                working.add(number)
            else:
                working.discard(number)
            is_last = place + 1 == len(events) or events[place + 1][0] != at_ns
            if is_last and any(held.values()):
                first_ns = first_ns or at_ns
                if working:
                    return at_ns
        middle = sessions[len(sessions) // 2]
        return first_ns or (middle.open_ns + middle.close_ns) // 2
