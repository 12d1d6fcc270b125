"""Rows judged one by one: what enters the store, in which order, and why the rest does not."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data_house import ns, session

from app.core.bars import Floats
from app.core.calendar import TradingSession
from app.core.intervals import HOUR_NS, MINUTE_NS
from app.services.bar_import import Checked, Fault, Rows, Terms, check_rows
from app.services.csv_times import Times

DAY = session("2024-01-02")
HALF_DAY = session("2024-07-03", closes="13:00", post="17:00")
NEXT_DAY = session("2024-01-03")
ZONE = "America/New_York"
NOW_NS = ns("2024-12-31T12:00")
LUNCH = TradingSession(
    market="XTKS",
    date=dt.date(2024, 1, 2),
    open_ns=ns("2024-01-02T09:00"),
    close_ns=ns("2024-01-02T15:00"),
    breaks=((ns("2024-01-02T11:30"), ns("2024-01-02T12:30")),),
)


def rows(times: list[str], **values: list[float]) -> Rows:
    """Rows at these wall-clock times, good in every other way unless told otherwise."""
    count = len(times)
    good = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 5.0}
    columns: dict[str, Floats] = {name: np.full(count, value) for name, value in good.items()}
    columns |= {name: np.array(column, dtype=np.float64) for name, column in values.items()}
    none = np.zeros(count, dtype=bool)
    return Rows(
        times=Times(np.array([ns(text) for text in times], dtype=np.int64), none, none),
        values=columns,
        lines=np.arange(2, 2 + count),
        broken_lines=np.empty(0, np.int64),
    )


def check(
    given_rows: Rows,
    interval: str = "1m",
    label: str = "start",
    sessions: tuple[TradingSession, ...] = (DAY, NEXT_DAY),
) -> Checked:
    return check_rows(given_rows, Terms(interval, label, ZONE, sessions, NOW_NS))


def faults(checked: Checked) -> dict[Fault, list[int]]:
    return {fault: lines.tolist() for fault, lines in checked.faults.items()}


def test_good_rows_pass_untouched() -> None:
    checked = check(rows(["2024-01-02T09:30", "2024-01-02T09:31"]))
    assert checked.columns.start_ns.tolist() == [ns("2024-01-02T09:30"), ns("2024-01-02T09:31")]
    assert checked.columns.high.tolist() == [11.0, 11.0]
    assert not checked.faults
    assert not len(checked.out_of_order)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"open": [np.nan]}, Fault.BAD_VALUE),
        ({"close": [np.inf]}, Fault.BAD_VALUE),
        ({"volume": [np.nan]}, Fault.BAD_VALUE),
        ({"low": [0.0]}, Fault.NOT_POSITIVE),
        ({"open": [-10.0]}, Fault.NOT_POSITIVE),
        ({"volume": [-1.0]}, Fault.NOT_POSITIVE),
        ({"high": [10.2]}, Fault.OHLC_ORDER),
        ({"low": [10.1]}, Fault.OHLC_ORDER),
        ({"open": [12.0]}, Fault.OHLC_ORDER),
        ({"close": [8.0]}, Fault.OHLC_ORDER),
        ({"high": [8.0], "low": [9.0], "open": [8.5], "close": [8.5]}, Fault.OHLC_ORDER),
    ],
)
def test_each_bad_value_has_its_reason(values: dict[str, list[float]], fault: Fault) -> None:
    checked = check(rows(["2024-01-02T09:30"], **values))
    assert faults(checked) == {fault: [2]}
    assert len(checked.columns) == 0


def test_a_volume_of_nothing_is_fine() -> None:
    assert len(check(rows(["2024-01-02T09:30"], volume=[0.0])).columns) == 1


def test_the_first_reason_that_applies_is_the_one_reported() -> None:
    checked = check(rows(["2024-01-06T09:30"], open=[np.nan], low=[-1.0]))
    assert faults(checked) == {Fault.BAD_VALUE: [2]}


@pytest.mark.parametrize(
    "time", ["2024-01-02T03:59", "2024-01-02T20:00", "2024-01-06T10:00", "2024-01-01T10:00"]
)
def test_a_bar_outside_every_session_is_kept_out(time: str) -> None:
    assert faults(check(rows([time]))) == {Fault.OUTSIDE_SESSION: [2]}


@pytest.mark.parametrize("time", ["2024-01-02T04:00", "2024-01-02T09:29", "2024-01-02T19:59"])
def test_extended_hours_are_part_of_a_session(time: str) -> None:
    assert len(check(rows([time])).columns) == 1


def test_a_half_day_ends_early() -> None:
    times = ["2024-07-03T16:59", "2024-07-03T17:00"]
    assert faults(check(rows(times), sessions=(HALF_DAY,))) == {Fault.OUTSIDE_SESSION: [3]}


def test_a_bar_in_the_lunch_break_is_kept_out() -> None:
    times = ["2024-01-02T11:29", "2024-01-02T11:30", "2024-01-02T12:30"]
    assert faults(check(rows(times), sessions=(LUNCH,))) == {Fault.OUTSIDE_SESSION: [3]}


def test_a_bar_between_minutes_is_kept_out() -> None:
    checked = check(rows(["2024-01-02T09:30:30"]))
    assert faults(checked) == {Fault.OFF_MINUTE: [2]}


def test_an_hour_that_spans_the_open_starts_at_it() -> None:
    times = ["2024-01-02T09:00", "2024-01-02T10:00"]
    checked = check(rows(times), interval="1h")
    assert checked.columns.start_ns.tolist() == [ns("2024-01-02T09:30"), ns("2024-01-02T10:00")]
    assert checked.moved_to_open == 1


def test_an_hour_of_the_premarket_stays_where_it_is() -> None:
    checked = check(rows(["2024-01-02T08:00"]), interval="1h")
    assert checked.columns.start_ns.tolist() == [ns("2024-01-02T08:00")]
    assert checked.moved_to_open == 0


def test_an_hour_that_spans_the_end_of_the_break_starts_at_it() -> None:
    checked = check(rows(["2024-01-02T12:00"]), interval="1h", sessions=(LUNCH,))
    assert checked.columns.start_ns.tolist() == [ns("2024-01-02T12:30")]


def test_a_bar_before_the_open_stays_apart_from_the_one_of_the_open() -> None:
    times = ["2024-01-02T09:00", "2024-01-02T09:30", "2024-01-02T10:30"]
    checked = check(rows(times, open=[9.5, 10.0, 10.5]), interval="1h")
    assert checked.columns.start_ns.tolist() == [ns(text) for text in times]
    assert checked.columns.open.tolist() == [9.5, 10.0, 10.5]
    assert not checked.faults


def test_labels_at_the_end_are_set_back_by_an_interval() -> None:
    checked = check(rows(["2024-01-02T09:31", "2024-01-02T16:00"]), label="end")
    assert checked.columns.start_ns.tolist() == [ns("2024-01-02T09:30"), ns("2024-01-02T15:59")]


def test_a_short_last_bar_with_its_end_for_a_label_starts_where_the_one_before_it_ends() -> None:
    ends = ["10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:00"]
    checked = check(rows([f"2024-01-02T{end}" for end in ends]), interval="1h", label="end")
    starts = ["09:30", *ends[:-1]]
    assert checked.columns.start_ns.tolist() == [ns(f"2024-01-02T{start}") for start in starts]
    lunch = [f"2024-01-02T{end}" for end in ("10:00", "11:00", "11:30", "13:30")]
    checked = check(rows(lunch), interval="1h", label="end", sessions=(LUNCH,))
    wanted = [ns(f"2024-01-02T{start}") for start in ("09:00", "10:00", "11:00", "12:30")]
    assert checked.columns.start_ns.tolist() == wanted


def test_hours_by_the_clock_with_their_end_for_a_label_are_whole_up_to_the_close() -> None:
    ends = ["10:00", "11:00", "15:00", "16:00"]
    checked = check(rows([f"2024-01-02T{end}" for end in ends]), interval="1h", label="end")
    starts = ["09:30", "10:00", "14:00", "15:00"]
    assert checked.columns.start_ns.tolist() == [ns(f"2024-01-02T{start}") for start in starts]


@pytest.mark.parametrize("time", ["00:00", "09:30", "16:00", "18:59"])
def test_a_day_bar_starts_at_its_sessions_open(time: str) -> None:
    checked = check(rows([f"2024-01-02T{time}"]), interval="1d")
    assert checked.columns.start_ns.tolist() == [DAY.open_ns]


def test_a_day_bar_that_starts_on_the_eve_is_of_the_session_that_opens_there() -> None:
    futures = [
        TradingSession(
            "CME_Equity", dt.date(2024, 1, day), ns(f"{eve}T18:00"), ns(f"2024-01-0{day}T17:00")
        )
        for day, eve in ((2, "2024-01-01"), (3, "2024-01-02"))
    ]
    times = ["2024-01-01T18:00", "2024-01-02T18:00"]
    checked = check(rows(times), interval="1d", sessions=tuple(futures))
    assert checked.columns.start_ns.tolist() == [one.open_ns for one in futures]
    by_date = check(rows(["2024-01-02T00:00"]), interval="1d", sessions=tuple(futures))
    assert by_date.columns.start_ns.tolist() == [futures[0].open_ns]


def test_a_day_bar_stamped_at_midnight_in_greenwich_is_that_days() -> None:
    given_rows = rows(["2024-01-02T19:00"])  # midnight of the third there
    assert check(given_rows, interval="1d").columns.start_ns.tolist() == [NEXT_DAY.open_ns]


def test_a_day_without_a_session_has_no_day_bar() -> None:
    times = ["2024-01-01T00:00", "2024-01-02T00:00", "2024-01-06T00:00"]
    assert faults(check(rows(times), interval="1d")) == {Fault.OUTSIDE_SESSION: [2, 4]}


def test_round_the_clock_a_day_labelled_by_its_end_is_the_day_before() -> None:
    opens = ns("2024-01-02T00:00", dt.UTC)
    whole = TradingSession("24/7", dt.date(2024, 1, 2), opens, opens + 24 * HOUR_NS)
    given_rows = rows(["2024-01-02T19:00"])  # midnight in Greenwich
    checked = check_rows(given_rows, Terms("1d", "end", "UTC", [whole], NOW_NS))
    assert checked.columns.start_ns.tolist() == [opens]


def test_without_sessions_nothing_passes() -> None:
    for interval in ("1m", "1h", "1d"):
        checked = check(rows(["2024-01-02T09:30"]), interval=interval, sessions=())
        assert faults(checked) == {Fault.OUTSIDE_SESSION: [2]}


def test_a_bar_that_has_not_started_yet_is_kept_out() -> None:
    terms = Terms("1m", "start", ZONE, (DAY,), now_ns=ns("2024-01-02T09:31"))
    checked = check_rows(rows(["2024-01-02T09:31", "2024-01-02T09:32"]), terms)
    assert faults(checked) == {Fault.IN_FUTURE: [3]}


def test_a_repeat_that_comes_late_is_told_once() -> None:
    checked = check(rows(["2024-01-02T09:30", "2024-01-02T09:31", "2024-01-02T09:30"]))
    assert faults(checked) == {Fault.DUPLICATE: [4]}
    assert not len(checked.out_of_order)


def test_of_two_rows_with_one_time_the_first_stays() -> None:
    times = ["2024-01-02T09:30", "2024-01-02T09:31", "2024-01-02T09:30"]
    checked = check(rows(times, volume=[1.0, 2.0, 3.0]))
    assert checked.columns.volume.tolist() == [1.0, 2.0]
    assert faults(checked) == {Fault.DUPLICATE: [4]}


def test_rows_out_of_order_are_sorted_in_and_reported() -> None:
    times = ["2024-01-02T09:32", "2024-01-02T09:30", "2024-01-02T09:33", "2024-01-02T09:31"]
    checked = check(rows(times, volume=[3.0, 1.0, 4.0, 2.0]))
    assert checked.columns.volume.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert checked.out_of_order.tolist() == [3, 5]
    assert checked.lines.tolist() == [3, 5, 2, 4]


def test_a_file_with_the_newest_row_first_is_in_order() -> None:
    times = ["2024-01-02T09:32", "2024-01-02T09:31", "2099-01-01T00:00", "2024-01-02T09:31"]
    checked = check(rows([*times, "2024-01-02T09:30"], volume=[3.0, 2.0, 9.0, 8.0, 1.0]))
    assert checked.columns.volume.tolist() == [1.0, 2.0, 3.0]
    assert faults(checked) == {Fault.OUTSIDE_SESSION: [4], Fault.DUPLICATE: [5]}
    assert not len(checked.out_of_order)


def test_a_wild_time_in_the_future_does_not_put_the_rest_out_of_order() -> None:
    times = ["2099-01-01T00:00", "2024-01-02T09:30", "2024-01-02T09:31"]
    assert not len(check(rows(times)).out_of_order)


def test_bars_of_quotes_are_the_middle() -> None:
    given_rows = rows(["2024-01-02T09:30"])
    sides = {"bid_open": 9.0, "bid_high": 11.0, "bid_low": 8.0, "bid_close": 10.0}
    sides |= {"ask_open": 10.0, "ask_high": 12.0, "ask_low": 9.0, "ask_close": 11.0}
    quotes = {name: np.array([value]) for name, value in sides.items()}
    checked = check(Rows(given_rows.times, quotes, given_rows.lines, given_rows.broken_lines))
    bar = checked.columns
    assert (bar.open[0], bar.high[0], bar.low[0], bar.close[0]) == (9.5, 11.5, 8.5, 10.5)
    assert bar.volume[0] == 0.0
    assert checked.quotes["ask_high"].tolist() == [12.0]


def test_a_missing_quote_does_not_cost_the_bar_of_trades() -> None:
    times = ["2024-01-02T09:30", "2024-01-02T09:31"]
    checked = check(rows(times, bid_close=[0.0, 9.9], ask_size=[-1.0, 0.0]))
    assert len(checked.columns) == 2
    assert np.isnan(checked.quotes["bid_close"]).tolist() == [True, False]
    assert np.isnan(checked.quotes["ask_size"]).tolist() == [True, False]


PRICE = st.sampled_from([np.nan, np.inf, -1.0, 0.0, 9.0, 10.0, 10.5, 11.0, 12.0])
OFFSET = st.integers(-60, 500)


@given(
    table=st.lists(st.tuples(OFFSET, PRICE, PRICE, PRICE, PRICE, PRICE), max_size=30),
    interval=st.sampled_from(["1m", "5m", "1h", "1d"]),
    label=st.sampled_from(["start", "end"]),
)
def test_every_row_is_stored_or_has_a_reason_and_what_is_stored_is_sound(
    table: list[tuple[int, float, float, float, float, float]], interval: str, label: str
) -> None:
    offsets = [row[0] for row in table]
    given_rows = rows([], **{
        name: [row[index + 1] for row in table]
        for index, name in enumerate(("open", "high", "low", "close", "volume"))
    })  # fmt: skip
    starts = np.array([DAY.open_ns + at * MINUTE_NS for at in offsets], dtype=np.int64)
    none = np.zeros(len(table), dtype=bool)
    times = Times(starts, none, none)
    lines = np.arange(2, 2 + len(table))
    checked = check(Rows(times, given_rows.values, lines, given_rows.broken_lines), interval, label)
    told = [line for group in checked.faults.values() for line in group.tolist()]
    assert sorted(told + checked.lines.tolist()) == lines.tolist()
    bar = checked.columns
    assert np.all(np.diff(bar.start_ns) > 0)
    assert np.all(bar.start_ns % MINUTE_NS == 0)
    assert np.all((bar.low > 0) & np.isfinite(bar.high) & (bar.volume >= 0))
    assert np.all((bar.low <= bar.open) & (bar.open <= bar.high))
    assert np.all((bar.low <= bar.close) & (bar.close <= bar.high))
    first, last = DAY.segments(True)[0].start_ns, NEXT_DAY.segments(True)[-1].end_ns
    assert np.all((bar.start_ns >= first) & (bar.start_ns < last))
