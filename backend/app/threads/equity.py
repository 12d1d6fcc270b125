"""The equity curve: cash and positions at every instant, a whole block at once."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.core.bars import Floats, Ints, Table
from app.core.money import UNITS
from app.managers.execution_manager.execution_manager import Action, Change


class EquityCurve:
    """Carries marks, holdings and the peak from block to block.

    The curve is float64, for looking at; the account's money is the ledger's.
    """

    def __init__(self, cash_units: int, multipliers: Sequence[float]) -> None:
        self._multipliers = multipliers
        self.marks = [0.0] * len(multipliers)  # last close of each symbol
        self._held = [0] * len(multipliers)
        self._cash = cash_units
        self._peak = cash_units / UNITS
        self.max_drawdown = 0.0  # as a share of the peak before it

    def advance(
        self,
        base: Table,
        changes: Sequence[Change],
        actions: Sequence[Action],
        at_ns: Sequence[int] | None,
    ) -> tuple[Ints, Floats]:
        """The curve over one block: at each of its instants, or only at the times given."""
        instants = base.known_ns
        if len(instants) and len(self.marks) > 1:
            instants = instants[np.append(instants[1:] != instants[:-1], True)]
        values = self._values(base, changes, actions, instants)
        self._draw_down(values)
        if at_ns is not None:
            instants = np.array(at_ns, np.int64)
            values = self._values(base, changes, actions, instants)
        for symbol in self._touched(base, actions):
            self.marks[symbol] = float(self._marks(symbol, base, actions)[1][-1])
        for _, symbol, held, self._cash in changes:
            self._held[symbol] = held
        return instants, values

    def _draw_down(self, values: Floats) -> None:
        if len(values):
            peaks = np.maximum.accumulate(values)
            np.maximum(peaks, self._peak, out=peaks)
            self.max_drawdown = max(self.max_drawdown, float(((peaks - values) / peaks).max()))
            self._peak = float(peaks[-1])

    def _values(
        self,
        base: Table,
        changes: Sequence[Change],
        actions: Sequence[Action],
        instants: Ints,
    ) -> Floats:
        times = np.array([change[0] for change in changes], np.int64)
        cash = np.array([self._cash, *[change[3] for change in changes]], np.float64) / UNITS
        values = _as_of(instants, times, cash)
        touched = {change[1] for change in changes}
        for symbol, held in enumerate(self._held):
            if held or symbol in touched:
                own = [change for change in changes if change[1] == symbol]
                times = np.array([change[0] for change in own], np.int64)
                units = np.array([held, *[change[2] for change in own]], np.float64) / UNITS
                marks = _as_of(instants, *self._marks(symbol, base, actions))
                values += _as_of(instants, times, units) * marks * self._multipliers[symbol]
        return values

    def _marks(self, symbol: int, base: Table, actions: Sequence[Action]) -> tuple[Ints, Floats]:
        """When a symbol's mark changes, and to what; the first mark holds before all of them."""
        known, closes = base.known_ns, base.close
        if len(self.marks) > 1:
            rows = np.flatnonzero(base.symbol == symbol)
            known, closes = known[rows], closes[rows]
        marks = np.concatenate(((self.marks[symbol],), closes))
        for instant_ns, of, factor in actions:
            if of == symbol:  # the last mark in today's terms, until a bar says more
                place = int(np.searchsorted(known, instant_ns, side="right"))
                known = np.insert(known, place, instant_ns)
                marks = np.insert(marks, place + 1, marks[place] * factor)
        return known, marks

    def _touched(self, base: Table, actions: Sequence[Action]) -> set[int]:
        """Symbols whose mark this block moves."""
        symbols: npt.NDArray[np.int32] = base.symbol
        if len(self.marks) == 1:
            return {0} if len(symbols) or actions else set()
        return {action[1] for action in actions} | set(np.unique(symbols).tolist())


def _as_of(instants: Ints, times: Ints, values: Floats) -> Floats:
    """At each instant the value set last: values[0] first, values[k + 1] from times[k] on."""
    places = np.searchsorted(instants, times)
    return np.repeat(values, np.diff(places, prepend=0, append=len(instants)))
