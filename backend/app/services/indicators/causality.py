"""Does an indicator look ahead? It is computed again without the rows that came later."""

import datetime as dt
from collections.abc import Callable, Iterable

import msgspec
import numpy as np

from app.core.bars import COLUMNS
from app.core.errors import LookaheadError
from app.core.windows import Window
from app.services.indicators.computation import Computation, Values
from app.services.indicators.user_functions import UserComputation, place_of

LocalTime = Callable[[int], dt.datetime]  # of an instant, in the market's zone

_ROW_COLUMNS = (*COLUMNS, "known_ns")


def in_utc(ns: int) -> dt.datetime:
    """The time of who knows no market."""
    return dt.datetime.fromtimestamp(ns // 10**9, dt.UTC)


def check_causal(
    computation: Computation, window: Window, rows: Iterable[int], local: LocalTime = in_utc
) -> None:
    """Raise LookaheadError when a value at one of `rows` changes once later rows are cut off."""
    full = computation.batch(window)
    for row in rows:
        seen = computation.batch(window_until(window, row + 1))
        if _at(full, row) != _at(seen, row):
            place = place_of(computation) if isinstance(computation, UserComputation) else ""
            raise LookaheadError(
                f"Indicator {computation.label}{place and f' ({place})'} looks ahead: its value at "
                f"the bar of {local(int(window.start_ns[row])):%Y-%m-%d %H:%M:%S %Z} changes when "
                "later bars are cut off. Compute each row from itself and earlier rows only, by "
                "the same steps whatever follows."
            )


def window_until(window: Window, end: int) -> Window:
    """The window as it was when it had `end` rows."""
    sessions = max(1, int(np.searchsorted(window.session_first, end)))
    return msgspec.structs.replace(
        window,
        session_first=window.session_first[:sessions],
        session_open_ns=window.session_open_ns[:sessions],
        **{name: getattr(window, name)[:end] for name in _ROW_COLUMNS},
    )


def _at(values: Values, row: int) -> tuple[object, ...]:
    """What a strategy could see at this row: nothing before it is ready, else the bits."""
    if row < values.first_ready:
        return ()
    return tuple(
        "nan" if np.isnan(output[row]) else output[row].tobytes() for output in values.outputs
    )
