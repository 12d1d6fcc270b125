"""What a report holds besides its words: a run's tables, packed, and what the page needs to know
of them.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.core.bars import Floats
from app.core.errors import DataError, NotFoundError
from app.report import series
from app.report.columns import Packed, pack
from app.report.indicators import indicators_of
from app.results.rates import OwnMoney

if TYPE_CHECKING:
    from app.results.run import Run
    from app.results.sources import Sources

_MS: Final = 1_000_000


class Contents:
    """The data of one finished run; `sources` are where it was read from."""

    def __init__(self, run: "Run", sources: "Sources") -> None:
        self._run = run
        self._sources = sources
        self._names = series.Names(run.symbols, run.strategies)
        self.bars = series.bars_to_show(run)
        self.no_indicators = ""  # why there are none, where there should be
        self.facts = self._first_facts()
        self.tables = self._record_tables()
        self.tables |= self._bar_tables()
        self.tables |= self._indicator_tables()

    @property
    def has_bars(self) -> bool:
        """Whether there is anything to draw candles of."""
        return bool(self.facts["bars"])

    def _first_facts(self) -> dict[str, Any]:
        run = self._run
        currencies = zip(run.symbols, run.columns.currencies, strict=True)
        return {
            "currency": run.currency,
            "startEquity": self._start,
            "symbols": {symbol: {"currency": currency} for symbol, currency in currencies},
            "sessions": self._sessions(),
            "offsets": self._offsets(),
            "slices": {
                name: [[one.key, one.profit, one.trades] for one in run.metrics.slices[name]]
                for name in ("hour", "weekday")
            },
            "bars": {},
            "indicators": {},
        }  # fmt: skip

    def _sessions(self) -> list[tuple[str, int, int, list[int]]]:
        """Each with its date, its first and last instant, and where its stretches of trading begin:
        candles are anchored there.
        """
        extended = bool(self._run.config.get("extended_hours"))
        found = []
        for session in self._run.columns.trading_sessions:
            parts = session.segments(extended)
            starts = [part.start_ns // _MS for part in parts]
            found.append((str(session.date), starts[0], parts[-1].end_ns // _MS, starts))
        return found

    @property
    def _start(self) -> float | None:
        start = self._run.summary.get("start_equity")
        return None if start is None else float(start)

    def _offsets(self) -> list[tuple[int, int]]:
        sessions = self._run.columns.sessions
        if not len(sessions):
            return [(0, 0)]
        ends = int(sessions.start_ns[0]), int(sessions.end_ns[-1])
        return series.offsets(self._run.zone, *ends)

    def _record_tables(self) -> dict[str, Packed]:
        """What the run left; the first is the first that is drawn."""
        columns, names = self._run.columns, self._names
        equity, digits = series.equity_table(columns.curve.instant_ns, columns.curve.equity)
        return {
            "equity": pack(equity, digits),
            "trades": pack(self._trades(), series.TRADE_DIGITS),
            "sessions": pack({"change": self._session_returns()}, {"change": 9}),
            "orders": pack(series.order_table(columns.orders, names)),
            "changes": pack(series.change_table(self._changes())),
            "fills": pack(series.fill_table(columns.fills, names)),
        }

    def _bar_tables(self) -> dict[str, Packed]:
        """One of each symbol whose bars are there."""
        found: dict[str, Packed] = {}
        for place, symbol in enumerate(self.bars.symbols):
            try:
                bars = self._run.columns.bars(symbol, self.bars.interval)
            except (NotFoundError, DataError):
                continue  # they have gone since; the page says so
            if len(bars):
                found[f"bars {place}"] = pack(series.bar_table(bars))
                holes = series.hole_ends(self._run, symbol)
                own = {"table": f"bars {place}", "minutes": self.bars.minutes, "holes": holes}
                self.facts["bars"][symbol] = own
        return found

    def _indicator_tables(self) -> dict[str, Packed]:
        """One of each symbol and interval."""
        facts = self.facts
        if not facts["bars"]:
            return {}
        if self.bars.interval != self._run.config["base_interval"]:
            self.no_indicators = "the candles are of longer bars than theirs."
            return {}
        drawn, self.no_indicators = indicators_of(self._run, self._sources)
        found: dict[str, Packed] = {}
        for place, one in enumerate(drawn):
            if one.symbol not in facts["bars"]:
                continue
            name = f"indicators {place}"
            columns = {f"v{at}": output.values for at, output in enumerate(one.outputs)}
            digits = {f"v{at}": _digits(output.values) for at, output in enumerate(one.outputs)}
            found[name] = pack({"at": series.milliseconds(one.known_ns), **columns}, digits)
            outputs = [
                {"column": f"v{at}", "label": output.label, "overlay": output.overlay}
                for at, output in enumerate(one.outputs)
            ]
            facts["indicators"].setdefault(one.symbol, []).append(
                {"table": name, "outputs": outputs}
            )
        return found

    def _trades(self) -> series.Table:
        """With each profit in the account's currency too, and its fees where there are several:
        those can be added up.
        """
        run = self._run
        trades = run.columns.trades
        own = OwnMoney(run.columns, run.currency, run.facts)
        ends = np.where(trades.is_open, self._last_ns, trades.exit_ns)
        profit = own.of(trades.symbol, ends, trades.profit_units)
        table = {**series.trade_table(trades, self._names), "own": profit}
        if len(set(run.columns.currencies)) > 1:
            table["ownFees"] = own.of(trades.symbol, ends, trades.fee_units)
        return table

    @property
    def _last_ns(self) -> int:
        instants = self._run.columns.equity.instant_ns
        return int(instants[-1]) if len(instants) else 0

    def _changes(self) -> list[dict[str, Any]]:
        found = self._sources.repository.get_order_changes(self._run.id)
        return [{**one} for one in found]

    def _session_returns(self) -> Floats:
        equity = self._run.columns.sessions.equity
        before = np.append(self._start or 0.0, equity[:-1])[: len(equity)]
        found = np.full(len(equity), np.nan)
        np.divide(equity, before, out=found, where=before > 0)
        return found - 1.0


def _digits(values: Floats) -> int:
    """As many decimals as make six digits of the largest: for looking at."""
    known = np.abs(values[~np.isnan(values)])
    largest = float(known.max(initial=0.0))
    return 6 - len(str(int(largest))) if 1 <= largest < 1e6 else 0 if largest >= 1e6 else 6
