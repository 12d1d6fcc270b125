"""A strategy that hangs: a drill puts it beside the others."""

from app.core.bars import Bar
from app.strategies.base import Strategy
from app.strategies.params import Param


class Stuck(Strategy):
    """Gives no order; from `at_ns` on its hook does not return."""

    at_ns = Param(0, low=0)

    def setup(self) -> None:
        self.hangs = False

    def on_bar(self, bar: Bar) -> None:
        self.hangs = self.now_ns >= self.at_ns
        while self.hangs:
            pass
