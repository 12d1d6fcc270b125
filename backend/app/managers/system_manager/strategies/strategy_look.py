"""What a strategy is, as its class and its `setup` say: nothing of it runs but these."""

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.core.config import SessionConfig
from app.core.config_file import config_of
from app.core.errors import AppError
from app.core.settings import Settings
from app.managers.data_manager.sample import SYMBOLS
from app.managers.system_manager.needs.market import MarketTime
from app.managers.system_manager.wiring import plan_of, seats_of
from app.managers.time_manager import TimeManager, WallClock
from app.repositories.strategy_shelf import Place
from app.strategies.base import Strategy
from app.strategies.indicator import Cursor
from app.strategies.loader import load_strategy, source_hash, strategies_in
from app.strategies.params import params_of
from app.strategies.size import asks_for_sizes
from app.threads.hooks.seats import Seat
from app.threads.watch.watchdog import limited

Told = dict[str, Any]

HOOKS: Final = (
    "setup", "on_session_open", "on_bar", "on_order", "on_position", "on_timer",
    "on_session_close", "save_state", "load_state",
)  # fmt: skip
_OF_SETUP: Final = (
    "indicators", "history", "keeps_state", "protection", "asks_for_sizes", "symbols",
    "base_interval",
)  # fmt: skip


def classes_of(place: Place, folder: Path, seconds: float) -> list[Told]:
    """Each strategy of a module or file, whose import may take so long."""
    named = place.use_of(place.classes[0]) if place.kind != "file" and place.classes else place.use
    with limited(seconds):
        kinds = strategies_in(named, folder)
        if place.kind == "module":  # it may hold what it imports from elsewhere
            kinds |= {name: load_strategy(place.use_of(name), folder) for name in place.classes}
    is_plain = place.kind == "file" and len(kinds) == 1
    return [told_of(k, place.use if is_plain else place.use_of(n)) for n, k in kinds.items()]


def told_of(kind: type[Strategy], use: str) -> Told:
    """What the class alone says."""
    return {
        "class": kind.__name__,
        "use": use,
        "doc": _doc(kind),
        "intervals": list(kind.intervals),
        "file": inspect.getsourcefile(kind),
    }


def looked_into(use: str, settings: Settings, config: Mapping[str, Any], seconds: float) -> Told:
    """All that can be known of one strategy; a `setup` that fails is the value of "problem".

    `config` has the words of a session config that it is set up under, such as its symbols.
    """
    with limited(seconds):
        kind = load_strategy(use, settings.strategies_folder)
    told = told_of(kind, use) | {
        "hash": source_hash(kind),
        "params": [_param(name, item) for name, item in params_of(kind).items()],
        "hooks": [name for name in HOOKS if getattr(kind, name) is not getattr(Strategy, name)],
    }
    try:
        return (
            told
            | {"problem": None}
            | _set_up(use, settings, {**config, "engine": {"hook_seconds": seconds}})
        )
    except AppError as error:
        return told | {"problem": str(error)} | dict.fromkeys(_OF_SETUP)


def _set_up(use: str, settings: Settings, given: Told) -> Told:
    words = {"name": "look", "mode": "live", "symbols": SYMBOLS, "strategies": [{"use": use}]}
    words |= given
    config = config_of(Path("look"), words, SessionConfig)
    times = TimeManager(settings.data_folder, config.market)
    time = MarketTime(times, config.market)
    seats = seats_of(config, settings.strategies_folder, Cursor(), time)
    today = times.to_local(WallClock().now_ns(), config.market).date()
    sessions = [times.next_session(today, config.market)]
    plan = plan_of(config, seats, sessions, partial(time.sessions_before, sessions[0]))
    seat = seats[0]
    return {
        "indicators": _indicators(seat),
        "history": plan.history,
        "keeps_state": seat.keeps_state,
        "protection": dict(type(seat.strategy).protection),
        "asks_for_sizes": asks_for_sizes(seat.sources),
        "symbols": list(config.symbols),
        "base_interval": config.base_interval,
    }


def _indicators(seat: Seat) -> list[Told]:
    """Each computation once, whatever outputs of it there are."""
    return [
        {
            "name": handle.computation.label,
            "interval": handle.interval,
            "symbol": None if handle.symbol is None else seat.strategy.symbols[handle.symbol],
            "bars": handle.computation.lookback + 1,  # to its first value
        }
        for handle in seat.desk.indicators
        if handle.output == 0
    ]


def _param(name: str, item: Any) -> Told:
    return {
        "name": name,
        "default": item.default,
        "low": item.low,
        "high": item.high,
        "choices": list(item.choices),
        "allowed": item.allowed(),
    }


def _doc(kind: type[Strategy]) -> str:
    """The class's own words, else its file's."""
    own = vars(kind).get("__doc__")
    module = inspect.getmodule(kind)
    return inspect.cleandoc(own or (module.__doc__ if module else None) or "")
