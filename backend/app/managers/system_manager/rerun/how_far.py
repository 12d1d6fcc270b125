"""How far a replay that is run again is: its bars so far, of all that are stored for it."""

from collections.abc import Callable, Sequence

import numpy as np

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.progress import OnCount
from app.repositories.bar_store import BarStore
from app.repositories.bar_store_files import Series
from app.services.bar_import import sessions_outline
from app.threads.stream.results import Results

OnResults = Callable[[Results], None]


class BarCount:
    """The bars of one replay, or of some of the same sessions, one after the other."""

    def __init__(
        self,
        config: SessionConfig,
        sessions: Sequence[TradingSession],
        store: BarStore,
        on_count: OnCount | None,
        runs: int = 1,
    ) -> None:
        """Nothing is counted without `on_count`."""
        self._on_count = on_count
        self._total = 0 if on_count is None else runs * stored_bars(config, sessions, store)
        self._bars = 0

    def of(self, take: OnResults) -> OnResults:
        """`take`, which is followed by a count, once a block."""
        on_count = self._on_count
        if on_count is None:
            return take

        def taken(results: Results) -> None:
            take(results)
            self._bars += results.bars
            on_count(self._bars, self._total)

        return taken


def stored_bars(config: SessionConfig, sessions: Sequence[TradingSession], store: BarStore) -> int:
    """The bars that a replay of these sessions shows; counted a year at a time, as years joined
    would be in memory once more.
    """
    starts, ends = sessions_outline(sessions, extended_hours=config.extended_hours)
    found = 0
    for symbol in config.symbols:
        series = Series(config.market, symbol, config.base_interval)
        for bars in store.years(series, int(starts[0]), int(ends[-1])):
            first, end = np.searchsorted(bars.start_ns, (starts, ends))
            found += int((end - first).sum())
    return found
