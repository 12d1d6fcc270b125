"""Cells: however a window grows, the values are those of one batch over all of it, bit by bit."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_aggregation import session

from app.core.bars import Floats
from app.core.errors import LookaheadError, StrategyError
from app.core.intervals import MINUTE_NS
from app.core.windows import Window
from app.services.indicators import Computation, resolve
from app.services.indicators.causality import in_utc, window_until
from app.threads.series.indicator_cell import SMALL_ROWS, Cell


def window(today: int, history: int = 0, seed: int = 0) -> Window:
    """A session's window with so many rows of the one before."""
    rng = np.random.default_rng(seed)
    before, of = session(day=0), session(day=1)
    count = history + today
    starts = np.concatenate(
        [
            before.open_ns + np.arange(history) * MINUTE_NS,
            of.open_ns + np.arange(today) * MINUTE_NS,
        ]
    ).astype(np.int64)
    close = 100 + np.cumsum(rng.normal(0, 0.1, count))
    return Window(
        of,
        starts,
        starts + MINUTE_NS,
        close,
        close + 0.5,
        close - 0.5,
        close + 0.1,
        rng.integers(1, 900, count).astype(np.float64),
        np.array([0, history], np.int64),
        np.array([before.open_ns, of.open_ns], np.int64),
    )


def cell_of(computation: Computation) -> Cell:
    return Cell(computation, "SYN1", in_utc)


def running_mean(close: Floats) -> Floats:
    """A user's own honest function."""
    return np.cumsum(close) / np.arange(1, len(close) + 1)


INDICATORS: list[tuple[object, dict[str, object]]] = [
    ("SMA", {"timeperiod": 5}),
    ("EMA", {"timeperiod": 9}),
    ("RSI", {"timeperiod": 14}),
    ("MACD", {}),
    ("BBANDS", {"timeperiod": 4}),
    ("STOCH", {}),
    ("SESSION_VWAP", {}),
    ("OPENING_RANGE", {"minutes": 15}),
    ("PREVIOUS_DAY", {}),
    ("VOLUME_RATIO", {"sessions": 1}),
    (running_mean, {}),
]


def computation(place: int) -> Computation:
    name, params = INDICATORS[place]
    return resolve(name, params, None)  # type: ignore[arg-type]


def grown(cell: Cell, whole: Window, ends: Sequence[int]) -> list[tuple[int, list[bytes]]]:
    """What a cell gave at each end: from where it is ready, and the bits from there on."""
    found = []
    for end in ends:
        values = cell.update(window_until(whole, end))
        assert values.first_row == 0
        first = min(values.first_ready, end)
        found.append((first, [output[first:end].tobytes() for output in values.outputs]))
    return found


steps = st.lists(
    st.sampled_from([1, 2, 7, SMALL_ROWS, SMALL_ROWS + 1, 100]), min_size=1, max_size=12
)


@pytest.mark.parametrize("place", range(len(INDICATORS)))
@given(steps=steps, history=st.sampled_from([0, 3, 60]), start=st.integers(0, 30))
def test_every_way_to_grow_gives_the_bits_of_one_batch(
    place: int, steps: list[int], history: int, start: int
) -> None:
    ends = [history + start, *(history + start + np.cumsum(steps)).tolist()]
    whole = window(ends[-1] - history, history)
    one = computation(place)
    for end, (ready, bits) in zip(ends, grown(cell_of(one), whole, ends), strict=True):
        batch = one.batch(window_until(whole, end))
        assert ready == min(batch.first_ready, end)
        assert bits == [output[ready:end].tobytes() for output in batch.outputs]


def test_what_a_cell_has_given_out_never_changes() -> None:
    """The engine reads the values of a block while the cell computes those of the next."""
    whole, cell = window(400), cell_of(computation(0))
    given_out = []
    for end in [10, *range(11, 200), 300, *range(301, 400)]:
        values = cell.update(window_until(whole, end))
        given_out.append((values, [output[:end].copy() for output in values.outputs]))
    for values, copies in given_out:
        for output, copy in zip(values.outputs, copies, strict=True):
            assert output[: len(copy)].tobytes() == copy.tobytes()


