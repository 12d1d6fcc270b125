"""The market as rules see it while one order is asked for."""

from collections.abc import Collection, Iterable
from typing import Protocol

from app.core.calendar import TradingSession
from app.managers.execution_manager.books.account import Mark
from app.managers.execution_manager.limits.buying_power import Prices
from app.services.quality import Quality
from app.services.risk.facts import Ask


class Measured(Protocol):
    """What is worked out of one symbol's bars of a session, by the moment."""

    def last_known_ns(self, now_ns: int) -> int: ...
    def coverage(self, now_ns: int) -> float: ...
    def volatility_units(self, now_ns: int) -> int: ...
    def calm_until_ns(self, now_ns: int, most_units: int) -> int: ...


class Known(Prices, Protocol):
    """What the engine knows now: for what is held, and for what is asked."""

    @property
    def session(self) -> TradingSession: ...
    @property
    def end_ns(self) -> int: ...
    def quality(self, symbol: int) -> Quality: ...
    def spread_units(self, symbol: int) -> int: ...
    def marks(self, symbols: Collection[int]) -> Iterable[float]: ...
    def measures(self, symbol: int) -> Measured: ...


class Seen:
    """A Market, asked about one order at a time: that in `asked`."""

    __slots__ = ("_known", "asked", "mark")

    def __init__(self, known: Known, mark: Mark) -> None:
        self._known = known
        self.mark = mark
        self.asked: Ask

    @property
    def session(self) -> TradingSession:
        return self._known.session

    @property
    def end_ns(self) -> int:
        return self._known.end_ns

    def last_known_ns(self, symbol: int) -> int:
        return self._known.measures(symbol).last_known_ns(self.asked.now_ns)

    def quality(self, symbol: int) -> Quality:
        return self._known.quality(symbol)

    def coverage(self, symbol: int) -> float:
        return self._known.measures(symbol).coverage(self.asked.now_ns)

    def volatility_units(self, symbol: int) -> int:
        return self._known.measures(symbol).volatility_units(self.asked.now_ns)

    def calm_until_ns(self, symbol: int, most_units: int) -> int:
        return self._known.measures(symbol).calm_until_ns(self.asked.now_ns, most_units)

    def spread_units(self, symbol: int) -> int:
        return self._known.spread_units(symbol)
