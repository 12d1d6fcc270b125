"""What simulated fills at market paid beyond the price that their bar offered."""

import numpy as np
import numpy.typing as npt

from app.core.bars import COLUMNS, BarColumns, Floats, Ints
from app.core.errors import AppError
from app.core.orders import MARKET, MARKET_ON_OPEN, STOP, TRAILING_STOP
from app.results.columns import FillColumns
from app.results.tables import Tables

_STOPS = (STOP, TRAILING_STOP)


def slipped_amounts(tables: Tables, at_close: bool) -> Floats | str:
    """Of each fill, in the symbol's currency; or why nobody knows.

    A market order was offered its bar's open; with `at_close` what filled of it in the very instant
    it was given, its close. A stop was offered the worse of the open and its stop as it stood at
    its end; one that a bar before had touched, the open. Others give their price themselves:
    nothing.
    """
    fills, orders = tables.fills, tables.orders
    place = {number: row for row, number in enumerate(orders.order_id.tolist())}
    rows = np.array([place.get(number, -1) for number in fills.order_id.tolist()], np.int64)
    kinds = np.append(orders.kind, [None])[rows]
    stops = np.append(orders.stop, np.nan)[rows]
    slips = np.isin(kinds, (MARKET, MARKET_ON_OPEN, *_STOPS))
    at_once = at_close & (np.append(orders.created_ns, [0])[rows] == fills.instant_ns)
    first = _in_first_bar(fills)
    offered = fills.price.copy()
    for code, symbol in enumerate(tables.symbols):
        own = np.flatnonzero(slips & (fills.symbol == code))
        if not len(own):
            continue
        found = _bar_prices(tables, symbol, fills, own)
        if isinstance(found, str):
            return found
        of_stop, buys = np.isin(kinds[own], _STOPS), fills.quantity_units[own] > 0
        at_market = np.where(at_once[own], found.close, found.open)
        at_stop = _stopped(found, stops[own], buys)
        better = np.where(buys, fills.price[own] < at_stop, fills.price[own] > at_stop)
        at_stop = np.where(better, _better(found, stops[own], buys), at_stop)
        at_stop = np.where(first[own], at_stop, found.open)
        offered[own] = np.where(of_stop, at_stop, at_market)
    quantity = fills.quantity_units.astype(np.float64) / 1e8
    multiplier = np.array(tables.multiplier_units, np.float64)[fills.symbol] / 1e8
    return (fills.price - offered) * quantity * multiplier


def _in_first_bar(fills: FillColumns) -> npt.NDArray[np.bool_]:
    """Whether each fill came on the first bar that filled its order."""
    bars: dict[int, int] = {}
    pairs = zip(fills.order_id.tolist(), fills.bar_start_ns.tolist(), strict=True)
    return np.array([bars.setdefault(order, start) == start for order, start in pairs], np.bool_)


def _stopped(bars: BarColumns, stops: Floats, buys: npt.NDArray[np.bool_]) -> Floats:
    """The stop, or the open that lay beyond it; the open where the bar did not come to the stop."""
    touched = np.where(buys, bars.high >= stops, bars.low <= stops)
    worse = np.where(buys, np.maximum(bars.open, stops), np.minimum(bars.open, stops))
    return np.where(touched, worse, bars.open)


def _better(bars: BarColumns, stops: Floats, buys: npt.NDArray[np.bool_]) -> Floats:
    """The open, of a stop that a bar before had touched: since then it is at market; or a stop that
    has followed its bar beyond the open.
    """
    return np.where(buys, np.fmin(bars.open, stops), np.fmax(bars.open, stops))


def _bar_prices(tables: Tables, symbol: str, fills: FillColumns, rows: Ints) -> BarColumns | str:
    """The bars they filled on."""
    try:
        bars = tables.bars(symbol)
    except AppError:
        return f"no bars of {symbol} are stored"
    starts = fills.bar_start_ns[rows]
    places = np.minimum(np.searchsorted(bars.start_ns, starts), max(len(bars) - 1, 0))
    if not len(bars) or (bars.start_ns[places] != starts).any():
        return f"the store has not all bars of {symbol} that filled"
    return BarColumns(*(getattr(bars, name)[places] for name in COLUMNS))
