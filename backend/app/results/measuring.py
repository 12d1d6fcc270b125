"""Measures a run: from its sessions' equity, its curve and its trades to its metrics."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from app.core.bars import Floats, Ints
from app.core.config import SYMBOLS
from app.results import metrics as m
from app.results.benchmark import benchmark_returns
from app.results.columns import units_array
from app.results.metrics import Basis, Metric, Metrics, metric
from app.results.rates import OwnMoney
from app.results.slicing import slices_of
from app.results.slippage import slipped_amounts
from app.results.tables import Tables
from app.services.metrics import breakdown, drawdown, exposure, returns, trading
from app.services.metrics.figures import Figure, figure, none, ratio, total

_FALLS = 5  # deepest stretches that are told


class Measuring:
    """Measures one run; `year` is how many trading days make one of its market."""

    def __init__(
        self,
        tables: Tables,
        config: Mapping[str, Any],
        record: Mapping[str, Any],
        currency: str,
        year: int,
    ) -> None:
        """`record` is what run.json says; `currency` the account's."""
        report = config.get("report") or {}
        self._tables = tables
        self._summary: Mapping[str, Any] = record.get("summary") or {}
        self._money = OwnMoney(tables, currency, record)
        self._at_close = (config.get("execution") or {}).get("market_fill") == "this_close"
        self._basis = Basis(
            year=year,
            days=len(tables.sessions),
            risk_free_percent=float(report.get("risk_free_percent") or 0.0),
            benchmark=str(report.get("benchmark") or SYMBOLS),
            currency=currency,
        )

    def metrics(self) -> Metrics:
        """All of them. What overflows on the way is no figure, and no warning."""
        with np.errstate(all="ignore"):
            return self._metrics()

    def _metrics(self) -> Metrics:
        found = [
            *self._returns(), *self._risk(), *self._drawdowns(), *self._trades(), *self._costs(),
            *self._activity(), *self._benchmark(),
        ]  # fmt: skip
        values, why = self._daily
        months = breakdown.months(self._tables.sessions.date, values) if why is None else []
        slices = slices_of(self._tables, self._closed, self._rows)
        return Metrics(self._basis, found, slices, months, self._falls.worst(_FALLS))

    # -- what they stand on ----------------------------------------------------------------------

    @property
    def _start(self) -> float:
        return float(self._summary.get("start_equity", 0.0))

    @property
    def _end(self) -> float:
        return float(self._summary.get("final_equity", 0.0))

    @property
    def _rate(self) -> float:
        return returns.daily_rate(self._basis.risk_free_percent / 100.0, self._basis.year)

    @cached_property
    def _daily(self) -> tuple[Floats, str | None]:
        return returns.daily_returns(self._start, self._tables.sessions.equity)

    @cached_property
    def _falls(self) -> drawdown.Falls:
        """Over every point of the curve, from what the account began with to what it came to."""
        curve, days = self._tables.curve, self._tables.sessions
        first = days.start_ns[:1] if len(days) else curve.instant_ns[:1]
        start = np.full(len(first), self._start)
        return drawdown.falls(
            np.concatenate((first, curve.instant_ns)), np.concatenate((start, curve.equity))
        )

    @cached_property
    def _rows(self) -> Ints:
        """Which trades are closed, in the order they ended."""
        trades = self._tables.trades
        closed = np.flatnonzero(~trades.is_open)
        return closed[np.lexsort((trades.last_fill_id[closed], trades.exit_ns[closed]))]

    @cached_property
    def _closed(self) -> trading.ClosedTrades:
        trades, rows, money = self._tables.trades, self._rows, self._money.of
        symbols, exits = trades.symbol[rows], trades.exit_ns[rows]
        return trading.ClosedTrades(
            money(symbols, exits, trades.profit_units[rows]),
            money(symbols, exits, trades.fee_units[rows]),
            exits - trades.entry_ns[rows],
        )

    # -- the groups ------------------------------------------------------------------------------

    def _of_days(self, measure: Any, *more: Any) -> Figure:
        """A figure of the daily returns, where there are any."""
        values, why = self._daily
        found: Figure = measure(values, *more) if why is None else none(why)
        return found

    def _returns(self) -> list[Metric]:
        year, of = self._basis.year, self._of_days
        return [
            metric("return", m.SHARE, "total_return", returns.total_return(self._start, self._end)),
            metric("return", m.MONEY, "net_profit", figure(round(self._end - self._start, 8))),
            metric("return", m.SHARE, f"cagr_{year}", of(returns.cagr, year)),
            metric("return", m.SHARE, "best_day", of(returns.extreme, True)),
            metric("return", m.SHARE, "worst_day", of(returns.extreme, False)),
            metric("return", m.SHARE, "up_days", of(returns.up_days)),
        ]

    def _risk(self) -> list[Metric]:
        year, rate, of = self._basis.year, self._rate, self._of_days
        return [
            metric("risk", m.SHARE, f"volatility_{year}", of(returns.volatility, year)),
            metric("risk", m.RATIO, f"sharpe_daily_{year}", of(returns.sharpe, year, rate)),
            metric("risk", m.RATIO, f"sortino_daily_{year}", of(returns.sortino, year, rate)),
            metric("risk", m.RATIO, f"calmar_daily_{year}", of(returns.calmar, year)),
            metric("risk", m.RATIO, "omega_daily", of(returns.omega, rate)),
            metric("risk", m.SHARE, "var_95_daily", of(returns.value_at_risk, 5.0)),
            metric("risk", m.SHARE, "cvar_95_daily", of(returns.expected_shortfall, 5.0)),
            metric("risk", m.RATIO, "skew_daily", of(returns.skew)),
        ]

    def _drawdowns(self) -> list[Metric]:
        falls, daily = self._falls, self._of_days
        longest, deepest = falls.longest(), next(iter(falls.worst(1)), None)
        flat = none("there was no drawdown")
        never = none("the peak was not regained")
        back = None if deepest is None else deepest.recovery_days
        return [
            metric("drawdown", m.SHARE, "max_drawdown", self._max_drawdown()),
            metric(
                "drawdown", m.SHARE, "max_drawdown_daily",
                daily(lambda values: figure(returns.drawdown(values))),
            ),
            metric(
                "drawdown", m.MONEY, "max_drawdown_money",
                figure(0.0 if deepest is None else deepest.amount),
            ),
            metric(
                "drawdown", m.DAYS, "max_drawdown_days",
                flat if deepest is None else figure(deepest.days),
            ),
            metric(
                "drawdown", m.DAYS, "max_drawdown_recovery_days",
                flat if deepest is None else never if back is None else figure(back),
            ),
            metric(
                "drawdown", m.DAYS, "underwater_longest_days",
                flat if longest is None else figure(longest.days),
            ),
            metric("drawdown", m.SHARE, "ulcer_index_daily", daily(returns.ulcer_index)),
        ]  # fmt: skip

    def _max_drawdown(self) -> Figure:
        """What the run noted at every instant; its curve may be of sessions alone."""
        told = self._summary.get("max_drawdown")
        return none("the run did not come to its first bar") if told is None else figure(told)

    def _trades(self) -> list[Metric]:
        closed, profit = self._closed, self._closed.profit
        still_open = int(self._tables.trades.is_open.sum())
        streaks = [trading.longest_streak(profit, wins) for wins in (True, False)]
        return [
            metric("trades", m.COUNT, "trades", figure(len(closed))),
            metric("trades", m.COUNT, "trades_open", figure(still_open)),
            metric("trades", m.SHARE, "win_rate", trading.win_rate(profit)),
            metric("trades", m.RATIO, "profit_factor", trading.profit_factor(profit)),
            metric("trades", m.MONEY, "expectancy", trading.expectancy(profit)),
            metric("trades", m.MONEY, "average_win", trading.average_win(profit)),
            metric("trades", m.MONEY, "average_loss", trading.average_loss(profit)),
            metric("trades", m.RATIO, "payoff", trading.payoff(profit)),
            metric("trades", m.RATIO, "sqn", trading.quality_number(profit)),
            metric("trades", m.MONEY, "best_trade", trading.extreme_trade(profit, True)),
            metric("trades", m.MONEY, "worst_trade", trading.extreme_trade(profit, False)),
            metric("trades", m.COUNT, "win_streak_longest", figure(streaks[0])),
            metric("trades", m.COUNT, "loss_streak_longest", figure(streaks[1])),
            metric(
                "trades", m.SECONDS, "holding_average_seconds",
                trading.average_held_seconds(closed.held_ns),
            ),
            metric(
                "trades", m.RATIO, "trades_per_day",
                ratio(len(closed), self._basis.days, "there was no trading day"),
            ),
        ]  # fmt: skip

    def _costs(self) -> list[Metric]:
        told = self._summary
        amounts = [
            metric("costs", m.MONEY, name, figure(float(told.get(name) or 0.0)))
            for name in ("fees", "interest", "borrow")
        ]
        return [*amounts, metric("costs", m.MONEY, "slippage_paid", self._slippage())]

    def _slippage(self) -> Figure:
        if self._summary.get("uncertain_bars") is None:
            return none("a venue filled the orders, and no bar offered a price")
        found = slipped_amounts(self._tables, self._at_close)
        if isinstance(found, str):
            return none(found)
        fills = self._tables.fills
        units = np.rint(found * 1e8)
        return figure(total(self._money.of(fills.symbol, fills.instant_ns, units)))

    def _activity(self) -> list[Metric]:
        tables, days = self._tables, self._tables.sessions
        fills, stakes, time = tables.fills, self._stakes, tables.trading_time
        traded = total(np.abs(self._money.of(fills.symbol, fills.instant_ns, fills.value_units)))
        began = np.append(self._start, days.equity)[:-1]
        return [
            metric("activity", m.SHARE, "time_in_market", exposure.time_in_market(time, stakes)),
            metric(
                "activity", m.SHARE, "exposure_average",
                exposure.average_exposure(time, stakes, days.end_ns, began),
            ),
            metric("activity", m.MONEY, "traded_value", figure(traded)),
            metric("activity", m.RATIO, "turnover", exposure.turnover(traded, days.equity)),
        ]  # fmt: skip

    @cached_property
    def _stakes(self) -> exposure.Stakes:
        stakes = self._tables.book.stakes
        instants, symbols, positions, cost = zip(*stakes, strict=True) if stakes else ((),) * 4
        at_ns = np.array(instants, np.int64)
        own = self._money.of(np.array(symbols, np.int32), at_ns, units_array(cost))
        return exposure.Stakes(at_ns, np.array(positions, np.int64), own)

    def _benchmark(self) -> list[Metric]:
        basis, (values, why) = self._basis, self._daily
        held = self._tables.symbols if basis.benchmark == SYMBOLS else (basis.benchmark,)
        other, lacks = benchmark_returns(self._tables, held)
        why = why or lacks
        if why is None:
            grown = figure(float(np.prod(1.0 + other)) - 1.0)
            slope = returns.beta(values, other)
            above = returns.alpha(values, other, basis.year, self._rate)
        else:
            grown = slope = above = none(why)
        return [
            metric("benchmark", m.SHARE, "benchmark_return", grown),
            metric("benchmark", m.RATIO, "beta_daily", slope),
            metric("benchmark", m.SHARE, f"alpha_daily_{basis.year}", above),
        ]
