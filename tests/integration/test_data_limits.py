"""The edges of what the data manager takes: dates, numbers, headers, calendars that end."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data_house import (
    HEADER,
    House,
    bars,
    calendars,
    house,
    minute_rows,
    minutes,
    ns,
    rows_text,
)

from app.core.errors import DataError, UsageError
from app.core.intervals import MINUTE_NS
from app.managers.data_manager.reference import positive_decimal
from app.repositories.bar_store_files import Series

__all__ = ["calendars", "house"]

AAA = Series("XNYS", "AAA", "1m")
ACTIONS = "symbol,ex_date,kind,value\n"
SHARED = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Ranges that reach for ever


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("0001-01-01", "9999-12-31", 5),
        (dt.date.min, dt.date.max, 5),
        (dt.datetime.min, dt.datetime.max, 5),
        ("1600-06-01", "9999-12-30", 5),
        ("0001-01-01T00:00Z", "9999-12-31T23:59:59Z", 5),
        ("9999-12-31", None, 0),
        ("9999-12-31", "9999-12-31", 0),
        (None, "0001-01-01", 0),
        ("2500-01-01", "2600-01-01", 0),
    ],
)
def test_a_range_may_reach_for_ever(
    house: House, start: str | None, end: str | None, count: int
) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 5)))
    assert len(house.data.get_bars("AAA", "1m", start, end)) == count


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-01-03", "2024-01-01"),
        ("2024-01-03", "2024-01-02"),  # the day before, to the nanosecond
        (dt.date(2024, 1, 3), dt.date(2024, 1, 2)),
        ("2024-01-03T00:00", "2024-01-02"),
        ("2024-01-02T10:00", "2024-01-02T09:59"),
        ("2600-01-01", "2500-01-01"),
        ("9999-12-31", "9999-12-30"),
        ("0001-01-02", "0001-01-01"),
    ],
)
def test_a_range_turned_around_names_both_ends(
    house: House, start: str | dt.date, end: str | dt.date
) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 5)))
    for ask in (
        lambda: house.data.get_bars("AAA", "1m", start, end),
        lambda: house.data.quality(AAA, start, end),
        lambda: house.data.export(house.folder / "out.csv", "csv", AAA, start, end),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert str(caught.value) == f"The range ends at {end}, before it starts at {start}."


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("2024-01-02T09:34", "2024-01-02", 1),  # a time, to the end of its day
        ("2024-01-02", "2024-01-02T09:31", 1),
        ("2024-01-02T23:59:59", "2024-01-02", 0),
        ("2024-01-03", "2024-01-03", 0),
    ],
)
def test_a_date_as_the_end_reaches_to_the_end_of_its_day(
    house: House, start: str, end: str, count: int
) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 5)))
    assert len(house.data.get_bars("AAA", "1m", start, end)) == count


def test_a_day_is_a_range_of_its_own_and_a_moment_is_empty(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 5)))
    assert len(house.data.get_bars("AAA", "1m", "2024-01-02", "2024-01-02")) == 5
    moment = "2024-01-02T09:30"
    assert len(house.data.get_bars("AAA", "1m", moment, moment)) == 0


@pytest.mark.parametrize(
    "word", ["", "yesterday", "2024-02-30", "2024-1-2", "24:00", "2024-01-02T25:00", "9999999"]
)
def test_a_word_that_is_no_moment_is_refused_with_two_examples(house: House, word: str) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 5)))
    with pytest.raises(UsageError) as caught:
        house.data.get_bars("AAA", "1m", word)
    assert str(caught.value) == (
        f"'{word}' is neither a date (2024-12-31) nor a time (2024-12-31T09:30)."
    )


NEAR = st.datetimes(dt.datetime(2024, 1, 2, 9, 28), dt.datetime(2024, 1, 2, 9, 37))


@SHARED
@given(ends=st.tuples(NEAR | st.datetimes(), NEAR).map(sorted))
def test_of_any_two_moments_the_bars_between_are_those_that_start_there(
    house: House, ends: list[dt.datetime]
) -> None:
    if not house.store.has(AAA):
        house.store.merge(AAA, minutes("2024-01-02T09:30", 5), {})
    opens = dt.datetime(2024, 1, 2, 9, 30)
    starts = [opens + dt.timedelta(minutes=index) for index in range(5)]
    wanted = [at for at in starts if ends[0] <= at < ends[1]]
    frame = house.data.get_bars("AAA", "1m", *ends)
    assert [at.replace(tzinfo=None) for at in frame.index] == wanted


# Calendars that end


SAUDI = Series("XSAU", "2222", "1m")


def last_minutes(house: House, count: int = 10) -> int:
    """Store the first minutes of the last session that Riyadh's calendar knows."""
    last_year = house.time.known_years("XSAU")[-1]
    last = house.time.known_sessions(dt.date(last_year, 12, 1), dt.date.max, "XSAU")[-1]
    first_ns = last.open_ns
    starts = range(first_ns, first_ns + count * MINUTE_NS, MINUTE_NS)
    house.store.merge(SAUDI, bars(starts), {})
    return count


