"""A desk: one strategy's side of the engine. It reads what is known and collects proposals."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple, Protocol

from loguru import logger

from app.core.bars import COLUMNS, BarColumns
from app.core.calendar import TradingSession
from app.core.errors import StrategyError, UsageError, did_you_mean
from app.core.intervals import interval_ns
from app.core.money import UNITS, amount_units, divide_half_even, from_units, to_units
from app.core.orders import (
    CANCEL_PENDING,
    CANCELED,
    DAY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    STOP,
    STOP_LIMIT,
    Order,
)  # fmt: skip
from app.core.transfers import Conversion
from app.managers.execution_manager.conversions import checked_conversion, checked_currency
from app.services.indicators import resolve
from app.services.quality import Quality
from app.services.slippage import on_tick
from app.strategies.context import PositionView, Quantity
from app.strategies.indicator import Cursor, Indicator, outputs_of

if TYPE_CHECKING:
    from app.threads.analysis_engine import AnalysisEngine


class LocalTime(Protocol):
    """The market's local time; the TimeManager gives it."""

    def to_local(self, ns: int) -> dt.datetime: ...
    def to_ns(self, moment: dt.datetime) -> int: ...


class Withdrawal(NamedTuple):
    """Take an order back."""

    order: Order


class TimerProposal(NamedTuple):
    """Set a timer; `at_ns` None cancels it."""

    seat: int
    name: str
    at_ns: int | None
    every_ns: int | None = None


ACTED = TimerProposal(-1, "", None)  # proposes nothing: the hooks of a bar have acted
Proposal = Order | Withdrawal | TimerProposal | Conversion
TIFS = (DAY, GTC, IOC)
KINDS = {  # by whether there is a limit, and a stop
    (False, False): MARKET, (True, False): LIMIT, (False, True): STOP, (True, True): STOP_LIMIT,
}  # fmt: skip
_MOST_UNITS = 9 * 10**10 * UNITS  # more is a mistake of arithmetic; less fits 64 bits


