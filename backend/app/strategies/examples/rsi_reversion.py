"""Buy what fell too fast on five-minute bars; sell when it has recovered."""

from typing import ClassVar

from app.strategies import Bar, Param, Strategy


class RsiReversion(Strategy):
    intervals: ClassVar[tuple[str, ...]] = ("5m",)
    period = Param(14, low=2, high=50)
    oversold = Param(30.0, low=1.0, high=50.0)
    recovered = Param(55.0, low=50.0, high=99.0)
    quantity = Param(100, low=1)

    def setup(self) -> None:
        self.rsi = self.indicator("RSI", self.period)

    def on_bar(self, bar: Bar) -> None:
        if self.rsi.crossed_below(self.oversold):
            self.order_target(bar.symbol, self.quantity)
        elif self.rsi.crossed_above(self.recovered):
            self.order_target(bar.symbol, 0)
