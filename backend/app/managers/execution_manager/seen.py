"""The market as rules see it while one order is asked for: each fact is asked for once."""

from typing import Protocol

from app.core.calendar import TradingSession
from app.managers.execution_manager.account import Mark
from app.managers.execution_manager.buying_power import Prices
from app.services.quality import Quality
from app.services.risk.facts import Ask


class Measured(Protocol):
    """What is worked out of one symbol's bars of a session, by the moment."""

    def last_known_ns(self, now_ns: int) -> int: ...
    def coverage(self, now_ns: int) -> float: ...
    def volatility_units(self, now_ns: int) -> int: ...


class Known(Prices, Protocol):
    """What the engine knows now: for what is held, and for what is asked."""

    @property
    def session(self) -> TradingSession: ...
    @property
    def end_ns(self) -> int: ...
    def quality(self, symbol: int) -> Quality: ...
    def spread_units(self, symbol: int) -> int: ...
    def measures(self, symbol: int) -> Measured: ...


class Seen:
    """A Market; it keeps what it was told of the symbol in hand until the next `turn`."""

    __slots__ = ("_known", "_measured", "_now_ns", "_session", "_symbol", "mark")

    def __init__(self, known: Known, mark: Mark) -> None:
        self._known = known
        self.mark = mark
        self._symbol = -1
        self._now_ns = 0
        self._session: TradingSession | None = None
        self._measured: Measured | None = None

    def turn(self, ask: Ask) -> None:
        """This is asked for now."""
        self._symbol, self._now_ns = ask.symbol, ask.now_ns
        self._session = self._measured = None

    @property
    def session(self) -> TradingSession:
        if self._session is None:
            self._session = self._known.session
        return self._session

    @property
    def end_ns(self) -> int:
        return self._known.end_ns

    def last_known_ns(self, symbol: int) -> int:
        known = self._measured if symbol == self._symbol else None
        return (known or self._measures(symbol)).last_known_ns(self._now_ns)

    def quality(self, symbol: int) -> Quality:
        return self._known.quality(symbol)

    def coverage(self, symbol: int) -> float:
        return self._measures(symbol).coverage(self._now_ns)

    def volatility_units(self, symbol: int) -> int:
        known = self._measured if symbol == self._symbol else None
        return (known or self._measures(symbol)).volatility_units(self._now_ns)

    def spread_units(self, symbol: int) -> int:
        return self._known.spread_units(symbol)

    def _measures(self, symbol: int) -> Measured:
        if symbol != self._symbol:
            return self._known.measures(symbol)
        if self._measured is None:
            self._measured = self._known.measures(symbol)
        return self._measured
