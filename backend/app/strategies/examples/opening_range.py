"""Buy the first close above the session's opening range; be flat before the close.

A session that is over within `leave_minutes` is not traded.
"""

import datetime as dt

from app.strategies import Bar, Param, Strategy, TradingSession


class OpeningRangeBreakout(Strategy):
    minutes = Param(15, low=5, high=120)
    quantity = Param(100, low=1)
    leave_minutes = Param(10, low=1, high=60)

    def setup(self) -> None:
        self.high = self.indicator("OPENING_RANGE", self.minutes)["high"]
        self.bought: set[str] = set()
        self.leaving = False

    def on_session_open(self, session: TradingSession) -> None:
        self.bought.clear()
        until_close = dt.timedelta(microseconds=(session.close_ns - self.now_ns) // 1000)
        until_leave = until_close - dt.timedelta(minutes=self.leave_minutes)
        self.leaving = until_leave <= dt.timedelta(0)
        if not self.leaving:
            self.timer("leave", self.now + until_leave)

    def on_bar(self, bar: Bar) -> None:
        if self.leaving or bar.symbol in self.bought or not self.high.ready:
            return
        if bar.close > self.high.value:
            self.bought.add(bar.symbol)
            self.order_target(bar.symbol, self.quantity)

    def on_timer(self, name: str) -> None:
        self.leaving = True
        for symbol in self.symbols:
            self.order_target(symbol, 0)
