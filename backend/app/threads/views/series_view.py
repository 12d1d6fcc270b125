"""How indicators are read: a column per block where it pays, one value where it does not.

A column holds, for each step of the agenda, the value as of that step. It is made at the first
read in a block, so an indicator nobody asks for costs nothing here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.bars import Floats, Ints
from app.core.errors import UsageError
from app.core.windows import Window
from app.services.comparison import Signs, crosses, sign, signs
from app.services.indicators import Values
from app.strategies.indicator import BETWEEN_BARS, Cross, Cursor, Indicator
from app.threads.data_processor import SessionPart
from app.threads.stream.plan import Declared
from app.threads.views.agenda import Agenda

COLUMN_STEPS = 16  # fewer steps than this are cheaper one by one
MOST_COLUMNS = 16  # of crosses per handle and block: a level that moves with each bar gets none

_NO_CROSS = np.int8(0)

Other = Indicator | float


class Slice(NamedTuple):
    """The steps of one session that read one symbol's window, from its row `low` on."""

    symbol: int
    part: SessionPart
    window: Window
    steps: slice | Ints
    low: int
    rows: Ints | None  # which row from `low` each step reads; None: all, one by one


ReadSlices = Callable[[list[Slice]], npt.NDArray[Any]]  # their rows, one after the other


