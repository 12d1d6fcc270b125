"""From a session config to a run that is ready to start: the one place where parts are chosen."""

import datetime as dt
import decimal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.config_account import AccountConfig
from app.core.config_fees import Fees
from app.core.config_json import InvalidConfigError, Problem
from app.core.errors import ConfigError
from app.core.intervals import DAILY, DAY_NS, interval_ns
from app.core.messages import LastNews, Message
from app.core.money import from_units
from app.core.seams import Alarm, Feed
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.data_manager.stored_bars import HistorySources, Wanted
from app.managers.execution_manager.books.account import AccountTerms, Rates
from app.managers.execution_manager.books.fee_book import FeesAt
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim.fill_rules import FillRules, Owner
from app.managers.system_manager.needs.declaring import asked_by, asked_by_config, declared_by
from app.managers.system_manager.needs.history import SessionsBefore, history_of
from app.managers.system_manager.needs.idle_sizing import refuse_idle_sizing
from app.managers.system_manager.needs.market import Market
from app.managers.system_manager.needs.protecting import covers_of, execution_maker
from app.managers.system_manager.needs.quotes import quoted
from app.managers.system_manager.needs.workshop import SeatWorkshop
from app.services.auctions import cut_offs_of
from app.services.bar_fills import BarRules
from app.services.fees import own_schedule, schedule_at
from app.services.risk.scopes import Limits, limits_of_run
from app.services.slippage import Slippage
from app.strategies.base import Strategy
from app.strategies.indicator import Cursor
from app.strategies.loader import LoadError, load_strategy
from app.strategies.params import ParamsError
from app.threads.data_processor import DataProcessor
from app.threads.data_quality_manager import DataQualityManager
from app.threads.desk.desk import LocalTime
from app.threads.engines.watched_engine import Witness, engine_of
from app.threads.hooks.engine_state import OnState
from app.threads.hooks.isolation import OnTrouble
from app.threads.hooks.seats import Seat
from app.threads.machine.garbage import only_new_collected, seldom_collected
from app.threads.series.gaps import OnGap
from app.threads.session_coordinator import SessionCoordinator
from app.threads.stream.plan import Plan
from app.threads.stream.results import Results
from app.threads.stream.run_state import StateGiven
from app.threads.views.equity import EquityCurve
from app.threads.watch.watchdog import Watchdog, limited
from app.threads.worker import Pipeline, prepare_thread

QUEUE_ROWS = 32_768  # rows that may wait before a worker


class RunFeed(Feed[Message | StateGiven], Protocol):
    """A feed that knows where its history came from; one may begin with a state."""

    @property
    def history_sources(self) -> HistorySources: ...


class Parts(msgspec.Struct, frozen=True):
    """What runs differ in: where messages come from and orders go, and who keeps the inputs."""

    make_feed: Callable[[Wanted], RunFeed]
    make_broker: Callable[[Owner], Broker] | None = None  # none: the simulated one
    record_input: Callable[[Message], None] | None = None
    on_gap: OnGap | None = None
    on_trouble: OnTrouble | None = None  # of one strategy among several; none: it ends the run
    on_state: OnState | None = None  # is given the run's state at each session but the first
    witness: Witness | None = None  # of a run that is told again


def replay_parts(market: Market) -> Parts:
    """The parts of a replay: bars at rest, and the simulated broker."""
    return Parts(partial(ReplayFeed, market.source))


