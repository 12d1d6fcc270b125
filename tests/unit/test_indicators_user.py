"""A user's own function: what it gets, what it may return, and that peeking is found out."""

import functools
import re

import numpy as np
import numpy.typing as npt
import pytest
from indicator_windows import random_window

from app.core.errors import ConfigError, LookaheadError, StrategyError
from app.services.indicators import check_causal, resolve
from app.services.indicators.user_functions import UserComputation, place_of

Floats = npt.NDArray[np.float64]
WINDOW = random_window(seed=11, sizes=(40, 50))


def change(close: Floats, bars: int = 1) -> Floats:
    result = np.full(len(close), np.nan)
    result[bars:] = close[bars:] - close[:-bars]
    return result


def peek(close: Floats) -> Floats:
    return np.append(close[1:], close[-1:])


def from_the_end(close: Floats) -> Floats:
    return close / close[-1]


def test_a_function_reads_close_and_takes_its_params() -> None:
    computation = resolve(change, {"bars": 3})
    values = computation.batch(WINDOW)
    assert (computation.label, computation.outputs) == ("change(3)", ("value",))
    assert values.first_ready == 3
    assert values.outputs[0][10] == WINDOW.close[10] - WINDOW.close[7]
    assert computation == resolve(change, {"bars": 3})
    assert computation != resolve(change, {"bars": 2})


def test_the_columns_come_in_the_order_asked_for() -> None:
    def spread(high: Floats, low: Floats) -> Floats:
        return high - low

    values = resolve(spread, {}, ["high", "low"]).batch(WINDOW)
    assert np.array_equal(values.outputs[0], WINDOW.high - WINDOW.low)
    assert resolve(spread, {}, ["high", "low"]).label == "spread of high, low"


def test_the_stream_face_gives_the_same_values() -> None:
    computation = resolve(change, {})
    running = computation.open(WINDOW)
    assert running is not None
    values = running.extend(WINDOW, 60)
    assert np.array_equal(values.outputs[0], computation.batch(WINDOW).outputs[0][60:])
    assert values.first_row == 60


@pytest.mark.parametrize("function", [peek, from_the_end])
def test_a_function_that_peeks_is_caught_by_name_and_time(function: object) -> None:
    computation = resolve(function, {})
    with pytest.raises(
        LookaheadError,
        match=r"(peek|from_the_end) \(test_indicators_user.py:\d+\) looks ahead.*"
        "the bar of 2024-11-19 14:40:00 UTC changes",
    ):
        check_causal(computation, WINDOW, [50, 55])


class Peeking:
    """As an object that is called."""

    def __call__(self, close: Floats, bars: int = 1) -> Floats:
        return peek(close)


def test_where_a_function_stands_is_known_however_it_was_made() -> None:
    line, inner = peek.__code__.co_firstlineno, Peeking.__call__.__code__.co_firstlineno
    places = [(peek, line), (functools.partial(peek), line), (Peeking(), inner)]
    for function, number in places:
        computation = resolve(function, {})
        assert isinstance(computation, UserComputation)
        assert place_of(computation) == f"test_indicators_user.py:{number}"
    written_in_c = resolve(np.negative, {})
    assert isinstance(written_in_c, UserComputation)
    assert place_of(written_in_c) == ""


def test_an_honest_function_passes_at_every_row() -> None:
    check_causal(resolve(change, {"bars": 5}), WINDOW, range(len(WINDOW)))


def test_peeking_at_the_length_alone_is_caught() -> None:
    def late(close: Floats) -> Floats:
        return close if len(close) > 60 else np.full(len(close), np.nan)

    with pytest.raises(LookaheadError):
        check_causal(resolve(late, {}), WINDOW, [30])


def test_a_function_cannot_write_to_the_bars() -> None:
    def greedy(close: Floats) -> Floats:
        close[:] = 0.0
        return close

    with pytest.raises(StrategyError, match=r"greedy .* failed, on 90 rows: ValueError.*read-only"):
        resolve(greedy, {}).batch(WINDOW)


def test_a_function_that_raises_is_told_with_its_own_lines_alone() -> None:
    def broken(close: Floats) -> Floats:
        return np.full(len(close), 1 / 0)

    with pytest.raises(StrategyError) as raised:
        resolve(broken, {}).batch(WINDOW)
    first, line = str(raised.value).split("\n")
    here = r"test_indicators_user\.py:\d+"
    assert re.fullmatch(
        rf"Indicator broken \({here}\) failed, on 90 rows: ZeroDivisionError: division by zero",
        first,
    )
    assert re.fullmatch(rf"  {here} in broken: return np\.full\(len\(close\), 1 / 0\)", line)


def test_what_it_returned_can_be_changed_later_without_harm() -> None:
    kept = np.zeros(len(WINDOW))
    values = resolve(lambda close: kept, {}).batch(WINDOW)
    kept[:] = 9.0
    assert values.outputs[0].max() == 0.0


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (None, "array of object"),
        (1.0, r"shape \(\)"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros((len(WINDOW), 2)), r"shape \(90, 2\)"),
        (["a"] * len(WINDOW), "array of <U1"),
        (np.zeros(len(WINDOW), dtype=complex), "array of complex128"),
        (np.append(np.zeros(len(WINDOW) - 1), np.inf), "returned inf in row 89"),
        (np.append(np.zeros(len(WINDOW) - 1), np.nan), "only its warm-up may be nan"),
    ],
)
def test_what_is_not_one_number_a_row_is_refused(returned: object, text: str) -> None:
    with pytest.raises(StrategyError, match=text):
        resolve(lambda close: returned, {}).batch(WINDOW)


def test_whole_numbers_and_truths_become_floats() -> None:
    rising = resolve(lambda close: np.diff(close, prepend=close[:1]) > 0, {}).batch(WINDOW)
    assert rising.outputs[0].dtype == np.float64


def test_a_function_that_never_has_a_value_is_never_ready() -> None:
    values = resolve(lambda close: np.full(len(close), np.nan), {}).batch(WINDOW)
    assert values.first_ready == len(WINDOW)


@pytest.mark.parametrize(
    ("function", "params", "inputs", "text"),
    [
        (change, {"bar": 3}, None, "cannot be called with 1 columns"),
        (change, {}, ["close", "open", "low"], "cannot be called with 3 columns"),
        (change, {}, ["clos"], "Did you mean 'close'"),
        (change, {"bars": [3]}, None, r"params.bars: found \[3\]"),
        (3, {}, None, "is not a name or a function"),
    ],
)
def test_a_call_that_cannot_work_is_refused_before_the_run(
    function: object, params: dict[str, object], inputs: list[str] | None, text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        resolve(function, params, inputs)
