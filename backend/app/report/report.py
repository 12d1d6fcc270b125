"""A run's report: everything gathered, packed and written as one HTML file."""

import csv
import datetime as dt
from collections import Counter
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app import __version__
from app.core.errors import DataError, NotFoundError
from app.report import sections, series
from app.report.columns import Packed, pack
from app.report.figures import all_figures, key_figures
from app.report.honesty import honesty
from app.report.indicators import indicators_of
from app.report.notices import notices_of
from app.report.page import page
from app.report.standing import bars_now
from app.results.rates import OwnMoney

if TYPE_CHECKING:
    from app.results.run import Run
    from app.results.sources import Sources

FILE: Final = "report.html"
_MS: Final = 1_000_000


class Report:
    """Of one finished run; `sources` are where it was read from."""

    def __init__(self, run: "Run", sources: "Sources", at: dt.datetime) -> None:
        self._run = run
        self._sources = sources
        self._at = at
        self._no_indicators = ""  # why there are none, where there should be

    def html(self) -> str:
        """The whole file."""
        tables = self._tables()  # first: the words say what is in them
        return page(self._parts(), self._facts, tables)

    # -- data ------------------------------------------------------------------------------------

    @cached_property
    def _bars(self) -> series.Bars:
        return series.bars_to_show(self._run)

    @cached_property
    def _now(self) -> dict[str, str]:
        return bars_now(self._run, self._sources)

    @cached_property
    def _names(self) -> series.Names:
        return series.Names(self._run.symbols, self._run.strategies)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        run = self._run
        currencies = zip(run.symbols, run.columns.currencies, strict=True)
        return {
            "name": str(run.config.get("name", run.id)),
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

    def _tables(self) -> dict[str, Packed]:
        """Packed; the first is the first that is drawn."""
        columns, names = self._run.columns, self._names
        curve = columns.equity
        equity, digits = series.equity_table(curve.instant_ns, curve.equity)
        found = {
            "equity": pack(equity, digits),
            "trades": pack(self._trades(), series.TRADE_DIGITS),
            "sessions": pack({"change": self._session_returns()}, {"change": 9}),
            "orders": pack(series.order_table(columns.orders, names)),
            "changes": pack(series.change_table(self._changes())),
            "fills": pack(series.fill_table(columns.fills, names)),
        }
        for place, symbol in enumerate(self._bars.symbols):
            try:
                bars = columns.bars(symbol, self._bars.interval)
            except (NotFoundError, DataError):
                continue  # they have gone since; the page says so
            if len(bars):
                found[f"bars {place}"] = pack(series.bar_table(bars))
                own = {"table": f"bars {place}", "minutes": self._bars.minutes}
                self._facts["bars"][symbol] = own
        return {**found, **self._indicator_tables()}

    def _indicator_tables(self) -> dict[str, Packed]:
        """One of each symbol and interval."""
        facts = self._facts
        if not facts["bars"]:
            return {}
        if self._bars.interval != self._run.config["base_interval"]:
            self._no_indicators = "the candles are of longer bars than theirs."
            return {}
        drawn, self._no_indicators = indicators_of(self._run, self._sources)
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
        """With each profit in the account's currency too: those can be added up."""
        run = self._run
        trades = run.columns.trades
        own = OwnMoney(run.columns, run.currency, run.facts)
        ends = np.where(trades.is_open, self._last_ns, trades.exit_ns)
        profit = own.of(trades.symbol, ends, trades.profit_units)
        return {**series.trade_table(trades, self._names), "own": profit}

    @property
    def _last_ns(self) -> int:
        instants = self._run.columns.equity.instant_ns
        return int(instants[-1]) if len(instants) else 0

    def _changes(self) -> list[dict[str, Any]]:
        found = self._sources.repository.get_order_changes(self._run.id)
        return [{**one} for one in found]

    def _session_returns(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        equity = self._run.columns.sessions.equity
        before = np.append(self._start or 0.0, equity[:-1])[: len(equity)]
        found = np.full(len(equity), np.nan)
        np.divide(equity, before, out=found, where=before > 0)
        return found - 1.0

    # -- words -----------------------------------------------------------------------------------

    def _parts(self) -> dict[str, object]:
        run = self._run
        trades = len(run.columns.trades)
        held = self._facts["bars"]
        return {
            "title": f"{run.config.get('name', run.id)}, {run.id}",
            "head": sections.head(run),
            "notices": sections.notices(notices_of(run, self._now)),
            "figures": key_figures(run.metrics),
            "all_figures": all_figures(run, lambda ns: self._sources.time.to_local(ns, run.market)),
            "monthly": sections.monthly(run.metrics.months),
            "equity_label": self._equity_label(),
            "no_bars": "" if held else " empty",
            "no_trades": "" if trades else " empty",
            "bars_note": "The run's bars are not in the store any more: no candles.",
            "gap_note": self._bars_note(),
            "trades_note": self._trades_note(trades),
            "profit_note": f"closed trades, {run.currency}",
            "honesty": honesty(run, _uncertain_bars(run.folder)),
            "data": sections.data(run, self._now),
            "config": sections.config(run),
            "proof": sections.proof(run),
            "footer": sections.footer(run, __version__, self._at),
        }

    def _equity_label(self) -> str:
        summary = self._run.summary
        if "final_equity" not in summary:
            return "Equity and drawdown"
        return (
            f"Equity from {summary['start_equity']:,.2f} to {summary['final_equity']:,.2f} "
            f"{self._run.currency}; largest drawdown {summary['max_drawdown']:.2%}. "
            "Keys: arrows move and zoom, 0 shows all."
        )

    def _bars_note(self) -> str:
        base = self._run.config.get("base_interval")
        notes = [" A mark under the candles: bars are missing before it."]
        if self._bars.interval != base:
            notes.append(
                f" Bars of {base} would make the file too big: these are of {self._bars.interval}."
            )
        if self._no_indicators:
            notes.append(f" Indicators are not drawn: {self._no_indicators}")
        if len(self._bars.symbols) < len(self._run.symbols):
            notes.append(f" The {len(self._bars.symbols)} symbols traded most are here.")
        return "".join(notes)

    def _trades_note(self, trades: int) -> str:
        if not trades:
            return "It made no trade."
        currencies = Counter(self._run.columns.currencies)
        own = "" if len(currencies) == 1 else " Money is in each symbol's own currency."
        return (
            "A trade goes from flat to flat, of one strategy in one symbol; profit is after fees, "
            f"of an open one what it has realised.{self._open_note()} Choose one and the chart "
            f"goes there.{own}"
        )

    def _open_note(self) -> str:
        """What the net profit counts and no trade does: so that both can be added up."""
        results = self._run.summary.get("strategies") or ()
        held = sum(float(one["unrealised"]) for one in results)
        if not held or len({one["currency"] for one in results}) > 1:
            return ""
        return f" What it still held at its end stands {held:+,.2f} beside that."


def _digits(values: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """As many decimals as make six digits of the largest: for looking at."""
    known = np.abs(values[~np.isnan(values)])
    largest = float(known.max(initial=0.0))
    return 6 - len(str(int(largest))) if 1 <= largest < 1e6 else 0 if largest >= 1e6 else 6


def write_report(run: "Run", sources: "Sources", at: dt.datetime, path: Path) -> Path:
    """The file is whole or as it was."""
    content = Report(run, sources, at).html()
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(content, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise DataError(
            f"The report {path} cannot be written: {error.strerror or error}. "
            "Check the folder, the disk's space and its rights."
        ) from error
    return path


def _uncertain_bars(folder: Path) -> list[list[str]]:
    """The lines of the run's file of them, its heads first; nothing where there is none."""
    from app.managers.system_manager.uncertain_bars import FILE as NAME

    try:
        with (folder / NAME).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))
    except OSError:
        return []