def test_bars_of_a_calendars_last_session_are_derived_assessed_and_adjusted(house: House) -> None:
    last_minutes(house)
    assert len(house.data.get_bars("2222", "5m", market="XSAU")) == 2
    [found] = house.data.quality(SAUDI)
    assert found.quality.present == 10
    ex_date = found.session.date
    path = house.write("a.csv", f"{ACTIONS}2222,{ex_date},split,2\n")
    assert house.data.import_actions(path, "XSAU").added == 1
    frame = house.data.get_bars("2222", "1m", market="XSAU", adjust="back")
    assert len(frame) == 10


def test_an_action_at_the_first_session_of_a_calendar_takes_effect(house: House) -> None:
    first_year = house.time.known_years("XSAU")[0]
    sessions = house.time.known_sessions(dt.date.min, dt.date(first_year, 1, 31), "XSAU")
    path = house.write("a.csv", f"{ACTIONS}2222,{sessions[0].date},split,4\n")
    house.data.import_actions(path, "XSAU")
    [found] = house.data.adjustments("XSAU", "2222", sessions)
    assert (found.session_date, found.split_ratio) == (sessions[0].date, Decimal(4))


def test_sessions_with_a_margin_stop_where_the_calendar_does(house: House) -> None:
    years = house.time.known_years("XSAU")
    everything = house.time.known_sessions(dt.date.min, dt.date.max, "XSAU")
    assert (everything[0].date.year, everything[-1].date.year) == (years[0], years[-1])
    assert house.time.known_sessions(dt.date.max, dt.date.max, "XSAU") == ()
    assert house.time.known_sessions(dt.date.min, dt.date.min, "XSAU") == ()
    day = everything[3].date
    assert house.time.known_sessions(day, day, "XSAU") == (everything[3],)


@pytest.mark.parametrize("ex_date", ["9999-12-31", "0001-01-01", "2201-01-01", "1969-12-31"])
def test_an_action_beyond_every_calendar_is_refused(house: House, ex_date: str) -> None:
    path = house.write("a.csv", f"{ACTIONS}AAA,2024-01-02,split,2\nAAA,{ex_date},split,2\n")
    with pytest.raises(DataError) as caught:
        house.data.import_actions(path, "XNYS")
    assert str(caught.value) == (
        f"{path}, line 3: The calendar reaches from 1970 to 2200; {ex_date} is beyond it."
        " Nothing was stored."
    )
    assert house.data.actions("XNYS") == ()


# Numbers beyond floats, books and columns


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "nan", "inf", "-inf", "Infinity", "sNaN", "", " ", "1_000", "1,5", "½", "٣", "0x10",
     "1e", "e5", ".", "--1", "2:1", "0.0", "0e5", "1 000", "+", "1" * 50 + "x"],
)  # fmt: skip
def test_what_is_no_number_above_zero_is_refused_in_these_words(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        positive_decimal(text, "lot")
    hint = " A number here has no comma: write 1.5." if text == "1,5" else ""
    assert str(caught.value) == f"The lot '{text[:40]}' is not a number above zero.{hint}"


@pytest.mark.parametrize("text", ["1e-400", "1e400", "1e-13", "1000000000001", "9" * 31, "1e999"])
def test_what_no_float_or_column_can_hold_is_out_of_reach(text: str) -> None:
    with pytest.raises(UsageError, match=r"is out of reach; give at most 30 digits, from 1e-12 to"):
        positive_decimal(text, "ratio")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", "1"), (" 0.01 ", "0.01"), ("+2", "2"), (".5", "0.5"), ("3.", "3"), ("1e3", "1000"),
     ("1E-8", "0.00000001"), ("1e-12", "1e-12"), ("1e12", "1e12"), ("0.3333333333333333333", None)],
)  # fmt: skip
def test_numbers_are_read_as_they_are_written(text: str, value: str | None) -> None:
    assert positive_decimal(text, "lot") == Decimal(value or text)


@given(st.text(max_size=12) | st.from_regex(r"[-+]?[0-9.eE_]{1,12}", fullmatch=True))
def test_any_text_is_a_number_that_computes_or_is_refused(text: str) -> None:
    try:
        value = positive_decimal(text, "ratio")
    except UsageError as error:
        assert str(error).startswith("The ratio '")
        return
    assert 0 < 1.0 / float(value) < float("inf")
    assert Decimal(str(value)) == value
    assert len(str(value)) <= 32


