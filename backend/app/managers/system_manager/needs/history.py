"""How many sessions of history a run keeps: as declared, else what its indicators need."""

from collections.abc import Callable, Sequence
from functools import partial

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.config_json import json_path
from app.core.errors import ConfigError
from app.core.intervals import DAILY, interval_ns
from app.services.indicators import Computation
from app.threads.stream.plan import Plan

Asked = tuple[Computation, int | None, str]  # what, for which symbol (None: all), where
SessionsBefore = Callable[[int], tuple[TradingSession, ...]]


def history_of(
    config: SessionConfig,
    asked: Sequence[Asked],
    sessions: Sequence[TradingSession],
    sessions_before: SessionsBefore,
) -> dict[str, int | None]:
    """Sessions of history per interval; None keeps all of the run."""
    history: dict[str, int | None] = {
        name: None if count == "all" else count for name, count in config.history.items()
    }
    for interval in dict.fromkeys(interval for _, _, interval in asked):
        computations = [one for one, _, where in asked if where == interval]
        length = partial(_bars_of, interval=interval, extended_hours=config.extended_hours)
        if interval not in history:
            bars = max(_bars_before(one, interval) for one in computations)
            need = _sessions_with(bars, length, sessions[0], sessions_before)
            history[interval] = max(need, *(one.history_sessions for one in computations))
        elif (declared := history[interval]) is not None:
            longest = max(map(length, sessions))
            for one in computations:
                _refuse_too_little(declared, one, interval, longest)
    return history


def scant_history(
    config: SessionConfig, plan: Plan, sessions: Sequence[TradingSession]
) -> tuple[str, ...]:
    """Declared histories that an indicator's first value takes up, so that it has none before that
    one on any session; in words.
    """
    told: dict[str, None] = {}
    for interval, count in config.history.items():
        asked = {one.computation for one in plan.declared if one.interval == interval}
        if not asked or count == "all":
            continue
        longest = max(_bars_of(one, interval, config.extended_hours) for one in sessions)
        for one in asked:
            bars = one.lookback + 2
            if (count + 1) * longest < bars:
                told[
                    f"{json_path(('history', interval))}: with {count} sessions {one.label} has a "
                    "value on a session's last bar alone, and never the one before it: no "
                    f"crossing of it is ever seen. {-(-bars // longest)} are enough; left out, "
                    "it keeps as many by itself."
                ] = None
    return tuple(sorted(told))


def _bars_before(computation: Computation, interval: str) -> int:
    """With so many, its value and the one before are there from a session's open on: before the
    first bar of today, which of daily ones ends with the day. What needs today alone has none.
    """
    alone = computation.lookback == 0 and interval != DAILY
    return 0 if alone else computation.lookback + 2


def _sessions_with(
    bars: int,
    length: Callable[[TradingSession], int],
    first: TradingSession,
    sessions_before: SessionsBefore,
) -> int:
    """The fewest sessions that have so many bars before the run's first, none missing.

    What comes later in the calendar has no say: it would change what is decided before it. Where
    there are no earlier sessions, the first stands for each.
    """
    count, past = 0, list[int]()
    while sum(past) < bars and len(past) == count:
        count += -(-(bars - sum(past)) // length(first))
        past = [length(session) for session in sessions_before(count)]
    while past and sum(past[1:]) >= bars:
        del past[0]
    return len(past) if sum(past) >= bars else count


def _refuse_too_little(
    declared: int, computation: Computation, interval: str, session_bars: int
) -> None:
    """With less than this the indicator has no value even at the end of the longest session."""
    least = max(computation.lookback // session_bars, computation.history_sessions)
    if declared < least:
        bars = max(computation.lookback, computation.history_sessions * session_bars)
        raise ConfigError(
            f"history of {interval} is {declared} sessions, but {computation.label} needs "
            f"{bars} bars before its first value: it would never be ready. "
            f"Declare at least {least}."
        )


def _bars_of(session: TradingSession, interval: str, extended_hours: bool) -> int:
    """How many bars a session has that lacks none."""
    if interval == DAILY:
        return 1
    return sum(
        -(-(part.end_ns - part.start_ns) // interval_ns(interval))
        for part in session.segments(extended_hours)
    )
