"""A run's report: everything gathered, packed and written as one HTML file."""

import csv
import datetime as dt
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app import __version__
from app.core.errors import DataError, UsageError
from app.report import sections
from app.report.contents import Contents
from app.report.figures import all_figures, key_figures, minus
from app.report.happenings import happenings, section
from app.report.honesty import honesty
from app.report.notices import notices_of
from app.report.page import page
from app.report.standing import bars_now

if TYPE_CHECKING:
    from app.results.run import Run
    from app.results.sources import Sources

FILE: Final = "report.html"


class Report:
    """The page of one finished run; `sources` are where it was read from."""

    def __init__(self, run: "Run", sources: "Sources", at: dt.datetime) -> None:
        self._run = run
        self._sources = sources
        self._at = at
        self._contents = Contents(run, sources)

    def html(self) -> str:
        """The whole file."""
        return page(self._parts(), self._contents.facts, self._contents.tables)

    def _parts(self) -> dict[str, object]:
        run = self._run
        trades = len(run.columns.trades)
        now = bars_now(run, self._sources)
        happened = happenings(run)
        return {
            "title": f"{run.config.get('name', run.id)}, {run.id}",
            "head": sections.head(run),
            "notices": sections.notices(notices_of(run, now, happened)),
            "figures": key_figures(run.metrics),
            "all_figures": all_figures(run, lambda ns: self._sources.time.to_local(ns, run.market)),
            "monthly": sections.monthly(run.metrics.months),
            "equity_label": self._equity_label(),
            "no_bars": "" if self._contents.has_bars else " empty",
            "no_trades": "" if trades else " empty",
            "bars_note": "The run's bars are not in the store any more: no candles.",
            "gap_note": self._bars_note(),
            "trades_note": self._trades_note(trades),
            "profit_note": f"closed trades, {run.currency}",
            "happened": section(happened),
            "honesty": honesty(run, _uncertain_bars(run.folder)),
            "data": sections.data(run, now),
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
        base, bars = self._run.config.get("base_interval"), self._contents.bars
        notes = [" A mark under the candles: a hole in the bars before it."]
        if bars.interval != base:
            notes.append(
                f" Bars of {base} would make the file too big: these are of {bars.interval}."
            )
        if self._contents.no_indicators:
            notes.append(f" Indicators are not drawn: {self._contents.no_indicators}")
        if len(bars.symbols) < len(self._run.symbols):
            notes.append(f" The {len(bars.symbols)} symbols traded most are here.")
        return "".join(notes)

    def _trades_note(self, trades: int) -> str:
        if not trades:
            return "It made no trade."
        currencies = Counter(self._run.columns.currencies)
        sums = f" Money is in each symbol's own currency, sums are in {self._run.currency}."
        own = "" if len(currencies) == 1 else sums
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
        return f" What it still held at its end stands {minus(f'{held:+,.2f}')} beside that."


def write_report(run: "Run", sources: "Sources", at: dt.datetime, path: Path) -> Path:
    """The file is whole or as it was."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file in it, such as {path / FILE}.")
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
    from app.managers.system_manager.record.uncertain_bars import FILE as NAME

    try:
        with (folder / NAME).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))
    except OSError:
        return []