class Desk:
    """Implements `strategies.context.Context` for the strategy with this number.

    Proposals take effect when the hook returns; those of a hook that raises are dropped.
    """

    def __init__(
        self,
        number: int,
        name: str,
        symbols: tuple[str, ...],
        first_interval: str,
        cursor: Cursor,
        time: LocalTime,
    ) -> None:
        self.number = number
        self.name = name
        self.symbols = symbols
        self.indicators: list[Indicator] = []
        self._engine: AnalysisEngine | None = None  # none in setup
        self._aim_units: list[int] = [0] * len(symbols)
        self._proposals: list[Proposal] = []  # the engine's, of the hook that runs
        self._first_interval = first_interval
        self._cursor = cursor
        self._time = time
        self._index = {symbol: place for place, symbol in enumerate(symbols)}

    def join(self, engine: "AnalysisEngine") -> None:
        """Become part of a run."""
        self._engine = engine
        self._aim_units = engine.execution.aim_units[self.number]
        self._proposals = engine.proposals

    @property
    def engine(self) -> "AnalysisEngine":
        """The run's engine, from which all is read; there is none before the run."""
        if self._engine is None:
            raise _too_early()
        return self._engine

    # -- time and data ---------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        if self._engine is None:
            raise _too_early()
        return self._cursor.now_ns

    @property
    def now(self) -> dt.datetime:
        return self._time.to_local(self.now_ns)

    @property
    def session(self) -> TradingSession:
        return self.engine.outlook.session

    def bars(self, symbol: str, interval: str | None, count: int) -> BarColumns:
        if count < 1:
            raise UsageError(f"bars(..., n={count}): n is at least 1.")
        window = self.engine.outlook.window(self._symbol(symbol), interval or self._first_interval)
        end = self.engine.outlook.rows_now(window)
        copies = [getattr(window, name)[max(0, end - count) : end].copy() for name in COLUMNS]
        for column in copies:
            column.flags.writeable = False
        return BarColumns(*copies)

    def quality(self, symbol: str) -> Quality:
        return self.engine.outlook.quality(self._symbol(symbol))

    def indicator(
        self,
        name: str | Callable[..., object],
        params: Mapping[str, object],
        symbol: str | None,
        interval: str | None,
        inputs: Sequence[str] | None,
    ) -> Indicator:
        if self._engine is not None:
            raise StrategyError("Indicators are declared in setup(); this is too late.")
        interval_ns(interval or self._first_interval)  # refuses what is none
        computation = resolve(name, params, inputs)
        place = None if symbol is None else self._symbol(symbol)
        handles = outputs_of(computation, interval or self._first_interval, place, self._cursor)
        self.indicators += handles
        return handles[0]

    # -- account -----------------------------------------------------------------------------------

    @property
    def cash(self) -> Decimal:
        return from_units(self.engine.execution.account.cash_units())

    @property
    def equity(self) -> Decimal:
        return from_units(self.engine.outlook.equity_units())

    def cash_in(self, currency: str) -> Decimal:
        account = self.engine.execution.account
        return from_units(account.books[checked_currency(account, currency)].cash_units)

    def convert(self, amount: Quantity, source: str, target: str) -> None:
        given = Conversion(self.number, source, target, self._units(amount))
        earlier = [item for item in self.engine.proposals if isinstance(item, Conversion)]
        self._proposals.append(checked_conversion(self.engine.execution.account, given, earlier))

    def position(self, symbol: str) -> PositionView:
        return self.engine.execution.positions[self.number][self._symbol(symbol)]

    def orders(self, symbol: str | None) -> list[Order]:
        place = None if symbol is None else self._symbol(symbol)
        return [
            order
            for order in self.engine.execution.broker.working.values()
            if order.strategy == self.number and place in (None, order.symbol_index)
        ]

    def order(
        self,
        symbol: str,
        quantity: Quantity,
        limit: Quantity | None,
        stop: Quantity | None,
        tif: str,
    ) -> Order | None:
        place, units = self._symbol(symbol), self._units(quantity)
        if tif not in TIFS:
            raise UsageError(
                f"tif={tif!r} is no time in force; use {', '.join(TIFS)}."
                + did_you_mean(str(tif), TIFS)
            )
        tick_units, up = self.engine.execution.tick_units[place], units < 0
        prices = [self._price(*item, tick_units, up) for item in (("limit", limit), ("stop", stop))]
        order = self._propose(place, units)
        if order is not None:
            order.limit, order.stop = prices
            order.kind = KINDS[limit is not None, stop is not None]
            order.tif = TIFS[TIFS.index(tif)]
        return order

    def order_target(self, symbol: str, quantity: Quantity) -> Order | None:
        try:
            place = self._index[symbol]
        except (KeyError, TypeError):
            place = self._symbol(symbol)
        if self._engine is None:
            raise _too_early()
        missing = quantity * UNITS if type(quantity) is int else self._units(quantity)
        missing -= self._aim_units[place]
        for proposal in self._proposals:
            if isinstance(proposal, Order) and proposal.symbol_index == place:
                missing -= 0 if proposal.stop is not None else proposal.units
            elif isinstance(proposal, Withdrawal) and proposal.order.symbol_index == place:
                missing += left_units(proposal.order)
        return self._propose(place, missing) if missing else None

    def order_target_value(self, symbol: str, value: Quantity) -> Order | None:
        place, execution = self._symbol(symbol), self.engine.execution
        price = self.engine.outlook.mark(place)
        if not price:
            raise UsageError(f"{symbol} has no price yet; a target value needs one.")
        each = amount_units(UNITS, price, execution.positions[self.number][place].multiplier_units)
        account = execution.account
        each = account.in_own_units(each, account.currencies[place]) or 1
        lot_units, wanted = execution.lot_units[place], self._units(value) * UNITS
        units = abs(wanted) // each // lot_units * lot_units
        return self.order_target(symbol, from_units(units if wanted > 0 else -units))

    def order_target_percent(self, symbol: str, percent: Quantity) -> Order | None:
        units = self.engine.outlook.equity_units() * self._units(percent)
        return self.order_target_value(symbol, from_units(divide_half_even(units, 100 * UNITS)))

    def cancel(self, order: Order | None) -> None:
        if self._engine is None:
            raise _too_early()
        if order is None:  # what `order_target` gives when there is nothing to order
            return
        if order.strategy != self.number:
            raise UsageError(f"Order {order.order_id} is another strategy's.")
        if order in self._proposals:  # of this very hook: it never was
            self._proposals.remove(order)
            order.to(CANCELED)
        elif order.is_working and Withdrawal(order) not in self._proposals:
            self._proposals.append(Withdrawal(order))

    def close(self, symbol: str) -> Order | None:
        proposed = [p for p in self._proposals if isinstance(p, Order) and p.symbol == symbol]
        for order in [*proposed, *self.orders(symbol)]:
            self.cancel(order)
        return self.order_target(symbol, 0)

    def _propose(self, place: int, units: int) -> Order | None:
        if not -_MOST_UNITS < units < _MOST_UNITS:
            raise UsageError("An order for 9e10 or more is a mistake; check its arithmetic.")
        if self._engine is None:
            raise _too_early()
        if not units:
            return None
        order = Order(0, self.number, self.symbols[place], place, units, 0)
        self._proposals.append(order)
        return order

    def _price(self, name: str, price: Quantity | None, tick_units: int, up: bool) -> float | None:
        """A price on the tick: a limit is never worse than asked for, a stop never later."""
        if price is None:
            return None
        try:
            units = to_units(price)
        except (InvalidOperation, ValueError, TypeError, OverflowError):
            units = 0
        if not 0 < units < _MOST_UNITS:
            raise UsageError(f"{name}={price!r} is not a price; give a number above 0.")
        rounded = on_tick(units / UNITS, tick_units, up)
        if not rounded:
            raise UsageError(f"{name}={price!r} is less than a tick of {from_units(tick_units)}.")
        return rounded

    # -- timers and log ----------------------------------------------------------------------------

    def timer(self, name: str, at: dt.datetime | dt.time, every: dt.timedelta | None) -> None:
        if self._engine is None:
            raise _too_early()
        if not isinstance(at, dt.datetime | dt.time):
            raise UsageError(f"Timer '{name}' is set for {at!r}; give a datetime or a time of day.")
        moment = at if isinstance(at, dt.datetime) else self._next_occurrence(at)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.now.tzinfo)
        at_ns = self._time.to_ns(moment)
        if at_ns <= self.now_ns:
            raise UsageError(f"Timer '{name}' is set for {moment}, which is not after now.")
        every_ns = None if every is None else every // dt.timedelta(microseconds=1) * 1000
        if every_ns is not None and every_ns <= 0:
            raise UsageError(f"Timer '{name}' cannot repeat every {every}.")
        self._proposals.append(TimerProposal(self.number, name, at_ns, every_ns))

    def _next_occurrence(self, at: dt.time) -> dt.datetime:
        now = self.now if at.tzinfo is None else self.now.astimezone(at.tzinfo)
        moment = now.replace(
            hour=at.hour, minute=at.minute, second=at.second, microsecond=at.microsecond
        )
        return moment if moment > now else moment + dt.timedelta(days=1)

    def cancel_timer(self, name: str) -> None:
        self.engine.proposals.append(TimerProposal(self.number, name, None))

    def log(self, message: str) -> None:
        moment = "setup" if self._engine is None else f"{self.now:%Y-%m-%d %H:%M:%S}"
        logger.info("[{} {}] {}", self.name, moment, message)

    def _symbol(self, symbol: str) -> int:
        try:
            return self._index[symbol]
        except (KeyError, TypeError):
            raise UsageError(
                f"{symbol!r} is not one of this run's symbols ({', '.join(self.symbols)})."
                + did_you_mean(str(symbol), self.symbols)
            ) from None

    def _units(self, quantity: Quantity) -> int:
        try:
            return to_units(quantity)
        except (InvalidOperation, ValueError, TypeError, OverflowError):
            raise UsageError(f"{quantity!r} is not a quantity; give a finite number.") from None


def left_units(order: Order) -> int:
    """What an order that is aimed with may still fill."""
    if order.stop is not None or order.state is CANCEL_PENDING:
        return 0
    return order.units - order.filled_units


def _too_early() -> StrategyError:
    return StrategyError("In setup() there is no market yet: ask and act from on_session_open on.")
