"""What the bar store does when the disk, other writers or a user's own hands are in its way."""

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.data_house import (
    NEW_YORK,
    House,
    calendars,
    house,
    minute_rows,
    minutes,
    rows_text,
    same_bars,
)

from app.core.errors import DataError, NotFoundError, UsageError
from app.repositories.bar_store import BarStore
from app.repositories.bar_store_files import (
    Series,
    clear_leftovers,
    disk_errors,
    stored_series,
    write_all,
)

__all__ = ["calendars", "house"]

AAA = Series("XNYS", "AAA", "1m")
BBB = Series("XNYS", "BBB", "1m")
ALL = (-(1 << 62), 1 << 62)
TEXT = rows_text(minute_rows("2024-01-02T09:30", 5))


def everything(store: BarStore, series: Series = AAA) -> int:
    return len(store.columns(series.market, series.symbol, series.interval, *ALL))


def put(text: bytes, file: BinaryIO) -> None:
    file.write(text)


def fail(file: BinaryIO) -> None:
    file.write(b"half")
    raise OSError(28, "No space left on device")


# A disk that refuses


def test_a_file_in_the_place_of_the_store_is_said_in_words(house: House) -> None:
    (house.folder / "bars").write_text("in the way")
    with pytest.raises(DataError) as caught:
        house.import_text(TEXT)
    assert str(caught.value).startswith("Bars of XNYS AAA 1m cannot be stored: ")
    assert "MISMARTERA_DATA_FOLDER names another" in str(caught.value)


def test_a_file_in_the_place_of_the_copies_is_said_in_words(house: House) -> None:
    house.import_text(TEXT)
    (house.folder / "cache").write_text("in the way")
    with pytest.raises(DataError, match=r"The copy of .*2024\.parquet to read from cannot be made"):
        house.all_bars()
    (house.folder / "cache").unlink()
    assert len(house.all_bars()) == 5


def test_a_file_in_the_place_of_one_series_leaves_the_others_readable(house: House) -> None:
    house.import_text(TEXT)
    (house.folder / "bars" / "XNYS" / "BBB").write_text("in the way")
    with pytest.raises(DataError, match="Bars of XNYS BBB 1m cannot be stored"):
        house.import_text(TEXT, symbol="BBB")
    assert [one.symbol for one in house.data.catalogue()] == ["AAA"]


def test_an_error_without_the_systems_words_is_told_by_its_own() -> None:
    with pytest.raises(DataError, match=r"^It failed: torn cable\. Look after the space"):  # noqa: SIM117
        with disk_errors("It failed"):
            raise OSError("torn cable")


def test_what_is_no_error_of_the_disk_passes_as_it_is() -> None:
    with pytest.raises(NotFoundError, match="plain"), disk_errors("It failed"):
        raise NotFoundError("plain")


# Files appear whole, or not at all


