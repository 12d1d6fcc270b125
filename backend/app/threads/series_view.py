"""How indicators are read: a column per block where it pays, one value where it does not.

A column holds, for each step of the agenda, the value as of that step. It is made at the first
read in a block, so an indicator nobody asks for costs nothing here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from app.core.bars import Floats
from app.core.errors import UsageError
from app.core.windows import Window
from app.services.comparison import crosses, sign, signs
from app.services.indicators import Values
from app.strategies.indicator import BETWEEN_BARS, Cursor, Indicator
from app.threads.agenda import Agenda
from app.threads.data_processor import SessionPart
from app.threads.plan import Declared

COLUMN_STEPS = 16  # fewer steps than this are cheaper one by one

Other = Indicator | float
Rows = Callable[[SessionPart, int, int], npt.NDArray[Any]]  # session, symbol, from row


class SeriesView:
    """The reads of all indicators of a run; they share the engine's cursor."""

    def __init__(self, cursor: Cursor, symbols: int, numbers: Mapping[Declared, int]) -> None:
        self._cursor = cursor
        self._symbols = symbols
        self._numbers = numbers
        self._handles: list[Indicator] = []
        self._agenda: Agenda
        self._parts: tuple[SessionPart, ...] = ()

    def serve(self, handle: Indicator) -> None:
        """Answer this handle's reads from now on."""
        handle.view = self
        self._handles.append(handle)

    def load(self, agenda: Agenda, parts: tuple[SessionPart, ...]) -> None:
        """A new block: what was prepared for the last one goes."""
        self._agenda, self._parts = agenda, parts
        for handle in self._handles:
            handle.column = []
            handle.crosses = {}

    # -- called by a handle that finds no prepared column ------------------------------------------

    def value(self, indicator: Indicator, back: int) -> float:
        """The value `back` bars before the last one known; nan while there is none."""
        if back == 0 and self._column_pays():
            indicator.column = self._column(indicator, np.nan, self._value_rows(indicator))
            return indicator.column[self._cursor.step]
        symbol, part = self._here(indicator)
        row = self.row_now(part.windows[symbol, indicator.interval]) - back
        values = self._values(part, indicator, symbol)
        if row < max(values.first_ready, 0):
            return float("nan")
        return float(values.outputs[indicator.output][row])

    def sign(self, left: Indicator, right: Other) -> int:
        """Which side of `right` it is on now; 0 for a tie and while one of them is not ready."""
        symbol, part = self._pair(left, right)
        row = self.row_now(part.windows[symbol, left.interval])
        return self._sign_at(part, left, right, symbol, row) or 0

    def cross(self, left: Indicator, right: Other) -> int:
        """1 when it has just come above `right`, -1 below, else 0."""
        if self._column_pays():
            self._pair(left, right)
            column = self._column(left, 0, self._cross_rows(left, right))
            left.crosses[right] = column
            return int(column[self._cursor.step])
        symbol, part = self._pair(left, right)
        row = self.row_now(part.windows[symbol, left.interval])
        now = self._sign_at(part, left, right, symbol, row)
        was = self._sign_at(part, left, right, symbol, row - 1)
        if now is None or was is None:
            return 0
        return int(now > 0 >= was) - int(now < 0 <= was)

    def row_now(self, window: Window) -> int:
        """The window's last row known now; -1 when there is none."""
        return int(np.searchsorted(window.known_ns, self._cursor.now_ns, side="right")) - 1

    # -- one value -----------------------------------------------------------------------------

    def _column_pays(self) -> bool:
        return self._cursor.step != BETWEEN_BARS and len(self._agenda) >= COLUMN_STEPS

    def _here(self, indicator: Indicator) -> tuple[int, SessionPart]:
        """The symbol an indicator reads now, and the session."""
        symbol = self._cursor.symbol if indicator.symbol is None else indicator.symbol
        if symbol < 0 and self._cursor.step != BETWEEN_BARS:
            symbol = self._agenda.symbol_at(self._cursor.step)
        if symbol < 0 or self._cursor.span < 0:
            raise UsageError(
                f"{indicator} was read where no bar is in hand; declare it with symbol=... to "
                "read it from timers and session hooks."
            )
        return symbol, self._parts[self._cursor.span]

    def _pair(self, left: Indicator, right: Other) -> tuple[int, SessionPart]:
        same = not isinstance(right, Indicator) or (
            (left.interval, left.symbol) == (right.interval, right.symbol)
        )
        if not same:
            raise UsageError(f"{left} and {right} lie on different bars; compare their values.")
        return self._here(left)

    def _values(self, part: SessionPart, indicator: Indicator, symbol: int) -> Values:
        declared = Declared(indicator.computation, symbol, indicator.interval)
        return part.values[self._numbers[declared]]

    def _sign_at(
        self, part: SessionPart, left: Indicator, right: Other, symbol: int, row: int
    ) -> int | None:
        """The side at one row; None while one of the two is not ready there."""
        values = self._values(part, left, symbol)
        ready, priced = values.first_ready, left.computation.price_units
        other: float
        if isinstance(right, Indicator):
            others = self._values(part, right, symbol)
            ready = max(ready, others.first_ready)
            priced = priced or right.computation.price_units
        if row < max(ready, 0):
            return None
        other = float(others.outputs[right.output][row]) if isinstance(right, Indicator) else right
        price = float(part.windows[symbol, left.interval].close[row]) if priced else None
        return sign(float(values.outputs[left.output][row]), other, price)

    # -- whole columns -------------------------------------------------------------------------

    def _column(self, indicator: Indicator, fill: float, rows_from: Rows) -> list[Any]:
        """The rows of each session's window laid out by the agenda's steps, as of each step."""
        agenda = self._agenda
        column = np.full(len(agenda), fill)
        in_step = indicator.symbol is None and agenda.wanted == (indicator.interval,)
        symbols = range(self._symbols) if indicator.symbol is None else (indicator.symbol,)
        for number, part in enumerate(self._parts):
            for symbol in symbols:
                steps = agenda.steps(number, None if indicator.symbol is not None else symbol)
                window = part.windows[symbol, indicator.interval]
                count = len(steps) if not isinstance(steps, slice) else steps.stop - steps.start
                if count == 0:
                    continue
                if in_step:  # the window ends with just these steps
                    column[steps] = rows_from(part, symbol, len(window) - count)
                    continue
                rows = (
                    np.searchsorted(window.known_ns, agenda.table.known_ns[steps], side="right") - 1
                )
                known = rows >= 0
                low = max(int(rows[0]), 0)
                column[steps] = (
                    np.where(known, rows_from(part, symbol, low)[np.maximum(rows - low, 0)], fill)
                    if known.any()
                    else fill
                )
        return column.tolist()

    def _value_rows(self, indicator: Indicator) -> Rows:
        def rows(part: SessionPart, symbol: int, low: int) -> Floats:
            values = self._values(part, indicator, symbol)
            output = values.outputs[indicator.output][low:]
            if values.first_ready <= low:
                return output
            output = output.copy()
            output[: values.first_ready - low] = np.nan
            return output

        return rows

    def _cross_rows(self, left: Indicator, right: Other) -> Rows:
        def rows(part: SessionPart, symbol: int, low: int) -> npt.NDArray[np.int8]:
            window = part.windows[symbol, left.interval]
            values = self._values(part, left, symbol)
            ready, priced = values.first_ready, left.computation.price_units
            first = max(low - 1, 0)
            other: Floats | float
            if isinstance(right, Indicator):
                others = self._values(part, right, symbol)
                ready = max(ready, others.first_ready)
                priced = priced or right.computation.price_units
                other = others.outputs[right.output][first:]
            else:
                other = right
            price = window.close[first:] if priced else None
            found = crosses(signs(values.outputs[left.output][first:], other, price))
            if low == 0:
                found = np.concatenate((np.zeros(1, np.int8), found))
            if ready + 1 > low:
                found[: ready + 1 - low] = 0
            return found

        return rows
