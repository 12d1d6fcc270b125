"""The bars of a run that leave open what they did, as a file: what each may have been worth.

The file begins with the first such bar; a run without one has none.
"""

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from app.core.money import from_units
from app.managers.execution_manager.sim.fill_rules import Ambiguity

FILE: Final = "uncertain_bars.csv"
COLUMNS: Final = ("symbol", "start", "start_ns", "currency", "worst", "best", "taken")

LocalText = Callable[[int], str]  # an instant in the market's zone, for people


class UncertainBars:
    """Written block by block; `currencies` are those of the symbols."""

    def __init__(
        self,
        folder: Path,
        symbols: Sequence[str],
        currencies: Sequence[str],
        local_text: LocalText,
    ) -> None:
        self._path = folder / FILE
        self._path.unlink(missing_ok=True)  # a run that goes on comes to its bars again
        self._symbols = symbols
        self._currencies = currencies
        self._local_text = local_text

    def add(self, bars: Sequence[Ambiguity]) -> None:
        """Put a block's bars at the end."""
        if not bars:
            return
        text = StringIO()
        rows = csv.writer(text, lineterminator="\n")
        if not self._path.exists():
            rows.writerow(COLUMNS)
        rows.writerows(self._cells(bar) for bar in bars)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())

    def _cells(self, bar: Ambiguity) -> tuple[object, ...]:
        money = (bar.worst_units, bar.best_units, bar.taken_units)
        return (
            self._symbols[bar.symbol],
            self._local_text(bar.start_ns),
            bar.start_ns,
            self._currencies[bar.symbol],
            *(f"{from_units(units):f}" for units in money),
        )