def test_the_first_of_several_files_that_fails_keeps_all_of_them_away(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    files[0].write_bytes(b"before")
    with pytest.raises(OSError, match="No space"):
        write_all([(files[0], partial(put, b"after")), (files[1], fail), (files[2], fail)])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert files[0].read_bytes() == b"before"


def test_a_folder_in_the_place_of_a_file_leaves_no_draft_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        write_all([(tmp_path / "taken", partial(put, b"x"))])
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_onto_a_folder_is_refused_and_leaves_no_draft(house: House, kind: str) -> None:
    house.import_text(TEXT)
    target = house.folder / f"out.{kind}"
    target.mkdir()
    with pytest.raises(DataError, match=rf"out\.{kind} cannot be written: Is a directory"):
        house.data.export(target, kind, AAA)
    assert not list(house.folder.rglob("*.part"))
    assert list(target.iterdir()) == []


def test_an_export_beyond_a_file_is_refused_in_words(house: House) -> None:
    house.import_text(TEXT)
    house.write("file", "in the way")
    with pytest.raises(DataError, match=r"out\.csv cannot be written: (Not a directory|File exis)"):
        house.data.export(house.folder.parent / "file" / "out.csv", "csv", AAA)


def test_an_export_makes_the_folders_it_needs(house: House) -> None:
    house.import_text(TEXT)
    target = house.folder / "far" / "away" / "out.csv"
    assert house.data.export(target, "csv", AAA) == 5
    assert len(target.read_text().splitlines()) == 6


def test_two_threads_may_write_one_file_and_one_of_them_wins_whole(tmp_path: Path) -> None:
    target, errors = tmp_path / "file", []
    start = threading.Barrier(4)

    def write(letter: bytes) -> None:
        start.wait()
        for _ in range(25):
            try:
                write_all([(target, partial(put, letter * 100_000))])
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    assert errors == []
    content = target.read_bytes()
    assert (len(content), len(set(content))) == (100_000, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_several_stores_of_one_process_may_open_a_year_at_once(tmp_path: Path) -> None:
    whole = minutes("2024-01-02T09:30", 2_000)
    BarStore(tmp_path, lambda market: NEW_YORK).merge(AAA, whole, {})
    failures: list[object] = []
    for _ in range(5):
        for copy in (tmp_path / "cache").rglob("*.arrow"):
            copy.unlink()
        start = threading.Barrier(4)

        def read(start: threading.Barrier = start) -> None:
            store = BarStore(tmp_path, lambda market: NEW_YORK)
            start.wait()
            try:
                if not same_bars(store.columns("XNYS", "AAA", "1m", *ALL), whole):
                    failures.append("other bars")
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


# What dead writers leave


def dead_pid() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    return ended.pid


def test_only_the_files_of_dead_writers_are_cleared(tmp_path: Path) -> None:
    mine, dead = tmp_path / f"a.1.{os.getpid()}.part", tmp_path / f"a.1.{dead_pid()}.part"
    strange = [tmp_path / name for name in ("notes.part", "a.x.part", f"a.{10**30}.part", ".part")]
    kept = tmp_path / "2024.arrow"
    for path in (mine, dead, kept, *strange):
        path.write_bytes(b"x")
    clear_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == {mine, kept, *strange}


def test_a_dead_writers_file_is_gone_after_the_next_import(house: House) -> None:
    house.import_text(TEXT)
    folder = house.folder / "bars" / "XNYS" / "AAA" / "1m"
    (folder / f"2024.parquet.1.{dead_pid()}.part").write_bytes(b"half")
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 6)))
    assert [path.name for path in folder.iterdir()] == ["2024.parquet"]


# A user's own hands


def test_folders_that_are_no_series_of_ours_are_left_out(house: House) -> None:
    house.import_text(TEXT)
    home = house.folder / "bars" / "XNYS" / "AAA"
    for name in ("1m.bak", "old", "05m", "2d"):
        (home / name).mkdir()
        (home / name / "2024.parquet").write_bytes((home / "1m" / "2024.parquet").read_bytes())
    (home / "5m").mkdir()  # of ours, but empty
    assert stored_series(house.folder / "bars") == [AAA]
    frame = house.data.get_bars("AAA", "5m")
    assert (len(frame), frame.attrs["derived_from"]) == (1, "1m")


@pytest.mark.parametrize("interval", ["../BBB/1m", "..", "", ".", "1M", "5m/../1m", "/", "1m\0"])
def test_an_interval_that_is_none_reaches_no_other_folder(house: House, interval: str) -> None:
    house.import_text(TEXT)
    house.import_text(TEXT, symbol="BBB")
    before = house.files()
    series = Series("XNYS", "AAA", interval)
    for ask in (house.data.delete, house.data.quality, house.store.info):
        with pytest.raises(UsageError, match="is not an interval"):
            ask(series)
    with pytest.raises(UsageError, match="is not an interval"):
        house.data.export(house.folder / "out.csv", "csv", series)
    assert house.files() == before


