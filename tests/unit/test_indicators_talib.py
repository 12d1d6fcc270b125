"""TA-Lib's functions: both faces agree bit for bit, nothing looks ahead, parameters are checked."""

import numpy as np
import pytest
import talib
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from indicator_windows import random_window
from talib import abstract

from app.core.errors import ConfigError
from app.core.windows import Window
from app.services.indicators import Computation, Values, check_causal, faults, names, resolve
from app.services.indicators.causality import window_until
from app.services.indicators.talib_library import NAMES, describe

WINDOW = random_window(seed=7, sizes=(150, 120, 130))
UNDEFINED_ON_PRICES = {"ACOS", "ASIN"}  # only from -1 to 1


def bits(values: Values, first_row: int) -> list[bytes]:
    """Each output from `first_row` of the window on; every nan as the same bits."""
    tails = [output[first_row - values.first_row :] for output in values.outputs]
    return [np.where(np.isnan(tail), np.nan, tail).tobytes() for tail in tails]


def streamed(computation: Computation, window: Window, opened: int, step: int) -> list[bytes]:
    """Outputs from row `opened` on, by the stream face, `step` rows at a time."""
    running = computation.open(window_until(window, opened))
    assert running is not None
    parts = [
        running.extend(window_until(window, min(row + step, len(window))), row)
        for row in range(opened, len(window), step)
    ]
    rows = zip(*(part.outputs for part in parts), strict=True)
    outputs = [np.concatenate(output) for output in rows]
    return bits(Values(tuple(outputs), opened, computation.lookback), opened)


def test_all_201_functions_are_in_the_catalogue() -> None:
    assert len(NAMES) == 201
    assert set(talib.get_functions()) <= set(names())


@pytest.mark.parametrize("name", NAMES)
def test_stream_and_batch_agree_bit_for_bit(name: str) -> None:
    computation = resolve(name, {})
    batch = computation.batch(WINDOW)
    opened = max(computation.lookback + 40, 200)
    for step in (1, 7, len(WINDOW)):
        assert streamed(computation, WINDOW, opened, step) == bits(batch, opened)


@pytest.mark.parametrize("name", NAMES)
def test_a_value_depends_on_earlier_rows_only(name: str) -> None:
    computation = resolve(name, {})
    check_causal(computation, WINDOW, (computation.lookback, 200, 271, 399))


@pytest.mark.parametrize("name", NAMES)
def test_the_first_value_comes_after_the_lookback(name: str) -> None:
    computation = resolve(name, {})
    values = computation.batch(WINDOW)
    assert values.first_ready == computation.lookback < len(WINDOW)
    assert len(values.outputs) == len(computation.outputs)
    for output in values.outputs:
        assert output.dtype == np.float64
        assert len(output) == len(WINDOW)
    if name not in UNDEFINED_ON_PRICES:
        assert all(np.isfinite(output[computation.lookback :]).all() for output in values.outputs)
    assert all(np.isnan(output[: computation.lookback]).all() for output in values.outputs)


@st.composite
def indicators(draw: st.DrawFn) -> Computation:
    """Any function with any parameters that leave it some rows to be ready on."""
    name = draw(st.sampled_from(NAMES))
    params: dict[str, float] = {}
    for parameter in describe(name).parameters:
        if isinstance(parameter.default, int):
            params[parameter.name] = draw(st.integers(int(parameter.low), min(parameter.high, 40)))
        else:
            low, high = max(parameter.low, -3.0), min(parameter.high, 3.0)
            params[parameter.name] = draw(st.floats(low, high))
    assume(not faults(name, params))
    return resolve(name, params)


