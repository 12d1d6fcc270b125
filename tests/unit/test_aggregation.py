"""Derived bars against a plain reckoning of minutes: anchors, ends, knowledge, sums."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.bars import TABLE_FIELDS, BarColumns, Table, join_tables, no_rows
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, HOUR_NS, MINUTE_NS, interval_ns
from app.services.aggregation import Grid, aggregate, fold, known_times, stretches

OPEN_NS = 1_000 * DAY_NS + 570 * MINUTE_NS
Row = tuple[int, int, float, float, float, float, float]  # symbol, start, o, h, l, c, volume


def session(
    minutes: int = 390,
    day: int = 0,
    breaks: Sequence[tuple[int, int]] = (),
    pre: int | None = None,
    post: int | None = None,
) -> TradingSession:
    """A session `day` days on; breaks, pre- and post-market in minutes."""
    open_ns = OPEN_NS + day * DAY_NS
    close_ns = open_ns + minutes * MINUTE_NS
    return TradingSession(
        "TEST",
        dt.date(2024, 1, 1) + dt.timedelta(days=day),
        open_ns,
        close_ns,
        breaks=tuple((open_ns + a * MINUTE_NS, open_ns + b * MINUTE_NS) for a, b in breaks),
        pre_open_ns=None if pre is None else open_ns - pre * MINUTE_NS,
        post_close_ns=None if post is None else close_ns + post * MINUTE_NS,
    )


def minute_table(starts: Sequence[int], symbol: int = 0) -> Table:
    """Bars of one symbol, each known a minute after it starts, no two alike."""
    count = len(starts)
    base = 100.0 + symbol + np.arange(count) % 7
    start_ns = np.array(starts, np.int64)
    return Table(
        symbol=np.full(count, symbol, np.int32),
        start_ns=start_ns,
        known_ns=start_ns + MINUTE_NS,
        open=base,
        high=base + 1 + np.arange(count) % 3,
        low=base - 1 - np.arange(count) % 5,
        close=base + 0.25,
        volume=0.1 + np.arange(count) * 0.7,
    )


def minutes_of(of: TradingSession, extended: bool = False) -> list[int]:
    """The start of every minute of a session."""
    return [
        at for part in of.segments(extended) for at in range(part.start_ns, part.end_ns, MINUTE_NS)
    ]


def folded(of: Sequence[TradingSession], interval: str, extended: bool = False) -> Table:
    """The derived bars of sessions that lack no minute."""
    starts = [at for one in of for at in minutes_of(one, extended)]
    return fold(minute_table(starts), Grid.of(of, interval, extended))


def offsets(table: Table, name: str = "start_ns") -> list[int]:
    """Times as minutes from the first session's open."""
    return [(int(at) - OPEN_NS) // MINUTE_NS for at in getattr(table, name)]


def equal(one: Table, other: Table) -> bool:
    """Whether two tables are the same to the last bit."""
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in TABLE_FIELDS
    )


# -- anchors and ends ------------------------------------------------------------------------------


def test_bars_anchor_at_the_open_and_not_at_the_clock() -> None:
    hours = folded([session()], "1h")
    assert offsets(hours) == [0, 60, 120, 180, 240, 300, 360]
    assert offsets(hours, "known_ns") == [60, 120, 180, 240, 300, 360, 390]


def test_the_last_bar_of_a_session_is_short_and_known_at_the_close() -> None:
    half = folded([session(minutes=210)], "1h")
    assert offsets(half) == [0, 60, 120, 180]
    assert offsets(half, "known_ns")[-1] == 210


def test_a_break_ends_a_bar_and_the_next_anchors_after_it() -> None:
    bars = folded([session(minutes=300, breaks=[(100, 160)])], "1h")
    assert offsets(bars) == [0, 60, 160, 220, 280]
    assert offsets(bars, "known_ns") == [60, 100, 220, 280, 300]


def test_each_stretch_of_extended_hours_anchors_anew() -> None:
    of = session(minutes=100, pre=50, post=30)
    bars = folded([of], "30m", extended=True)
    assert offsets(bars) == [-50, -20, 0, 30, 60, 90, 100]
    assert offsets(bars, "known_ns") == [-20, 0, 30, 60, 90, 100, 130]