def test_a_new_session_starts_from_its_own_window() -> None:
    cell, one = cell_of(computation(1)), computation(1)
    first, second = window(50, seed=1), window(60, 50, seed=2)
    grown(cell, first, [20, 21, 22, 50])
    cell.open_session()
    assert grown(cell, second, [50, 51, 52, 110]) == grown(cell_of(one), second, [50, 51, 52, 110])
    assert (
        cell.update(second).outputs[0][60:].tobytes() == one.batch(second).outputs[0][60:].tobytes()
    )


# -- a user's own function -------------------------------------------------------------------------


def peeking_at(row_from_end: int) -> Computation:
    """Honest, but for a bar whose value changes once the rows after it are there."""

    def peeking(close: Floats) -> Floats:
        values = close.copy()
        if len(close) > row_from_end:
            values[len(close) - row_from_end - 1 :] = values[-1]
        return values

    return resolve(peeking, {}, None)


def centred(close: Floats) -> Floats:
    return close - close.mean()


def closed(computation: Computation, whole: Window) -> None:
    cell = cell_of(computation)
    cell.open_session()
    cell.update(whole)
    cell.close_session()


def test_an_honest_function_passes_at_every_close() -> None:
    closed(resolve(running_mean, {}, None), window(100, 50))


def test_a_function_of_the_whole_column_is_caught() -> None:
    with pytest.raises(LookaheadError, match=r"Indicator centred \(test_.*\) looks ahead:"):
        closed(resolve(centred, {}, None), window(100))


@pytest.mark.parametrize("rows", [2, 3, 100])
def test_a_function_that_reads_one_bar_ahead_is_caught_at_the_last_but_one(rows: int) -> None:
    def next_close(close: Floats) -> Floats:
        return np.append(close[1:], close[-1])

    with pytest.raises(LookaheadError, match="next_close"):
        closed(resolve(next_close, {}, None), window(rows))


def test_the_last_but_one_bar_is_in_the_sample() -> None:
    with pytest.raises(LookaheadError):
        closed(peeking_at(1), window(90))


def test_a_session_of_one_bar_or_none_has_nothing_to_hold_it_against() -> None:
    closed(resolve(running_mean, {}, None), window(1))
    closed(resolve(running_mean, {}, None), window(0, 20))
    cell_of(resolve(running_mean, {}, None)).close_session()


def test_functions_of_the_catalogue_are_trusted() -> None:
    """They are proved once, in tests; a check at every close would be work for nothing."""

    class Counting:
        calls = 0

    def counted(close: Floats) -> Floats:
        Counting.calls += 1
        return close

    closed(resolve(counted, {}, None), window(30))
    assert Counting.calls == 1 + 1 + 3  # the values, then all of it and three truncations
    sma = cell_of(computation(0))
    sma.update(window(30))
    sma.close_session()


def test_a_function_that_breaks_on_growing_is_told_by_name() -> None:
    def fickle(close: Floats) -> Floats:
        return close if len(close) < 40 else close[:-1]

    cell = cell_of(resolve(fickle, {}, None))
    cell.update(window(30))
    told = (
        r"Indicator fickle \(test_indicator_cell.py:\d+\) returned .* at SYN1's bar of .* 45 rows"
    )
    with pytest.raises(StrategyError, match=told):
        cell.update(window(45))


def test_columns_reach_a_function_by_name() -> None:
    def spread(high: Floats, low: Floats) -> Floats:
        return high - low

    whole = window(10)
    cell = cell_of(resolve(spread, {}, ("high", "low")))
    values = cell.update(whole)
    assert values.outputs[0].tolist() == (whole.high - whole.low).tolist()
