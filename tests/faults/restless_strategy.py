"""A strategy that asks for something on nearly every bar, in every way there is."""

from app.strategies import Bar, Param, Strategy

MOST = 60  # shares of a symbol; then it goes back to none


class Restless(Strategy):
    """What it does goes by how many bars of a symbol it has seen, so no run of it is quiet."""

    phase = Param(0, low=0, high=7)

    def setup(self) -> None:
        self.turns = dict.fromkeys(self.symbols, self.phase)

    def on_bar(self, bar: Bar) -> None:
        symbol = bar.symbol
        turn = self.turns[symbol] = self.turns[symbol] + 1
        if abs(self.position(symbol).quantity) > MOST:
            self.close(symbol)
            return
        getattr(self, f"turn_{turn % 8}")(symbol, bar.close)

    def turn_0(self, symbol: str, price: float) -> None:
        self.order(symbol, 10)

    def turn_1(self, symbol: str, price: float) -> None:
        self.order(symbol, 7, limit=round(price - 0.02, 2))
        self.order(symbol, -3, limit=round(price + 5.0, 2), tif="gtc")

    def turn_2(self, symbol: str, price: float) -> None:
        self.bracket(symbol, 9, target=round(price + 0.2, 2), stop=round(price - 0.2, 2))

    def turn_3(self, symbol: str, price: float) -> None:
        for order in self.orders(symbol):
            if order.kind == "limit" and not order.reduce_only:
                self.amend(order, limit=round(price - 0.01, 2))

    def turn_4(self, symbol: str, price: float) -> None:
        self.order(symbol, -11, stop=round(price - 0.03, 2))

    def turn_5(self, symbol: str, price: float) -> None:
        for order in self.orders(symbol)[:2]:
            self.cancel(order)

    def turn_6(self, symbol: str, price: float) -> None:
        self.order_target(symbol, -8)

    def turn_7(self, symbol: str, price: float) -> None:
        self.order(symbol, 5, tif="ioc")
        self.order(symbol, 4, stop=round(price + 0.02, 2), limit=round(price + 0.06, 2))