class SeriesView:
    """The reads of all indicators of a run; they share the engine's cursor."""

    def __init__(self, cursor: Cursor, symbols: int, numbers: Mapping[Declared, int]) -> None:
        self._cursor = cursor
        self._symbols = symbols
        self._numbers = numbers
        self._number_of: dict[tuple[Indicator, int], int] = {}  # the same, found once
        self._handles: list[Indicator] = []
        self._crosses: dict[Indicator, dict[Other, list[Cross]]] = {}
        self._agenda: Agenda
        self._parts: tuple[SessionPart, ...] = ()

    def serve(self, handle: Indicator) -> None:
        """Answer this handle's reads from now on."""
        handle.view = self
        self._handles.append(handle)

    def leave(self, handles: Sequence[Indicator]) -> None:
        """Nobody reads these any more."""
        gone = set(handles)
        self._handles = [handle for handle in self._handles if handle not in gone]

    def renumber(self, numbers: Mapping[Declared, int], parts: tuple[SessionPart, ...]) -> None:
        """Between two blocks other indicators are computed; the session goes on."""
        self._numbers, self._parts = numbers, parts
        self._number_of.clear()
        self._forget()

    def load(self, agenda: Agenda, parts: tuple[SessionPart, ...]) -> None:
        """A new block: what was prepared for the last one goes."""
        self._agenda, self._parts = agenda, parts
        self._forget()

    def _forget(self) -> None:
        """What was prepared for a block."""
        for handle in self._handles:
            handle.column = []
            handle.crosses = []
        self._crosses.clear()

    # -- called by a handle that finds no prepared column ------------------------------------------

    def value(self, indicator: Indicator, back: int) -> float:
        """The value `back` bars before the last one known; nan while there is none."""
        if back == 0 and self._column_pays():
            column = self._column(indicator, np.nan, self._values_reader(indicator))
            indicator.column = column.tolist()
            return indicator.column[self._cursor.step]
        symbol, part = self._here(indicator)
        row = part.windows[symbol, indicator.interval].row_at(self._cursor.now_ns) - back
        values = self._values(part, indicator, symbol)
        if row < max(values.first_ready, 0):
            return float("nan")
        return float(values.outputs[indicator.output][row])

    def sign(self, left: Indicator, right: Other) -> int:
        """Which side of `right` it is on now; 0 for a tie and while one of them is not ready."""
        symbol, part = self._pair(left, right)
        row = part.windows[symbol, left.interval].row_at(self._cursor.now_ns)
        return self._sign_at(part, left, right, symbol, row) or 0

    def cross(self, left: Indicator, right: Other) -> Cross:
        """Whether it has just come above `right`, or below."""
        symbol, part = self._pair(left, right)
        if self._column_pays():
            columns = self._crosses.setdefault(left, {})
            if right not in columns and len(columns) < MOST_COLUMNS:
                column = self._column(left, _NO_CROSS, self._crosses_reader(left, right))
                columns[right] = _told(column)
            if right in columns:
                left.rival, left.crosses = right, columns[right]
                return left.crosses[self._cursor.step]
        row = part.windows[symbol, left.interval].row_at(self._cursor.now_ns)
        now = self._sign_at(part, left, right, symbol, row)
        was = self._sign_at(part, left, right, symbol, row - 1)
        if now is None or was is None or not (now > 0 >= was or now < 0 <= was):
            return None
        return now > 0

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
        number = self._number_of.get((indicator, symbol))
        if number is None:
            declared = Declared(indicator.computation, symbol, indicator.interval)
            number = self._number_of[indicator, symbol] = self._numbers[declared]
        return part.values[number]

    @staticmethod
    def _priced(left: Indicator, right: Other) -> bool:
        """Whether the two are compared as prices."""
        return left.computation.price_units or (
            isinstance(right, Indicator) and right.computation.price_units
        )

    def _sign_at(
        self, part: SessionPart, left: Indicator, right: Other, symbol: int, row: int
    ) -> int | None:
        """The side at one row; None while one of the two is not ready there."""
        values = self._values(part, left, symbol)
        ready = values.first_ready
        if isinstance(right, Indicator):
            others = self._values(part, right, symbol)
            ready = max(ready, others.first_ready)
        if row < max(ready, 0):
            return None
        other = float(others.outputs[right.output][row]) if isinstance(right, Indicator) else right
        window = part.windows[symbol, left.interval]
        price = float(window.close[row]) if self._priced(left, right) else None
        return sign(float(values.outputs[left.output][row]), other, price)

    # -- whole columns -------------------------------------------------------------------------

    def _column(
        self, indicator: Indicator, fill: float | np.int8, read: ReadSlices
    ) -> npt.NDArray[Any]:
        """The rows of each session's window laid out by the agenda's steps, as of each step."""
        agenda = self._agenda
        column: npt.NDArray[Any] = np.full(len(agenda), fill)
        symbols = range(self._symbols) if indicator.symbol is None else (indicator.symbol,)
        slices = [piece for symbol in symbols for piece in self._slices(indicator, symbol)]
        rows = read(slices)
        place = 0
        for piece in slices:
            here = rows[place : place + len(piece.window) - piece.low]
            column[piece.steps] = here if piece.rows is None else here[piece.rows]
            place += len(here)
        return column

    def _slices(self, indicator: Indicator, symbol: int) -> Iterator[Slice]:
        """Per session of the block, the steps that read a window and the rows they read."""
        agenda, free = self._agenda, indicator.symbol is None
        in_step = free and agenda.wanted == (indicator.interval,)
        for number, part in enumerate(self._parts):
            steps = agenda.steps(number, symbol if free else None)
            known = agenda.table.known_ns[steps]
            count = len(known)
            window = part.windows[symbol, indicator.interval]
            if count == 0:
                continue
            if in_step:  # the window ends with just these steps
                yield Slice(symbol, part, window, steps, len(window) - count, None)
                continue
            rows = np.searchsorted(window.known_ns, known, side="right") - 1
            if isinstance(steps, slice):
                steps = np.arange(steps.start, steps.stop, steps.step)
            steps, rows = steps[rows >= 0], rows[rows >= 0]
            if len(rows):
                yield Slice(symbol, part, window, steps, int(rows[0]), rows - rows[0])

    def _values_reader(self, indicator: Indicator) -> ReadSlices:
        def read(slices: list[Slice]) -> Floats:
            outputs = []
            for piece in slices:
                values = self._values(piece.part, indicator, piece.symbol)
                output = values.outputs[indicator.output][piece.low :]
                if values.first_ready > piece.low:
                    output = output.copy()
                    output[: values.first_ready - piece.low] = np.nan
                outputs.append(output)
            return _joined(outputs)

        return read

    def _crosses_reader(self, left: Indicator, right: Other) -> ReadSlices:
        """Sides are compared a row further back than is read: there every cross begins."""

        def read(slices: list[Slice]) -> Signs:
            lefts, rights, closes, edges = [], [], [], []
            place = 0
            for piece in slices:
                values = self._values(piece.part, left, piece.symbol)
                ready = values.first_ready
                first = max(piece.low - 1, 0)
                lefts.append(values.outputs[left.output][first:])
                closes.append(piece.window.close[first:])
                if isinstance(right, Indicator):
                    others = self._values(piece.part, right, piece.symbol)
                    ready = max(ready, others.first_ready)
                    rights.append(others.outputs[right.output][first:])
                unready = min(max(ready + 1 - piece.low, 0), len(piece.window) - piece.low)
                edges.append((place, piece.low - first, unready))
                place += len(lefts[-1])
            other = _joined(rights) if isinstance(right, Indicator) else right
            price = _joined(closes) if self._priced(left, right) else None
            found = crosses(signs(_joined(lefts), other, price))
            return _without_edges(found, edges)

        return read


def _told(column: Signs) -> list[Cross]:
    """Crosses in words: in Python these are told apart faster than numbers."""
    told: list[Cross] = [None] * len(column)
    for crossed, number in ((True, 1), (False, -1)):
        for step in np.flatnonzero(column == number).tolist():
            told[step] = crossed
    return told


def _without_edges(found: Signs, edges: list[tuple[int, int, int]]) -> Signs:
    """Take out the row before each slice, and clear what was not ready."""
    keep = np.ones(len(found), np.bool_)
    for place, before, unready in edges:
        keep[place : place + before] = False
        found[place + before : place + before + unready] = 0
    kept: Signs = found[keep]
    return kept


def _joined(pieces: list[Floats]) -> Floats:
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces) if pieces else np.empty(0)
