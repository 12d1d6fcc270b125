"""CSV rows into the store, beside the bare reading and writing of the same file."""

from pathlib import Path
from time import perf_counter_ns

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from app.core.bars import COLUMNS
from app.managers.data_manager import ImportOptions
from app.managers.system_manager.system_manager import SystemManager
from app.repositories.bar_store_files import Series
from benchmarks.house import INTERVAL, MARKET, cent_bars, open_system, session_minutes
from benchmarks.measure import BenchError, fresh, interleaved
from benchmarks.outcome import Outcome, Row

SERIES = Series(MARKET, "CSV", INTERVAL)


def import_csv(folder: Path, rows: int, repeats: int) -> Outcome:
    """Wall-clock times of the market, every row checked, into an empty store."""
    path = fresh(write_csv, folder, rows)
    import_ns, bare_ns = fresh(measure, folder, path, rows, repeats)
    ratio = import_ns / bare_ns
    figures = {
        "rows": rows,
        "rows_per_second": round(rows / import_ns * 1e9),
        "bare_rows_per_second": round(rows / bare_ns * 1e9),
        "ratio_to_bare": round(ratio, 3),
    }
    bare = f"{rows / bare_ns * 1e3:.2f} M rows/s read and written bare"
    row = Row("csv", f"{rows / import_ns * 1e3:.2f} M rows/s", bare, ratio)
    return Outcome("import", figures, (row,))


def write_csv(folder: Path, rows: int) -> Path:
    """A CSV file such as vendors send: times of the exchange's clock, prices with two decimals."""
    time = open_system(folder).time_manager
    starts = session_minutes(time, rows)
    bars = cent_bars(starts, seed=0)
    zoned = pa.array(starts, pa.timestamp("ns", tz=str(time.zone(MARKET)))).cast(
        pa.timestamp("s", tz=str(time.zone(MARKET)))
    )
    table = pa.table(
        {
            "timestamp": pc.strftime(zoned, format="%Y-%m-%d %H:%M:%S"),
            **{name: getattr(bars, name) for name in COLUMNS[1:]},
        }
    )
    path = folder / "bars.csv"
    csv.write_csv(table, path, csv.WriteOptions(quoting_style="none"))
    return path


def measure(folder: Path, path: Path, rows: int, repeats: int) -> tuple[int, int]:
    """The best time of an import, and of the yardstick."""
    system = open_system(folder)
    imports, bare = interleaved(
        [lambda: _import_ns(system, path, rows), lambda: _bare_ns(path)], repeats
    )
    return min(imports), min(bare)


def _import_ns(system: SystemManager, path: Path, rows: int) -> int:
    data = system.data_manager
    if data.store.has(SERIES):
        data.delete(SERIES)
    options = ImportOptions(SERIES.market, SERIES.symbol, SERIES.interval)
    begin_ns = perf_counter_ns()
    report = data.import_csv(path, options)
    spent_ns = perf_counter_ns() - begin_ns
    if report.added != rows:
        raise BenchError(f"Of {rows} rows only {report.added} were stored: {report.kept_out}.")
    return spent_ns


def _bare_ns(path: Path) -> int:
    begin_ns = perf_counter_ns()
    pq.write_table(csv.read_csv(path), path.with_suffix(".parquet"), compression="zstd")
    return perf_counter_ns() - begin_ns
