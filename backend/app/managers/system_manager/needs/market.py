"""What a run needs to know of the world: its market's sessions, instruments and actions, and where
bars are.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from app.core.account_limits import AccountLimits
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import NotFoundError
from app.core.instruments import Adjustment, Instrument
from app.core.seams import BarSource
from app.core.trading_state import RiskPast
from app.managers.data_manager import DataManager
from app.managers.execution_manager.books.account import Rates
from app.managers.system_manager.needs.history import SessionsBefore
from app.managers.system_manager.needs.quotes import need_quotes
from app.managers.system_manager.needs.rates import rates_of
from app.managers.system_manager.needs.run_bars import need_bars, replayed_sessions
from app.managers.time_manager import TimeManager
from app.threads.desk.desk import LocalTime
from app.threads.machine.pacing import MonotonicClock


class Market(msgspec.Struct, frozen=True):
    """What a run needs to know of the world: sessions, instruments, actions, where bars are, and
    what the account's owner allows.
    """

    sessions: tuple[TradingSession, ...]
    sessions_before: SessionsBefore
    instruments: list[Instrument]
    adjustments: Callable[[Sequence[TradingSession]], tuple[Adjustment, ...]]
    source: BarSource
    time: LocalTime
    clock: MonotonicClock
    rates: Mapping[dt.date, Rates] = {}  # of foreign currencies, by session
    hard_limits: AccountLimits | None = None  # of the account file
    risk_past: RiskPast | None = None  # what the account's last run left; none: it is of no account


def market_of(
    config: SessionConfig,
    sessions: tuple[TradingSession, ...],
    data: DataManager,
    times: TimeManager,
    clock: MonotonicClock,
    hard_limits: AccountLimits | None,
) -> Market:
    """The config's market in these sessions, as our managers know it."""
    name = config.market
    time = MarketTime(times, name)
    instruments = [data.instrument(name, symbol) for symbol in config.symbols]
    currencies = [item.currency for item in instruments]
    rates = rates_of(config, sessions, currencies, data.instrument, data.store)

    def adjustments(asked: Sequence[TradingSession]) -> tuple[Adjustment, ...]:
        found = [one for s in config.symbols for one in data.adjustments(name, s, asked)]
        return tuple(sorted(found, key=lambda one: one.session_date))

    return Market(
        sessions=sessions,
        sessions_before=partial(time.sessions_before, sessions[0]),
        instruments=instruments,
        adjustments=adjustments,
        source=data.store,
        time=time,
        clock=clock,
        rates=rates,
        hard_limits=hard_limits,
    )


def replayed_market(
    config: SessionConfig,
    data: DataManager,
    times: TimeManager,
    clock: MonotonicClock,
    hard_limits: AccountLimits | None,
    *,
    tells: bool = False,
) -> Market:
    """The market of a replay's dates, with all the bars and quotes that it needs of them; a run
    that `tells` logs what is odd about them.
    """
    sessions = replayed_sessions(config, times)
    need_bars(config, sessions, data, tells=tells)
    need_quotes(config, data.store, sessions, hard_limits)
    return market_of(config, sessions, data, times, clock, hard_limits)


class MarketTime:
    """A TimeManager that speaks of one market."""

    def __init__(self, time: TimeManager, market: str) -> None:
        self._time = time
        self._market = market

    def to_local(self, ns: int) -> dt.datetime:
        return self._time.to_local(ns, self._market)

    def to_ns(self, moment: dt.datetime) -> int:
        return self._time.to_ns(moment)

    def sessions_before(self, first: TradingSession, count: int) -> tuple[TradingSession, ...]:
        """The last `count` sessions before one, in order."""
        found = [first]
        try:
            while len(found) <= count:
                found.append(self._time.previous_session(found[-1].date, self._market))
        except NotFoundError as error:
            raise NotFoundError(
                f"There are no {count} sessions of history before {first.date}: {error} Start"
                " later, or ask for less history."
            ) from error
        return tuple(reversed(found[1:]))