class Run:
    """One run, wired; `pipeline.run(feed.messages())` executes it."""

    def __init__(
        self,
        config: SessionConfig,
        market: Market,
        strategies_folder: Path,
        on_results: Callable[[Results], None],
        paused: bool = False,
        alarm: Alarm | None = None,
        parts: Parts | None = None,
    ) -> None:
        """With `alarm`, a watchdog looks after the strategies' hooks while it executes."""
        self.config = config
        self._alarm = alarm
        parts = parts or replay_parts(market)
        self.simulates_fills = parts.make_broker is None
        self.instruments = tuple(market.instruments)
        self.local_time = market.time.to_local
        self.cursor = Cursor()
        self.cursor.stand(market.sessions[0].hours(config.extended_hours)[0])
        self.seats = seats_of(config, strategies_folder, self.cursor, market.time)
        self.plan = plan_of(config, self.seats, market.sessions, market.sessions_before)
        self.feed = parts.make_feed(self._wanted(market))
        limits = limits_of_run(
            config.risk, [seat.name for seat in self.seats], self.plan.symbols,
            market.hard_limits, market.risk_past,
        )  # fmt: skip
        self.watches_clock = any(one.kind == "clock_skew_seconds" for one in limits.breakers)
        self.execution = self._execution(market, parts, limits)
        multipliers = [float(instrument.multiplier) for instrument in market.instruments]
        self.curve = EquityCurve(self.execution.account.opening_units, multipliers)
        speed = "max" if config.replay is None else config.replay.speed
        asks = parts.on_state is not None and all(seat.keeps_state for seat in self.seats)
        self.coordinator = SessionCoordinator(
            market.clock, speed, paused, record=parts.record_input, asks_states=asks
        )
        self.quality = DataQualityManager(
            config.symbols, config.base_interval, config.extended_hours, parts.on_gap
        )
        self.engine = engine_of(parts.witness, guards=limits.guards)(
            self.plan,
            self.seats,
            self.execution,
            self.curve,
            self.cursor,
            on_results,
            config.report.equity == "session",
            parts.on_trouble,
            parts.on_state,
        )
        self.workshop = SeatWorkshop(
            config, self.seats, self.plan, market.sessions, market.sessions_before, market.time,
            strategies_folder, self.cursor,
        )  # fmt: skip
        self.processor = DataProcessor(self.plan, self.workshop, self.local_time)
        workers = [self.coordinator, self.quality, self.processor, self.engine]
        # Workers take turns then, and none waits.
        self._full_speed = config.replay is not None and speed == "max"
        self.pipeline = Pipeline(
            workers, config.engine.runner, QUEUE_ROWS, one_processor=self._full_speed
        )

    def execute(self) -> str:
        """Run to the end; the reason it ended. An error of a worker is raised here."""
        with seldom_collected() if self._full_speed else only_new_collected(), self._watched():
            reason = self.pipeline.run(self.feed.messages())
        if self.pipeline.cause is not None:
            raise self.pipeline.cause.error
        return reason

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if self._alarm is None:
            yield
            return
        engine = self.config.engine
        watchdog = Watchdog(
            self.pipeline, self.cursor, self.seats, engine.hook_seconds, engine.memory_mb,
            self._alarm, None if self.config.replay is None else self.engine,
        )  # fmt: skip
        watchdog.start()
        try:
            yield
        finally:
            watchdog.stop()

    def book(self, news: LastNews) -> None:
        """Book what a broker told once the run had executed."""
        with decimal.localcontext():
            prepare_thread()
            self.engine.step(news)

    def final_equity(self) -> Decimal:
        """Cash and positions at their last closes."""
        return from_units(self.execution.account.equity_units(self.last_close))

    @property
    def strategies(self) -> dict[str, type[Strategy]]:
        """Their classes, by their names."""
        return {seat.name: type(seat.strategy) for seat in self.seats}

    def last_close(self, symbol: int) -> float:
        """Where the curve marks a symbol now; 0 when it has shown no price."""
        return self.curve.marks[symbol]

    def _wanted(self, market: Market) -> Wanted:
        counts = [count for count in self.plan.history.values() if count is not None]
        before = market.sessions_before(max(counts, default=0))
        return Wanted(
            market=self.config.market,
            symbols=self.plan.symbols,
            base_interval=self.plan.base_interval,
            intervals=self.plan.intervals,
            history=self.plan.history,
            extended_hours=self.config.extended_hours,
            sessions=market.sessions,
            sessions_before=before,
            adjustments=market.adjustments((*before, *market.sessions)),
            block_rows=self.config.engine.block_rows,
            quotes=bool(quoted(self.config, market.hard_limits)),
        )

    def _execution(self, market: Market, parts: Parts, limits: Limits) -> ExecutionManager:
        config, execution = self.config, self.config.execution
        share, slippage = execution.participation, execution.slippage
        return execution_maker(config, self.seats, parts.witness)(
            strategies=[seat.name for seat in self.seats],
            instruments=market.instruments,
            cash=config.account.cash,
            limits=limits,
            rules=FillRules(
                participation=None if share is None else Decimal(repr(share)),
                bars=BarRules(execution.limit_fill == "through", execution.same_bar),
                this_close=execution.market_fill == "this_close",
                latency_ns=execution.latency_ms * 1_000_000,
                slippage=Slippage(**slippage.model_dump()),
                cut_offs=cut_offs_of(config.market),
            ),
            # a venue charges by itself, and says so with each fill
            fees=None if parts.make_broker is not None else fees_of(execution.fees),
            terms=terms_of(config.account, market.rates, parts.make_broker is not None),
            make_broker=parts.make_broker,
        )


