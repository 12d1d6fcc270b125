"""The untyped TA-Lib package behind one typed description a function."""

import importlib
import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import msgspec
import numpy as np

from app.services.indicators.computation import SESSION_BAR
from app.services.indicators.parameters import Number, Parameter

_talib: Any = importlib.import_module("talib")
_functions: Any = importlib.import_module("talib._ta_lib")
_abstract: Any = importlib.import_module("talib.abstract")

NAMES: tuple[str, ...] = tuple(sorted(_talib.get_functions()))
InsufficientHistory: type[Exception] = _talib.InsufficientHistory

_ON_INPUT_SCALE = "Output scale same as input"
_INPUTS = {"price": "close", "price0": "high", "price1": "low", "periods": SESSION_BAR}
# The extremes of the C library's types; one below its least int stands for "use the default".
_INT_LIMIT = 2**31 - 1
_REAL_LIMIT = 3e37


class TalibFunction(msgspec.Struct, frozen=True):
    """What TA-Lib says about one of its functions, and its two faces."""

    name: str
    inputs: tuple[str, ...]  # the columns it reads unless told otherwise
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    on_input_scale: bool
    batch: Callable[..., Any]
    stream: Callable[..., Any]

    def lookback(self, values: dict[str, Number]) -> int:
        """Rows before the first value; negative when the values cannot be used together."""
        return _lookback(self.name, values)


@cache
def describe(name: str) -> TalibFunction:
    """One of NAMES. The library does not tell the bounds of its parameters: they are searched."""
    info = _abstract.Function(name)
    inputs: list[str] = []
    for kind, series in info.input_names.items():
        inputs.extend(series if isinstance(series, list) else [_INPUTS[kind]])
    return TalibFunction(
        name=name,
        inputs=tuple(inputs),
        parameters=tuple(_parameter(name, word, info.parameters) for word in info.parameters),
        outputs=tuple(info.output_names),
        on_input_scale=_ON_INPUT_SCALE in info.function_flags,
        batch=inspect.unwrap(getattr(_functions, name)),  # the wrapper looks for data frames
        stream=getattr(_talib.stream, name),
    )


def _lookback(name: str, values: dict[str, Number]) -> int:
    return int(_abstract.Function(name, **values).lookback)


def _parameter(function: str, name: str, defaults: dict[str, Number]) -> Parameter:
    default = defaults[name]
    periods = [word for word in defaults if word.endswith("period")]

    def works(value: Number) -> bool:
        if _lookback(function, {name: value}) >= 0:
            return True
        # MAVP's least period must not exceed its greatest: then both are moved together.
        return name in periods and _lookback(function, dict.fromkeys(periods, value)) >= 0

    if isinstance(default, float):
        low, high = (_edge_of_reals(works, default, end) for end in (-_REAL_LIMIT, _REAL_LIMIT))
        return Parameter(name, default, low, high)
    low, high = (_edge(works, default, end) for end in (-_INT_LIMIT, _INT_LIMIT))
    return Parameter(name, default, low, high, _averages() if name.endswith("matype") else ())


def _averages() -> tuple[str, ...]:
    """The kinds of moving average, each at its number."""
    kinds = {v: k for k, v in vars(type(_talib.MA_Type)).items() if isinstance(v, int)}
    return tuple(kinds.get(number, "") for number in range(max(kinds) + 1))


def _edge(works: Callable[[int], bool], good: int, end: int) -> int:
    """The number nearest to `end` that works, when all between it and `good` do."""
    if works(end):
        return end
    while abs(end - good) > 1:
        middle = (good + end) // 2
        good, end = (middle, end) if works(middle) else (good, middle)
    return good


def _edge_of_reals(works: Callable[[float], bool], good: float, end: float) -> float:
    """The same for floats: their order is that of their bits, read as signed integers."""
    bits = partial(_edge, lambda key: works(_real(key)))
    return _real(bits(_key(good), _key(end)))


def _key(value: float) -> int:
    bits = int(np.float64(abs(value)).view(np.int64))
    return -bits if value < 0 else bits


def _real(key: int) -> float:
    value = float(np.int64(abs(key)).view(np.float64))
    return -value if key < 0 else value
