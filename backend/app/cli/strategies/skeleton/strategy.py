"""Buy a close that comes above its average, sell one below; home before the close."""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.strategies import Bar, OrderView, Param, Strategy

FLAT_MINUTES = 10  # before the close: all is sold, and nothing more is bought
MINUTE_NS = 60 * 10**9


class Skeleton(Strategy):
    # Every entry gets these exits by itself; docs/RISK.md has the others.
    protection: ClassVar[Mapping[str, Any]] = {
        "stop_loss_percent": 1,
        "flat_before_close_minutes": FLAT_MINUTES,
    }

    # A config's "params" set these; one that is out of bounds is refused before the run.
    period = Param(20, low=2, high=200)
    quantity = Param(100, low=1)

    def setup(self) -> None:
        # Once, before any data: say what is read. It is ready at the first bar.
        self.average = self.indicator("SMA", self.period)

    def on_bar(self, bar: Bar) -> None:
        # With each bar of each symbol, when it is complete; the average is that symbol's.
        held = self.position(bar.symbol).quantity
        left_ns = self.session.close_ns - self.now_ns
        is_early = left_ns > FLAT_MINUTES * MINUTE_NS
        if held == 0 and is_early and bar.close > self.average.value:
            self.order_target(bar.symbol, self.quantity)
        elif held > 0 and bar.close < self.average.value:
            self.order_target(bar.symbol, 0)

    def on_order(self, order: OrderView) -> None:
        # With each fill, in part or whole, and when an order is refused or ends.
        if order.state == "REJECTED":
            self.log(f"{order.symbol} was refused: {order.reason}")
