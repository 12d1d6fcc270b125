"""A strategy that trades at random and never looks after what it holds: protection must."""

from collections.abc import Callable, Sequence
from typing import ClassVar, cast
from zlib import crc32

from app.core.money import UNITS
from app.core.orders import LIMIT, MARKET, STOP, Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.strategies import Bar, OrderView, Param, Strategy, TradingSession
from app.threads.desk.desk import Desk

Look = Callable[["Reckless", str], None]


class Reckless(Strategy):
    """All it does follows from the bars and `salt`. `look` is called before it acts."""

    salt = Param(0)
    look: ClassVar[Look | None] = None
    at_close: ClassVar[list[int]] = []  # what was held at each close, over all symbols

    def setup(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    @property
    def desk(self) -> Desk:
        """Its desk, behind which the run's parts are."""
        return cast(Desk, self._context)

    @property
    def execution(self) -> ExecutionManager:
        """The run's."""
        return self.desk.engine.execution

    def legs(self, symbol: str) -> Sequence[Order]:
        """The run's own orders that rest beside what this strategy holds, those that wait too."""
        working = self.execution.broker.working.values()
        own = [one for one in working if one.guard is not None and one.kind != MARKET]
        return [one for one in own if (one.strategy, one.symbol) == (self.desk.number, symbol)]

    def resting(self, symbol: str, kind: str) -> int:
        """What legs of one kind would take out now, in signed units."""
        links = self.execution.broker.links
        own = [leg for leg in self.legs(symbol) if leg.kind == kind]
        return sum(links.brought(leg, leg.units) - leg.filled_units for leg in own)

    def must_be_covered(self, symbol: str) -> None:
        """Stops and targets are exactly as large as what is held; flat has none."""
        held = int(self.position(symbol).quantity * UNITS)
        for kind in (STOP, LIMIT):
            resting = self.resting(symbol, kind)
            assert resting == -held, f"{self.now} {symbol}: {kind} of {resting} for {held}"

    def on_bar(self, bar: Bar) -> None:
        if type(self).look is not None:
            type(self).look(self, bar.symbol)
        digest = crc32(repr((bar.symbol, bar.start_ns, bar.close, self.salt)).encode())
        working = self.orders(bar.symbol)
        size, cents = 10 * (1 + digest // 64 % 9), (1 + digest // 4096 % 6) / 100
        side = 1 if digest // 32 % 2 else -1
        match digest % 16:
            case 0 | 1:
                self.order(bar.symbol, side * size)
            case 2 | 3:
                tif = ("day", "gtc", "ioc")[digest // 8192 % 3]
                self.order(bar.symbol, side * size, limit=bar.close - side * cents, tif=tif)
            case 4:
                self.order(bar.symbol, side * size, stop=bar.close + side * cents)
            case 5 if working:
                self.cancel(working[0])
            case 6 if working:
                self.amend(working[-1], quantity=size)
            case 7:
                self.close(bar.symbol)
            case 8:
                self.order_target(bar.symbol, side * size)
            case 9:
                first = self.order(bar.symbol, size, limit=bar.close - cents)
                self.oco(first, self.order(bar.symbol, -size, limit=bar.close + cents))
            case 10:
                first = self.order(bar.symbol, side * size)
                self.order(bar.symbol, side * size, stop=bar.close + side * cents, after=first)
            case 11:
                self.order_target(bar.symbol, 0)

    def on_session_close(self, session: TradingSession) -> None:
        held = [abs(int(self.position(symbol).quantity)) for symbol in self.symbols]
        self.at_close.append(sum(held))

    def on_order(self, order: OrderView) -> None:
        self.seen.append((order.order_id, order.state, order.filled, order.limit, order.stop))

    def save_state(self) -> dict[str, int]:
        return {}

    def load_state(self, state: dict[str, int]) -> None:
        """All it does follows from the bars."""