def fees_of(fees: Fees) -> FeesAt | None:
    """What a run charges by a session's date; None: nothing, ever."""
    if isinstance(fees, str):
        return None if fees == "zero" else partial(schedule_at, fees)
    return partial(own_schedule, fees.like, fees.parts)


def terms_of(
    account: AccountConfig, rates: Mapping[dt.date, Rates], is_at_venue: bool
) -> AccountTerms:
    """The account's terms as the config names them."""
    return AccountTerms(
        currency=account.currency,
        holds_cash_only=account.kind == "cash",
        leverage=account.means,
        margin_rate=account.margin_rate,
        borrow_rate=account.borrow_rate,
        books={**dict.fromkeys(account.rates, Decimal(0)), **account.books},
        rates=rates,
        is_at_venue=is_at_venue,
    )


def seats_of(config: SessionConfig, folder: Path, cursor: Cursor, time: LocalTime) -> list[Seat]:
    """The config's strategies, set up."""
    seats = []
    problems: list[Problem] = []
    with limited(config.engine.hook_seconds):
        for number, item in enumerate(config.strategies):
            try:
                kind = load_strategy(item.use, folder)
                seats.append(
                    Seat(
                        kind, number, item.label, config.symbols, config.base_interval,
                        item.params, cursor, time, config.sizing_of(item),
                    )
                )  # fmt: skip
            except (LoadError, ParamsError) as error:
                place = f"strategies[{number}]"
                problems += [(f"{place}.{where}", what) for where, what in error.problems]
    if problems:
        raise InvalidConfigError(None, problems)
    refuse_idle_sizing(config, seats)
    return seats


def plan_of(
    config: SessionConfig,
    seats: Sequence[Seat],
    sessions: Sequence[TradingSession],
    sessions_before: SessionsBefore,
) -> Plan:
    """What the stream must compute for these strategies and this config."""
    covers_of(config, seats)
    asked = [*asked_by_config(config), *(one for seat in seats for one in asked_by(seat))]
    intervals = {config.base_interval, *config.derived_intervals}
    intervals |= {interval for seat in seats for interval in seat.intervals}
    intervals |= {interval for _, _, interval in asked} | set(config.history)
    for interval in intervals - {config.base_interval}:
        if interval_ns(interval) % interval_ns(config.base_interval):
            raise ConfigError(f"{interval} bars cannot be made of {config.base_interval} bars.")
        if interval_ns(interval) >= DAY_NS and interval != DAILY:
            raise ConfigError(f"{interval} bars are no shorter than a day; use 1d.")
    return Plan(
        symbols=config.symbols,
        base_interval=config.base_interval,
        intervals=tuple(sorted(intervals, key=interval_ns)),
        history=history_of(config, asked, sessions, sessions_before),
        extended_hours=config.extended_hours,
        declared=declared_by(asked, len(config.symbols)),
    )
