"""What a run of a config would compute, before there is one; and what keeps it from beginning."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from app.core.calendar import TradingSession
from app.core.config import (
    EngineConfig,
    SessionConfig,
    load_session_config,
    session_config,
)
from app.core.config_json import InvalidConfigError, Problem, read_json
from app.core.errors import AppError, NotFoundError
from app.core.venue import Abilities
from app.managers.system_manager.needs.history import scant_history
from app.managers.system_manager.needs.idle_limits import idle_limits
from app.managers.system_manager.needs.market import MarketTime
from app.managers.system_manager.needs.protecting import check_protection
from app.managers.system_manager.needs.run_bars import need_market
from app.managers.system_manager.wiring import plan_of, seats_of
from app.managers.time_manager import TimeManager
from app.services.indicators import faults
from app.strategies.indicator import Cursor
from app.strategies.loader import LoadError, load_strategy
from app.strategies.params import ParamsError, checked_params
from app.threads.stream.plan import Plan
from app.threads.watch.watchdog import limited

Given = SessionConfig | Mapping[str, Any] | Path | str  # a config, however it is given
_ANY_MARKET = "24/7"  # strategies are set up before there is any time


class Foreseen(msgspec.Struct, frozen=True):
    """What a run would compute, and what its author may not know of that, in words."""

    plan: Plan
    warnings: tuple[str, ...]


def foreseen(
    config: SessionConfig,
    sessions: Sequence[TradingSession],
    abilities: Abilities | None,
    times: TimeManager,
    folder: Path,
) -> Foreseen:
    """`folder` is that of its strategies, `abilities` are those of a live run's venue."""
    time = MarketTime(times, config.market)
    seats = seats_of(config, folder, Cursor(), time)
    if abilities is not None and config.lived.goes_to_venue:
        check_protection(config, seats, abilities)
    plan = plan_of(config, seats, sessions, partial(time.sessions_before, sessions[0]))
    return Foreseen(plan, doubts(config, plan, sessions))


def doubts(
    config: SessionConfig, plan: Plan, sessions: Sequence[TradingSession]
) -> tuple[str, ...]:
    """What a run would do as it is told, though hardly as it was meant; in words."""
    return (*scant_history(config, plan, sessions), *idle_limits(config, sessions))


def need_sound(config: SessionConfig, times: TimeManager, folder: Path) -> None:
    """A market and dates that there are; else those are told with all that strategies have wrong,
    who come later otherwise.
    """
    try:
        need_market(config, times)
    except InvalidConfigError as error:
        problems = [*error.problems]
        try:
            seats_of(config, folder, Cursor(), MarketTime(times, _ANY_MARKET))
        except InvalidConfigError as more:
            problems += more.problems
        except AppError:
            pass  # a setup that fails: that is told once there is a market
        raise InvalidConfigError(None, problems) from None


def config_of(given: Given, times: TimeManager, folder: Path) -> SessionConfig:
    """A config as it was given: as such, as a dict of a file's keys, or by the path of a file."""
    if isinstance(given, SessionConfig):
        return given
    if isinstance(given, Mapping):
        return session_config(given, faults)
    path = Path(given)
    try:
        return load_session_config(path, faults)
    except InvalidConfigError as error:
        raise with_all_faults(error, path, times, folder) from None


def with_all_faults(
    error: InvalidConfigError, path: Path, times: TimeManager, folder: Path
) -> InvalidConfigError:
    """What is wrong with a file's form, and with what it names besides: its market, its strategies
    and their parameters. Whoever mends the one finds no other behind it.
    """
    try:
        words = read_json(path)
    except AppError:  # it is no JSON: that is all there is to say
        return error
    told = {where for where, _ in error.problems}
    with limited(EngineConfig().hook_seconds):
        named = [*_faults_named(words, times, folder)]
    more = (one for one in named if one[0] not in told)
    return InvalidConfigError(path, [*error.problems, *more])


def _faults_named(words: object, times: TimeManager, folder: Path) -> Iterator[Problem]:
    """As far as words have the form of a config."""
    config = words if isinstance(words, dict) else {}
    if isinstance(market := config.get("market"), str):
        try:
            times.zone(market)
        except NotFoundError as error:
            yield "market", str(error)
    items = config.get("strategies")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        given = item if isinstance(item, dict) else {}
        use, params = given.get("use"), given.get("params", {})
        if not isinstance(use, str) or not isinstance(params, dict):
            continue
        try:
            checked_params(load_strategy(use, folder), params)
        except (LoadError, ParamsError) as error:
            yield from ((f"strategies[{number}].{at}", what) for at, what in error.problems)
