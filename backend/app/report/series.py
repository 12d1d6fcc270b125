"""What a report draws, as tables of columns: times in milliseconds, money and quantities in full.

What is too long for a page is thinned, and how is told: bars are folded into longer ones, the curve
keeps the least and the greatest of each stretch.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from app.core.bars import BarColumns, Floats, Ints
from app.core.intervals import interval_ns
from app.core.money import UNITS
from app.report.columns import Column

if TYPE_CHECKING:
    from app.results.columns import Codes, FillColumns, OrderColumns, TradeColumns
    from app.results.run import Run

Table = dict[str, Column]

MOST_BARS: Final = 600_000  # of all symbols together: four megabytes of stocks, eight of coins
MOST_SYMBOLS: Final = 100
MOST_POINTS: Final = 250_000  # of the curve
_LADDER: Final = ("1m", "5m", "15m", "1h", "1d")
_MS: Final = 1_000_000
_MINUTE: Final = 60 * 1_000_000_000


class Bars(msgspec.Struct, frozen=True):
    """The bars a report holds: of which symbols, and how long each is."""

    interval: str
    symbols: tuple[str, ...]

    @property
    def minutes(self) -> int:
        """How long a bar is."""
        return interval_ns(self.interval) // _MINUTE


def bars_to_show(run: "Run") -> Bars:
    """The finest bars that fit, of the symbols that were traded most."""
    base = str(run.config["base_interval"])
    trades = run.columns.trades.symbol
    counts = np.bincount(trades[trades >= 0], minlength=len(run.symbols))
    order = sorted(range(len(run.symbols)), key=lambda place: (-int(counts[place]), place))
    chosen = tuple(run.symbols[place] for place in sorted(order[:MOST_SYMBOLS]))
    bars = int(run.summary.get("bars") or 0)
    share = len(chosen) / max(1, len(run.symbols))
    longer = [one for one in _LADDER if interval_ns(one) >= interval_ns(base)] or [base]
    if base not in longer:
        longer.insert(0, base)
    for interval in longer:
        if bars * share * interval_ns(base) / interval_ns(interval) <= MOST_BARS:
            return Bars(interval, chosen)
    return Bars(longer[-1], chosen)


def bar_table(columns: BarColumns) -> Table:
    """One symbol's bars."""
    return {
        "start": milliseconds(columns.start_ns),
        **{name: getattr(columns, name) for name in ("open", "high", "low", "close", "volume")},
    }


