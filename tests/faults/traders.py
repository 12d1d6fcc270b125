"""Strategies that trade all the time, each decision a function of the bars alone.

Each has symbols of its own, unless a schedule has them share some: what a venue's reduce-only order
may close is counted by the account.
"""

from typing import ClassVar
from zlib import crc32

from app.strategies import Bar, OrderView, Param, Strategy


class Broken(Exception):
    """A strategy's own mistake."""


class Keeper(Strategy):
    """Every entry is a bracket: what it holds has a stop."""

    salt = Param(0)
    fails_at = Param(0)  # the number of the bar in whose hook it raises; 0: never
    first = Param(0)  # of the two symbols that it trades

    @property
    def mine(self) -> tuple[str, ...]:
        return self.symbols[self.first : self.first + 2]

    def setup(self) -> None:
        self.seen = 0
        self.told = 0

    def on_bar(self, bar: Bar) -> None:
        self.seen += 1
        if self.seen == self.fails_at:
            raise Broken("a mistake of the strategy")
        digest = crc32(repr((bar.symbol, bar.start_ns, bar.close, self.salt)).encode())
        if bar.symbol not in self.mine:
            return
        working, holds = self.orders(bar.symbol), self.position(bar.symbol).quantity != 0
        if working and not holds and digest % 4 == 0:
            self.cancel(working[0])  # the entry: it may fill all the same
        if digest % 3 or working or holds:
            return
        side = 1 if digest % 2 else -1
        near, far = (2 + digest // 8 % 9) / 100, (3 + digest // 128 % 12) / 100
        size = side * (1 + digest // 1024 % 30)
        limit = bar.close if digest // 4 % 3 == 0 else None
        self.bracket(
            bar.symbol, size, target=bar.close + side * far, stop=bar.close - side * near,
            limit=limit,
        )  # fmt: skip

    def on_order(self, order: OrderView) -> None:
        self.told = crc32(repr((order.order_id, order.state, order.filled)).encode(), self.told)

    def save_state(self) -> dict[str, int]:
        return {"seen": self.seen, "told": self.told}

    def load_state(self, state: dict[str, int]) -> None:
        self.seen, self.told = state["seen"], state["told"]


class Covered(Keeper):
    """It enters, grows, shrinks, turns over and closes without a thought of exits."""

    def on_bar(self, bar: Bar) -> None:
        self.seen += 1
        if self.seen == self.fails_at:
            raise Broken("a mistake of the strategy")
        digest = crc32(repr((bar.symbol, bar.start_ns, bar.close, self.salt)).encode())
        if bar.symbol not in self.mine:
            return
        working, side = self.orders(bar.symbol), 1 if digest % 2 else -1
        size, cents = side * (1 + digest // 1024 % 30), side * (digest // 8 % 5) / 100
        match digest // 64 % 10:
            case 0 | 1:
                self.order(bar.symbol, size)
            case 2 | 3:
                self.order(bar.symbol, size, limit=bar.close - cents)
            case 4:
                self.order(bar.symbol, size, stop=bar.close + cents + side / 100)
            case 5 if working:
                self.cancel(working[0])
            case 6 if working:
                self.amend(working[0], quantity=abs(size))
            case 7:
                self.close(bar.symbol)
            case 8:
                self.order_target(bar.symbol, size)


class Trader(Strategy):
    """Limits, stops, market orders, amendments, cancels and closes in turn."""

    salt = Param(0)
    first = Param(2)  # of the symbols that it trades
    intervals: ClassVar[tuple[str, ...]] = ("1m",)

    def setup(self) -> None:
        self.average = self.indicator("SMA", 3)

    def on_bar(self, bar: Bar) -> None:
        if bar.symbol in self.symbols[: self.first]:
            return
        digest = crc32(repr((bar.symbol, bar.start_ns, bar.close, self.salt)).encode())
        working = self.orders(bar.symbol)
        size, cents = 1 + digest // 64 % 40, (1 + digest // 4096 % 9) / 100
        match digest % 14:
            case 0:
                self.order(bar.symbol, size)
            case 1:
                self.order(bar.symbol, -size)
            case 2:
                self.order(bar.symbol, size, limit=bar.close - cents)
            case 3:
                self.order(bar.symbol, -size, limit=bar.close + cents, tif="gtc")
            case 4:
                self.order(bar.symbol, size, stop=bar.close + cents)
            case 5:
                self.order(bar.symbol, -size, stop=bar.close - cents, tif="gtc")
            case 6 | 7 if working:
                self.cancel(working[digest // 64 % len(working)])
            case 8 | 9 | 10 if working:
                self._amend(working[digest // 64 % len(working)], size, cents)
            case 11:
                self.close(bar.symbol)
            case 12:
                self.order_target(bar.symbol, size - 20)

    def save_state(self) -> dict[str, int]:
        return {}

    def load_state(self, state: dict[str, int]) -> None:
        """There is nothing to remember."""

    def _amend(self, order: OrderView, size: int, cents: float) -> None:
        if order.limit is not None:
            self.amend(order, limit=order.limit + cents - 0.04, quantity=size)
        elif order.stop is not None:
            self.amend(order, stop=order.stop + cents - 0.05)