def test_a_file_that_goes_while_it_is_read_is_named(house: House) -> None:
    house.import_text(TEXT)
    [path] = (house.folder / "bars").rglob("*.parquet")
    path.unlink()
    with pytest.raises(DataError, match=r"2024\.parquet is gone; its bars were deleted"):
        house.store._cache.open(path)


def test_a_deleted_year_leaves_the_others(house: House) -> None:
    house.import_text(TEXT)
    house.import_text(rows_text(minute_rows("2023-01-03T09:30", 4)))
    (house.folder / "bars" / "XNYS" / "AAA" / "1m" / "2023.parquet").unlink()
    assert len(house.all_bars()) == 5
    assert house.store.info(AAA).bars == 5


def test_a_year_swapped_for_anothers_bars_is_seen_at_once(house: House) -> None:
    house.import_text(TEXT)
    house.import_text(rows_text(minute_rows("2024-01-02T10:00", 7)), symbol="BBB")
    assert len(house.all_bars()) == 5
    root = house.folder / "bars" / "XNYS"
    os.replace(root / "BBB" / "1m" / "2024.parquet", root / "AAA" / "1m" / "2024.parquet")
    assert len(house.all_bars()) == 7
    assert everything(house.store, BBB) == 0


def test_bars_held_outlive_their_series(house: House) -> None:
    house.import_text(TEXT)
    held = house.all_bars()
    house.data.delete(AAA)
    assert held.close.tolist() == [100.5, 101.5, 102.5, 103.5, 104.5]
    assert np.all(np.diff(held.start_ns) > 0)


# Bits that turn over


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(place=0.828125, bit=7)  # in the label: no text any more
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_that_turns_over_gives_other_bars(house: House, place: float, bit: int) -> None:
    given_bars = minutes("2024-01-02T09:30", 300)
    if not house.store.has(AAA):
        house.store.merge(AAA, given_bars, {})
    [path] = (house.folder / "bars").rglob("*.parquet")
    good = path.read_bytes()
    at = int(place * len(good))
    try:
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
        shutil.rmtree(house.folder / "cache", ignore_errors=True)
        store = BarStore(house.folder, lambda market: NEW_YORK)
        try:
            found = store.columns("XNYS", "AAA", "1m", *ALL)
        except DataError as error:
            assert "2024.parquet cannot be read as bars: " in str(error)
            assert "Delete the file and import its data again." in str(error)
        else:
            assert same_bars(found, given_bars)
    finally:
        path.write_bytes(good)


def test_bars_under_the_label_of_others_are_refused(house: House) -> None:
    house.import_text(TEXT)
    [path] = (house.folder / "bars").rglob("*.parquet")
    table = pq.ParquetFile(path).read()
    closes = pa.array([1.0] * table.num_rows)
    at = table.column_names.index("close")
    pq.write_table(table.set_column(at, "close", closes), path)
    with pytest.raises(DataError, match="its bars are not those it was written with"):
        house.all_bars()


def test_bars_without_one_of_their_columns_are_refused(house: House) -> None:
    house.import_text(TEXT)
    [path] = (house.folder / "bars").rglob("*.parquet")
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["volume"]), path)
    with pytest.raises(DataError, match=r"cannot be read as bars: .*volume"):
        house.all_bars()


def test_damage_is_told_before_an_import_lays_bars_over_it(house: House) -> None:
    house.import_text(TEXT)
    [path] = (house.folder / "bars").rglob("*.parquet")
    table = pq.ParquetFile(path).read()
    pq.write_table(table.set_column(1, "open", pa.array([1.0] * table.num_rows)), path)
    damaged = path.read_bytes()
    with pytest.raises(DataError, match="Delete the file and import its data again"):
        house.import_text(rows_text(minute_rows("2024-01-02T09:30", 9)))
    assert path.read_bytes() == damaged
