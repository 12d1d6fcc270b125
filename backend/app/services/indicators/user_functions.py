"""A user's own function of whole columns, as a computation."""

import functools
import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from app.core.bars import Floats
from app.core.config_json import Fault
from app.core.errors import StrategyError
from app.core.own_code import lines_of, said
from app.core.windows import Window
from app.services.indicators.computation import (
    Computation,
    Values,
    column,
    input_faults,
    label_of,
)

UserFunction = Callable[..., Any]


class OwnIndicatorError(StrategyError):
    """A user's own function failed. Who computes it adds the symbol and the zone."""

    def __init__(self, who: str, what: str, bar_ns: int, after: str) -> None:
        super().__init__(f"{who} {what}{after}")
        self.bar_ns = bar_ns  # the start of the bar that it is about
        self._parts = who, what, after

    def at(self, bar: str) -> StrategyError:
        """The same, with that bar in words."""
        who, what, after = self._parts
        return StrategyError(f"{who} {what} at {bar}{after}")


@dataclass(frozen=True, kw_only=True)
class UserComputation(Computation):
    """A callable that takes columns and returns one array of their length.

    Leading `nan` are its warm-up; after them every value must be finite. Where there is no row yet
    it is not called: most functions need one.
    """

    function: UserFunction

    def batch(self, window: Window) -> Values:
        if not len(window):
            return Values((np.empty(0),), 0, 0)
        columns = [_read_only(column(window, name)) for name in self.inputs]
        try:
            result = np.asarray(self.function(*columns, **dict(self.params)))
        except Exception as error:
            source = getattr(_code_of(self.function), "co_filename", "")
            told = f"{type(error).__name__}: {said(error)}".removesuffix(": ")
            after = "\n".join([f", on {len(window)} rows: {told}", *lines_of(error, {source})])
            raise OwnIndicatorError(self._who, "failed", int(window.start_ns[-1]), after) from error
        values = self._checked(result, window)
        return Values((values,), 0, self._first_ready(values, window))

    @property
    def _who(self) -> str:
        place = place_of(self)
        return f"Indicator {self.label}" + (f" ({place})" if place else "")

    def _checked(self, result: np.ndarray[Any, Any], window: Window) -> Floats:
        rows = len(window)
        if result.dtype.kind not in "biuf" or result.shape != (rows,):
            what = f"returned an array of {result.dtype} with shape {result.shape}"
            after = f"; it must return one number for each of its {rows} rows."
            raise OwnIndicatorError(self._who, what, int(window.start_ns[-1]), after)
        return result.astype(np.float64)  # a copy: the function may keep what it returned

    def _first_ready(self, values: Floats, window: Window) -> int:
        warming_up = np.isnan(values)
        ready = int(np.argmin(warming_up)) if not warming_up.all() else len(values)
        bad = np.flatnonzero(~np.isfinite(values[ready:]))
        if len(bad):
            row = ready + int(bad[0])
            what = f"returned {values[row]} in row {row}"
            after = f", after its first value in row {ready}; only its warm-up may be nan."
            raise OwnIndicatorError(self._who, what, int(window.start_ns[row]), after)
        return ready


def name_of(indicator: object) -> str:
    """A name as it is, a function by its own; never by an address that changes with each run."""
    if isinstance(indicator, str):
        return indicator
    return str(getattr(indicator, "__name__", type(indicator).__name__))


def place_of(computation: UserComputation) -> str:
    """The file and line that define its function; "" of one that is not written in Python."""
    code = _code_of(computation.function)
    return "" if code is None else f"{Path(code.co_filename).name}:{code.co_firstlineno}"


def _code_of(function: Any) -> CodeType | None:
    """None of one that is not written in Python."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if not hasattr(function, "__code__"):
        function = type(function).__call__  # of an object that can be called
    code: CodeType | None = getattr(function, "__code__", None)
    return code


def user_computation(
    function: UserFunction,
    params: Mapping[str, object],
    inputs: Sequence[str] | None,
    faults: list[Fault],
) -> Computation | None:
    """`function(*columns, **params)`; it reads `close` unless told otherwise."""
    name = name_of(function)
    chosen = ("close",) if inputs is None else tuple(inputs)
    faults.extend(input_faults(name, chosen))
    faults.extend(_signature_faults(name, function, len(chosen), params))
    for word, value in params.items():
        if not isinstance(value, Hashable):
            what = f"found {value!r}; give a value that cannot change."
            faults.append((("params", word), what))
    if faults:
        return None
    pairs = tuple(sorted(params.items()))
    return UserComputation(
        name=name,
        params=pairs,
        inputs=chosen,
        label=label_of(name, pairs, () if inputs is None else chosen),
        outputs=("value",),
        function=function,
    )


def _signature_faults(
    name: str, function: UserFunction, columns: int, params: Mapping[str, object]
) -> list[Fault]:
    try:
        inspect.signature(function).bind(*[None] * columns, **params)
    except TypeError as error:
        call = f"{columns} columns and {dict(params)}"
        return [(("params",), f"{name} cannot be called with {call}: {error}.")]
    except ValueError:  # written in C, it does not tell its signature
        return []
    return []


def _read_only(values: Floats) -> Floats:
    view = values.view()
    view.flags.writeable = False
    return view
