"""Which indicators a config and its strategies ask for, by symbol and interval."""

from collections.abc import Iterable
from itertools import chain

from app.core.config import SessionConfig
from app.managers.system_manager.needs.history import Asked
from app.services.indicators import resolve
from app.threads.hooks.seats import Seat
from app.threads.stream.plan import Declared


def asked_by_config(config: SessionConfig) -> list[Asked]:
    """The indicators that the config itself names."""
    return [
        (resolve(item.name, item.params, item.inputs), None, item.interval or config.base_interval)
        for item in config.indicators
    ]


def asked_by(seat: Seat) -> list[Asked]:
    """The indicators that a strategy reads."""
    return [(handle.computation, handle.symbol, handle.interval) for handle in seat.handles]


def declared_by(asked: Iterable[Asked], symbols: int) -> tuple[Declared, ...]:
    """Each of them once for every symbol that it is asked for."""
    found = (
        [Declared(computation, number, interval) for number in _numbers(symbol, symbols)]
        for computation, symbol, interval in asked
    )
    return tuple(dict.fromkeys(chain.from_iterable(found)))


def _numbers(symbol: int | None, symbols: int) -> Iterable[int]:
    return range(symbols) if symbol is None else (symbol,)
