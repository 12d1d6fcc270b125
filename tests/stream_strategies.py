"""Strategies that test the stream: they read all there is, and their orders depend on all of it."""

import datetime as dt
from decimal import Decimal
from typing import ClassVar
from zlib import crc32

import numpy as np

from app.core.bars import COLUMNS, Floats
from app.core.errors import NotReadyError, UsageError
from app.strategies import Bar, OrderView, Param, Strategy, TradingSession
from app.strategies.views import PositionView


def running_range(high: Floats, low: Floats) -> Floats:
    """A user's own indicator, honest: the range of all rows so far."""
    return np.maximum.accumulate(high) - np.minimum.accumulate(low)


class Reader(Strategy):
    """Decides by a checksum over everything it has ever read, so that no difference stays hidden.

    What it does not read in every hook it reads by turns, as the checksum says. `seen` is what it
    read, hook by hook: the moment, the hook, the checksum after it.
    """

    salt = Param(0)

    def setup(self) -> None:
        self.digest = self.salt
        self.seen: list[tuple[object, ...]] = []
        bands = self.indicator("BBANDS", 4)
        self.own = [  # on the bars of on_bar, for the symbol in hand
            self.indicator("SMA", 3),
            self.indicator("SMA", 7),
            self.indicator("RSI", 4),
            self.indicator("SESSION_VWAP"),
            self.indicator("OPENING_RANGE", 15)["low"],
            self.indicator("PREVIOUS_DAY")["close"],
            self.indicator("VOLUME_RATIO", 2),
            self.indicator(running_range, inputs=("high", "low")),
            bands["upperband"],
            bands["lowerband"],
        ]
        first, last = self.symbols[0], self.symbols[-1]
        self.placed = [  # readable from every hook
            self.indicator("SMA", 4, symbol=first, interval="5m"),
            self.indicator("EMA", 3, symbol=last, interval="15m"),
            self.indicator("SMA", 2, symbol=first, interval="1h"),
            self.indicator("MOM", 1, symbol=last, interval="1d"),
        ]

    # -- hooks -----------------------------------------------------------------------------------

    def on_session_open(self, session: TradingSession) -> None:
        self._hook("open", session.date)

    def on_bar(self, bar: Bar) -> None:
        for indicator in self.own:
            if indicator.ready:
                self._note(indicator.value)
            for back in (-1, -3):
                try:
                    self._note(indicator[back])
                except NotReadyError:
                    self._note("not ready")
        fast, slow = self.own[:2]
        self._note(fast.crossed_above(slow), slow.crossed_below(fast), fast.above(slow))
        self._note(self.own[2].crossed_above(50.0), self.own[0].below(self.own[3]))
        self._hook("bar", bar)

    def on_order(self, order: OrderView) -> None:
        self._note(self.own[0].ready, self.own[0].crossed_below(self.own[1]))
        self._hook("order", order.order_id, order.state, order.filled, order.reason)

    def on_position(self, symbol: str, position: PositionView) -> None:
        self._hook("position", symbol, position.quantity, position.cost, position.realised)

    def on_timer(self, name: str) -> None:
        self._hook("timer", name)

    def on_session_close(self, session: TradingSession) -> None:
        self._hook("close", session.date)

    def save_state(self) -> dict[str, int]:
        return {"digest": self.digest}

    def load_state(self, state: dict[str, int]) -> None:
        self.digest = state["digest"]

    # -- reading and deciding ----------------------------------------------------------------------

    def _hook(self, name: str, *words: object) -> None:
        self._note(name, *words, self.now_ns, self.now, self.session.date, self.cash)
        for indicator in self.placed:
            if indicator.ready:
                self._note(indicator.value, indicator.above(0.0), indicator.crossed_above(100.0))
        symbol = self.symbols[self.digest % len(self.symbols)]
        position = self.position(symbol)
        self._note(position.quantity, position.cost, position.realised, self.equity)
        self._note([(o.order_id, o.state, o.quantity, o.stop) for o in self.orders(symbol)])
        match self.digest % 4:
            case 0:
                self._note(self.quality(symbol))
            case 1:
                interval = (None, "15m", "1d")[self.digest % 3]
                columns = self.bars(symbol, interval, 1 + self.digest % 40)
                self._note(*(getattr(columns, name).tobytes() for name in COLUMNS))
        self.seen.append((self.now_ns, name, self.digest))
        if name != "order" or self.digest % 5 == 0:  # else orders would beget ever more of them
            self._act(self.digest // 5)

    def _note(self, *words: object) -> None:
        self.digest = crc32(repr(words).encode(), self.digest)

    def _act(self, digest: int) -> None:
        symbol = self.symbols[digest // 64 % len(self.symbols)]
        number = digest // 1024 % 50
        match digest % 56:
            case 0 | 1 | 2:
                self.order(symbol, 1 + number)
            case 3 | 4 | 5:
                self.order(symbol, -1 - number)
            case 6 | 7:
                self.order_target(symbol, 2 * number - 50)
            case 8:
                self.order_target(symbol, 0)
                self.order_target(self.symbols[0], number)
            case 9:
                self.order(symbol, Decimal("0.5"))  # no whole lot: refused
            case 10 | 11 | 12:
                self.timer(f"timer {number % 3}", self.now + dt.timedelta(seconds=1 + 40 * number))
            case 13:
                self.timer("again", self.now + dt.timedelta(minutes=3), dt.timedelta(hours=7))
            case 14:
                self.cancel_timer(f"timer {number % 3}")
            case 15:
                self.timer("noon", dt.time(9, 30 + number % 30))
            case place if place < 28:
                self._act_at_a_price(place, symbol, number)
            case place if place < 44:
                self._act_with_links(place, symbol, number)

    def _act_at_a_price(self, place: int, symbol: str, number: int) -> None:
        closes = self.bars(symbol, None, 1).close
        last = float(closes[0]) if len(closes) else 50.0
        below, above = last - number % 7 / 100, last + number % 5 / 100
        match place:
            case 16:
                self.order(symbol, 1 + number, limit=below)
            case 17:
                self.order(symbol, -1 - number, limit=above, tif="gtc")
            case 18:
                self.order(symbol, 1 + number, stop=above, tif="gtc")
            case 19:
                self.order(symbol, -1 - number, stop=below)
            case 20:
                self.order(symbol, -1 - number, stop=below, limit=below - 0.02, tif="gtc")
            case 21:
                self.order(symbol, 1 + number, stop=above, limit=above - 0.01)
            case 22:
                self.order(symbol, 1 + number, limit=last, tif="ioc")
            case 23:
                self.order(symbol, -1 - number, tif="ioc")
            case 24:
                for order in self.orders()[number % 4 :: 4]:
                    self.cancel(order)
            case 25 if number % 4 == 0:
                self.close(symbol)
            case 26:
                try:
                    self.order_target_percent(symbol, number % 9 - 4)
                except UsageError as error:
                    self._note(str(error))  # no price yet
            case 27 if number % 6 == 0:
                self.flatten()

    def _act_with_links(self, place: int, symbol: str, number: int) -> None:
        closes = self.bars(symbol, None, 1).close
        last = float(closes[0]) if len(closes) else 50.0
        near, far = (1 + number % 4) / 100, (2 + number % 9) / 100
        size, working = 1 + number, self.orders(symbol)
        match place:
            case 28:
                self.bracket(symbol, size, target=last + far, stop=last - near)
            case 29:
                self.bracket(symbol, -size, target=last - far, stop=last + near, limit=last)
            case 30:
                self.bracket(symbol, size, target=last + far, trail=far, tif="gtc")
            case 31:
                self.oco(
                    self.order(symbol, size, stop=last + near, tif="gtc"),
                    self.order(symbol, -size, stop=last - near),
                    self.order(symbol, size // 2, limit=last - far, tif="gtc"),
                )
            case 32 | 33:
                trail = {"trail": far} if number % 2 else {"trail_percent": near}
                try:
                    self.order(symbol, -size, **trail, tif="gtc", reduce_only=number % 3 == 0)
                except UsageError as error:
                    self._note(str(error))  # no price yet
            case 34:
                self.order(symbol, size, at="close")
            case 35:
                self.order(symbol, -size, at="open")
            case 36 | 37 | 38 if working:
                order = working[number % len(working)]
                if order.limit is not None:
                    self.amend(order, limit=order.limit + near - 0.02, quantity=size)
                elif order.stop is not None and order.trail_percent is None:
                    self.amend(order, stop=order.stop - near + 0.02)
                else:
                    self.amend(order, quantity=size)
            case 39 if working:
                self.order(symbol, -size, stop=last - near, after=working[0], reduce_only=True)
            case 40 if working:
                self.order(symbol, size, after=working[-1], tif="gtc")
            case 41:
                try:
                    self.order_target_weights({symbol: 0.0003 * number})
                except UsageError as error:
                    self._note(str(error))
            case 42:
                self.order(symbol, -size, limit=last + near, reduce_only=True, tif="gtc")


class OnFive(Reader):
    """Reads 5m bars."""

    intervals: ClassVar[tuple[str, ...]] = ("5m",)


class OnSeveral(Reader):
    """Reads bars of three lengths; indicators lie on the first."""

    intervals: ClassVar[tuple[str, ...]] = ("15m", "5m", "1d")


class OnHours(Reader):
    """Reads hours and days: many instants pass without a bar for it."""

    intervals: ClassVar[tuple[str, ...]] = ("1h", "1d")


class Collector(Strategy):
    """Keeps every bar it is given, and with it the windows of all intervals of its symbol."""

    intervals: ClassVar[tuple[str, ...]] = ("5m", "15m", "1h", "1d")

    def setup(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def on_bar(self, bar: Bar) -> None:
        self.seen.append((self.now_ns, bar))
        for interval in self.intervals:
            columns = self.bars(bar.symbol, interval, 10**6)
            rows = zip(*(getattr(columns, name).tolist() for name in COLUMNS), strict=True)
            self.seen.append((self.now_ns, bar.symbol, interval, *rows))


class MinuteCollector(Collector):
    """The same on minutes too."""

    intervals: ClassVar[tuple[str, ...]] = ("1m", *Collector.intervals)


class Daily(Strategy):
    """Saves what it is to know after a close, and nothing of the session under way."""

    salt = Param(0)

    def setup(self) -> None:
        self.seen: list[tuple[object, ...]] = []
        self.bars = 0
        self.first = 0.0
        self.rises = 0

    def on_bar(self, bar: Bar) -> None:
        self.first = self.first or bar.close
        self.bars += 1
        if self.bars % 7 == 0:
            self.order_target(bar.symbol, 1 + self.rises)
        self.seen.append((bar.start_ns, self.first, self.bars))

    def on_session_close(self, session: TradingSession) -> None:
        self.rises += self.bars * (self.equity > 0)
        self.first, self.bars = 0.0, 0
        self.seen.append((session.date, self.rises))

    def save_state(self) -> dict[str, int]:
        return {"rises": self.rises}

    def load_state(self, state: dict[str, int]) -> None:
        self.rises = state["rises"]