@pytest.mark.parametrize("value", ["1e-400", "1e400", "1_0", "٣"])
def test_a_ratio_that_cannot_be_computed_with_is_refused_with_its_line(
    house: House, value: str
) -> None:
    path = house.write("a.csv", f"{ACTIONS}AAA,2024-01-02,split,{value}\n")
    with pytest.raises(DataError, match=r"a\.csv, line 2: The ratio '.*Nothing was stored\."):
        house.data.import_actions(path, "XNYS")
    assert house.data.actions("XNYS") == ()


def test_an_instrument_that_stands_twice_is_refused(house: House) -> None:
    path = house.write("i.csv", "symbol,tick,market\nAAA,0.1,\nAAA,0.1,XLON\nAAA,0.2,XNYS\n")
    with pytest.raises(DataError) as caught:
        house.data.import_instruments(path, "XNYS")
    assert str(caught.value) == (
        f"{path}, line 4: a second row of AAA on XNYS; keep one of the two. Nothing was stored."
    )
    assert house.data.instruments() == ()


# Headers as people write them


@pytest.mark.parametrize(
    "header",
    [
        "timestamp, open, high, low, close, volume",
        "timestamp ,open ,high ,low ,close ,volume ",
        ' "timestamp", "open", "high", "low", "close", "volume"',
        '"timestamp","open","high","low","close","volume"',
        'timestamp,open,high,low,close,"volume"',
        "\ttimestamp,open,high,low,close,volume",
        "Timestamp,OPEN,High,Low,Close,Volume",
    ],
)
def test_blanks_and_quotes_around_names_do_not_matter(house: House, header: str) -> None:
    report = house.import_text(rows_text(minute_rows("2024-01-02T09:30", 5), header))
    assert (report.stored, report.ignored_columns) == (5, ())
    assert house.all_bars().volume.tolist() == [10, 11, 12, 13, 14]


def test_a_name_may_hold_the_delimiter_within_quotes(house: House) -> None:
    header = 'timestamp,open,high,low,close,volume,"note, of the day"'
    rows = [f'{row},"so, so"' for row in minute_rows("2024-01-02T09:30", 3)]
    report = house.import_text(rows_text(rows, header))
    assert (report.stored, report.kept_out) == (3, {})
    assert report.ignored_columns == ("note, of the day",)


def test_blanks_around_values_do_not_matter(house: House) -> None:
    rows = [row.replace(",", " , ") for row in minute_rows("2024-01-02T09:30", 3)]
    report = house.import_text(rows_text(rows))
    assert (report.stored, report.kept_out) == (3, {})


def test_lines_are_counted_the_same_below_a_header_in_quotes(house: House) -> None:
    rows = [*minute_rows("2024-01-02T09:30", 2), "", "broken", *minute_rows("2024-01-02T09:40", 1)]
    report = house.import_text(rows_text([*rows, "x,y,z"], ", ".join(HEADER.split(","))))
    assert [finding.line for finding in report.findings] == [5, 7]


def test_a_nameless_last_column_is_left_out(house: House) -> None:
    rows = [f"{row}," for row in minute_rows("2024-01-02T09:30", 3)]
    assert house.import_text(rows_text(rows, f"{HEADER},")).stored == 3


# Epochs


@pytest.mark.parametrize(
    ("epoch", "fate"),
    [
        ("1704205860000000000", "stored"),
        ("9999999999999999999", "the time cannot be read"),
        ("9223372036854775808", "the time cannot be read"),
        ("8999999999999999999", "the bar does not start on a whole minute"),
        ("17042058600000000000", "the time cannot be read"),
        ("-1704205860000000000", "the time cannot be read"),
    ],
)
def test_an_epoch_too_large_costs_its_own_row_alone(house: House, epoch: str, fate: str) -> None:
    rows = [f"{at},10,11,9,10.5,7" for at in ("1704205800000000000", epoch)]
    report = house.import_text(rows_text(rows))
    assert report.stored == (2 if fate == "stored" else 1)
    assert [finding.reason for finding in report.findings] == ([] if fate == "stored" else [fate])


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_epochs_of_every_unit_are_told_apart_by_their_length(house: House, unit: int) -> None:
    at_s = ns("2024-01-02T09:30") // 10**9
    rows = [f"{(at_s + 60 * index) * unit},10,11,9,10.5,7" for index in range(3)]
    assert house.import_text(rows_text(rows)).stored == 3
    assert house.all_bars().start_ns[0] == at_s * 10**9


# Quotes beside trades


QUOTE_HEADER = "timestamp," + ",".join(
    f"{side}_{what}" for side in ("bid", "ask") for what in ("open", "high", "low", "close", "size")
)


