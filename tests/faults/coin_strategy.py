"""A strategy that asks for something in each minute of coins, around the clock."""

from decimal import Decimal

from app.strategies import Bar, Strategy

ONE = Decimal("0.01")


class Awake(Strategy):
    """What it does goes by the minute: in, out once that has filled, a limit, the limit back."""

    def on_bar(self, bar: Bar) -> None:
        symbol, turn = bar.symbol, bar.start_ns // 60_000_000_000 % 6
        if turn == 0:
            self.order(symbol, ONE, tif="gtc")
        elif turn == 3:
            self.order_target(symbol, 0)
        elif turn == 4:
            self.order(symbol, ONE, limit=round(bar.close * 0.99, 2), tif="gtc")
        elif turn == 5:
            for order in self.orders(symbol):
                self.cancel(order)
