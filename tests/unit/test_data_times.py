"""Times as files write them."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data_house import NEW_YORK, ns

from app.core.errors import DataError
from app.services.csv_times import local_days, read_times

HALF_PAST = ns("2024-01-02T09:30")
NEW_YORK_NAME = "America/New_York"


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T09:30",
        "2024-01-02 09:30",
        "2024-01-02 09:30:00",
        "2024-01-02T09:30:00.000000",
        "2024-01-02T14:30:00Z",
        "2024-01-02T14:30:00+00:00",
        "2024-01-02 14:30:00+0000",
        "2024-01-02 09:30:00-05:00",
        "2024-01-02 09:30:00 -05:00",
        "2024/01/02 09:30",
        "2024.01.02 09:30",
        "20240102 093000",
        "20240102 09:30:00",
        "20240102 0930",
        "20240102093000",
        "1704205800",
        "1704205800.0",
        "1704205800000",
        "1704205800000000",
        "1704205800000000000",
        "  2024-01-02T09:30  ",
        "20240102-09:30:00",
        "20240102  09:30:00",
        "2024/01/02 09:30:00.000000",
        "20240102 09:30:00 US/Eastern",
        "20240102 08:30:00 US/Central",
        "02.01.2024 09:30",
        "02.01.2024 09:30:00.000",
        "02.01.2024 14:30:00.000 UTC",
        "02.01.2024 15:30:00.000 GMT+0100",
    ],
)
def test_one_moment_is_read_in_each_way_it_is_written(text: str) -> None:
    times = read_times(pa.array([text, text]), NEW_YORK_NAME)
    assert times.ns.tolist() == [HALF_PAST, HALF_PAST]
    assert not times.unreadable.any()
    assert not times.ambiguous.any()


@pytest.mark.parametrize("text", ["2024-01-02", "20240102", "2024.01.02", "02.01.2024"])
def test_a_date_alone_is_its_midnight_by_the_zones_clock(text: str) -> None:
    assert read_times(pa.array([text]), NEW_YORK_NAME).ns.tolist() == [ns("2024-01-02T00:00")]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([HALF_PAST], pa.timestamp("ns", tz="UTC")),
        pa.array([HALF_PAST // 10**6], pa.timestamp("ms", tz="Asia/Tokyo")),
        pa.array([dt.datetime(2024, 1, 2, 9, 30)], pa.timestamp("us")),
        pa.array([HALF_PAST // 10**9], pa.int64()),
        pa.array([HALF_PAST / 10**9], pa.float64()),
        pa.array([HALF_PAST], pa.int64()),
    ],
    ids=["ns-utc", "ms-tokyo", "naive", "int-seconds", "float-seconds", "int-ns"],
)
def test_typed_columns_are_read_like_texts(values: pa.Array) -> None:
    assert read_times(values, NEW_YORK_NAME).ns.tolist() == [HALF_PAST]


def test_a_column_of_dates_is_read() -> None:
    values = pa.array([dt.date(2024, 1, 2)], pa.date32())
    assert read_times(values, "UTC").ns.tolist() == [ns("2024-01-02T00:00", dt.UTC)]


@pytest.mark.parametrize(
    "bad",
    [
        "soon", "2024-02-30T09:30", "2024-13-01T09:30", "2024-01-02T25:00", "0024-01-02T09:30",
        "2024-01-02T09:30:61", "12:30", "NaT", "-", "2024-01-02T09:30Z", "1704205800",
    ],
)  # fmt: skip
def test_a_time_in_another_format_than_the_first_is_unreadable_and_the_rest_is_read(
    bad: str,
) -> None:
    times = read_times(pa.array(["2024-01-02T09:30", bad, "2024-01-02T09:30"]), NEW_YORK_NAME)
    assert times.unreadable.tolist() == [False, True, False]
    assert times.ns[[0, 2]].tolist() == [HALF_PAST, HALF_PAST]


def test_a_missing_time_is_unreadable() -> None:
    times = read_times(pa.array(["2024-01-02T09:30", None]), NEW_YORK_NAME)
    assert times.unreadable.tolist() == [False, True]


def test_the_hour_that_the_clocks_repeat_is_ambiguous() -> None:
    values = pa.array(["2024-11-03T00:30", "2024-11-03T01:30", "2024-11-03T02:30"])
    assert read_times(values, NEW_YORK_NAME).ambiguous.tolist() == [False, True, False]


def test_the_hour_that_the_clocks_skip_is_marked() -> None:
    values = pa.array(["2024-03-10T01:30", "2024-03-10T02:30", "2024-03-10T03:30"])
    assert read_times(values, NEW_YORK_NAME).ambiguous.tolist() == [False, True, False]


def test_slashes_are_not_guessed_at() -> None:
    with pytest.raises(DataError, match="--time-format"):
        read_times(pa.array(["01/02/2024 09:30"]), NEW_YORK_NAME)


WRITTEN = {
    "31.12.24 16:00": ["%d.%m.%y %H:%M"],
    "1.2.2024 16:00:30": ["%d.%m.%Y %H:%M:%S"],
    "12/31/2024 16:00": ["%m/%d/%Y %H:%M"],
    "31/12/24": ["%d/%m/%y"],
    "1/2/2024 4:00 PM": ["%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p"],
    "01-02-2024 16:00": ["%m-%d-%Y %H:%M", "%d-%m-%Y %H:%M"],
}


@pytest.mark.parametrize("text", WRITTEN)
def test_times_as_people_write_them_are_answered_with_patterns_that_read_them(text: str) -> None:
    values = pa.array([None, text])
    with pytest.raises(DataError) as caught:
        read_times(values, NEW_YORK_NAME)
    named = re.findall(r"--time-format '(.+?)'", str(caught.value))
    assert named == WRITTEN[text]
    for pattern in named:
        assert read_times(values, NEW_YORK_NAME, pattern).unreadable.tolist() == [True, False]


def test_one_of_many_times_tells_days_from_months() -> None:
    with pytest.raises(DataError, match=r"such as --time-format '%d/%m/%Y'\.$"):
        read_times(pa.array(["01/02/2024", "02/02/2024", "13/02/2024"]), NEW_YORK_NAME)


def test_times_that_fit_no_given_pattern_are_shown() -> None:
    with pytest.raises(DataError, match=r"the file, such as '1/2/2024 16:00', fits the pattern"):
        read_times(pa.array(["1/2/2024 16:00"]), NEW_YORK_NAME, "%m/%d/%Y")


def test_a_given_pattern_settles_what_slashes_mean() -> None:
    values = pa.array(["01/02/2024 09:30", "31/31/2024 09:30"])
    times = read_times(values, NEW_YORK_NAME, "%m/%d/%Y %H:%M")
    assert times.ns[0] == HALF_PAST
    assert times.unreadable.tolist() == [False, True]


def test_a_time_that_names_another_zone_than_the_first_is_unreadable() -> None:
    values = pa.array([f"20240102 09:30:00 {zone}" for zone in ("US/Eastern", "US/Central")])
    times = read_times(values, "UTC")
    assert (times.ns[0], times.unreadable.tolist()) == (HALF_PAST, [False, True])
    assert times.zone == "US/Eastern"
    with pytest.raises(DataError, match="in no format known here"):
        read_times(pa.array(["20240102 09:30:00 Nowhere/Else"]), "UTC")


def test_a_column_without_any_time_says_so() -> None:
    with pytest.raises(DataError, match="no format known"):
        read_times(pa.array([None, None], pa.string()), "UTC")


@given(
    moments=st.lists(
        st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2037, 1, 1)).map(
            lambda at: at.replace(microsecond=0)
        ),
        min_size=1,
        max_size=20,
    ),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Europe/London"]),
)
def test_wall_clock_times_agree_with_pythons_own_reading(
    moments: list[dt.datetime], zone: str
) -> None:
    times = read_times(pa.array([at.isoformat() for at in moments]), zone)
    assert not times.unreadable.any()
    for at, found, ambiguous in zip(moments, times.ns, times.ambiguous, strict=True):
        first, second = (
            at.replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() for fold in (0, 1)
        )
        assert ambiguous == (first != second)
        if not ambiguous:
            assert found == int(first) * 10**9


@given(st.lists(st.one_of(st.none(), st.text(max_size=25)), min_size=1, max_size=10))
def test_no_text_at_all_breaks_the_reader(texts: list[str | None]) -> None:
    times = read_times(pa.array(["2024-01-02T09:30", *texts], pa.string()), NEW_YORK_NAME)
    assert times.ns[0] == HALF_PAST
    assert len(times.unreadable) == len(texts) + 1


def test_a_day_is_that_of_the_markets_clock() -> None:
    late_evening = np.array([ns("2024-01-02T20:30")])  # the third already, in Greenwich
    days = local_days(late_evening, str(NEW_YORK)).astype("datetime64[D]")
    assert days.tolist() == [dt.date(2024, 1, 2)]


@pytest.mark.parametrize("read_by", ["Europe/Athens", "Asia/Tokyo", "America/Los_Angeles", "UTC"])
def test_midnight_by_the_clock_it_was_read_by_means_its_own_date(read_by: str) -> None:
    times = read_times(pa.array(["2024-07-02", "2024-01-03 00:00"]), read_by)
    days = local_days(times.ns, NEW_YORK_NAME, times.zone).astype("datetime64[D]")
    assert days.tolist() == [dt.date(2024, 7, 2), dt.date(2024, 1, 3)]
    late = local_days(times.ns + 10**9, NEW_YORK_NAME, times.zone).astype("datetime64[D]")
    assert late[0] == dt.date(2024, 7, 2 if read_by == "America/Los_Angeles" else 1)


def test_midnight_utc_means_its_own_date_in_every_market() -> None:
    midnight = np.array([ns("2024-01-02T00:00", dt.UTC)])
    for zone in ("America/New_York", "Asia/Tokyo", "UTC"):
        days = local_days(midnight, zone)
        assert days.astype("datetime64[D]").tolist() == [dt.date(2024, 1, 2)]