def quote_rows(*times: str) -> list[str]:
    return [f"{at},99,100,98,99.5,10,101,102,100,101.5,20" for at in times]


def test_a_quote_without_its_bar_is_told_once_with_one_reason(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 3)))
    times = ("2024-01-02T09:31", "2024-01-02T11:00", "2024-01-02T10:00", "2024-01-02T09:30")
    report = house.import_text(rows_text(quote_rows(*times), QUOTE_HEADER))
    assert [(finding.line, finding.reason) for finding in report.findings] == [
        (3, "a quote for a time at which no bar is stored"),
        (4, "a quote for a time at which no bar is stored"),
        (5, "the row stands after a later one; it was sorted in"),
    ]
    assert (report.stored, report.changed, report.out_of_order) == (2, 2, 1)


def test_quotes_that_meet_no_bar_at_all_change_nothing(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 3)))
    before = house.files()
    for times in (("2024-01-03T10:00",), ("2023-01-03T10:00", "2024-01-02T12:00")):
        report = house.import_text(rows_text(quote_rows(*times), QUOTE_HEADER))
        assert (report.stored, report.added, report.first) == (0, 0, None)
        assert report.kept_out == {"a quote for a time at which no bar is stored": len(times)}
    assert house.files() == before


def test_unusable_quotes_beside_trades_leave_them_as_they_are(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 3)))
    rows = [*quote_rows("2024-01-02T09:30"), "2024-01-02T09:31,x,,-1,0,-5,nan,inf,1,1,1"]
    report = house.import_text(rows_text(rows, QUOTE_HEADER))
    assert report.stored == 1  # a bar made of such quotes would have no price
    found = house.store.quotes(AAA, -(1 << 62), 1 << 62)
    np.testing.assert_array_equal(found["bid_close"], [99.5, np.nan, np.nan])


# The passport counts the bars of its sessions


def test_a_passport_leaves_out_what_lies_between_its_sessions(house: House) -> None:
    sessions = house.time.sessions_between(dt.date(2024, 1, 2), dt.date(2024, 1, 3))
    for one in sessions:
        house.store.merge(AAA, bars(range(one.open_ns, one.close_ns, MINUTE_NS)), {})
    [before] = house.data.passport("XNYS", ["AAA"], "1m", sessions)
    assert before.bars == before.expected_bars == 780
    house.store.merge(AAA, minutes("2024-01-02T17:00", 30), {})
    house.store.merge(AAA, minutes("2024-01-03T08:00", 30), {})
    [after] = house.data.passport("XNYS", ["AAA"], "1m", sessions)
    assert after == before
    [extended] = house.data.passport("XNYS", ["AAA"], "1m", sessions, extended_hours=True)
    assert (extended.bars, extended.expected_bars) == (840, 2 * 16 * 60)
    assert extended.source_hash != before.source_hash


def test_a_passport_of_days_counts_one_bar_a_session(house: House) -> None:
    sessions = house.time.sessions_between(dt.date(2024, 11, 25), dt.date(2024, 11, 29))
    house.store.merge(Series("XNYS", "AAA", "1d"), bars([one.open_ns for one in sessions]), {})
    for extended_hours in (False, True):
        [found] = house.data.passport(
            "XNYS", ["AAA"], "1d", sessions, extended_hours=extended_hours
        )
        assert (found.bars, found.expected_bars, found.half_days) == (4, 4, 1)
        assert (found.coverage_percent, found.holes) == (100.0, 0)


# Adjusting back


def test_adjusting_nothing_gives_nothing(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 3)))
    frame = house.data.get_bars("AAA", "1m", "2025-01-01", adjust="back")
    assert (len(frame), frame.attrs["adjust"]) == (0, "back")


def test_a_frame_tells_where_it_comes_from(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 10)))
    assert house.data.get_bars("AAA", "5m").attrs == {
        "market": "XNYS",
        "symbol": "AAA",
        "interval": "5m",
        "adjust": "raw",
        "derived_from": "1m",
        "venues": (),
    }


def test_an_unknown_way_to_adjust_gets_a_suggestion(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 3)))
    with pytest.raises(UsageError) as caught:
        house.data.get_bars("AAA", "1m", adjust="bakc")
    assert str(caught.value) == "adjust is raw or back, not 'bakc'. Did you mean 'back'?"


@pytest.mark.parametrize("kind", ["", "txt", "CSV", "json"])
def test_an_unknown_kind_of_export_is_refused(house: House, kind: str, tmp_path: Path) -> None:
    house.import_text(rows_text(minute_rows("2024-01-02T09:30", 3)))
    with pytest.raises(UsageError, match=f"exported as csv or parquet, not '{kind}'"):
        house.data.export(tmp_path / "out", kind, AAA)
    assert not (tmp_path / "out").exists()
