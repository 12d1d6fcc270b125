"""Corporate actions as factors: per session what they do to prices, volumes and positions."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np

from app.core.bars import BarColumns
from app.core.errors import DataError
from app.core.instruments import Adjustment, CorporateAction


def combine(
    symbol: str,
    session_date: dt.date,
    actions: Iterable[CorporateAction],
    reference_close: float | None,
) -> Adjustment:
    """All actions of one session as one: splits first, then dividends on the new shares.

    `reference_close` is the last close before, still on the old shares; without one a
    dividend leaves prices alone.
    """
    ratio, dividend = Decimal(1), Decimal(0)
    for action in actions:
        if action.kind == "split":
            ratio *= action.value
        else:
            dividend += action.value
    price_factor = 1.0 / float(ratio)
    if dividend and reference_close is not None:
        close = reference_close / float(ratio)
        if float(dividend) >= close:
            raise DataError(
                f"The dividend of {dividend} on {symbol} at {session_date} is not below the close"
                f" before it, {close:.4f}; correct it with `data actions import`."
            )
        price_factor *= 1.0 - float(dividend) / close
    return Adjustment(
        symbol=symbol,
        session_date=session_date,
        split_ratio=ratio,
        dividend=dividend,
        price_factor=price_factor,
        volume_factor=float(ratio),
    )


def adjust_back(columns: BarColumns, effects: Sequence[tuple[int, Adjustment]]) -> BarColumns:
    """Prices and volumes as if every action had been in force from the start.

    `effects` pairs each adjustment with the moment its session begins, in order of time.
    """
    price, volume = np.ones(len(columns)), np.ones(len(columns))
    for from_ns, adjustment in effects:
        earlier = int(np.searchsorted(columns.start_ns, from_ns))
        price[:earlier] *= adjustment.price_factor
        volume[:earlier] *= adjustment.volume_factor
    return BarColumns(
        columns.start_ns,
        columns.open * price,
        columns.high * price,
        columns.low * price,
        columns.close * price,
        columns.volume * volume,
    )
