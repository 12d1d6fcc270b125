"""The bar store on a real file system."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.data_house import NEW_YORK, bars, minutes, ns, same_bars

from app.core.bars import COLUMNS
from app.core.errors import DataError, NotFoundError
from app.core.intervals import MINUTE_NS
from app.repositories.bar_store import BarStore
from app.repositories.bar_store_files import Series
from app.repositories.bar_store_merge import MergeCounts

AAA = Series("XNYS", "AAA", "1m")
ALL = (-(1 << 62), 1 << 62)


@pytest.fixture
def store(tmp_path: Path) -> BarStore:
    return BarStore(tmp_path, lambda market: NEW_YORK)


def reopened(store: BarStore, tmp_path: Path) -> BarStore:
    return BarStore(tmp_path, lambda market: NEW_YORK)


def years_of_bars() -> list[int]:
    """Daily starts over three years, across both new years."""
    return list(range(ns("2022-06-01T10:00"), ns("2024-06-01T10:00"), 1440 * MINUTE_NS))


def test_what_goes_in_comes_out_to_the_last_bit(store: BarStore, tmp_path: Path) -> None:
    given = bars(years_of_bars(), price=0.1)
    store.merge(AAA, given, {})
    assert same_bars(store.columns("XNYS", "AAA", "1m", *ALL), given)
    assert same_bars(reopened(store, tmp_path).columns("XNYS", "AAA", "1m", *ALL), given)


def test_a_year_is_a_file_and_turns_by_the_markets_clock(store: BarStore, tmp_path: Path) -> None:
    before, after = ns("2023-12-31T23:59"), ns("2024-01-01T00:00")
    store.merge(AAA, bars([before, after]), {})
    folder = tmp_path / "bars" / "XNYS" / "AAA" / "1m"
    assert sorted(path.name for path in folder.iterdir()) == ["2023.parquet", "2024.parquet"]
    assert pq.ParquetFile(folder / "2023.parquet").read().num_rows == 1


def test_the_end_of_a_range_is_excluded(store: BarStore) -> None:
    given = minutes("2024-01-02T09:30", 10)
    store.merge(AAA, given, {})
    first, last = int(given.start_ns[2]), int(given.start_ns[5])
    found = store.columns("XNYS", "AAA", "1m", first, last)
    assert found.start_ns.tolist() == given.start_ns[2:5].tolist()


@pytest.mark.parametrize("symbol", ["BTC/USDT", "CON", "BRK.B", "A:B_C-D"])
def test_every_symbol_has_a_place(store: BarStore, symbol: str) -> None:
    series = Series("24/7", symbol, "1m")
    store.merge(series, minutes("2024-01-02T09:30", 3), {})
    assert len(store.columns("24/7", symbol, "1m", *ALL)) == 3
    assert store.series() == (series,)


def test_reads_within_a_year_are_views_and_cannot_be_written(store: BarStore) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 10), {})
    one = store.columns("XNYS", "AAA", "1m", *ALL)
    other = store.columns("XNYS", "AAA", "1m", *ALL)
    for name in COLUMNS:
        assert np.shares_memory(getattr(one, name), getattr(other, name))
        with pytest.raises(ValueError, match="read-only"):
            getattr(one, name)[0] = 1


def test_reads_across_years_cannot_be_written_either(store: BarStore) -> None:
    store.merge(AAA, bars(years_of_bars()), {})
    found = store.columns("XNYS", "AAA", "1m", *ALL)
    with pytest.raises(ValueError, match="read-only"):
        found.close[0] = 1.0


def test_what_is_not_there_is_no_bars(store: BarStore) -> None:
    assert len(store.columns("XNYS", "ZZZ", "1m", *ALL)) == 0
    store.merge(AAA, minutes("2024-01-02T09:30", 3), {})
    assert len(store.columns("XNYS", "AAA", "5m", *ALL)) == 0
    assert len(store.columns("XNYS", "AAA", "1m", 0, ns("2024-01-02T09:30"))) == 0


def test_a_range_that_ends_before_it_starts_is_empty(store: BarStore) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 3), {})
    assert (
        len(store.columns("XNYS", "AAA", "1m", ns("2024-01-02T09:32"), ns("2024-01-02T09:30"))) == 0
    )


def test_bars_held_stay_as_they_were_when_the_file_is_replaced(store: BarStore) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5, price=100), {})
    held = store.columns("XNYS", "AAA", "1m", *ALL)
    store.merge(AAA, minutes("2024-01-02T09:30", 5, price=200), {})
    assert held.open[0] == 100.0
    assert store.columns("XNYS", "AAA", "1m", *ALL).open[0] == 200.0


def test_another_processs_import_is_seen(store: BarStore, tmp_path: Path) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    assert len(store.columns("XNYS", "AAA", "1m", *ALL)) == 5
    reopened(store, tmp_path).merge(AAA, minutes("2024-01-02T09:35", 5), {})
    assert len(store.columns("XNYS", "AAA", "1m", *ALL)) == 10


def test_the_same_bars_again_do_not_touch_the_file(store: BarStore, tmp_path: Path) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    path = tmp_path / "bars" / "XNYS" / "AAA" / "1m" / "2024.parquet"
    before = path.stat().st_mtime_ns
    assert store.merge(AAA, minutes("2024-01-02T09:30", 5), {}) == MergeCounts(same=5)
    assert path.stat().st_mtime_ns == before


def test_quotes_are_kept_beside_their_bars(store: BarStore) -> None:
    quotes = {"bid_close": np.array([1.0, 2.0, 3.0]), "ask_size": np.array([5.0, 6.0, 7.0])}
    store.merge(AAA, minutes("2024-01-02T09:30", 3), quotes)
    found = store.quotes(AAA, ns("2024-01-02T09:31"), ns("2024-01-02T09:33"))
    assert found["bid_close"].tolist() == [2.0, 3.0]
    assert found["ask_size"].tolist() == [6.0, 7.0]


def test_a_year_without_quotes_has_none_where_another_has_some(store: BarStore) -> None:
    store.merge(AAA, minutes("2023-01-03T09:30", 2), {})
    store.merge(AAA, minutes("2024-01-02T09:30", 1), {"bid_close": np.array([1.5])})
    np.testing.assert_array_equal(store.quotes(AAA, *ALL)["bid_close"], [np.nan, np.nan, 1.5])


def test_mid_prices_and_trades_are_not_mixed(store: BarStore) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 2), {}, prices="mid")
    with pytest.raises(DataError, match="holds mid prices"):
        store.merge(AAA, minutes("2023-01-03T09:30", 2), {}, prices="trades")
    assert len(store.columns("XNYS", "AAA", "1m", *ALL)) == 2


def test_synthetic_bars_stay_labelled_whatever_is_laid_over_them(store: BarStore) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 2), {}, synthetic=True)
    store.merge(AAA, minutes("2024-01-02T09:31", 5), {})
    assert store.info(AAA).synthetic


def test_copies_may_be_deleted_at_any_time(store: BarStore, tmp_path: Path) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    held = store.columns("XNYS", "AAA", "1m", *ALL)
    for copy in (tmp_path / "cache").rglob("*.arrow"):
        copy.unlink()
    assert same_bars(reopened(store, tmp_path).columns("XNYS", "AAA", "1m", *ALL), held)


@pytest.mark.parametrize("damage", [b"", b"ARROW1", b"\x00" * 4096])
def test_a_damaged_copy_is_made_anew(store: BarStore, tmp_path: Path, damage: bytes) -> None:
    given = minutes("2024-01-02T09:30", 5)
    store.merge(AAA, given, {})
    store.columns("XNYS", "AAA", "1m", *ALL)
    [copy] = (tmp_path / "cache").rglob("*.arrow")
    copy.unlink()
    copy.write_bytes(damage)
    assert same_bars(reopened(store, tmp_path).columns("XNYS", "AAA", "1m", *ALL), given)


def test_only_one_copy_of_a_year_is_kept(store: BarStore, tmp_path: Path) -> None:
    for price in (100, 200, 300):
        store.merge(AAA, minutes("2024-01-02T09:30", 5, price=price), {})
        store.columns("XNYS", "AAA", "1m", *ALL)
    assert len(list((tmp_path / "cache").rglob("*.arrow"))) == 1


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not a parquet file at all" * 100])
def test_a_damaged_bar_file_is_named_with_what_to_do(
    store: BarStore, tmp_path: Path, damage: bytes
) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    path = tmp_path / "bars" / "XNYS" / "AAA" / "1m" / "2024.parquet"
    path.write_bytes(damage)
    with pytest.raises(
        DataError, match=r"2024\.parquet cannot be read as bars.*import its data again"
    ):
        store.columns("XNYS", "AAA", "1m", *ALL)


def test_a_parquet_file_of_someone_else_is_refused(store: BarStore, tmp_path: Path) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    path = tmp_path / "bars" / "XNYS" / "AAA" / "1m" / "2024.parquet"
    table = pq.ParquetFile(path).read().replace_schema_metadata(None)
    pq.write_table(table, path)
    with pytest.raises(DataError, match="no label of ours"):
        store.columns("XNYS", "AAA", "1m", *ALL)


def test_open_columns_are_bounded_in_bytes(tmp_path: Path) -> None:
    store = BarStore(tmp_path, lambda market: NEW_YORK, open_bound_bytes=10_000)
    store.merge(AAA, bars(years_of_bars()), {})
    first = store.columns("XNYS", "AAA", "1m", ns("2022-07-01T00:00"), ns("2022-08-01T00:00"))
    store.columns("XNYS", "AAA", "1m", ns("2023-07-01T00:00"), ns("2023-08-01T00:00"))
    again = store.columns("XNYS", "AAA", "1m", ns("2022-07-01T00:00"), ns("2022-08-01T00:00"))
    assert same_bars(first, again)
    assert not np.shares_memory(first.close, again.close)  # pushed out, then opened anew


def test_a_deleted_series_leaves_nothing(store: BarStore, tmp_path: Path) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    store.columns("XNYS", "AAA", "1m", *ALL)
    store.delete(AAA)
    assert store.series() == ()
    assert not list(tmp_path.rglob("*.parquet")) + list(tmp_path.rglob("*.arrow"))
    assert len(store.columns("XNYS", "AAA", "1m", *ALL)) == 0
    store.merge(AAA, minutes("2024-01-02T09:30", 2), {})
    assert len(store.columns("XNYS", "AAA", "1m", *ALL)) == 2


def test_a_series_that_is_not_stored_is_named_with_the_nearest(store: BarStore) -> None:
    store.merge(Series("XNYS", "AAPL", "1m"), minutes("2024-01-02T09:30", 1), {})
    with pytest.raises(NotFoundError, match="Did you mean 'AAPL'"):
        store.info(Series("XNYS", "APPL", "1m"))
    with pytest.raises(NotFoundError, match="there are 1m"):
        store.info(Series("XNYS", "AAPL", "1d"))


def test_the_files_are_plain_parquet_with_utc_microseconds(store: BarStore, tmp_path: Path) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 2), {})
    table = pq.ParquetFile(tmp_path / "bars" / "XNYS" / "AAA" / "1m" / "2024.parquet").read()
    assert table.column_names == ["start", "open", "high", "low", "close", "volume"]
    assert str(table.schema.field("start").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize("turn", [1, 2, 7, 8, 9])  # of a copy to read from, then of each year
def test_a_write_that_fails_leaves_every_year_as_it_was(
    store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    given = bars(years_of_bars())
    store.merge(AAA, given, {})
    written: list[int] = []
    real = os.fsync

    def full_disk(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == turn:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(DataError, match=r": No space left on device\. Look after"):
        store.merge(AAA, bars(years_of_bars(), price=500), {})
    assert same_bars(store.columns("XNYS", "AAA", "1m", *ALL), given)
    assert not list(tmp_path.rglob("*.part"))


def test_writers_of_one_series_take_turns(store: BarStore, tmp_path: Path) -> None:
    def write(part: int) -> None:
        reopened(store, tmp_path).merge(AAA, minutes(f"2024-01-02T1{part}:00", 10), {})

    threads = [threading.Thread(target=write, args=(part,)) for part in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.columns("XNYS", "AAA", "1m", *ALL)) == 60


WRITER = """
import sys
from pathlib import Path
from app.repositories.bar_store import BarStore
from app.repositories.bar_store_files import Series
from tests.data_house import NEW_YORK, minutes
store = BarStore(Path(sys.argv[1]), lambda market: NEW_YORK)
print("ready", flush=True)
for turn in range(100_000):
    store.merge(Series("XNYS", "AAA", "1m"), minutes("2023-12-29T09:30", 5_000, 100 + turn), {})
    print(turn, flush=True)