def test_a_day_is_the_regular_hours_with_their_breaks_alone() -> None:
    of = session(minutes=100, pre=50, post=30, breaks=[(40, 60)])
    day = folded([of], "1d", extended=True)
    regular = minute_table(minutes_of(of, True))
    inside = (regular.start_ns >= of.open_ns) & (regular.start_ns < of.close_ns)
    assert (offsets(day), offsets(day, "known_ns")) == ([0], [100])
    assert day.open[0] == regular.open[inside][0]
    assert day.close[0] == regular.close[inside][-1]
    assert day.high[0] == regular.high[inside].max()
    assert day.low[0] == regular.low[inside].min()


def test_days_of_different_lengths_lie_side_by_side() -> None:
    days = folded([session(), session(210, day=1), session(390, day=2)], "1d")
    assert offsets(days) == [0, 1440, 2880]
    assert offsets(days, "known_ns") == [390, 1440 + 210, 2880 + 390]


def test_an_hour_of_a_market_that_never_closes_starts_on_the_hour() -> None:
    whole = TradingSession("24/7", dt.date(2024, 1, 1), 1_000 * DAY_NS, 1_001 * DAY_NS)
    hours = folded([whole], "1h")
    assert (hours.start_ns % HOUR_NS == 0).all()
    assert len(hours) == 24


def test_a_bar_outside_every_stretch_belongs_to_no_derived_bar() -> None:
    of = session(minutes=60, breaks=[(20, 30)])
    grid = Grid.of([of], "5m", False)
    starts = [of.open_ns + m * MINUTE_NS for m in (-1, 0, 19, 20, 29, 30, 59, 60, 61)]
    table = fold(minute_table(starts), grid)
    assert offsets(table) == [0, 15, 30, 55]


@pytest.mark.parametrize("sessions", [[], [session()]])
def test_nothing_folds_to_nothing(sessions: list[TradingSession]) -> None:
    assert len(fold(no_rows(), Grid.of(sessions, "5m", False))) == 0


def test_without_sessions_no_bar_has_a_place() -> None:
    for interval in ("5m", "1d"):
        assert len(fold(minute_table([OPEN_NS]), Grid.of([], interval, False))) == 0


def test_a_part_that_is_known_late_delays_the_whole() -> None:
    """Nothing is known before its last part is: a base bar may be longer than what is left."""
    table = minute_table([OPEN_NS, OPEN_NS + 4 * MINUTE_NS])
    late = table.known_ns.copy()
    late[1] += 2 * MINUTE_NS
    parts = Table(
        table.symbol, table.start_ns, late, *(getattr(table, n) for n in TABLE_FIELDS[3:])
    )
    bars = fold(parts, Grid.of([session()], "5m", False))
    assert offsets(bars, "known_ns") == [7]


def test_two_symbols_never_share_a_bar() -> None:
    tables = [minute_table([OPEN_NS + 4 * MINUTE_NS], 0), minute_table([OPEN_NS], 1)]
    bars = fold(join_tables(tables), Grid.of([session()], "5m", False))
    assert bars.symbol.tolist() == [0, 1]
    assert bars.volume.tolist() == [0.1, 0.1]


def test_volumes_are_added_one_after_the_other() -> None:
    """The order of additions shows in the last digit; another order is another number."""
    volumes = [1e16, 1.0, 1.0, 1.0, 1.0]
    table = minute_table([OPEN_NS + m * MINUTE_NS for m in range(5)])
    table = Table(*(getattr(table, n) for n in TABLE_FIELDS[:-1]), np.array(volumes))
    expected = 0.0
    for volume in volumes:
        expected += volume
    bars = fold(table, Grid.of([session()], "5m", False))
    assert bars.volume[0] == expected != sum(reversed(volumes))


# -- against a plain reckoning ---------------------------------------------------------------------


