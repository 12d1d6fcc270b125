"""A strategy that asks for coins on nearly every bar, in every way that a spot exchange has."""

from app.strategies import Bar, Param, Strategy

MOST = 0.05  # coins of a symbol; then it goes back to none


class RestlessCoins(Strategy):
    """What it does goes by how many bars of a symbol it has seen, so no run of it is quiet."""

    phase = Param(0, low=0, high=7)

    def setup(self) -> None:
        self.turns = dict.fromkeys(self.symbols, self.phase)

    def on_bar(self, bar: Bar) -> None:
        symbol = bar.symbol
        turn = self.turns[symbol] = self.turns[symbol] + 1
        if self.position(symbol).quantity > MOST:
            self.close(symbol)
            return
        getattr(self, f"turn_{turn % 8}")(symbol, bar.close)

    def turn_0(self, symbol: str, price: float) -> None:
        self.order(symbol, 0.01)

    def turn_1(self, symbol: str, price: float) -> None:
        self.order(symbol, 0.007, limit=round(price * 0.9997, 2), tif="gtc")

    def turn_2(self, symbol: str, price: float) -> None:
        near = round(price * 0.002, 2)
        self.bracket(symbol, 0.009, target=price + near, stop=price - near, tif="gtc")

    def turn_3(self, symbol: str, price: float) -> None:
        for order in self.orders(symbol):
            if order.kind == "limit" and not order.reduce_only:
                self.amend(order, limit=round(price * 0.9999, 2))

    def turn_4(self, symbol: str, price: float) -> None:
        if self.position(symbol).quantity > 0.004:
            self.order(symbol, -0.004, limit=round(price * 1.0004, 2), tif="gtc")

    def turn_5(self, symbol: str, price: float) -> None:
        for order in self.orders(symbol)[:2]:
            self.cancel(order)

    def turn_6(self, symbol: str, price: float) -> None:
        self.order_target(symbol, 0.006)

    def turn_7(self, symbol: str, price: float) -> None:
        self.order(symbol, 0.005, limit=round(price * 1.001, 2), tif="ioc")
        self.order(symbol, 0.004, stop=round(price * 1.0005, 2), tif="gtc")
