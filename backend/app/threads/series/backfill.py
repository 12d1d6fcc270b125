"""Late bars put in their place: among today's bars, in derived ones closed or forming."""

import numpy as np

from app.core.bars import Table, join_tables
from app.core.calendar import TradingSession
from app.services.aggregation import Grid, fold


def merged(today: Table, late: Table) -> Table:
    """Bars by start; of one start, the one that came late."""
    rows = join_tables([late, today])
    _, first = np.unique(rows.start_ns, return_index=True)
    return rows.take(first)


def folded(
    today: Table, session: TradingSession, interval: str, extended_hours: bool, through_ns: int
) -> tuple[Table, Table]:
    """The derived bars of today's bars: those that have closed by now, and those that form."""
    bars = fold(today, Grid.of([session], interval, extended_hours))
    is_forming = bars.known_ns > through_ns
    return bars.take(~is_forming), bars.take(is_forming)


def replaced(forming: Table, symbol: int, start_ns: int, fresh: Table) -> Table:
    """What forms, with a symbol's bars from a moment on made anew; by symbol, then time."""
    kept = forming.take((forming.symbol != symbol) | (forming.start_ns < start_ns))
    rows = join_tables([kept, fresh])
    return rows.take(np.lexsort((rows.start_ns, rows.symbol)))