def hole_ends(run: "Run", symbol: str) -> list[int]:
    """Where holes in a symbol's bars end. What is thin has none: nothing traded there."""
    from app.managers.data_manager.passport import session_qualities

    if any(row["symbol"] == symbol and not row["holes"] for row in run.passport):
        return []
    base, extended = str(run.config["base_interval"]), bool(run.config.get("extended_hours"))
    found = session_qualities(
        run.columns.bars(symbol), base, run.columns.trading_sessions, extended_hours=extended
    )
    return [end // _MS for one in found for _, end in one.quality.holes]


def equity_table(instants: Ints, equity: Floats) -> tuple[Table, dict[str, int]]:
    """The curve, and to how many digits; thinned where it is longer than a screen can ever show."""
    if len(equity) > MOST_POINTS:
        kept = _extremes(equity, MOST_POINTS // 2)
        instants, equity = instants[kept], equity[kept]
    largest = float(np.abs(equity).max(initial=1.0))
    digits = max(0, 8 - len(str(int(largest))))
    return {"at": milliseconds(instants), "equity": equity}, {"equity": digits}


def _extremes(values: Floats, stretches: int) -> Ints:
    """Where the least and the greatest of each stretch stand, and the first and last of all."""
    edges = np.linspace(0, len(values), stretches + 1).astype(np.int64)
    kept = {0, len(values) - 1}
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[first:end]
        kept.add(first + int(part.argmin()))
        kept.add(first + int(part.argmax()))
    return np.array(sorted(kept), np.int64)


def trade_table(trades: "TradeColumns", names: "Names") -> Table:
    """Every round trip; the end of an open one is missing."""
    return {
        "symbol": names.symbols_of(trades.symbol),
        "strategy": names.strategies_of(trades.strategy),
        "side": ["long" if side > 0 else "short" for side in trades.side.tolist()],
        "quantity": money(trades.quantity_units),
        "entryAt": milliseconds(trades.entry_ns),
        "exitAt": ended(trades.exit_ns),
        "entry": trades.entry_price,
        "exit": trades.exit_price,
        "fees": money(trades.fee_units),
        "profit": money(trades.profit_units),
        "firstFill": trades.first_fill_id,
        "lastFill": trades.last_fill_id,
    }


TRADE_DIGITS: Final = {"entry": 8, "exit": 8}  # averages over fills: no exact decimals


def order_table(orders: "OrderColumns", names: "Names") -> Table:
    """Every order as it stood at the end."""
    return {
        "number": orders.order_id,
        "symbol": names.symbols_of(orders.symbol),
        "strategy": names.strategies_of(orders.strategy),
        "kind": words(orders.kind),
        "side": words(orders.side),
        "state": words(orders.state),
        "reason": words(orders.reason),
        "quantity": money(orders.quantity_units),
        "created": milliseconds(orders.created_ns),
        "ended": ended(orders.ended_ns),
        "limit": orders.limit,
        "stop": orders.stop,
    }


def change_table(changes: Sequence[Mapping[str, Any]]) -> Table:
    """What was done to orders after they were given."""

    def prices(name: str) -> Floats:
        found = [np.nan if one[name] is None else one[name] for one in changes]
        return np.array(found, np.float64)

    return {
        "order": np.array([one["order_id"] for one in changes], np.int64),
        "at": milliseconds(np.array([one["at_ns"] for one in changes], np.int64)),
        "what": [str(one["what"]) for one in changes],
        "limit": prices("limit_price"),
        "stop": prices("stop_price"),
    }


def fill_table(fills: "FillColumns", names: "Names") -> Table:
    """Every fill."""
    return {
        "number": fills.fill_id,
        "order": fills.order_id,
        "symbol": names.symbols_of(fills.symbol),
        "strategy": names.strategies_of(fills.strategy),
        "quantity": money(fills.quantity_units),
        "price": fills.price,
        "fee": money(fills.fee_units),
        "at": milliseconds(fills.instant_ns),
        "bar": milliseconds(fills.bar_start_ns),
    }


class Names(msgspec.Struct, frozen=True):
    """What the places of a run's tables stand for; -1 is nobody's."""

    symbols: tuple[str, ...]
    strategies: tuple[str, ...]

    def symbols_of(self, codes: "Codes") -> list[str]:
        return [self.symbols[code] if code >= 0 else "" for code in codes.tolist()]

    def strategies_of(self, codes: "Codes") -> list[str]:
        return [self.strategies[code] if code >= 0 else "" for code in codes.tolist()]


def milliseconds(instants_ns: Ints) -> Ints:
    """As a browser counts."""
    found: Ints = instants_ns // _MS
    return found


def ended(instants_ns: Ints) -> Floats:
    """The same, missing where there is no end."""
    found = milliseconds(instants_ns).astype(np.float64)
    found[instants_ns == 0] = np.nan
    return found


def money(units: Ints) -> Floats:
    """Units as numbers."""
    found: Floats = units.astype(np.float64) / UNITS
    return found


def words(values: Any) -> list[str]:
    """Texts, "" where there is none."""
    return [one or "" for one in values.tolist()]


def offsets(zone: dt.tzinfo, first_ns: int, last_ns: int) -> list[tuple[int, int]]:
    """From when on, in milliseconds, the zone is how many minutes from UTC; found to the minute."""

    def minutes(at: int) -> int:
        shift = dt.datetime.fromtimestamp(at, zone).utcoffset() or dt.timedelta()
        return int(shift.total_seconds() // 60)

    day, last = 86_400, last_ns // (_MS * 1000) + 86_400
    at = first_ns // (_MS * 1000) - day
    found = [(at * 1000, minutes(at))]
    while at < last:
        if minutes(at + day) != minutes(at):
            low, high = at, at + day
            while high - low > 60:
                middle = (low + high) // 2
                low, high = (middle, high) if minutes(middle) == minutes(at) else (low, middle)
            found.append((high // 60 * 60 * 1000, minutes(high)))
        at += day
    return found
