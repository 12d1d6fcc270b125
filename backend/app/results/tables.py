"""A finished run's tables, each read from its files, SQL or the store when first asked for."""

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from app.core.bars import COLUMNS, BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.config import StrategyConfig
from app.core.errors import NotFoundError, did_you_mean
from app.core.intervals import DAILY, interval_ns, is_multiple
from app.core.money import to_units
from app.core.run_states import FINISHED
from app.managers.system_manager.record.recorded_run import RecordedRun
from app.repositories.bar_store_files import Series
from app.results.columns import (
    NOBODY,
    EquityColumns,
    FillColumns,
    OrderColumns,
    Places,
    SessionColumns,
    TradeColumns,
    fill_columns,
    order_columns,
    trade_columns,
)
from app.results.curve import read_curve
from app.results.sources import Sources
from app.services.aggregation import aggregate
from app.services.bar_import import inside, sessions_outline
from app.services.metrics.exposure import TradingTime
from app.services.trades import Action, Fill, TradeBook, booked
from app.threads.machine.garbage import seldom_collected

_SAME = 1e-6  # money; a curve is of floats
_NEAR = dt.timedelta(days=4)  # a session may open so long before its date, after a long weekend


class Tables:
    """The tables of one run; arrays are not to be written to."""

    def __init__(self, record: RecordedRun, sources: Sources) -> None:
        self._record = record
        self._sources = sources
        self._config = record.row["config"]
        self.symbols: tuple[str, ...] = tuple(self._config["symbols"])
        self.strategies = tuple(_label(one) for one in self._config["strategies"])

    @cached_property
    def equity(self) -> EquityColumns:
        """The curve; it begins with the first bar, so it lacks what the account opened with."""
        return read_curve(self._sources.runs / self._record.run_id)

    @cached_property
    def curve(self) -> EquityColumns:
        """The same and what the account came to: costs and fills may lie behind the last bar."""
        found, final = self.equity, self._record.summary.get("final_equity")
        if not len(found) or final is None or abs(float(final) - found.equity[-1]) < _SAME:
            return found
        return EquityColumns(
            np.append(found.instant_ns, self.through_ns), np.append(found.equity, float(final))
        )

    @cached_property
    def through_ns(self) -> int:
        """The last instant on record; a curve of sessions lacks the last one until that closes."""
        return max(int(one.instant_ns.max(initial=0)) for one in (self.equity, self.fills))

    @cached_property
    def sessions(self) -> SessionColumns:
        """The trading days that began, and the account at the end of each.

        The last is what the summary says, which knows costs that fall due after the last bar.
        """
        found = self.trading_sessions
        ends = np.array([self._hours(one)[1] for one in found], np.int64)
        curve, summary = self.equity, self._record.summary
        start = float(summary.get("start_equity", 0.0))
        places = np.searchsorted(curve.instant_ns, ends, side="right")
        equity = np.append(start, curve.equity)[places]
        if len(equity) and "final_equity" in summary:
            equity[-1] = summary["final_equity"]
        return SessionColumns(
            date=np.array([one.date for one in found], "datetime64[D]"),
            start_ns=np.array([self._hours(one)[0] for one in found], np.int64),
            end_ns=ends,
            equity=equity,
        )

    @cached_property
    def orders(self) -> OrderColumns:
        """Of SQL."""
        with seldom_collected():  # it would search a run's every row, again and again
            stored = self._sources.repository.order_columns(self._record.run_id)
            return order_columns(stored, self._places)

    @cached_property
    def fills(self) -> FillColumns:
        """Of SQL."""
        booked = self._booked
        made = booked.fill_id > 0
        if made.all():
            return booked
        return FillColumns(*(getattr(booked, name)[made] for name in FillColumns.__struct_fields__))

    @cached_property
    def _booked(self) -> FillColumns:
        """The fills, and before them what the run was given to hold at its start."""
        orders = self.orders
        with seldom_collected():
            stored = self._sources.repository.fill_columns(self._record.run_id)
            owners = dict(zip(orders.order_id.tolist(), orders.strategy.tolist(), strict=True))
            own = [owners.get(number, NOBODY) for number in stored["order_id"]]
            return fill_columns(stored, own, self._places, self.multiplier_units)

    @cached_property
    def trades(self) -> TradeColumns:
        """Round trips of the fills, and of splits and dividends between them."""
        return trade_columns(self.book.trades, self.multiplier_units)

    @cached_property
    def book(self) -> TradeBook:
        """The same one by one, and how what is held changed."""
        fills = self._booked
        with seldom_collected():
            return booked(owned(fills), self.actions, self.multiplier_units)

    @cached_property
    def multiplier_units(self) -> list[int]:
        """What one share or contract of each symbol counts; as the run knew it, where it says."""
        return [to_units(Decimal(one["multiplier"])) for one in self.instruments]

    @cached_property
    def currencies(self) -> list[str]:
        """What each symbol trades in."""
        return [str(one["currency"]) for one in self.instruments]

    @cached_property
    def instruments(self) -> list[dict[str, str]]:
        """The symbols' instruments; today's for a record of old, which names none."""
        told = self._record.facts.get("instruments")
        if told:
            return list(told)
        found = (self._sources.data.instrument(self._market, symbol) for symbol in self.symbols)
        return [{"multiplier": str(one.multiplier), "currency": one.currency} for one in found]

    @cached_property
    def trading_sessions(self) -> tuple[TradingSession, ...]:
        """The sessions that began."""
        found = self._sessions_reached()
        return found[: self._record.summary.get("sessions")]

    @cached_property
    def actions(self) -> list[Action]:
        """The splits and dividends the run knew, each at the start of its session."""
        lots = [to_units(Decimal(one.get("lot", "1"))) for one in self.instruments]
        starts = {str(one.date): self._hours(one)[0] for one in self.trading_sessions}
        return [
            Action(
                starts[told["session"]],
                self.symbols.index(told["symbol"]),
                Decimal(told["split_ratio"]),
                Decimal(told["dividend"]),
                lots[self.symbols.index(told["symbol"])],
                float(told.get("part_price", 0.0)),
            )
            for told in self._record.facts.get("actions") or ()
            if told["session"] in starts and told["symbol"] in self.symbols
        ]

    @cached_property
    def trading_time(self) -> TradingTime:
        """When the market traded, in the run's hours and while it ran."""
        bounds = sessions_outline(self.trading_sessions, extended_hours=self._is_extended)
        return TradingTime(*(np.clip(times_ns, *self._ran) for times_ns in bounds))

    def to_local(self, at_ns: int) -> dt.datetime:
        """An instant in the market's zone."""
        return self._sources.time.to_local(at_ns, self._market)

    @property
    def days_a_year(self) -> int:
        """Trading days that make a year of the market."""
        date = self.trading_sessions[0].date if self.trading_sessions else dt.date(2024, 1, 1)
        return self._sources.time.days_a_year(date, self._market)

    @property
    def base_interval(self) -> str:
        """Of the bars that the run read."""
        return str(self._config.get("base_interval", "1m"))

    def bars(self, symbol: str, interval: str | None = None) -> BarColumns:
        """A symbol's bars in the run's sessions and hours, up to its end: what is stored after a
        run that was stopped is not its own.
        """
        if symbol not in self.symbols:
            raise NotFoundError(
                f"Run {self._record.run_id} has no symbol '{symbol}', its symbols are "
                f"{', '.join(self.symbols)}.{did_you_mean(symbol, self.symbols)}"
            )
        interval = interval or self.base_interval
        interval_ns(interval)  # refuses what is none
        sessions = self.trading_sessions
        if not sessions:
            return BarColumns(
                *(np.empty(0, np.int64 if n == "start_ns" else float) for n in COLUMNS)
            )
        data, extended = self._sources.data, self._is_extended
        start_ns = self._hours(sessions[0])[0]
        end_ns = self._hours(sessions[-1])[1]
        if self.through_ns:
            end_ns = min(end_ns, self.through_ns)
        source = self.base_interval  # what the run itself derived its intervals from
        is_there = data.store.has(Series(self._market, symbol, source))
        if not (is_there and is_multiple(interval, source)):
            source = data.source_interval(self._market, symbol, interval, start_ns, end_ns)
        columns = data.store.columns(self._market, symbol, source, start_ns, end_ns)
        if source != interval:
            return aggregate(columns, interval, sessions, extended)[0]
        outline = sessions_outline(sessions, extended_hours=extended)
        kept = inside(columns.start_ns, *outline)
        if interval == DAILY or kept.all():
            return columns
        return BarColumns(*(getattr(columns, name)[kept] for name in COLUMNS))

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _market(self) -> str:
        return str(self._config.get("market", "XNYS"))

    @cached_property
    def _places(self) -> Places:
        return Places(
            {name: place for place, name in enumerate(self.strategies)},
            {name: place for place, name in enumerate(self.symbols)},
        )

    @property
    def _ran(self) -> tuple[int, int]:
        """From when to when: a live run may begin amid a day, and any may end amid one. A curve of
        sessions does not tell when the first of them was joined.
        """
        first_ns, last_ns = 0, 2**63 - 1
        instants_ns = self.equity.instant_ns
        is_coarse = (self._config.get("report") or {}).get("equity") == "session"
        if len(instants_ns) and not (is_coarse or self._config.get("replay")):
            first_ns = int(instants_ns[0]) - interval_ns(self.base_interval)
        if self.through_ns and self._record.row["state"] != FINISHED:
            last_ns = self.through_ns
        return first_ns, last_ns

    def _hours(self, session: TradingSession) -> tuple[int, int]:
        return session.hours(self._is_extended)

    @property
    def _is_extended(self) -> bool:
        return bool(self._config.get("extended_hours"))

    def _sessions_reached(self) -> tuple[TradingSession, ...]:
        """Those of a replay's dates; of a live run those its curve lies in, whose dates may be
        the day after the evening they begin on.
        """
        times, market = self._sources.time, self._market
        dates = self._config.get("replay")
        if dates:
            first, last = (dt.date.fromisoformat(dates[end]) for end in ("start", "end"))
            return times.sessions_between(first, last, market)
        instants: Ints = self.equity.instant_ns
        if not len(instants):
            return ()
        first_ns, last_ns = int(instants[0]), int(instants[-1])
        first, last = (times.to_local(at, market).date() for at in (first_ns, last_ns))
        near = times.known_sessions(first - _NEAR, last + _NEAR, market)
        hours = ((one, *self._hours(one)) for one in near)
        return tuple(one for one, start, end in hours if first_ns <= end and start <= last_ns)


