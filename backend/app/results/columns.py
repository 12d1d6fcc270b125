"""A finished run's tables as columns: numpy arrays, for whoever makes a page or a file of them.

Quantities and money are whole numbers of 1e-8 (`_units`), instants nanoseconds UTC (`_ns`), prices
float64 with NaN where there is none. A column of `_units` is int64; where a number is too large
for that it holds Python's own integers. `strategy` and `symbol` are places in the run's
`strategies` and `symbols`; -1: nobody's, as that of a fill which no strategy asked for.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import Floats, Ints
from app.core.money import amount_units, to_units
from app.services.trades import Trade

Codes = npt.NDArray[np.int32]
Texts = npt.NDArray[np.object_]  # of str, or None
Flags = npt.NDArray[np.bool_]
Stored = Mapping[str, Sequence[Any]]  # a table's columns in SQL

NOBODY: Final = -1
NONE_IS_ZERO: Final = ("parent_id", "oco_group", "exit_order_id")
_MOST: Final = 2**63 - 1


class Columns(msgspec.Struct, frozen=True):
    """Arrays of one length."""

    def __len__(self) -> int:
        return len(getattr(self, self.__struct_fields__[0]))


class EquityColumns(Columns, frozen=True):
    """Cash and positions at their last closes, in the account's currency."""

    instant_ns: Ints
    equity: Floats


class SessionColumns(Columns, frozen=True):
    """The run's trading days, and what the account was worth at the end of each."""

    date: npt.NDArray[np.datetime64]  # the trade date, [D]
    start_ns: Ints
    end_ns: Ints
    equity: Floats


class OrderColumns(Columns, frozen=True):
    """Every order as it stands at the end, in the order they were given."""

    order_id: Ints
    strategy: Codes
    symbol: Codes
    kind: Texts
    side: Texts  # "buy" or "sell"
    tif: Texts
    quantity_units: Ints  # unsigned
    filled_units: Ints  # unsigned
    limit: Floats
    stop: Floats
    state: Texts
    reason: Texts
    created_ns: Ints
    ended_ns: Ints  # 0: it works on
    fee_units: Ints
    parent_id: Ints  # the order it waits for; 0: none
    oco_group: Ints  # 0: none


class FillColumns(Columns, frozen=True):
    """Every fill, in the order they happened."""

    fill_id: Ints
    order_id: Ints
    strategy: Codes
    symbol: Codes
    quantity_units: Ints  # signed: a sale is negative
    price: Floats
    value_units: Ints  # signed: quantity x price x multiplier, in the symbol's currency
    fee_units: Ints
    bar_start_ns: Ints
    instant_ns: Ints


class TradeColumns(Columns, frozen=True):
    """Every round trip, in the order they began; money in the symbol's currency."""

    strategy: Codes
    symbol: Codes
    side: npt.NDArray[np.int8]  # 1 long, -1 short
    is_open: Flags  # at the run's end
    entry_ns: Ints
    exit_ns: Ints  # 0: it is open
    quantity_units: Ints  # the most that was held, unsigned
    entry_price: Floats  # averages over its fills
    exit_price: Floats  # NaN: nothing was closed
    realised_units: Ints
    income_units: Ints  # dividends
    fee_units: Ints
    profit_units: Ints  # realised + income - fees
    fills: Ints
    entry_order_id: Ints
    exit_order_id: Ints  # 0: it is open
    first_fill_id: Ints
    last_fill_id: Ints


def units_array(values: Iterable[int]) -> Ints:
    """int64, or Python's integers where one is too large."""
    found = list(values)
    try:
        return np.array(found, np.int64)
    except OverflowError:
        return np.array(found, object)


