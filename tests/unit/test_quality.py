"""The quality of a session: what was expected, what came, and thin told from hole."""

import datetime as dt
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_blocks import minute, session

from app.core.bars import Ints
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, HOUR_NS, MINUTE_NS
from app.services.quality import Quality, SlotGrid, assess, assess_slots, is_hole

FULL = session(minutes=390)


def starts(of: TradingSession, minutes: range | list[int]) -> Ints:
    return np.array([minute(of, number) for number in minutes], np.int64)


def without(*gone: int) -> Ints:
    return starts(FULL, [number for number in range(390) if number not in gone])


def quality(starts_ns: Ints, of: TradingSession = FULL, **more: object) -> Quality:
    return assess(starts_ns, of.segments(), MINUTE_NS, **more)  # type: ignore[arg-type]


def beside_bad(
    starts_ns: Ints, bad_ns: Ints, of: TradingSession = FULL, upto_ns: int | None = None
) -> Quality:
    grid = SlotGrid.of(of.segments(), MINUTE_NS, upto_ns)
    return assess_slots(grid, grid.occupied(starts_ns), grid.occupied(bad_ns))


def thin_minutes(share: float, seed: int) -> list[int]:
    chance = random.Random(seed)
    return [number for number in range(390) if chance.random() < share]


def test_a_whole_session_scores_one() -> None:
    found = quality(starts(FULL, range(390)))
    assert found == Quality(390, 390, 0, 0, 0, (), 1.0, 1.0)


def test_as_many_bars_as_expected_are_not_all_when_one_lies_elsewhere() -> None:
    assert quality(starts(FULL, [*range(389), 390])).present == 389


def test_a_single_missing_minute_of_a_busy_symbol_proves_nothing() -> None:
    found = quality(without(100))
    assert (found.missing, found.thin_bars, found.holes, found.score) == (1, 1, (), 1.0)
    assert found.coverage == 389 / 390


def test_three_missing_minutes_in_a_row_of_a_busy_symbol_are_a_hole() -> None:
    found = quality(without(100, 101, 102))
    assert found.holes == ((minute(FULL, 100), minute(FULL, 103)),)
    assert found.score == 387 / 390
    assert quality(without(100, 101, 200)).holes == ()


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.6, 0.9])
def test_a_thin_symbol_is_hardly_ever_taken_for_one_with_holes(share: float) -> None:
    found = [quality(starts(FULL, thin_minutes(share, seed))) for seed in range(300)]
    assert sum(one.holes != () and one.present > 0 for one in found) <= 3
    assert all(one.missing == one.thin_bars for one in found if not one.holes)