def reckoned(
    table: Table, of: Sequence[TradingSession], interval: str, extended: bool
) -> list[Row]:
    """Every bar put into its bucket by hand."""
    step_ns = interval_ns(interval)
    buckets: dict[tuple[int, int, int], Row] = {}
    for row in range(len(table)):
        values = [getattr(table, name)[row] for name in TABLE_FIELDS]
        symbol, start, known = (int(value) for value in values[:3])
        o, h, low, c, v = (float(value) for value in values[3:])
        if interval == "1d":
            places = [(s.open_ns, s.close_ns, s.open_ns) for s in of]
        else:
            places = [
                (p.start_ns, p.end_ns, p.start_ns + (start - p.start_ns) // step_ns * step_ns)
                for s in of
                for p in s.segments(extended)
            ]
        for first, end, bucket in places:
            if not first <= start < end:
                continue
            till = end if interval == "1d" else min(bucket + step_ns, end)
            key = (symbol, bucket, till)
            if key not in buckets:
                buckets[key] = (symbol, max(till, known), o, h, low, c, 0.0 + v)
            else:
                was = buckets[key]
                buckets[key] = (
                    symbol,
                    max(was[1], known),
                    was[2],
                    max(was[3], h),
                    min(was[4], low),
                    c,
                    was[6] + v,
                )
    return [(symbol, bucket, *row[1:]) for (symbol, bucket, _), row in buckets.items()]


def rows_of(table: Table) -> list[Row]:
    return list(
        zip(*(getattr(table, name).tolist() for name in TABLE_FIELDS), strict=True)  # type: ignore[arg-type]
    )


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[TradingSession], Table]:
    """A few sessions of any shape, and the minutes of some symbols that happen to be there."""
    of = []
    for day in range(draw(st.integers(1, 3))):
        minutes = draw(st.integers(5, 90))
        breaks = [(minutes // 3, minutes // 2)] if minutes > 12 and draw(st.booleans()) else []
        extra = st.sampled_from([None, 0, 7, 30])
        of.append(session(minutes, day, breaks, pre=draw(extra), post=draw(extra)))
    tables = []
    for symbol in range(draw(st.integers(1, 3))):
        every = [at for one in of for at in minutes_of(one, True)]
        kept = draw(st.sets(st.integers(0, len(every) - 1)))
        tables.append(minute_table([every[place] for place in sorted(kept)], symbol))
    return of, join_tables(tables)


INTERVALS = ("2m", "5m", "7m", "30m", "1h", "1d")


@given(markets(), st.sampled_from(INTERVALS), st.booleans())
def test_derived_bars_are_what_a_plain_reckoning_gives(
    market: tuple[list[TradingSession], Table], interval: str, extended: bool
) -> None:
    of, table = market
    assert rows_of(fold(table, Grid.of(of, interval, extended))) == reckoned(
        table, of, interval, extended
    )


@given(markets(), st.sampled_from(INTERVALS), st.data())
def test_folding_in_two_goes_gives_the_bits_of_one(
    market: tuple[list[TradingSession], Table], interval: str, data: st.DataObject
) -> None:
    """What is still forming is folded again with the rest; no digit may notice."""
    of, table = market
    grid = Grid.of(of, interval, False)
    table = table.take(table.symbol == 0)
    cut = data.draw(st.integers(0, len(table)))
    first = fold(table.take(slice(0, cut)), grid)
    both = join_tables([first, table.take(slice(cut, None))])
    assert equal(fold(both, grid), fold(table, grid))


@given(markets(), st.sampled_from(["5m", "1h"]))
def test_a_longer_interval_may_be_folded_from_a_shorter_one(
    market: tuple[list[TradingSession], Table], interval: str
) -> None:
    """Prices agree exactly, volumes up to rounding: the sums have another order."""
    of, table = market
    from_minutes = fold(table, Grid.of(of, interval, False))
    from_parts = fold(fold(table, Grid.of(of, "1m", False)), Grid.of(of, interval, False))
    for name in TABLE_FIELDS[:-1]:
        assert getattr(from_minutes, name).tolist() == getattr(from_parts, name).tolist()
    assert from_minutes.volume.tolist() == pytest.approx(from_parts.volume.tolist())


def test_aggregate_tells_when_each_bar_of_one_symbol_is_known() -> None:
    of = session(minutes=12)
    table = minute_table(minutes_of(of))
    columns = BarColumns(*(getattr(table, name) for name in BarColumns.__struct_fields__))
    bars, known_ns = aggregate(columns, "5m", [of], False)
    assert [(at - OPEN_NS) // MINUTE_NS for at in known_ns.tolist()] == [5, 10, 12]
    assert bars.close.tolist() == table.close[[4, 9, 11]].tolist()


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("breaks", [[], [(30, 40)]])
@pytest.mark.parametrize(("pre", "post"), [(None, None), (5, None), (None, 9), (5, 9)])
def test_hours_reach_from_the_first_stretch_to_the_last(
    extended: bool, breaks: list[tuple[int, int]], pre: int | None, post: int | None
) -> None:
    of = session(minutes=90, breaks=breaks, pre=pre, post=post)
    parts = of.segments(extended)
    assert of.hours(extended) == (parts[0].start_ns, parts[-1].end_ns)


# -- when base bars are known ----------------------------------------------------------------------


def test_a_minute_is_known_when_it_is_over() -> None:
    of = session(minutes=5)
    known = known_times(np.array(minutes_of(of)), "1m", [of], False)
    assert known.tolist() == [at + MINUTE_NS for at in minutes_of(of)]


def test_a_base_bar_that_reaches_past_its_stretch_is_known_at_its_end() -> None:
    of = session(minutes=90, breaks=[(30, 40)])
    starts = np.array([of.open_ns, of.open_ns + 40 * MINUTE_NS, of.open_ns + 80 * MINUTE_NS])
    known = known_times(starts, "1h", [of], False)
    assert [(int(at) - OPEN_NS) // MINUTE_NS for at in known] == [30, 90, 90]


def test_a_bar_in_a_break_or_outside_is_known_after_its_interval() -> None:
    """It will be kept out as outside its session; until then it must not reach into the next."""
    of = session(minutes=90, breaks=[(30, 60)])
    starts = np.array([of.open_ns - MINUTE_NS, of.open_ns + 31 * MINUTE_NS, of.close_ns])
    assert known_times(starts, "1m", [of], False).tolist() == (starts + MINUTE_NS).tolist()


@given(
    st.lists(st.integers(1, 119), unique=True, max_size=6).map(sorted),
    st.lists(st.integers(0, 130), unique=True, max_size=30).map(sorted),
    st.sampled_from(["1m", "5m", "1h"]),
)
def test_each_bar_ends_with_its_interval_or_the_stretch_it_starts_in(
    cuts: list[int], minutes: list[int], interval: str
) -> None:
    breaks = list(zip(cuts[::2], cuts[1::2], strict=False))
    of = session(minutes=120, breaks=breaks)
    starts = [OPEN_NS + minute * MINUTE_NS for minute in minutes]
    known = known_times(np.array(starts, np.int64), interval, [of], False)
    for at, known_ns in zip(starts, known.tolist(), strict=True):
        own = [part.end_ns for part in of.segments() if part.start_ns <= at < part.end_ns]
        assert known_ns == min([at + interval_ns(interval), *own])


@pytest.mark.parametrize("extended", [False, True])
def test_a_day_is_known_at_its_close_whatever_follows(extended: bool) -> None:
    of = [session(minutes=60, day=day, pre=5, post=9) for day in range(3)]
    starts = np.array([one.open_ns for one in of])
    assert known_times(starts, "1d", of, extended).tolist() == [one.close_ns for one in of]


@given(
    st.lists(st.integers(-5, 60), max_size=30).map(sorted),
    st.lists(st.integers(0, 50), unique=True, max_size=6).map(sorted),
)
def test_a_stretch_is_the_last_start_at_or_before_a_time(
    times: list[int], starts: list[int]
) -> None:
    found = stretches(np.array(times, np.int64), np.array(starts, np.int64))
    assert found.tolist() == [sum(start <= at for start in starts) - 1 for at in times]
