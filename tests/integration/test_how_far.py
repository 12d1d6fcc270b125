"""What takes a while counts for who wants to know: up to all of it, and it comes to the same."""

import gzip

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data_house import Counts, House, calendars, house, minute_rows, rows_text
from tests.system_house import SystemHouse, stored_market, system_house

from app.core.progress import counted
from app.core.settings import Settings
from app.managers.data_manager import exporting
from app.managers.data_manager.counted_file import opened
from app.managers.data_manager.options import ImportOptions, ImportReport
from app.managers.execution_manager.orders.kill import FLATTEN
from app.managers.system_manager.drill.drill import drill
from app.managers.system_manager.why.retelling import Retelling
from app.managers.system_manager.why.tracing import OrderTracer
from app.managers.time_manager import TimeManager
from app.repositories.bar_store_files import Series

__all__ = ["calendars", "house", "stored_market", "system_house"]

TWO_YEARS = rows_text(
    [*minute_rows("2023-12-29T09:30", 300), *minute_rows("2024-01-02T09:30", 300)]
)
OPTIONS = ImportOptions("XNYS", "AAA")
SERIES = Series("XNYS", "AAA", "1m")


@given(st.lists(st.integers()))
def test_items_are_counted_as_they_are_done_with_and_stay_what_they_are(items: list[int]) -> None:
    counts = Counts()
    assert list(counted(items, len(items), counts)) == items
    assert counts.told == [(done, len(items)) for done in range(len(items) + 1)]
    assert list(counted(items, len(items), None)) == items


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_an_import_tells_each_step_and_share_and_stores_the_same(house: House, name: str) -> None:
    plain = house.import_text(TWO_YEARS)
    house.data.delete(SERIES)
    text = TWO_YEARS.encode()
    path = house.write(name, gzip.compress(text) if name.endswith("gz") else text)
    told: list[tuple[str, float]] = []
    report = house.data.import_csv(path, OPTIONS, lambda step, share: told.append((step, share)))
    assert _counts(report) == _counts(plain)
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert list(dict.fromkeys(step for step, _ in told)) == ["reading", "checking", "storing"]
    written = [share for step, share in told if step == "storing"]
    assert len(set(written)) == 3, "one for the beginning, one for each year"


def test_a_file_is_counted_by_what_is_read_of_it_on_disk(house: House) -> None:
    text = ("a,b\n" + "1,2\n" * 1_000_000).encode()
    for name, content in (("large.csv", text), ("large.csv.gz", gzip.compress(text))):
        counts = Counts()
        path = house.write(name, content)
        with opened(path, counts) as file:
            assert len(pa_csv.read_csv(file)) == 1_000_000
        assert counts.goes_to(len(content))
        assert len(counts.told) > 3 or name.endswith("gz")


def test_groups_of_a_parquet_file_are_counted_by_rows(house: House) -> None:
    house.import_text(TWO_YEARS)
    path = house.folder.parent / "bars.parquet"
    house.data.export(path, "parquet", SERIES)
    pq.write_table(pq.read_table(path), path, row_group_size=100)
    shares: list[float] = []
    report = house.data.import_parquet(path, OPTIONS, lambda step, share: shares.append(share))
    assert (report.rows, report.same) == (600, 600)
    assert shares == sorted(shares)
    assert len({share for share in shares if share <= 0.4}) == 7


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_is_counted_by_rows_and_writes_what_it_writes_uncounted(
    house: House, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.import_text(TWO_YEARS)
    one, other, counts = house.folder / f"one.{kind}", house.folder / f"other.{kind}", Counts()
    house.data.export(one, kind, SERIES)
    monkeypatch.setattr(exporting, "_CSV_ROWS", 70)
    monkeypatch.setattr(exporting, "_GROUP_ROWS", 70)
    house.data.export(other, kind, SERIES, on_count=counts)
    assert counts.goes_to(600)
    assert len(counts.told) == 9
    read = pq.read_table if kind == "parquet" else pa_csv.read_csv
    table: pa.Table = read(one)
    assert table.equals(read(other))
    assert kind == "parquet" or one.read_bytes() == other.read_bytes()


def test_quality_is_counted_by_sessions(house: House) -> None:
    house.import_text(TWO_YEARS)
    counts = Counts()
    found = house.data.quality(SERIES, on_count=counts)
    assert found == house.data.quality(SERIES)
    assert counts.goes_to(len(found))
    assert len(found) == 2


def test_calendars_are_counted_by_years_and_are_the_same(calendars: TimeManager) -> None:
    counts = Counts()
    report = calendars.import_holidays("XNYS", 2012, 2024, counts)
    assert report == calendars.import_holidays("XNYS", 2012, 2024)
    assert counts.told == [(5, 13), (10, 13), (13, 13)]


def test_replays_that_are_run_again_are_counted_by_bars(system_house: SystemHouse) -> None:
    system, config = system_house.system, system_house.config()
    summary = system.run(config)
    counts, bars = Counts(), summary.bars
    folders = {"data_folder": system_house.folder, "strategies_folder": system_house.strategies}
    settings = Settings(**folders, database_url=None)
    parts = (settings, system.data_manager, system.time_manager)
    retelling = Retelling(dict(system_house.row(summary.run_id)), *parts)
    assert retelling.tell(OrderTracer(1), counts).equal
    assert retelling.unit == "bars"
    assert counts.goes_to(bars)
    twice = Counts()
    drill(config, FLATTEN, None, 5, False, *parts, twice)
    assert twice.goes_to(2 * bars)
    assert len(twice.told) > 2


def _counts(report: ImportReport) -> tuple[int, int, int]:
    return report.rows, report.stored, report.added