"""


@pytest.mark.parametrize("delay_seconds", [0.0, 0.011, 0.023, 0.037, 0.052])
def test_a_writer_killed_at_any_moment_leaves_a_store_that_can_be_read(
    store: BarStore, tmp_path: Path, delay_seconds: float
) -> None:
    root = Path(__file__).resolve().parents[2]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert writer.stdout is not None
    for _ in range(3):  # "ready", then two turns: there is something to lose
        writer.stdout.readline()
    time.sleep(delay_seconds)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    found = store.columns("XNYS", "AAA", "1m", *ALL)
    assert len(found) == 5_000
    assert np.all(found.low < found.open)
    whole = minutes("2023-12-29T09:30", 5_000, 777)
    store.merge(AAA, whole, {})
    assert same_bars(store.columns("XNYS", "AAA", "1m", *ALL), whole)
    assert not list(tmp_path.rglob("*.part"))


def test_reading_needs_no_pandas(
    store: BarStore, tmp_path: Path, run_python: Callable[[str], str]
) -> None:
    store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    code = f"""
import sys, datetime
from pathlib import Path
from app.repositories.bar_store import BarStore
store = BarStore(Path({str(tmp_path)!r}), lambda market: datetime.timezone.utc)
assert len(store.columns("XNYS", "AAA", "1m", 0, 1 << 62)) == 5
print("pandas" in sys.modules)
"""
    assert run_python(code).strip() == "False"


def test_a_symbol_that_no_file_can_be_named_after_has_no_bars(store: BarStore) -> None:
    with pytest.raises(NotFoundError, match="are stored"):
        store.require(Series("XNYS", "x" * 500, "1m"))


@pytest.fixture
def run_python() -> Callable[[str], str]:
    def run(code: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        ).stdout

    return run
