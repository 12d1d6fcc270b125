"""The base class of a strategy: override the hooks you need, propose orders, read what is known."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

from app.core.bars import Bar, BarColumns
from app.core.calendar import TradingSession
from app.core.errors import StrategyError
from app.services.indicators import positional_params
from app.services.quality import Quality
from app.strategies.bracket import propose_bracket
from app.strategies.context import Context
from app.strategies.hooks import hook_fault
from app.strategies.indicator import Indicator
from app.strategies.params import checked_params, params_of
from app.strategies.request import Bracket, Change, Quantity, Request
from app.strategies.size import Size
from app.strategies.views import OrderView, PositionView


class Strategy:
    """One instance lives as long as the run, over all its symbols and sessions.

    `intervals` names the bars `on_bar` is called for; empty means the base interval. `protection`
    is what every entry without exits of its own gets, in the words of a config's `protection`.
    """

    intervals: ClassVar[tuple[str, ...]] = ()
    protection: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        """Refuse what would go wrong later, and quietly: `cash = Param(5)`, `async def on_bar`."""
        super().__init_subclass__()
        taken = [name for name in params_of(cls) if hasattr(Strategy, name)]
        if taken:
            raise StrategyError(
                f"{cls.__name__}.{taken[0]} is a Param, but every strategy has a '{taken[0]}' "
                "already; give the parameter another name."
            )
        if not isinstance(cls.intervals, tuple):
            raise StrategyError(
                f"{cls.__name__}.intervals is {cls.intervals!r}; write a tuple, as ('5m',)."
            )
        if fault := hook_fault(cls, Strategy):
            raise StrategyError(fault)

    def __init__(self, context: Context, params: Mapping[str, object] | None = None) -> None:
        self._context = context
        for name, value in checked_params(type(self), params or {}).items():
            setattr(self, name, value)  # not __dict__.update: that makes every attribute slower

    # -- hooks ---------------------------------------------------------------------------------

    def setup(self) -> None:
        """Called once, before any data: declare indicators here."""

    def on_session_open(self, session: TradingSession) -> None:
        """A session opens; orders given here get its first open."""

    def on_bar(self, bar: Bar) -> None:
        """A bar is complete."""

    def on_order(self, order: OrderView) -> None:
        """One of this strategy's orders filled, in part or whole, was refused, or ended."""

    def on_position(self, symbol: str, position: PositionView) -> None:
        """One of this strategy's positions changed."""

    def on_timer(self, name: str) -> None:
        """A timer is due."""

    def on_session_close(self, session: TradingSession) -> None:
        """A session closes; orders given here belong to the next."""

    def save_state(self) -> Mapping[str, Any]:
        """What this strategy must not lose, in plain values. Asked for after each session's close,
        where the class has `load_state` too; it proposes nothing.
        """
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Be as when `save_state` gave this. It is given at once, so that a mistake shows."""

    # -- what is known -------------------------------------------------------------------------

    @property
    def symbols(self) -> tuple[str, ...]:
        """The run's symbols, in the config's order."""
        return self._context.symbols

    @property
    def now(self) -> dt.datetime:
        """The moment being processed, in the market's zone."""
        return self._context.now

    @property
    def now_ns(self) -> int:
        """The same in nanoseconds UTC."""
        return self._context.now_ns

    @property
    def session(self) -> TradingSession:
        """The session under way."""
        return self._context.session

    @property
    def cash(self) -> Decimal:
        """Cash of the account, of all its books, in its own currency."""
        return self._context.cash

    def cash_in(self, currency: str) -> Decimal:
        """Cash in the account's book of one currency; negative is borrowed."""
        return self._context.cash_in(currency)

    def convert(self, amount: Quantity, source: str, target: str) -> None:
        """Propose to change `amount` of one currency into another, at the session's rates."""
        self._context.convert(amount, source, target)

    @property
    def equity(self) -> Decimal:
        """Cash and positions of the account at their last known closes."""
        return self._context.equity

    def position(self, symbol: str) -> PositionView:
        """What this strategy holds."""
        return self._context.position(symbol)

    def orders(self, symbol: str | None = None) -> list[OrderView]:
        """This strategy's working orders."""
        return self._context.orders(symbol)

    def entry_size(
        self,
        symbol: str,
        side: str = "buy",
        *,
        price: Quantity | None = None,
        stop: Quantity | None = None,
    ) -> Size:
        """How much to enter with now, by the config's `sizing`: in whole lots, negative to sell.

        It enters at `price`, the last close unless given, and is left at `stop` when it goes wrong.
        Where nothing fits it is 0, and its `reason` says why.
        """
        return self._context.entry_size(symbol, side, price, stop)

    def bars(self, symbol: str, interval: str | None = None, n: int = 1) -> BarColumns:
        """The last `n` bars up to now as read-only columns (fewer when there are fewer)."""
        return self._context.bars(symbol, interval, n)

    def quality(self, symbol: str) -> Quality:
        """How complete today's bars are so far."""
        return self._context.quality(symbol)

    def indicator(
        self,
        name: str | Callable[..., Any],
        *args: float | int | str,
        symbol: str | None = None,
        interval: str | None = None,
        inputs: Sequence[str] | None = None,
        **params: float | int | str,
    ) -> Indicator:
        """An indicator by name with its parameters, or your own function of whole columns.

        Only in `setup`. Without `symbol` it exists for every symbol and reads that of the bar in
        hand; without `interval` it uses the first of the class's intervals.
        """
        given = positional_params(name, args, params, len(inputs or ("close",)))
        return self._context.indicator(name, given, symbol, interval, inputs)

    # -- what to do ----------------------------------------------------------------------------

    def order(
        self,
        symbol: str,
        quantity: Quantity,
        *,
        limit: Quantity | None = None,
        stop: Quantity | None = None,
        trail: Quantity | None = None,
        trail_percent: Quantity | None = None,
        at: str | None = None,
        tif: str = "day",
        reduce_only: bool = False,
        after: OrderView | None = None,
    ) -> OrderView | None:
        """Propose an order; negative sells. At market, unless it has a price:

        a `limit`, a `stop` or both; or a stop that follows the price, at a distance of `trail` or
        of `trail_percent` of it. `at` "open" or "close" is for that auction.

        `tif` is how long it works: "day", "gtc" (until cancelled) or "ioc" (at once or not at all).
        A `reduce_only` order fills no more than takes the position back to flat. One given
        `after` another waits for that to fill. None when there is nothing to order.
        """
        request = Request(limit, stop, trail, trail_percent, at, tif, reduce_only, after)
        return self._context.order(symbol, quantity, request)

    def bracket(
        self,
        symbol: str,
        quantity: Quantity,
        *,
        target: Quantity | None = None,
        stop: Quantity | None = None,
        trail: Quantity | None = None,
        trail_percent: Quantity | None = None,
        limit: Quantity | None = None,
        tif: str = "day",
    ) -> Bracket:
        """Propose an entry, and what takes it out again: a target, a stop or a trailing stop.

        Both wait for the entry, work until they are cancelled, only reduce, and end each other.
        With `stop` and a distance the stop begins there, and then trails.
        """
        above = below = None
        if target is not None:
            above = Request(limit=target, tif="gtc", reduce_only=True)
        if not (stop is None and trail is None and trail_percent is None):
            below = Request(None, stop, trail, trail_percent, None, "gtc", reduce_only=True)
        entry = Request(limit=limit, tif=tif)
        return propose_bracket(self._context, symbol, quantity, entry, above, below)

    def oco(self, *orders: OrderView | None) -> None:
        """Link orders of one symbol, given in this hook: what one fills, the others lose."""
        self._context.oco(orders)

    def amend(
        self,
        order: OrderView | None,
        *,
        quantity: Quantity | None = None,
        limit: Quantity | None = None,
        stop: Quantity | None = None,
        trail: Quantity | None = None,
        trail_percent: Quantity | None = None,
    ) -> None:
        """Change terms of a working order. A bar that is under way finds it under its old ones."""
        self._context.amend(order, Change(quantity, limit, stop, trail, trail_percent))

    def order_target(self, symbol: str, quantity: Quantity) -> OrderView | None:
        """Propose what is missing from position and working orders to hold `quantity`.

        Only plain orders count: those with a stop, that only reduce or are linked protect, and are
        not on their way.
        """
        return self._context.order_target(symbol, quantity)

    def order_target_value(self, symbol: str, value: Quantity) -> OrderView | None:
        """The same for holdings worth `value` at the last close, in whole lots.

        The value is in the account's currency.
        """
        return self._context.order_target_value(symbol, value)

    def order_target_percent(self, symbol: str, percent: Quantity) -> OrderView | None:
        """The same for so many percent of the account's equity (50 is half of it)."""
        return self._context.order_target_percent(symbol, percent)

    def order_target_weights(self, weights: Mapping[str, Quantity]) -> list[OrderView]:
        """The same for shares of equity over all symbols (0.5 is half); those not named: none."""
        return self._context.order_target_weights(weights)

    def cancel(self, order: OrderView | None) -> None:
        """Take an order back. A bar that is under way can still fill it."""
        self._context.cancel(order)

    def close(self, symbol: str) -> OrderView | None:
        """Cancel this strategy's orders of a symbol, and propose what makes it hold none."""
        return self._context.close(symbol)

    def flatten(self) -> None:
        """`close` every symbol."""
        for symbol in self.symbols:
            self.close(symbol)

    def timer(
        self, name: str, at: dt.datetime | dt.time, every: dt.timedelta | None = None
    ) -> None:
        """Ask for `on_timer(name)` at a moment (a time of day: its next occurrence)."""
        self._context.timer(name, at, every)

    def cancel_timer(self, name: str) -> None:
        """Forget a timer."""
        self._context.cancel_timer(name)

    def log(self, message: str) -> None:
        """Write a line to the run's log."""
        self._context.log(message)
