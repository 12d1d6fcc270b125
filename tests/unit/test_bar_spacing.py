"""Bars that are shorter or longer than they are said to be are found by how far apart they lie."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.data_house import ns
from tests.unit.test_bar_import import NOW_NS, ZONE, rows

from app.core.bars import Ints
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, HOUR_NS, MINUTE_NS, interval_ns
from app.services.bar_import import Rows, Terms, check_rows
from app.services.bar_spacing import spacing_problem
from app.services.csv_times import Times

WEEK = tuple(
    TradingSession(
        market="XNYS",
        date=np.datetime64(f"2024-01-{day:02}").item(),
        open_ns=ns(f"2024-01-{day:02}T09:30"),
        close_ns=ns(f"2024-01-{day:02}T16:00"),
        pre_open_ns=ns(f"2024-01-{day:02}T04:00"),
        post_close_ns=ns(f"2024-01-{day:02}T20:00"),
    )
    for day in range(1, 29)
)


def at(starts: Ints) -> Rows:
    """Good rows at these moments."""
    none = np.zeros(len(starts), dtype=bool)
    good = rows(["2024-01-01T00:00"] * len(starts))
    return Rows(Times(starts, none, none), good.values, good.lines, good.broken_lines)


def problem(starts: Ints, interval: str, sessions: tuple[TradingSession, ...] = WEEK) -> str | None:
    terms = Terms(interval, "start", ZONE, sessions, NOW_NS)
    given_rows = at(np.asarray(starts, np.int64))
    return spacing_problem(given_rows, check_rows(given_rows, terms), terms)


def every(length_ns: int, days: int = 5, offset_ns: int = 0) -> Ints:
    """Bars from the open on, one after the other, for some days."""
    parts = [np.arange(s.open_ns + offset_ns, s.close_ns, length_ns) for s in WEEK[:days]]
    return np.concatenate(parts)


@pytest.mark.parametrize("interval", ["1m", "5m", "7m", "15m", "30m", "1h", "4h", "8h"])
@pytest.mark.parametrize("days", [1, 5, 28])
def test_bars_of_their_own_interval_are_fine(interval: str, days: int) -> None:
    assert problem(every(interval_ns(interval), days), interval) is None


@pytest.mark.parametrize(
    ("own", "said", "words"),
    [
        ("1h", "1m", "the bars lie 60 minutes apart, not 1m; import them with --interval 1h."),
        ("5m", "1m", "the bars lie 5 minutes apart, not 1m; import them with --interval 5m."),
        ("1h", "5m", "the bars lie 60 minutes apart, not 5m; import them with --interval 1h."),
        ("2h", "1h", "the bars lie 120 minutes apart, not 1h; import them with --interval 2h."),
        ("1m", "5m", "the bars lie 1 minute apart, not 5m; import them with --interval 1m."),
        ("1m", "1h", "the bars lie 1 minute apart, not 1h; import them with --interval 1m."),
        ("15m", "1h", "the bars lie 15 minutes apart, not 1h; import them with --interval 15m."),
        ("1m", "1d", "the bars lie 1 minute apart, not 1d; import them with --interval 1m."),
        ("1h", "1d", "the bars lie 60 minutes apart, not 1d; import them with --interval 1h."),
    ],
)
def test_bars_of_another_interval_are_told_with_their_own(own: str, said: str, words: str) -> None:
    assert problem(every(interval_ns(own), 10), said) == words


def test_hours_by_the_clock_are_hours_and_no_minutes() -> None:
    """The open's bar is cut short: 10:00 follows 9:30."""
    opens = np.array([session.open_ns for session in WEEK])
    clock = np.sort(np.concatenate([opens, every(HOUR_NS, 28, 30 * MINUTE_NS)]))
    assert problem(clock, "1h") is None
    assert "60 minutes apart" in (problem(clock, "1m") or "")