def order_columns(stored: Stored, places: "Places") -> OrderColumns:
    """The columns of a run's orders in SQL."""
    return OrderColumns(
        order_id=_ints(stored, "order_id"),
        strategy=_codes(stored, "strategy", places.strategy),
        symbol=_codes(stored, "symbol", places.symbol),
        kind=_texts(stored, "kind"),
        side=_texts(stored, "side"),
        tif=_texts(stored, "tif"),
        quantity_units=_units(stored, "quantity"),
        filled_units=_units(stored, "filled"),
        limit=_floats(stored, "limit_price"),
        stop=_floats(stored, "stop_price"),
        state=_texts(stored, "state"),
        reason=_texts(stored, "reason"),
        created_ns=_ints(stored, "created_ns"),
        ended_ns=_ints(stored, "ended_ns"),
        fee_units=_units(stored, "fee"),
        parent_id=_ints(stored, "parent_id"),
        oco_group=_ints(stored, "oco_group"),
    )


def fill_columns(
    stored: Stored,
    strategies: Sequence[int],
    places: "Places",
    multiplier_units: Sequence[int],
) -> FillColumns:
    """The columns of a run's fills in SQL; `strategies` says whose each is."""
    symbols = _codes(stored, "symbol", places.symbol)
    quantities = [_text_units(text) for text in stored["quantity"]]
    each = zip(quantities, stored["price"], symbols.tolist(), strict=True)
    values = (amount_units(units, price, multiplier_units[code]) for units, price, code in each)
    return FillColumns(
        fill_id=_ints(stored, "fill_id"),
        order_id=_ints(stored, "order_id"),
        strategy=np.array(strategies, np.int32),
        symbol=symbols,
        quantity_units=units_array(quantities),
        price=_floats(stored, "price"),
        value_units=units_array(values),
        fee_units=_units(stored, "fee"),
        bar_start_ns=_ints(stored, "bar_start_ns"),
        instant_ns=_ints(stored, "instant_ns"),
    )


def trade_columns(trades: Sequence[Trade], multiplier_units: Sequence[int]) -> TradeColumns:
    """Of trades in the order they began."""

    def of(name: str) -> Ints:
        return units_array(map(attrgetter(name), trades))

    each = np.array([multiplier_units[trade.symbol] for trade in trades], np.float64) / 1e8
    return TradeColumns(
        strategy=of("strategy").astype(np.int32),
        symbol=of("symbol").astype(np.int32),
        side=of("side").astype(np.int8),
        is_open=np.array([trade.is_open for trade in trades], np.bool_),
        entry_ns=of("entry_ns"),
        exit_ns=of("exit_ns"),
        quantity_units=of("most_units"),
        entry_price=_averages(of("entry_value_units"), of("entry_units"), each),
        exit_price=_averages(of("exit_value_units"), of("exit_units"), each),
        realised_units=of("realised_units"),
        income_units=of("income_units"),
        fee_units=of("fee_units"),
        profit_units=of("profit_units"),
        fills=of("fills"),
        entry_order_id=of("entry_order_id"),
        exit_order_id=of("exit_order_id"),
        first_fill_id=of("first_fill_id"),
        last_fill_id=of("last_fill_id"),
    )


class Places(msgspec.Struct, frozen=True):
    """Where each name stands among a run's strategies and symbols."""

    strategy: dict[str, int]
    symbol: dict[str, int]


def _averages(values: Ints, units: Ints, multiplier: Floats) -> Floats:
    quantity = units.astype(np.float64) * multiplier
    filled = quantity > 0
    out = np.full(len(values), np.nan)
    np.divide(values.astype(np.float64), quantity, out=out, where=filled)
    return out


@functools.lru_cache(maxsize=65_536)
def _text_units(text: str | None) -> int:
    """Decimal text in units; a run has few quantities, each many times."""
    return 0 if text is None else to_units(Decimal(text))


def _units(stored: Stored, name: str) -> Ints:
    return units_array(map(_text_units, stored[name]))


def _ints(stored: Stored, name: str) -> Ints:
    return np.array([number or 0 for number in stored[name]], np.int64)


def _floats(stored: Stored, name: str) -> Floats:
    return np.array(stored[name], np.float64)  # None is NaN


def _texts(stored: Stored, name: str) -> Texts:
    return np.array(stored[name], object)


def _codes(stored: Stored, name: str, places: Mapping[str, int]) -> Codes:
    return np.array([places.get(word, NOBODY) for word in stored[name]], np.int32)
