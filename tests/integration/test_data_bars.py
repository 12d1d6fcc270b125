"""Bars asked for by people: ranges, derived intervals, frames, exports, imports again."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.data_house import (
    House,
    bars,
    calendars,
    house,
    minute_rows,
    minutes,
    ns,
    rows_text,
    same_bars,
)

from app.core.bars import BarColumns
from app.core.errors import NotFoundError, UsageError
from app.core.intervals import HOUR_NS, MINUTE_NS
from app.managers.data_manager import ImportOptions
from app.repositories.bar_store_files import Series

__all__ = ["calendars", "house"]

AAA = Series("XNYS", "AAA", "1m")


@pytest.fixture
def two_days(house: House) -> House:
    """Two hours of Tuesday and of Wednesday, and pre-market before the second."""
    house.store.merge(AAA, minutes("2024-01-02T09:30", 120, 100.0), {})
    house.store.merge(AAA, minutes("2024-01-03T09:00", 150, 200.0), {})
    return house


def test_bars_are_a_frame_by_the_markets_clock(two_days: House) -> None:
    frame = two_days.data.get_bars("AAA", "1m")
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert str(frame.index.tz) == "America/New_York"
    assert frame.index[0] == pd.Timestamp("2024-01-02 09:30", tz="America/New_York")
    assert len(frame) == 270


def test_a_frame_may_be_written_without_harm_to_the_store(two_days: House) -> None:
    frame = two_days.data.get_bars("AAA", "1m")
    frame.loc[:, "close"] = 0.0
    assert (two_days.data.get_bars("AAA", "1m")["close"] > 0).all()


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        (None, None, 270),
        (dt.date(2024, 1, 3), None, 150),
        (None, dt.date(2024, 1, 2), 120),
        ("2024-01-02", "2024-01-02", 120),
        ("2024-01-02T09:30", "2024-01-02T09:40", 10),
        ("2024-01-02T14:30+00:00", "2024-01-02T14:35Z", 5),
        (dt.datetime(2024, 1, 2, 11, 0), dt.datetime(2024, 1, 3, 9, 1), 31),
        ("2025-01-01", None, 0),
    ],
)
def test_dates_are_days_and_times_are_moments(
    two_days: House, start: str | None, end: str | None, count: int
) -> None:
    assert len(two_days.data.get_bars("AAA", "1m", start, end)) == count


def test_a_date_is_the_session_that_opened_the_evening_before(house: House) -> None:
    series = Series("CME_Equity", "ES", "1m")
    sunday, monday = ns("2024-12-01T18:00"), ns("2024-12-02T18:00")  # 17:00 in Chicago
    house.store.merge(series, bars([sunday, monday - HOUR_NS - MINUTE_NS, monday]), {})
    frame = house.data.get_bars("ES", "1m", "2024-12-02", "2024-12-02", market="CME_Equity")
    assert [f"{at:%d %H:%M}" for at in frame.index] == ["01 17:00", "02 15:59"]
    told = house.data.quality(series, "2024-12-02", "2024-12-02")
    assert [str(one.session.date) for one in told] == ["2024-12-02"]
    for date, count in (("2024-11-29", 0), ("2024-12-01", 0), ("2024-12-03", 1)):
        frame = house.data.get_bars("ES", "1m", date, date, market="CME_Equity")
        assert len(frame) == count, date


@pytest.mark.parametrize("date", ["0001-01-01", "1969-12-31", "2200-12-31", "9999-12-31"])
def test_a_date_that_no_calendar_knows_is_its_day(two_days: House, date: str) -> None:
    assert len(two_days.data.get_bars("AAA", "1m", date, date)) == 0


@pytest.mark.parametrize("word", ["soon", "2024-13-01", "", "2024-01-02T25:00"])
def test_a_range_that_is_none_is_refused(two_days: House, word: str) -> None:
    with pytest.raises(UsageError, match="neither a date"):
        two_days.data.get_bars("AAA", "1m", word)


@pytest.mark.parametrize("moment", [5, 1.5, np.datetime64("2024-01-02"), dt.time(9, 30)])
def test_a_moment_that_is_no_date_is_refused_as_what_it_is(two_days: House, moment: Any) -> None:
    with pytest.raises(UsageError, match="is neither a date nor a time; give") as caught:
        two_days.data.get_bars("AAA", "1m", moment)
    assert str(caught.value).startswith(repr(moment))


def test_a_range_turned_around_is_refused(two_days: House) -> None:
    with pytest.raises(UsageError, match="before it starts"):
        two_days.data.get_bars("AAA", "1m", "2024-01-03", "2024-01-01")


def test_an_interval_that_is_not_stored_is_derived_and_marked(two_days: House) -> None:
    frame = two_days.data.get_bars("AAA", "1h", end="2024-01-02")
    assert frame.attrs["derived_from"] == "1m"
    assert [at.time() for at in frame.index] == [dt.time(9, 30), dt.time(10, 30)]
    assert frame["open"].tolist() == [100.0, 100.6]
    assert frame["high"].iloc[0] == pytest.approx(101.59)


@pytest.mark.parametrize("interval", ["7m", "1h", "1d"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-01-02T09:31", "2024-01-03T09:45"),
        ("2024-01-02T10:30", "2024-01-02T10:31"),
        ("2024-01-02T11:29", None),
        (None, "2024-01-02T09:31"),
        ("2024-01-04", None),
    ],
)
def test_a_derived_bar_is_whole_wherever_a_range_begins_and_ends(
    two_days: House, interval: str, start: str | None, end: str | None
) -> None:
    every = two_days.data.get_bars("AAA", interval)
    since, until = (pd.Timestamp(at or other, tz="America/New_York")
                    for at, other in ((start, "2024-01-01"), (end, "2024-01-09")))  # fmt: skip
    wanted = every[(every.index >= since) & (every.index < until)]
    assert two_days.data.get_bars("AAA", interval, start, end).equals(wanted)


def test_a_day_is_regular_hours_alone(two_days: House) -> None:
    frame = two_days.data.get_bars("AAA", "1d")
    assert frame["open"].tolist() == [100.0, 200.3]
    assert frame["volume"].tolist() == [1200.0, 1200.0]


def test_a_stored_interval_is_not_derived(two_days: House) -> None:
    hour = minutes("2024-01-02T09:30", 1, 777.0)
    two_days.store.merge(Series("XNYS", "AAA", "1h"), hour, {})
    frame = two_days.data.get_bars("AAA", "1h")
    assert frame["open"].tolist() == [777.0]
    assert frame.attrs["derived_from"] is None


def test_of_intervals_that_tell_as_much_the_longest_serves(two_days: House) -> None:
    fives = two_days.data.get_bars("AAA", "5m")
    starts = fives.index.as_unit("ns").asi8
    columns = [fives[name].to_numpy(float) for name in ("open", "high", "low", "close", "volume")]
    two_days.store.merge(Series("XNYS", "AAA", "5m"), BarColumns(starts, *columns), {})
    assert two_days.data.get_bars("AAA", "15m").attrs["derived_from"] == "5m"
    assert two_days.data.get_bars("AAA", "3m").attrs["derived_from"] == "1m"


def test_a_few_longer_bars_hide_none_of_those_they_lie_beside(two_days: House) -> None:
    hours = two_days.data.get_bars("AAA", "2h")
    hour = minutes("2024-01-02T09:30", 1, 777.0)
    two_days.store.merge(Series("XNYS", "AAA", "1h"), hour, {})
    assert two_days.data.get_bars("AAA", "2h").equals(hours)


@pytest.mark.parametrize(
    ("symbol", "interval", "adjust", "error"),
    [
        ("AAB", "1m", "raw", NotFoundError),
        ("AAA", "7x", "raw", UsageError),
        ("AAA", "1m", "forward", UsageError),
        ("AAA", "1m", None, UsageError),
        ("AAA", None, "raw", UsageError),
        (["AAA"], "1m", "raw", UsageError),
        (None, "1m", "raw", UsageError),
    ],
)
def test_what_cannot_be_had_is_refused(
    two_days: House, symbol: Any, interval: Any, adjust: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        two_days.data.get_bars(symbol, interval, adjust=adjust)


def test_bars_of_a_market_that_there_is_not_are_answered_with_the_market_meant(
    two_days: House,
) -> None:
    with pytest.raises(NotFoundError, match=r"no market 'XNYC'\. Did you mean 'XNYS'\?"):
        two_days.data.get_bars("AAA", "1m", market="XNYC")


def test_a_shorter_interval_than_is_stored_is_not_found(house: House) -> None:
    house.store.merge(Series("XNYS", "AAA", "1h"), minutes("2024-01-02T09:30", 1), {})
    with pytest.raises(NotFoundError, match="there are 1h"):
        house.data.get_bars("AAA", "5m")


def test_importing_again_replaces_equal_times_and_reports_it(house: House) -> None:
    first = minute_rows("2024-01-02T09:30", 10)
    assert house.import_text(rows_text(first)).added == 10
    second = [*minute_rows("2024-01-02T09:35", 10)]
    second[0] = first[5]
    report = house.import_text(rows_text(second))
    assert (report.added, report.same, report.changed) == (5, 1, 4)
    assert len(house.all_bars()) == 15


def test_prices_are_divided_by_their_scale_exactly(house: House) -> None:
    text = rows_text(["2024-01-02T09:30,1234567,1234569,1234561,1234563,7"])
    house.import_text(text, price_scale=10_000.0)
    found = house.all_bars()
    assert (found.open[0], found.close[0], found.volume[0]) == (123.4567, 123.4563, 7.0)


def test_date_and_time_in_two_columns_are_one_moment(house: House) -> None:
    rows = ["20240102,930,1,2,0.5,1", "20240102,1000,1,2,0.5,1"]
    report = house.import_text(rows_text(rows, "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>"))
    assert report.stored == 2
    assert house.all_bars().start_ns.tolist() == [ns("2024-01-02T09:30"), ns("2024-01-02T10:00")]


def test_days_become_day_bars(house: House) -> None:
    text = rows_text(["2024-01-02,1,2,0.5,1,9", "2024-07-03,1,2,0.5,1,9", "2024-07-04,1,2,0.5,1,9"])
    report = house.import_text(text, interval="1d")
    assert report.stored == 2
    assert [finding.line for finding in report.findings] == [4]
    starts = house.all_bars(interval="1d").start_ns.tolist()
    assert starts == [ns("2024-01-02T09:30"), ns("2024-07-03T09:30")]


def test_a_file_without_volume_stores_none(house: House) -> None:
    report = house.import_text("t,o,h,l,c\n2024-01-02T09:30,1,2,0.5,1\n")
    assert "volume" not in report.columns
    assert house.all_bars().volume.tolist() == [0.0]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_exported_can_be_imported_to_the_last_bit(house: House, kind: str) -> None:
    quotes = {"bid_close": np.array([0.1, np.nan, 0.3]), "ask_close": np.array([0.2, 0.3, 0.4])}
    given = minutes("2024-01-02T09:30", 3, 0.1 + 0.2 + 1)
    house.store.merge(AAA, given, quotes)
    path = house.folder / "out" / f"bars.{kind}"
    assert house.data.export(path, kind, AAA) == 3
    run = house.data.import_csv if kind == "csv" else house.data.import_parquet
    report = run(path, ImportOptions("XNYS", "BBB"))
    assert (report.added, report.kept_out) == (3, {})
    assert same_bars(house.all_bars("BBB"), given)
    again = house.store.quotes(Series("XNYS", "BBB", "1m"), 0, 1 << 62)
    for name, values in quotes.items():
        np.testing.assert_array_equal(again[name], values)


def test_an_interval_that_is_not_stored_is_exported_as_it_is_shown(two_days: House) -> None:
    path = two_days.folder / "days.csv"
    frame = two_days.data.get_bars("AAA", "1d")
    assert two_days.data.export(path, "csv", Series("XNYS", "AAA", "1d")) == len(frame) == 2
    two_days.data.import_csv(path, ImportOptions("XNYS", "BBB", interval="1d"))
    kept = two_days.data.get_bars("BBB", "1d")
    assert (kept.attrs["derived_from"], frame.attrs["derived_from"]) == (None, "1m")
    assert kept.equals(frame)
    with pytest.raises(NotFoundError, match="No bars of CCC on XNYS are stored"):
        two_days.data.export(path, "csv", Series("XNYS", "CCC", "1d"))


def test_an_export_of_nothing_leaves_no_file(two_days: House) -> None:
    path = two_days.folder / "none.csv"
    with pytest.raises(NotFoundError, match="range asked for"):
        two_days.data.export(path, "csv", AAA, "2025-01-01")
    with pytest.raises(UsageError, match="csv or parquet"):
        two_days.data.export(path, "xlsx", AAA)
    assert not path.exists()


def test_hours_by_the_clock_lack_nothing(house: House) -> None:
    days = ("2024-07-02", "2024-07-03")  # the second closes at one
    rows = [
        f"{day}T{hour:02}:00,1,2,0.5,1,1" for day in days for hour in range(9, 16)
        if (day, hour) < ("2024-07-03", 13)
    ]  # fmt: skip
    assert house.import_text(rows_text(rows), interval="1h").moved_to_open == 2
    series = Series("XNYS", "AAA", "1h")
    found = [one.quality for one in house.data.quality(series)]
    assert [(one.expected, one.present, one.holes) for one in found] == [(7, 7, ()), (4, 4, ())]
    sessions = house.time.sessions_between(dt.date(2024, 7, 2), dt.date(2024, 7, 3))
    [passport] = house.data.passport("XNYS", ["AAA"], "1h", sessions)
    assert (passport.bars, passport.expected_bars, passport.holes) == (11, 11, 0)


def test_quality_tells_each_session(two_days: House) -> None:
    first, second = two_days.data.quality(AAA)
    assert (first.quality.expected, first.quality.present) == (390, 120)
    assert len(first.quality.holes) == 1
    assert second.session.date == dt.date(2024, 1, 3)
    assert [one.session.date.day for one in two_days.data.quality(AAA, "2024-01-03")] == [3]
