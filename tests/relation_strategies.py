"""Strategies that decide by relations alone: what is higher, crossed or counted, never how much.

So nothing they do depends on the unit of prices, on the date, on the unit of volume or on a name.
"""

import datetime as dt
from decimal import Decimal

from app.core.orders import CANCELED, EXPIRED, FILLED, REJECTED
from app.strategies import Bar, OrderView, Param, Strategy, TradingSession
from app.strategies.views import PositionView


class Relations(Strategy):
    """Trades breakouts, crosses and runs, with every kind of order; prices are counted in ticks.

    `turn` has several of them do different things at one time. What one symbol does is decided by
    its own bars and orders alone.
    """

    turn = Param(0)
    tick = Param("0.01")

    def setup(self) -> None:
        self.fast, self.slow = self.indicator("SMA", 3), self.indicator("SMA", 8)
        self.vwap = self.indicator("SESSION_VWAP")
        self.today: dict[str, list[Bar]] = {symbol: [] for symbol in self.symbols}
        self.steps = dict.fromkeys(self.symbols, self.turn)
        self.seen: list[tuple[object, ...]] = []

    def on_session_open(self, session: TradingSession) -> None:
        for symbol in self.symbols:
            self.today[symbol].clear()
            if self.position(symbol).quantity < 0 and self.steps[symbol] % 2:
                self.order_target(symbol, 5)

    def on_bar(self, bar: Bar) -> None:
        symbol, today = bar.symbol, self.today[bar.symbol]
        before, step = today[-5:], self.steps[symbol]
        today.append(bar)
        self.steps[symbol] = step + 1
        self._follow(bar, before)
        self._rest(bar, step)
        working = self.orders(symbol)
        if len(working) > 6:
            self.cancel(working[step % 7])
        if before and bar.volume > 2 * before[-1].volume and step % 5 == 0:
            self.timer(symbol, self.now + dt.timedelta(seconds=130))
        if step % 37 == 36:
            self.close(symbol)

    def _follow(self, bar: Bar, before: list[Bar]) -> None:
        """At market: crosses, breakouts and falls."""
        symbol = bar.symbol
        if self.fast.crossed_above(self.slow):
            self.order_target(symbol, 40)
        elif self.fast.crossed_below(self.slow):
            self.order_target(symbol, -25)
        elif self.vwap.ready and self.vwap.crossed_above(self.fast):
            self.order(symbol, -7, tif="ioc")
        elif len(before) == 5 and bar.close > max(one.high for one in before):
            self.order(symbol, 90)
        elif len(before) == 5 and bar.close < min(one.low for one in before):
            self.order_target(symbol, 0)

    def _rest(self, bar: Bar, step: int) -> None:
        """At prices so many ticks off the close."""
        symbol, price = bar.symbol, self._off(bar)
        match step % 16:
            case 1:
                self.order(symbol, 11, limit=price(-2))
            case 3:
                self.order(symbol, -12, limit=price(4), tif="gtc")
            case 5:
                self.order(symbol, 13, stop=price(3), tif="gtc")
            case 7:
                self.order(symbol, -14, stop=price(-3))
            case 9:
                self.order(symbol, 15, stop=price(2), limit=price(5), tif="gtc")
            case 11:
                self.order(symbol, -16, stop=price(-2), limit=price(-1))
            case 13:
                self.order(symbol, 60, limit=price(1), tif="ioc")
            case 15:
                for order in self.orders(symbol)[::2]:
                    self.cancel(order)

    def on_order(self, order: OrderView) -> None:
        self.seen.append((self.now_ns, "order", order.symbol, order.state))
        today = self.today[order.symbol]
        if order.state == FILLED and order.side == "buy" and today:
            self.order(order.symbol, -order.filled, stop=self._off(today[-1])(-6), tif="gtc")
        elif order.state in (EXPIRED, CANCELED, REJECTED):
            self.steps[order.symbol] += 1

    def on_position(self, symbol: str, position: PositionView) -> None:
        self.seen.append((self.now_ns, "position", symbol, position.quantity))

    def on_timer(self, name: str) -> None:
        self.close(name)

    def on_session_close(self, session: TradingSession) -> None:
        for symbol in self.symbols:
            if self.position(symbol).quantity > 0:
                self.order(symbol, -2)

    def _off(self, bar: Bar) -> "_Ticks":
        return _Ticks(bar.close, Decimal(self.tick))


class Shares(Relations):
    """The same, and now and then a share of the whole account's equity."""

    def on_bar(self, bar: Bar) -> None:
        super().on_bar(bar)
        if self.steps[bar.symbol] % 23 == 0:
            self.order_target_percent(bar.symbol, 3)


class Together(Relations):
    """Counts the bars of all symbols together: what it does depends on which comes first."""

    def on_bar(self, bar: Bar) -> None:
        self.steps[bar.symbol] = sum(len(today) for today in self.today.values())
        super().on_bar(bar)


class _Ticks:
    """Prices so many ticks off another; one tick at least."""

    def __init__(self, close: float, tick: Decimal) -> None:
        self._close, self._tick = round(Decimal(repr(close)) / tick), tick

    def __call__(self, count: int) -> Decimal:
        return max(self._close + count, 1) * self._tick