def test_an_hour_without_a_bar_is_a_hole_for_a_symbol_that_trades_every_third_minute() -> None:
    minutes = [number for number in thin_minutes(0.33, 1) if not 100 <= number < 160]
    found = quality(starts(FULL, minutes))
    assert len(found.holes) == 1
    first_ns, end_ns = found.holes[0]
    assert first_ns <= minute(FULL, 100)
    assert end_ns >= minute(FULL, 160)
    assert found.thin_bars > 150
    assert found.score == (390 - (end_ns - first_ns) // MINUTE_NS) / 390


def test_an_hour_without_a_bar_is_nothing_for_a_symbol_that_trades_ten_times_a_day() -> None:
    found = quality(starts(FULL, list(range(5, 390, 39))))
    assert (found.holes, found.score) == ((), 1.0)


def test_a_session_without_any_bar_is_one_hole() -> None:
    found = quality(starts(FULL, []))
    assert found.holes == ((FULL.open_ns, FULL.close_ns),)
    assert (found.score, found.coverage, found.missing) == (0.0, 0.0, 390)


def test_an_early_close_expects_less() -> None:
    half = session(minutes=210)
    assert quality(starts(half, range(210)), half) == Quality(210, 210, 0, 0, 0, (), 1.0, 1.0)


def test_nothing_is_expected_during_a_break() -> None:
    of = session(minutes=10, breaks=[(4, 7)])
    found = quality(starts(of, [0, 1, 2, 3, 7, 8, 9]), of)
    assert (found.expected, found.score) == (7, 1.0)
    assert quality(starts(of, [0, 1, 2, 3, 4, 7, 8, 9]), of).present == 7


def test_post_market_is_expected_only_when_asked_for() -> None:
    of = session(minutes=10)
    assert assess(starts(of, range(15)), of.segments(True), MINUTE_NS).expected == 15
    assert assess(starts(of, range(15)), of.segments(False), MINUTE_NS).expected == 10


def test_so_far_means_what_is_known_by_then() -> None:
    early = quality(starts(FULL, range(30)), upto_ns=minute(FULL, 30))
    assert (early.expected, early.score) == (30, 1.0)
    late = quality(starts(FULL, range(30)), upto_ns=minute(FULL, 60) - 1)
    assert (late.expected, late.holes) == (59, ((minute(FULL, 30), minute(FULL, 59)),))
    assert quality(starts(FULL, []), upto_ns=FULL.open_ns) == Quality(0, 0, 0, 0, 0, (), 1.0, 1.0)


def test_a_session_expects_one_daily_bar_breaks_or_not() -> None:
    for of in (session(minutes=390), session(minutes=300, breaks=[(120, 180)])):
        there = assess(np.array([of.open_ns]), of.segments(True), DAY_NS)
        gone = assess(np.array([], np.int64), of.segments(True), DAY_NS)
        assert (there.expected, there.score) == (1, 1.0)
        assert (gone.holes, gone.score) == (((of.open_ns, of.close_ns),), 0.0)


def test_the_last_hour_of_a_session_may_be_short() -> None:
    of = session(minutes=390)
    hours = of.open_ns + np.arange(7) * HOUR_NS
    assert assess(hours, of.segments(), HOUR_NS).expected == 7
    assert assess(hours, of.segments(), HOUR_NS, upto_ns=of.close_ns).expected == 7
    assert assess(hours, of.segments(), HOUR_NS, upto_ns=of.close_ns - 1).expected == 6


CLOCK_HOURS = [0, *range(30, 390, 60)]  # minutes after 9:30: the open, 10:00, 11:00, ...


def hours(minutes: list[int], of: TradingSession = FULL, **more: int) -> Quality:
    return assess(starts(of, minutes), of.segments(), HOUR_NS, **more)


def test_hours_by_the_clock_are_expected_by_the_clock() -> None:
    assert hours(CLOCK_HOURS) == Quality(7, 7, 0, 0, 0, (), 1.0, 1.0)
    early = hours(CLOCK_HOURS[:3], upto_ns=minute(FULL, 150))
    assert (early.expected, early.present) == (3, 3)


@pytest.mark.parametrize("gone", CLOCK_HOURS)
def test_an_hour_by_the_clock_that_is_not_there_is_missing(gone: int) -> None:
    found = hours([number for number in CLOCK_HOURS if number != gone])
    assert (found.expected, found.present, found.missing) == (7, 6, 1)


def test_hours_by_the_clock_leave_a_hole_where_they_stop() -> None:
    week = TradingSession("24/5", dt.date(2024, 3, 11), minute(FULL, 30), minute(FULL, 30 + 1440))
    there = [30 + 15 + 60 * number for number in range(24) if not 8 <= number < 16]
    found = hours(there, week, upto_ns=week.close_ns)
    assert (found.expected, found.present) == (25, 16)
    assert found.holes == ((minute(week, 525), minute(week, 1005)),)


def test_hours_of_two_phases_are_judged_by_the_open() -> None:
    found = hours([0, 30, 75, 135])
    assert (found.expected, found.present) == (7, 3)


def test_hours_by_the_clock_begin_anew_after_a_break() -> None:
    tokyo = session(minutes=360, breaks=[(150, 210)])
    by_the_clock, by_the_stretch = [0, 60, 120, 210, 240, 300], [0, 60, 120, 210, 270, 330]
    for minutes in (by_the_clock, by_the_stretch):
        assert hours(minutes, tokyo) == Quality(6, 6, 0, 0, 0, (), 1.0, 1.0)
        assert hours(minutes[:-1], tokyo).missing == 1


@given(st.sets(st.integers(0, 389), max_size=389))
def test_minutes_have_no_phase_to_hide_a_hole_behind(there: set[int]) -> None:
    found = quality(starts(FULL, sorted(there)))
    assert (found.expected, found.present) == (390, len(there))


@given(
    st.sampled_from([2, 5, 7, 60]),
    st.integers(0, 59),
    st.sets(st.integers(0, 200)),
    st.sampled_from([(), ((100, 130),)]),
)
def test_whatever_phase_bars_lie_at_each_lost_one_is_missing(
    length: int, phase: int, lost: set[int], breaks: tuple[tuple[int, int], ...]
) -> None:
    """Bars fill the slots of one phase, and the starts of the stretches; some are then lost."""
    of = session(minutes=390, breaks=breaks)
    parts = [(0, 100), (130, 390)] if breaks else [(0, 390)]
    slots = sorted(
        {first for first, _ in parts}
        | {n for first, end in parts for n in range(first, end) if n % length == phase % length}
    )
    kept = [n for place, n in enumerate(slots) if place not in lost]
    found = assess(starts(of, kept), of.segments(), length * MINUTE_NS)
    if any(n % length == phase % length for n in kept if n not in (0, 130)):
        assert found.present == len(kept)
        assert found.missing >= len(slots) - len(kept)
    whole = assess(starts(of, slots), of.segments(), length * MINUTE_NS)
    assert (whole.expected, whole.score) == (len(slots), 1.0)


def test_a_market_that_never_closes_expects_every_minute_of_the_day() -> None:
    of = TradingSession("24/7", dt.date(2024, 3, 10), 0, DAY_NS)
    assert assess(np.arange(0, DAY_NS, MINUTE_NS), of.segments(), MINUTE_NS).expected == 1440


def test_a_bad_bar_is_lost_but_not_missing() -> None:
    found = beside_bad(without(7), starts(FULL, [7]))
    assert (found.missing, found.bad, found.thin_bars) == (0, 1, 0)
    assert found.score == 389 / 390
    again = beside_bad(starts(FULL, range(390)), starts(FULL, [7, 500]))
    assert (again.bad, again.score) == (0, 1.0)


def test_a_run_is_a_hole_when_the_formula_says_so() -> None:
    cases = [(390, 270, 20), (390, 270, 40), (390, 30, 3), (390, 30, 9), (78, 3, 2), (7, 6, 6)]
    assert [is_hole(run, missing, expected) for expected, missing, run in cases] == [
        runs_by_chance(run, missing, expected) < 0.001 for expected, missing, run in cases
    ]


def runs_by_chance(run: int, missing: int, expected: int) -> float:
    """The same by another way: the chance is a ratio of beta functions."""
    outside, absent = expected - run, missing - run

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    there = outside - absent + 0.5
    chance = math.exp(log_beta(absent + run + 0.5, there) - log_beta(absent + 0.5, there))
    return chance * (1 + outside * (1 - (absent + 0.5) / (outside + 1)))


@given(
    st.sets(st.integers(0, 59)),
    st.sets(st.integers(0, 59), max_size=5),
    st.sampled_from([(), ((10, 20),), ((5, 6), (30, 50))]),
    st.integers(0, 70) | st.none(),
)
def test_the_counts_always_add_up(
    good: set[int], bad: set[int], breaks: tuple[tuple[int, int], ...], upto: int | None
) -> None:
    of = session(minutes=60, breaks=breaks)
    upto_ns = None if upto is None else minute(of, upto)
    found = beside_bad(starts(of, sorted(good)), starts(of, sorted(bad)), of, upto_ns)
    trading = {n for n in range(60) if not any(a <= n < b for a, b in breaks)}
    known = {n for n in trading if upto is None or n < upto}
    assert found.expected == len(known)
    assert found.present == len(known & good)
    assert found.bad == len(known & bad - good)
    assert found.missing == len(known - good - bad)
    in_holes = {
        n for first_ns, end_ns in found.holes for n in known if first_ns <= minute(of, n) < end_ns
    }
    assert in_holes <= known - good - bad
    assert found.thin_bars == found.missing - len(in_holes)
    lost = len(in_holes) + found.bad
    assert found.score == ((len(known) - lost) / len(known) if known else 1.0)
