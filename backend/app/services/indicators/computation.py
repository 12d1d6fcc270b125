"""What every indicator is once resolved: a pure function of a window, with two faces.

The batch face computes all rows of a window; the stream face goes on from where it was
opened. Both give the same bits. An indicator is not ready before some row and ready from
there to the end, so readiness is one number and never a NaN in the values.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from app.core.bars import Floats
from app.core.config_json import Fault
from app.core.errors import did_you_mean
from app.core.windows import Window

SESSION_BAR = "session_bar"  # 1 for a session's first bar, 2 for the next, ...
PRICES = ("open", "high", "low", "close")
INPUTS = (*PRICES, "volume", SESSION_BAR)


class Values(msgspec.Struct, frozen=True):
    """Outputs for the rows from `first_row` to the end of a window.

    `first_ready` is a row of the window; what an output holds before it means nothing.
    """

    outputs: tuple[Floats, ...]
    first_row: int
    first_ready: int


class Running(Protocol):
    """The stream face: an indicator that stands after the last row it was given."""

    def extend(self, window: Window, first_row: int) -> Values:
        """The rows from `first_row` on; each row of the window is passed exactly once."""
        ...


@dataclass(frozen=True, kw_only=True)
class Computation(ABC):
    """One indicator with its parameters; equal and of one hash when it computes the same."""

    name: str
    params: tuple[tuple[str, object], ...] = ()
    inputs: tuple[str, ...] = ()
    label: str = field(compare=False)  # "SMA(10)"
    outputs: tuple[str, ...] = field(compare=False)
    lookback: int = field(default=0, compare=False)  # rows before the first ready one
    history_sessions: int = field(default=0, compare=False)  # past sessions it needs, beyond those
    price_units: bool = field(default=False, compare=False)  # outputs are prices or their sums

    @abstractmethod
    def batch(self, window: Window) -> Values:
        """All rows of the window."""

    def open(self, window: Window) -> Running | None:
        """The stream face after the window's last row; None while the window is too short."""
        return Recomputing(self)


class Recomputing:
    """The stream face of a function that keeps no state: it computes the window anew."""

    def __init__(self, computation: Computation) -> None:
        self._computation = computation

    def extend(self, window: Window, first_row: int) -> Values:
        values = self._computation.batch(window)
        tails = tuple(output[first_row:] for output in values.outputs)
        return Values(tails, first_row, values.first_ready)


def column(window: Window, name: str) -> Floats:
    """One of INPUTS over all rows of the window."""
    if name == SESSION_BAR:
        return _session_bar(window)
    values: Floats = getattr(window, name)
    return values


def label_of(name: str, params: tuple[tuple[str, object], ...], inputs: tuple[str, ...]) -> str:
    """`SMA(10)`, and `SMA(10) of volume` when the inputs are not the usual ones."""
    arguments = ", ".join(str(value) for _, value in params)
    label = f"{name}({arguments})" if params else name
    return f"{label} of {', '.join(inputs)}" if inputs else label


def input_faults(
    name: str, inputs: Sequence[str], usual: Sequence[str] | None = None
) -> list[Fault]:
    """What is wrong with the columns asked for: no such column, or not as many as usual."""
    found: list[Fault] = []
    if usual is not None and len(inputs) != len(usual):
        text = f"{name} reads {len(usual)} columns ({', '.join(usual)}), found {len(inputs)}."
        found.append((("inputs",), text))
    for index, word in enumerate(inputs):
        if word not in INPUTS:
            hint = did_you_mean(word, INPUTS)
            text = f"'{word}' is not a column, use one of {', '.join(INPUTS)}.{hint}"
            found.append((("inputs", index), text))
    return found


def _session_bar(window: Window) -> Floats:
    rows = np.arange(len(window))
    session = np.searchsorted(window.session_first, rows, side="right") - 1
    return (rows - window.session_first[session] + 1).astype(np.float64)
