"""The functions of TA-Lib as computations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.bars import Floats
from app.core.config_json import Fault
from app.core.windows import Window
from app.services.indicators.computation import (
    PRICES,
    Computation,
    Running,
    Values,
    column,
    input_faults,
    label_of,
)
from app.services.indicators.parameters import read_all
from app.services.indicators.talib_library import InsufficientHistory, describe

# TA-Lib flags the outputs that lie on the scale of their input. These are differences or sums
# of prices: for them, too, it is the price that says which difference is only rounding.
_SUMS_OF_PRICES = frozenset(
    ("AC", "ADD", "ADR", "AO", "APO", "ATR", "CEIL", "CUMSUM", "DPO", "ERI", "FLOOR",
     "HT_PHASOR", "LINEARREG_SLOPE", "MACD", "MACDEXT", "MACDFIX", "MINUS_DM", "MOM", "PLUS_DM",
     "QSTICK", "STDDEV", "SUB", "SUM", "TRANGE", "WAD")
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TalibComputation(Computation):
    """A TA-Lib function with its arguments in place."""

    function: Callable[..., Any] = field(compare=False, repr=False)
    stream: Callable[..., Any] = field(compare=False, repr=False)
    arguments: tuple[object, ...] = field(compare=False, repr=False)

    def batch(self, window: Window) -> Values:
        result = self.function(*[column(window, name) for name in self.inputs], *self.arguments)
        outputs = result if isinstance(result, tuple) else (result,)
        floats = [_as_floats(output, self.lookback) for output in outputs]
        return Values(tuple(floats), 0, self.lookback)

    def open(self, window: Window) -> Running | None:
        columns = [column(window, name) for name in self.inputs]
        try:
            handle = self.stream(*columns, *self.arguments)
        except InsufficientHistory:
            return None
        return _TalibRunning(self, handle)


class _TalibRunning:
    """An open handle of TA-Lib's stream; a row costs a fraction of a microsecond."""

    def __init__(self, computation: TalibComputation, handle: Any) -> None:
        self._computation = computation
        self._update = handle.update

    def extend(self, window: Window, first_row: int) -> Values:
        computation = self._computation
        columns = [column(window, name)[first_row:].tolist() for name in computation.inputs]
        rows = np.array(list(map(self._update, *columns)), dtype=np.float64)
        outputs = tuple(rows.reshape(-1, len(computation.outputs)).T.copy())
        return Values(outputs, first_row, computation.lookback)


def _as_floats(output: npt.NDArray[Any], lookback: int) -> Floats:
    """Patterns and row numbers come as C ints, 0 before the first value; the rest as it is."""
    if output.dtype == np.float64:
        return output
    floats = output.astype(np.float64)
    floats[:lookback] = np.nan
    return floats


def talib_computation(
    name: str, params: Mapping[str, object], inputs: Sequence[str] | None, faults: list[Fault]
) -> Computation | None:
    """The function `name` of the library; what is wrong goes to `faults`."""
    function = describe(name)
    chosen = function.inputs if inputs is None else tuple(inputs)
    faults.extend(input_faults(name, chosen, function.inputs))
    values = read_all(name, function.parameters, params, faults)
    if faults:
        return None
    lookback = function.lookback(values)
    if lookback < 0:
        faults.append((("params",), f"{name} cannot be computed with {values} together."))
        return None
    pairs = tuple(values.items())
    return TalibComputation(
        name=name,
        params=pairs,
        inputs=chosen,
        label=label_of(name, pairs, () if chosen == function.inputs else chosen),
        outputs=function.outputs,
        lookback=lookback,
        price_units=(function.on_input_scale or name in _SUMS_OF_PRICES) and chosen[0] in PRICES,
        function=function.batch,
        stream=function.stream,
        arguments=tuple(values.values()),
    )
