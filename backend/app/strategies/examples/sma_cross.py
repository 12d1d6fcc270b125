"""Hold 100 shares while a fast average is above a slow one."""

from app.strategies import Bar, Param, Strategy


class SmaCross(Strategy):
    fast = Param(10, low=2, high=50)
    slow = Param(30, low=5, high=200)

    def setup(self) -> None:
        self.fast_sma = self.indicator("SMA", self.fast)
        self.slow_sma = self.indicator("SMA", self.slow)

    def on_bar(self, bar: Bar) -> None:
        if self.fast_sma.crossed_above(self.slow_sma):
            self.order_target(bar.symbol, 100)
        elif self.fast_sma.crossed_below(self.slow_sma):
            self.order_target(bar.symbol, 0)