@settings(max_examples=100, deadline=None)
@given(
    computation=indicators(),
    seed=st.integers(0, 10_000),
    rows=st.integers(2, 400),
    opened=st.floats(0, 1),
    step=st.integers(1, 50),
)
def test_the_faces_agree_for_any_parameters_on_any_walk(
    computation: Computation, seed: int, rows: int, opened: float, step: int
) -> None:
    window = random_window(seed, (rows // 2, rows - rows // 2))
    first = 1 + int(opened * (rows - 2))
    is_open = computation.open(window_until(window, first)) is not None
    assert is_open == (first > computation.lookback)
    if is_open:
        batch = computation.batch(window)
        assert streamed(computation, window, first, step) == bits(batch, first)
        check_causal(computation, window, (computation.lookback, first - 1, first))


def test_a_window_too_short_is_not_ready_and_opens_no_stream() -> None:
    computation = resolve("SMA", {"timeperiod": 10})
    for rows in (1, 9):
        short = window_until(WINDOW, rows)
        assert computation.batch(short).first_ready >= rows
        assert computation.open(short) is None
    assert computation.open(window_until(WINDOW, 10)) is not None


def test_extending_by_no_row_gives_empty_outputs() -> None:
    running = resolve("BBANDS", {}).open(WINDOW)
    assert running is not None
    values = running.extend(WINDOW, len(WINDOW))
    assert [len(output) for output in values.outputs] == [0, 0, 0]


def test_a_batch_equals_talib_itself() -> None:
    upper, middle, lower = resolve("BBANDS", {"timeperiod": 9, "nbdevup": 1}).batch(WINDOW).outputs
    expected = talib.BBANDS(WINDOW.close, 9, 1.0, 2.0)
    for ours, theirs in zip((upper, middle, lower), expected, strict=True):
        assert np.array_equal(ours, theirs, equal_nan=True)


def test_params_are_named_in_the_label_and_decide_equality() -> None:
    ten = resolve("SMA", {"timeperiod": 10})
    assert ten.label == "SMA(10)"
    assert ten == resolve("SMA", {"timeperiod": 10.0})
    assert hash(ten) == hash(resolve("SMA", {"timeperiod": 10}, ["close"]))
    assert ten != resolve("SMA", {"timeperiod": 11})
    assert ten != resolve("SMA", {"timeperiod": 10}, ["open"])
    assert ten != resolve("EMA", {"timeperiod": 10})
    assert resolve("SMA", {}, ["volume"]).label == "SMA(30) of volume"
    assert resolve("MACD", {}).outputs == ("macd", "macdsignal", "macdhist")


def test_inputs_can_be_chosen() -> None:
    volumes = resolve("SMA", {"timeperiod": 5}, ["volume"]).batch(WINDOW).outputs[0]
    assert np.array_equal(volumes, talib.SMA(WINDOW.volume, 5), equal_nan=True)
    together = resolve("CORREL", {}, ["close", "volume"]).batch(WINDOW).outputs[0]
    assert np.array_equal(together, talib.CORREL(WINDOW.close, WINDOW.volume), equal_nan=True)
    assert resolve("ADD", {}).inputs == ("high", "low")


def test_the_periods_of_mavp_count_from_the_open_unless_chosen() -> None:
    values = resolve("MAVP", {"maxperiod": 20}).batch(WINDOW).outputs[0]
    row = WINDOW.today + 4
    assert values[row] == pytest.approx(WINDOW.close[row - 4 : row + 1].mean())


def test_an_average_may_be_named_by_its_word() -> None:
    assert resolve("MA", {"matype": "EMA"}) == resolve("MA", {"matype": 1})


@pytest.mark.parametrize(
    ("name", "price_units"),
    [("SMA", True), ("MACD", True), ("ATR", True), ("VWAP", True), ("RSI", False), ("OBV", False),
     ("VAR", False), ("RVOL", False), ("CDLDOJI", False)],
)  # fmt: skip
def test_outputs_in_prices_are_told_apart(name: str, price_units: bool) -> None:
    assert resolve(name, {}).price_units is price_units


def test_an_average_of_volume_is_not_in_prices() -> None:
    assert not resolve("SMA", {}, ["volume"]).price_units


@pytest.mark.parametrize("name", NAMES)
def test_the_bounds_that_were_found_are_those_of_the_library(name: str) -> None:
    for parameter in describe(name).parameters:
        if name == "MAVP":
            continue  # each of its two periods bounds the other
        for inside in (parameter.low, parameter.high):
            assert abstract.Function(name, **{parameter.name: inside}).lookback >= 0
        step = 1 if isinstance(parameter.default, int) else 1e-9
        if parameter.low > -3e37:
            assert abstract.Function(name, **{parameter.name: parameter.low - step}).lookback < 0
        if parameter.high < 3e37:
            assert abstract.Function(name, **{parameter.name: parameter.high + step}).lookback < 0


@pytest.mark.parametrize(
    ("name", "params", "inputs", "texts"),
    [
        ("SMAA", {}, None, ["'SMAA'", "Did you mean 'SMA'?"]),
        ("sma", {}, None, ["'sma'", "Did you mean 'SMA'?"]),
        ("", {}, None, ["not in the catalogue"]),
        ("SMA", {"timeperiods": 5}, None, ["params.timeperiods", "Did you mean 'timeperiod'?"]),
        ("TRANGE", {"timeperiod": 5}, None, ["it has none"]),
        ("SMA", {"timeperiod": 0}, None, ["found 0", "from 1 to 100000"]),
        ("SMA", {"timeperiod": 100_001}, None, ["params.timeperiod"]),
        ("SMA", {"timeperiod": -(2**31)}, None, ["params.timeperiod"]),
        ("SMA", {"timeperiod": 10**30}, None, ["params.timeperiod"]),
        ("SMA", {"timeperiod": 2.5}, None, ["found 2.5", "a whole number"]),
        ("SMA", {"timeperiod": True}, None, ["found True"]),
        ("SMA", {"timeperiod": "ten"}, None, ["found 'ten'"]),
        ("SMA", {"timeperiod": None}, None, ["found None"]),
        ("SMA", {"timeperiod": float("nan")}, None, ["found nan"]),
        ("SMA", {"timeperiod": float("inf")}, None, ["found inf"]),
        ("SMA", {"timeperiod": [10]}, None, ["found [10]"]),
        ("BBANDS", {"nbdevup": float("inf")}, None, ["params.nbdevup"]),
        ("BBANDS", {"nbdevup": -4e37}, None, ["params.nbdevup"]),
        ("MA", {"matype": "EMAA"}, None, ["Did you mean 'EMA'?"]),
        ("MA", {"matype": 14}, None, ["from 0 to 13"]),
        ("MAVP", {"minperiod": 50, "maxperiod": 20}, None, ["together"]),
        ("SMA", {}, ["closing"], ["inputs[0]", "Did you mean 'close'?"]),
        ("SMA", {}, ["close", "open"], ["reads 1 column"]),
        ("ATR", {}, [], ["reads 3 columns"]),
        ("SMA", {"timeperiod": 0, "x": 1}, ["y"], ["params.timeperiod", "params.x", "inputs[0]"]),
    ],
)
def test_what_cannot_be_used_is_refused_with_all_reasons(
    name: str, params: dict[str, object], inputs: list[str] | None, texts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(name, params, inputs)
    for text in texts:
        assert text in str(caught.value)
