"""Whole sessions that lie beside their market's hours: labels of ends, and other zones."""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from tests.data_house import MINUTE, NEW_YORK, House, calendars, house, rows_text

from app.core.errors import DataError

__all__ = ["calendars", "house"]

AUTUMN = ("2024-10-30", "2024-10-31", "2024-11-04", "2024-11-05")  # New York turned its clocks


def starts(
    days: tuple[str, ...], first: str = "09:30", count: int = 390, step: int = 1
) -> Iterator[dt.datetime]:
    for day in days:
        begin = dt.datetime.fromisoformat(f"{day}T{first}").replace(tzinfo=NEW_YORK)
        yield from (begin + number * step * MINUTE for number in range(count))


def file_of(times: Iterator[dt.datetime], zone: str = "America/New_York", end: int = 0) -> str:
    return rows_text(
        [
            f"{(time + end * MINUTE).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M},10,11,9,10,5"
            for time in times
        ]
    )


@pytest.mark.parametrize(
    ("interval", "step", "count", "first"),
    [("1m", 1, 390, "09:30"), ("5m", 5, 78, "09:30"), ("1h", 60, 7, "09:00")],
)
def test_labels_of_ends_are_told_from_those_of_starts(
    house: House, interval: str, step: int, count: int, first: str
) -> None:
    ends = file_of(starts(AUTUMN, first, count, step), end=step)
    with pytest.raises(DataError, match=r"name the ends of bars. Import it with --label end, or"):
        house.import_text(ends, interval=interval)
    assert house.files() == {}
    assert house.import_text(ends, interval=interval, label="end").doubts == ()
    begun = file_of(starts(AUTUMN, first, count, step))
    assert house.import_text(begun, interval=interval).same == 4 * count


def test_a_label_that_is_said_is_believed_and_doubted_aloud(house: House) -> None:
    report = house.import_text(file_of(starts(AUTUMN), end=1), label="start")
    assert report.stored == 4 * 390
    assert ["from 09:31 to 16:01, where the market trades" in one for one in report.doubts] == [
        True
    ]
    report = house.import_text(file_of(starts(AUTUMN)), symbol="BBB", label="end")
    assert "Import it with --label start, or" in report.doubts[0]


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Europe/Berlin", "Etc/GMT+5"])
def test_times_of_another_zone_are_refused_and_told_the_one_they_fit(
    house: House, zone: str
) -> None:
    content = file_of(starts(AUTUMN), zone)
    with pytest.raises(DataError, match=rf"its times fit --timezone {zone.replace('+', '.')}\. "):
        house.import_text(content)
    report = house.import_text(content, timezone=zone)
    assert (report.stored, report.doubts) == (4 * 390, ())


def test_clocks_that_are_wrong_for_half_a_year_are_found(house: House) -> None:
    report = house.import_text(file_of(starts(AUTUMN), "Etc/GMT+5"), timezone="America/New_York")
    assert "in 2 of 4 whole sessions, 2024-10-30 the first" in report.doubts[0]
    assert "from 08:30 to 15:00" in report.doubts[0]


def test_hours_before_and_after_the_regular_ones_are_known(house: House) -> None:
    days = starts(AUTUMN, "04:00", 960)
    assert house.import_text(file_of(days)).doubts == ()
    with pytest.raises(DataError, match="from 04:01 to 20:01, where the market trades from 04:00"):
        house.import_text(file_of(starts(AUTUMN, "04:00", 960), end=1))


def test_times_that_tell_a_wrong_zone_themselves_are_found(house: House) -> None:
    content = rows_text([f"{t:%Y-%m-%dT%H:%M}Z,10,11,9,10,5" for t in starts(AUTUMN)])
    with pytest.raises(DataError, match="its times tell their zone, and seem to tell a wrong one"):
        house.import_text(content)


@pytest.mark.parametrize("first", ["09:30", "10:00", "09:31"])
@pytest.mark.parametrize("count", [1, 30, 300, 391])
def test_parts_of_sessions_prove_nothing(house: House, first: str, count: int) -> None:
    assert house.import_text(file_of(starts(AUTUMN, first, count))).doubts == ()


def test_a_thin_symbol_that_happens_to_reach_as_far_proves_nothing(house: House) -> None:
    times = list(starts(("2024-11-04",), "09:31", 390))
    assert house.import_text(file_of(iter(times[:200] + times[230::2] + times[-1:]))).doubts == ()


@pytest.mark.parametrize(("first", "count"), [("09:30", 7), ("09:00", 7), ("10:00", 6)])
def test_hours_begin_with_the_open_or_with_the_clock(house: House, first: str, count: int) -> None:
    hours = file_of(starts(AUTUMN, first, count, 60))
    assert house.import_text(hours, interval="1h").doubts == ()


def test_an_hour_that_the_close_cuts_short_begins_where_the_one_before_ended(house: House) -> None:
    whole = list(starts(AUTUMN, "10:30", 6, 60))
    ends = sorted([*whole, *starts(AUTUMN, "16:00", 1)])
    with pytest.raises(DataError, match="Import it with --label end, or"):
        house.import_text(file_of(iter(ends)), interval="1h")
    report = house.import_text(file_of(iter(ends)), interval="1h", label="end")
    assert (report.kept_out, report.doubts, report.stored) == ({}, (), 28)
    expected = [one.timestamp() * 1e9 for one in starts(AUTUMN, "09:30", 7, 60)]
    assert house.all_bars(interval="1h").start_ns.tolist() == expected


def test_ends_in_another_zone_are_told_in_one_go(house: House) -> None:
    content = file_of(starts(AUTUMN), "UTC", end=1)
    with pytest.raises(
        DataError, match=r"its times fit --label end --timezone UTC\. Import it with"
    ):
        house.import_text(content)
    with pytest.raises(DataError, match="Import it with --label end, or"):
        house.import_text(content, timezone="UTC")
    assert house.import_text(content, timezone="UTC", label="end").doubts == ()


def test_a_day_that_the_market_was_closed_on_is_no_matter_of_zones(house: House) -> None:
    days = ("2024-07-02", "2024-07-03", "2024-07-04", "2024-07-05")
    times = [one for one in starts(days) if one.day != 3 or one.hour < 13]
    report = house.import_text(file_of(iter(times)))
    assert (report.doubts, report.stored) == ((), 2 * 390 + 210)


def test_a_break_at_noon_is_no_night(house: House) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    day = dt.datetime(2024, 1, 4, 9, tzinfo=tokyo)
    minutes = [day + n * MINUTE for n in (*range(150), *range(210, 360))]
    rows = [f"{one:%Y-%m-%d %H:%M},10,11,9,10,5" for one in minutes]
    assert house.import_text(rows_text(rows), market="XTKS").stored == 300
    rows = [f"{one - 9 * 60 * MINUTE:%Y-%m-%d %H:%M},10,11,9,10,5" for one in minutes]
    with pytest.raises(DataError, match="its times fit --timezone UTC"):
        house.import_text(rows_text(rows), market="XTKS")


def test_a_market_round_the_clock_has_no_hours_to_miss(house: House) -> None:
    minutes = [dt.datetime(2024, 1, 4, 7) + n * MINUTE for n in range(24 * 60)]
    rows = [f"{one:%Y-%m-%d %H:%M},10,11,9,10,5" for one in minutes]
    assert house.import_text(rows_text(rows), market="24/7").doubts == ()
