"""A strategy that turns positions over beside exits of its own, with orders of all kinds."""

import datetime as dt
from typing import ClassVar
from zlib import crc32

from app.strategies import Bar, OrderView, Param, Strategy


class Turner(Strategy):
    """All it does follows from the bars and `salt`."""

    salt = Param(0)
    within = Param(False)  # bars, too: what it cancels then, the bar under way may fill
    changes: ClassVar[list[str]] = []  # why its orders were changed or ended

    def on_order(self, order: OrderView) -> None:
        self.changes.append(order.reason)

    def on_bar(self, bar: Bar) -> None:
        digest = crc32(repr((bar.symbol, bar.start_ns, bar.close, self.salt)).encode())
        self.act(bar, digest)
        if self.within and digest % 3:
            self.last = bar
            self.timer(str(digest), self.now + dt.timedelta(seconds=20 + digest % 60))

    def on_timer(self, name: str) -> None:
        digest = crc32(name.encode())
        working = self.orders(self.last.symbol)
        if working and digest % 2:
            self.cancel(working[digest // 32 % len(working)])
        self.act(self.last, digest // 2)

    def act(self, bar: Bar, digest: int) -> None:
        """Do one thing."""
        held, working = self.position(bar.symbol).quantity, self.orders(bar.symbol)
        size, cents = 10 * (1 + digest // 64 % 9), (1 + digest // 4096 % 6) / 100
        side = (-1 if held > 0 else 1) if held else (1 if digest // 32 % 2 else -1)
        turn = side * (abs(held) + size)
        match digest % 14:
            case 0 | 1:
                self.order(bar.symbol, side * size)
            case 2:
                self.order(bar.symbol, turn)
            case 3 | 4:
                self.order(bar.symbol, turn, limit=bar.close - side * cents, tif="gtc")
            case 5 | 6:
                self.order(bar.symbol, turn, stop=bar.close + side * cents, tif="gtc")
            case 7 | 8 if held:
                exits = {"limit": bar.close - side * cents}, {"stop": bar.close + side * cents}
                at = exits[digest // 8192 % 2]
                self.order(bar.symbol, side * size, reduce_only=True, tif="gtc", **at)
            case 9 if held:
                self.order(bar.symbol, side * size, reduce_only=True)
            case 10:
                first = self.order(bar.symbol, -side * size, limit=bar.close + side * cents)
                second = self.order(bar.symbol, turn, stop=bar.close + side * cents)
                self.oco(first, second)
            case 11:
                stop, target = bar.close - side * cents, bar.close + side * cents
                self.bracket(bar.symbol, side * size, stop=stop, target=target)
            case 12 if working:
                self.amend(working[-1], quantity=abs(turn))
            case 13:
                if digest // 32 % 2:
                    self.close(bar.symbol)
                elif working:
                    self.cancel(working[0])
