"""Amounts of a run in its account's currency, at the rates of the sessions they fall in."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.core.bars import Floats, Ints
from app.core.money import UNITS
from app.results.columns import Codes
from app.results.tables import Tables


class OwnMoney:
    """Converts amounts of one run; those in its account's own currency stay as they are."""

    def __init__(self, tables: Tables, currency: str, facts: Mapping[str, Any]) -> None:
        self._tables = tables
        self._is_own = np.array([name == currency for name in tables.currencies], np.bool_)
        self._rates: Mapping[str, Mapping[str, float]] = facts.get("rates") or {}

    def of(self, symbols: Codes, instants_ns: Ints, units: Ints) -> Floats:
        """Amounts in the symbols' currencies, each at an instant of its session or at its end, also
        where that is the next one's start.
        """
        amounts = units.astype(np.float64) / UNITS
        foreign = ~self._is_own[symbols]
        if foreign.any():
            starts = self._tables.sessions.start_ns
            days = np.maximum(np.searchsorted(starts, instants_ns[foreign]) - 1, 0)
            table = self._table()
            amounts[foreign] *= table[days, symbols[foreign]]
        return amounts

    def _table(self) -> Floats:
        """What each symbol's currency was worth, by session; 1 where nobody said."""
        dates = [str(date) for date in self._tables.sessions.date]
        currencies = self._tables.currencies
        rows = [[self._rates.get(date, {}).get(one, 1.0) for one in currencies] for date in dates]
        return np.array(rows, np.float64).reshape(len(dates), len(currencies))
