"""What simulated fills at market paid beyond the price that their bar offered."""

import numpy as np

from app.core.bars import Floats, Ints
from app.core.errors import AppError
from app.core.orders import MARKET, STOP, TRAILING_STOP
from app.results.columns import FillColumns
from app.results.tables import Tables

_STOPS = (STOP, TRAILING_STOP)


def slipped_amounts(tables: Tables, at_close: bool) -> Floats | str:
    """Of each fill, in the symbol's currency; or why nobody knows.

    A market order was offered its bar's open, or the close with `at_close`; a stop the worse of
    the open and its stop as it stood at its end. Others give their price themselves: nothing.
    """
    fills, orders = tables.fills, tables.orders
    place = {number: row for row, number in enumerate(orders.order_id.tolist())}
    rows = np.array([place.get(number, -1) for number in fills.order_id.tolist()], np.int64)
    kinds = np.append(orders.kind, [None])[rows]
    stops = np.append(orders.stop, np.nan)[rows]
    slips = np.isin(kinds, (MARKET, *_STOPS))
    offered = fills.price.copy()
    for code, symbol in enumerate(tables.symbols):
        own = np.flatnonzero(slips & (fills.symbol == code))
        if not len(own):
            continue
        found = _bar_prices(tables, symbol, fills, own)
        if isinstance(found, str):
            return found
        opens, closes = found
        of_stop = np.isin(kinds[own], _STOPS)
        buys = fills.quantity_units[own] > 0
        worse = np.where(buys, np.fmax(opens, stops[own]), np.fmin(opens, stops[own]))
        offered[own] = np.where(of_stop, worse, closes if at_close else opens)
    quantity = fills.quantity_units.astype(np.float64) / 1e8
    multiplier = np.array(tables.multiplier_units, np.float64)[fills.symbol] / 1e8
    return (fills.price - offered) * quantity * multiplier


def _bar_prices(
    tables: Tables, symbol: str, fills: FillColumns, rows: Ints
) -> tuple[Floats, Floats] | str:
    """The opens and closes of the bars they filled on."""
    try:
        bars = tables.bars(symbol)
    except AppError:
        return f"no bars of {symbol} are stored"
    starts = fills.bar_start_ns[rows]
    places = np.minimum(np.searchsorted(bars.start_ns, starts), max(len(bars) - 1, 0))
    if not len(bars) or (bars.start_ns[places] != starts).any():
        return f"the store has not all bars of {symbol} that filled"
    return bars.open[places], bars.close[places]