def test_hours_with_extended_hours_are_hours() -> None:
    around = np.concatenate(
        [np.arange(s.open_ns - 330 * MINUTE_NS, s.close_ns + 4 * HOUR_NS, HOUR_NS) for s in WEEK]
    )
    assert problem(around, "1h") is None
    assert "60 minutes apart" in (problem(around, "1m") or "")


def test_few_gaps_prove_nothing_and_twenty_do() -> None:
    hours = every(HOUR_NS, 4)  # seven bars, six gaps a day
    assert problem(hours[:23], "1m") is None  # 6 + 6 + 6 + 1
    assert problem(hours[:24], "1m") is not None  # 6 + 6 + 6 + 2


@pytest.mark.parametrize(("others", "refused"), [(2, True), (3, False)])
def test_nine_of_ten_gaps_must_be_the_same(others: int, refused: bool) -> None:
    """20 gaps of five minutes but for `others` of six."""
    gaps = np.array([5] * (20 - others) + [6] * others)
    starts = WEEK[0].open_ns + np.concatenate(([0], np.cumsum(gaps))) * MINUTE_NS
    assert (problem(starts, "1m") is not None) is refused


@given(seed=st.integers(0, 10**6), share=st.floats(0.01, 0.9))
def test_a_thin_symbol_s_minutes_are_minutes(seed: int, share: float) -> None:
    minutes = every(MINUTE_NS, 5)
    assert problem(minutes[np.random.default_rng(seed).random(len(minutes)) < share], "1m") is None


@given(seed=st.integers(0, 10**6), share=st.floats(0.2, 1.0), said=st.sampled_from(["5m", "1h"]))
def test_a_thin_symbol_s_minutes_are_nothing_longer(seed: int, share: float, said: str) -> None:
    minutes = every(MINUTE_NS, 5)
    kept = minutes[np.random.default_rng(seed).random(len(minutes)) < share]
    assume(len(kept) > 10)
    assert problem(kept, said) is not None


def test_a_bar_that_begins_within_another_is_told_with_its_line() -> None:
    starts = np.append(every(5 * MINUTE_NS, 1), WEEK[0].open_ns + 32 * MINUTE_NS)
    assert problem(starts, "5m") == (
        f"line {2 + len(starts) - 1}: the bar starts 2 minutes after the one before it, which"
        " lasts 5 minutes; take out the wrong one."
    )


@pytest.mark.parametrize("said", ["1m", "5m", "1h"])
def test_days_are_no_minutes_that_only_trade_at_the_open(said: str) -> None:
    opens = np.array([session.open_ns for session in WEEK])
    assert problem(opens, said) == "the bars lie a day apart, not " + (
        f"{said}; import them with --interval 1d."
    )
    assert problem(opens[:20], said) is None


@pytest.mark.parametrize("hour", ["00:00", "09:30", "16:00"])
def test_days_are_days_whatever_time_they_name(hour: str) -> None:
    starts = np.array([ns(f"2024-01-{day:02}T{hour}") for day in range(1, 29)])
    assert problem(starts, "1d") is None
    twice = np.sort(np.concatenate([starts, starts[:3] + HOUR_NS]))
    assert problem(twice, "1d") is None  # the repeated days are kept out one by one


def test_days_that_all_stand_twice_are_days() -> None:
    starts = np.array([session.open_ns for session in WEEK])
    assert problem(np.repeat(starts, 2), "1d") is None


def test_round_the_clock_days_are_no_minutes() -> None:
    days = tuple(
        TradingSession("24/7", np.datetime64(day, "D").item(), day * DAY_NS, (day + 1) * DAY_NS)
        for day in range(19_000, 19_040)
    )
    midnights = np.array([day.open_ns for day in days])
    assert "--interval 1d" in (problem(midnights, "1m", days) or "")
    assert problem(midnights, "24h", days) is None


def test_nothing_stored_is_nothing_to_judge() -> None:
    assert problem(np.array([], np.int64), "1m") is None
    assert problem(np.array([ns("2024-01-06T03:00")]), "1d", ()) is None
