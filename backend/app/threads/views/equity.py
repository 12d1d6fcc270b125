"""The equity curve: cash and positions at every instant, a whole block at once."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import ClassVar

import numpy as np

from app.core.bars import Floats, Ints, SymbolRows, Table
from app.core.kept import Fields, kept, put_back
from app.core.money import UNITS
from app.core.orders import CASH, HELD, INSTANT, PRICE, SYMBOL, FillRow
from app.managers.execution_manager.books.account import RateChange
from app.managers.execution_manager.books.diary import Action
from app.services.metrics.drawdown import deepest

_NO_VALUES: Floats = np.empty(0, np.float64)
_NOISE = 1e-12  # of a curve of floats


class EquityCurve:
    """Carries marks, holdings and the peak from block to block.

    The curve is float64, for looking at; the account's money is the ledger's.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "marks", "_held", "_cash", "_peak", "_rates", "max_drawdown",
    )  # fmt: skip

    def __init__(self, cash_units: int, multipliers: Sequence[float]) -> None:
        self._multipliers = multipliers
        self.marks = [0.0] * len(multipliers)  # last close of each symbol; 0: it has no price yet
        self._held = [0] * len(multipliers)
        self._cash = cash_units
        self._peak = cash_units / UNITS
        self._rates = [1.0] * len(multipliers)  # of each symbol's currency
        self.max_drawdown = 0.0  # as a share of the peak before it

    def state(self) -> Fields:
        """As the next block finds it."""
        return {name: _copied(value) for name, value in kept(self, self.STATE).items()}

    def restore(self, state: Fields) -> None:
        """As a block before left it."""
        put_back(self, state)

    def advance(
        self,
        base: Table,
        rows: SymbolRows | None,
        changes: Sequence[FillRow],
        actions: Sequence[Action],
        at_ns: Sequence[int] | None,
        rates: Sequence[RateChange] = (),
    ) -> tuple[Ints, Floats]:
        """The curve over one block: at each of its instants, or only at the times given."""
        if not (len(base) or changes or actions or at_ns or rates):
            return base.known_ns, _NO_VALUES  # as in most blocks of a live run: time has passed
        block = _Block(base, rows, changes, actions)
        block.rates = rates
        instants = base.known_ns
        if len(instants) and rows is not None:
            instants = instants[np.append(instants[1:] != instants[:-1], True)]
        values = self._values(block, instants)
        self._draw_down(values)
        if at_ns is not None:
            instants = np.array(at_ns, np.int64)
            values = self._values(block, instants)
        for symbol in block.moved():
            self.marks[symbol] = float(block.marks(symbol, self.marks[symbol])[1][-1])
        for symbol, own in block.changes.items():
            self._held[symbol] = own[-1][HELD]
            if not self.marks[symbol]:  # no bar yet: it is worth what was paid for it
                self.marks[symbol] = own[-1][PRICE]
        for _, symbol, rate in rates:
            self._rates[symbol] = rate
        if changes:
            self._cash = changes[-1][CASH]
        return instants, values

    def fall_to(self, equity: float) -> float:
        """The deepest fall, with what the account comes to: costs and fills may fall due behind the
        last bar.
        """
        depth, _ = deepest(np.array([equity]), self._peak)
        return depth if depth > self.max_drawdown + _NOISE else self.max_drawdown

    def _draw_down(self, values: Floats) -> None:
        depth, self._peak = deepest(values, self._peak)
        self.max_drawdown = max(self.max_drawdown, depth)

    def _values(self, block: "_Block", instants: Ints) -> Floats:
        if not len(instants):
            return _NO_VALUES
        lengths = _lengths(instants, _times(block.all_changes))
        values = np.repeat(_steps(block.all_changes, CASH, self._cash), lengths)
        for symbol, held in enumerate(self._held):
            own = block.changes.get(symbol, ())
            if held or own:
                units: Floats | float = held / UNITS
                if own:
                    all_are_own = own is block.all_changes
                    own_lengths = lengths if all_are_own else _lengths(instants, _times(own))
                    units = np.repeat(_steps(own, HELD, held), own_lengths)
                before = self.marks[symbol]
                known, marks = block.marks(symbol, before)
                if known is not instants and not np.array_equal(known, instants):
                    marks = _as_of(instants, known, np.concatenate(((before,), marks)))
                worth = units * marks
                worth *= self._multipliers[symbol] * self._rate(block, symbol, instants)
                values += worth
        return np.rint(values * UNITS) / UNITS  # the same worth is the same number, and no fall

    def _rate(self, block: "_Block", symbol: int, instants: Ints) -> Floats | float:
        """What a symbol's currency is worth in the account's, at each instant."""
        own = [(at_ns, rate) for at_ns, of, rate in block.rates if of == symbol]
        if not own:
            return self._rates[symbol]
        times = np.array([at_ns for at_ns, _ in own], np.int64)
        return _as_of(instants, times, np.array([self._rates[symbol], *[r for _, r in own]]))


