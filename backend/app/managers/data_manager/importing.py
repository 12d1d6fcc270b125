"""One file into the store: read, check every row, lay the good ones over what is there, report."""

import datetime as dt
from pathlib import Path

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns, Ints
from app.core.calendar import TradingSession
from app.core.errors import AppError, DataError
from app.core.intervals import DAY_NS
from app.core.progress import OnCount
from app.managers.data_manager.options import (
    FINDINGS_SHOWN,
    Finding,
    ImportOptions,
    ImportReport,
    Progress,
)
from app.managers.data_manager.reading import read_csv, read_parquet
from app.managers.time_manager import TimeManager
from app.repositories.bar_store import BarStore
from app.repositories.bar_store_files import Series
from app.repositories.bar_store_merge import MergeCounts
from app.services.bar_import import (
    FAULT_TEXT,
    Checked,
    Fault,
    Rows,
    Terms,
    check_rows,
    scale_problem,
)
from app.services.bar_spacing import spacing_problem
from app.services.csv_columns import ColumnMap
from app.services.session_fit import misfit

_OUT_OF_ORDER = "the row stands after a later one; it was sorted in"
_NO_SYMBOL = "the row names no symbol"
_READERS = {"csv": read_csv, "parquet": read_parquet}

_READ, _CHECKED = 0.4, 0.7  # shares of the time that a file takes

Reasons = dict[str, Ints]


def import_file(
    store: BarStore,
    time: TimeManager,
    path: Path,
    kind: str,
    options: ImportOptions,
    progress: Progress | None,
) -> ImportReport:
    """Import one "csv" or "parquet" file, whole or not at all."""
    options.check()
    zone = time.zone(options.market)
    series = Series(options.market, options.symbol, options.interval)
    own_zone = options.timezone or str(zone)
    rows, columns = _READERS[kind](path, options, own_zone, _part(progress, "reading", 0.0, _READ))
    if progress is not None:
        progress("checking", _READ)
    sessions = _sessions_of(time, options.market, rows)
    terms = Terms(options.interval, options.label or "start", str(zone), sessions, time.now_ns())
    checked = check_rows(rows, terms)
    problem = spacing_problem(rows, checked, terms)
    if problem is not None:
        raise DataError(f"{path} was refused: {problem} Nothing was stored.")
    doubts = _doubts(path, options, rows, checked, terms)
    prices = "mid" if columns.from_quotes else "trades"
    if columns.from_quotes and any(label.prices == "trades" for label in store.labels(series)):
        checked, prices = _beside_stored_bars(store, series, checked), "trades"
    reasons = _reasons(rows, checked)
    if options.strict:
        _refuse_findings(path, reasons)
    counts = MergeCounts()
    if len(checked.columns):
        storing = _part(progress, "storing", _CHECKED, 1.0)
        counts = store.merge(
            series, checked.columns, checked.quotes, prices=prices, on_count=storing
        )
    report = _report(path, options, rows, columns, checked, reasons, counts, prices, zone)
    return msgspec.structs.replace(report, doubts=doubts)


def _doubts(
    path: Path, options: ImportOptions, rows: Rows, checked: Checked, terms: Terms
) -> tuple[str, ...]:
    """What looks odd although an option says it is so; without that the file is refused."""
    odd = misfit(rows, terms)
    scaled = scale_problem(checked) if options.price_scale is None else None
    said = options.label is not None if odd and odd.by_label else options.timezone is not None
    problem = odd.text if odd and not said else scaled
    if problem is not None:
        raise DataError(f"{path} was refused: {problem} Nothing was stored.")
    return (odd.text,) if odd else ()


def _part(progress: Progress | None, step: str, begin: float, end: float) -> OnCount | None:
    """A part of the whole, which is counted by itself; None where nobody wants to know."""
    if progress is None:
        return None
    progress(step, begin)
    return lambda done, total: progress(step, begin + (end - begin) * done / max(total, 1))


