"""A desk: one strategy's side of the engine. It reads what is known and collects proposals."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

from loguru import logger

from app.core.bars import COLUMNS, BarColumns
from app.core.calendar import TradingSession
from app.core.config_sizing import SizingConfig
from app.core.errors import StrategyError, UsageError
from app.core.intervals import interval_ns
from app.core.money import from_units
from app.core.own_code import shortened
from app.core.transfers import Conversion
from app.managers.execution_manager.books.conversions import checked_conversion, checked_currency
from app.services.indicators import resolve
from app.services.quality import Quality
from app.strategies.failure import astray
from app.strategies.indicator import Cursor, Indicator, outputs_of
from app.strategies.request import Quantity
from app.strategies.size import Size
from app.threads.desk.order_desk import OrderDesk, TimerProposal, above_zero
from app.threads.desk.sizer import Sizer


class LocalTime(Protocol):
    """The market's local time; the TimeManager gives it."""

    def to_local(self, ns: int) -> dt.datetime: ...
    def to_ns(self, moment: dt.datetime) -> int: ...


MOST_LINES: Final = 100_000  # that a strategy logs in one session
_LONGEST_LINE: Final = 10_000
ACTED = TimerProposal(-1, "", None)  # proposes nothing: the hooks of a bar have acted


class Desk(OrderDesk):
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
        sizing: SizingConfig | None = None,
    ) -> None:
        super().__init__(number, symbols)
        self.name = name
        self.indicators: list[Indicator] = []
        self._first_interval = first_interval
        self._cursor = cursor
        self._time = time
        self._logged_on: dt.date | None = None  # that session
        self._logged = 0  # lines, in it
        self._sizer = None if sizing is None else Sizer(sizing, symbols, cursor)

    # -- time and data ---------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        if self._engine is None:
            raise astray(is_running=False)
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
        self._check_thread()
        given = Conversion(self.number, source, target, self._units(amount))
        earlier = [item for item in self.engine.proposals if isinstance(item, Conversion)]
        self._proposals.append(checked_conversion(self.engine.execution.account, given, earlier))

    def entry_size(
        self, symbol: str, side: str, price: Quantity | None, stop: Quantity | None
    ) -> Size:
        engine, place = self.engine, self._symbol(symbol)
        if self._sizer is None:
            raise UsageError(
                f"entry_size() has to be told how: the config has no sizing for {self.name}. "
                'Give it one, such as "sizing": {"method": "percent_equity", "percent": 10}.'
            )
        prices = [
            None if given is None else above_zero(name, given)
            for name, given in (("price", price), ("stop", stop))
        ]
        return self._sizer.size(engine, place, side, *prices)

    @property
    def ranges(self) -> list[Indicator]:
        """What its sizing reads, by symbol; of most there is none."""
        return [] if self._sizer is None else self._sizer.ranges

    # -- timers and log ----------------------------------------------------------------------------

    def timer(self, name: str, at: dt.datetime | dt.time, every: dt.timedelta | None) -> None:
        if self._engine is None:
            raise astray(is_running=False)
        self._check_thread()
        if not isinstance(at, dt.datetime | dt.time):
            raise UsageError(f"Timer '{name}' is set for {at!r}; give a datetime or a time of day.")
        moment = at if isinstance(at, dt.datetime) else self._next_occurrence(at)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.now.tzinfo)
        at_ns = self._time.to_ns(moment)
        if at_ns <= self.now_ns:
            raise UsageError(f"Timer '{name}' is set for {moment}, which is not after now.")
        if every is not None and not isinstance(every, dt.timedelta):
            raise UsageError(f"Timer '{name}' cannot repeat every {every!r}; give a timedelta.")
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
        self._check_thread()
        self.engine.proposals.append(TimerProposal(self.number, name, None))

    def log(self, message: str) -> None:
        moment, date = "setup", None
        if self._engine is not None:
            moment, date = f"{self.now:%Y-%m-%d %H:%M:%S}", self.session.date
        if date != self._logged_on:
            self._logged_on, self._logged = date, 0
        self._logged += 1
        if self._logged <= MOST_LINES:
            logger.info("[{} {}] {}", self.name, moment, shortened(str(message), _LONGEST_LINE))
        elif self._logged == MOST_LINES + 1:
            text = "[{} {}] {:,} lines of this session are logged; the rest of them is left out"
            logger.warning(text, self.name, moment, MOST_LINES)