class _Block:
    """What moved the account and its marks in one block, by symbol."""

    def __init__(
        self,
        base: Table,
        rows: SymbolRows | None,
        changes: Sequence[FillRow],
        actions: Sequence[Action],
    ) -> None:
        self._base, self._rows, self._actions = base, rows, actions
        self.all_changes = changes
        self.rates: Sequence[RateChange] = ()  # what changes of the worth of foreign currencies
        self._marks: dict[int, tuple[Ints, Floats]] = {}
        self.changes: dict[int, Sequence[FillRow]] = {}
        if rows is None and changes and len(base):
            self.changes[changes[0][SYMBOL]] = changes  # of the run's one symbol
        elif changes:  # without bars, as between those of a live run, it may be of several
            by_symbol: dict[int, list[FillRow]] = {}
            for change in changes:
                by_symbol.setdefault(change[SYMBOL], []).append(change)
            self.changes.update(by_symbol)

    def moved(self) -> Iterable[int]:
        """Symbols whose mark this block moves."""
        of_actions = {action[1] for action in self._actions}
        if self._rows is None:
            return of_actions.union(self._base.symbol[:1].tolist())
        return of_actions.union(self._rows.present)

    def marks(self, symbol: int, before: float) -> tuple[Ints, Floats]:
        """When a symbol's mark changes, and to what; `before` is the mark until then."""
        if symbol not in self._marks:
            self._marks[symbol] = self._marks_of(symbol, before)
        return self._marks[symbol]

    def _marks_of(self, symbol: int, before: float) -> tuple[Ints, Floats]:
        known, marks = self._base.known_ns, self._base.close
        if self._rows is not None:
            own, table = self._rows.together(symbol), self._rows.table
            known, marks = table.known_ns[own], table.close[own]
        for instant_ns, of, factor in self._actions:
            if of == symbol:  # the last mark in today's terms, until a bar says more
                place = int(np.searchsorted(known, instant_ns, side="right"))
                last = marks[place - 1] if place else before
                known = np.insert(known, place, instant_ns)
                marks = np.insert(marks, place, last * factor)
        return known, marks


def _copied(value: list[float] | float) -> list[float] | float:
    return value.copy() if isinstance(value, list) else value


def _times(changes: Sequence[FillRow]) -> Ints:
    return np.fromiter(map(itemgetter(INSTANT), changes), np.int64, len(changes))


def _steps(changes: Sequence[FillRow], field: int, before: int) -> Floats:
    """The values of one figure of the account, the one before all changes first."""
    values = np.empty(len(changes) + 1)
    values[0] = before
    values[1:] = np.fromiter(map(itemgetter(field), changes), np.float64, len(changes))
    return values / UNITS


def _as_of(instants: Ints, times: Ints, values: Floats) -> Floats:
    """At each instant the value set last: values[0] first, values[k + 1] from times[k] on."""
    return np.repeat(values, _lengths(instants, times))


def _lengths(instants: Ints, times: Ints) -> Ints:
    """How many instants lie before the first of these times, between each two, after the last."""
    edges = np.empty(len(times) + 2, np.int64)
    edges[0], edges[-1] = 0, len(instants)
    edges[1:-1] = np.searchsorted(instants, times)
    lengths: Ints = edges[1:] - edges[:-1]
    return lengths