def owned(fills: FillColumns) -> Iterator[Fill]:
    """The fills one by one; one that no strategy asked for closes what the first has that holds
    the other side, as the run booked it. What was adopted counts from when the run began: before
    the splits of a session that it waited for, behind those of one under way.
    """
    held: dict[tuple[int, int], int] = {}
    columns = (getattr(fills, name).tolist() for name in _FILL_FIELDS)
    for fill_id, order_id, strategy, symbol, units, price, fee, at_ns, bar_ns in zip(
        *columns, strict=True
    ):
        if strategy == NOBODY:
            strategy = next(
                (
                    who
                    for (who, of), has in sorted(held.items())
                    if of == symbol and has * units < 0
                ),
                0,
            )
        held[strategy, symbol] = held.get((strategy, symbol), 0) + units
        since_ns = (bar_ns or at_ns) if fill_id < 0 else at_ns
        yield Fill(fill_id, order_id, strategy, symbol, units, price, fee, since_ns)


_FILL_FIELDS = (
    *("fill_id", "order_id", "strategy", "symbol", "quantity_units", "price", "fee_units"),
    *("instant_ns", "bar_start_ns"),
)


def _label(told: Mapping[str, Any]) -> str:
    """A strategy's name, also where a file of old says what would be refused today."""
    return StrategyConfig.model_construct(use=told["use"], name=told.get("name")).label