def _sessions_of(time: TimeManager, market: str, rows: Rows) -> list[TradingSession]:
    """The sessions of every year that has a row; one wild time does not load a century."""
    days = rows.times.ns[~rows.times.unreadable] // DAY_NS
    # A file in order has few of these, where a unique over every row would take its time.
    days = days[np.diff(days, prepend=days[:1] - 1) != 0]
    near_days = 4  # a session may open in the old year, after a long weekend
    near = np.concatenate((days - near_days, days + near_days))
    years = np.unique(near.astype("datetime64[D]").astype("datetime64[Y]"))
    sessions: list[TradingSession] = []
    failure: AppError | None = None
    for year in 1970 + years.astype(int):
        try:
            first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
            sessions.extend(time.sessions_between(first, last, market))
        except AppError as error:  # no calendar reaches there: its rows are outside any session
            failure = error
    if failure is not None and not sessions:
        raise failure
    return sessions


def _beside_stored_bars(store: BarStore, series: Series, checked: Checked) -> Checked:
    """Quotes for a series of trades: they join the stored bars of their time and make none."""
    new = checked.columns
    if not len(new):
        return checked
    first_ns, last_ns = int(new.start_ns[0]), int(new.start_ns[-1])
    stored = store.columns(series.market, series.symbol, series.interval, first_ns, last_ns + 1)
    at = np.searchsorted(stored.start_ns, new.start_ns)
    at[at == len(stored)] = 0
    matches = stored.start_ns[at] == new.start_ns if len(stored) else np.zeros(len(new), bool)
    bars = BarColumns(*(getattr(stored, name)[at[matches]] for name in COLUMNS))
    faults = dict(checked.faults)
    if not matches.all():
        faults[Fault.NO_BAR] = checked.lines[~matches]
    return msgspec.structs.replace(
        checked,
        columns=bars,
        quotes={name: values[matches] for name, values in checked.quotes.items()},
        lines=checked.lines[matches],
        faults=faults,
        out_of_order=np.intersect1d(checked.out_of_order, checked.lines[matches]),
    )


def _reasons(rows: Rows, checked: Checked) -> Reasons:
    """Why rows were kept out, or moved, and the lines of these rows."""
    reasons = {FAULT_TEXT[fault]: lines for fault, lines in checked.faults.items()}
    for name, lines in rows.other_symbols.items():
        reasons[f"another symbol: {name}" if name else _NO_SYMBOL] = lines
    if len(checked.out_of_order):
        reasons[_OUT_OF_ORDER] = checked.out_of_order
    return reasons


def _findings(reasons: Reasons) -> tuple[tuple[Finding, ...], int]:
    """The first findings by line, and how many more there are."""
    shown = sorted(
        (
            Finding(int(line), reason)
            for reason, lines in reasons.items()
            for line in lines[:FINDINGS_SHOWN]
        ),
        key=lambda finding: finding.line,
    )[:FINDINGS_SHOWN]
    return tuple(shown), sum(map(len, reasons.values())) - len(shown)


def _refuse_findings(path: Path, reasons: Reasons) -> None:
    findings, left_out = _findings(reasons)
    if findings:
        first = findings[0]
        raise DataError(
            f"{path} was refused, as it is read strictly: line {first.line}: {first.reason};"
            f" {len(findings) + left_out} findings in all. Nothing was stored."
        )


def _report(
    path: Path,
    options: ImportOptions,
    rows: Rows,
    columns: ColumnMap,
    checked: Checked,
    reasons: Reasons,
    counts: MergeCounts,
    prices: str,
    zone: dt.tzinfo,
) -> ImportReport:
    findings, left_out = _findings(reasons)
    others = sum(map(len, rows.other_symbols.values()))
    starts = checked.columns.start_ns
    return ImportReport(
        file=str(path),
        market=options.market,
        symbol=options.symbol,
        interval=options.interval,
        rows=len(rows.lines) + len(rows.broken_lines) + others,
        stored=len(starts),
        added=counts.added,
        same=counts.same,
        changed=counts.changed,
        moved_to_open=checked.moved_to_open,
        out_of_order=len(checked.out_of_order),
        kept_out={why: len(lines) for why, lines in reasons.items() if why != _OUT_OF_ORDER},
        findings=findings,
        findings_left_out=left_out,
        first=_local(starts[0], zone) if len(starts) else None,
        last=_local(starts[-1], zone) if len(starts) else None,
        prices=prices,
        columns=columns.names,
        ignored_columns=columns.ignored,
    )


def _local(at_ns: int, zone: dt.tzinfo) -> str:
    return dt.datetime.fromtimestamp(int(at_ns) // 1_000_000_000, zone).isoformat()
