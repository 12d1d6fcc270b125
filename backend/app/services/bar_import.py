"""Rows of a file checked and put in order: what may enter the store, and why the rest may not."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

import msgspec
import numpy as np
import numpy.typing as npt

from app.core.bars import BarColumns, Floats, Ints
from app.core.calendar import TradingSession
from app.core.intervals import DAILY, MINUTE_NS, interval_ns
from app.services.csv_columns import PRICES, QUOTES
from app.services.csv_times import Mask, Times, local_days

Faults = npt.NDArray[np.uint8]


class Fault(IntEnum):
    """Why a row is kept out; the first that applies is reported."""

    NONE = 0
    BROKEN_ROW = 1
    BAD_TIME = 2
    CLOCK_CHANGE = 3
    BAD_VALUE = 4
    NOT_POSITIVE = 5
    OHLC_ORDER = 6
    OFF_MINUTE = 7
    OUTSIDE_SESSION = 8
    IN_FUTURE = 9
    DUPLICATE = 10
    NO_BAR = 11
    COMMA = 12
    OUT_OF_REACH = 13


_WHOLE_MOST = 100_000
_MOST, _LEAST = 1e15, 1e-15  # beyond these is no market; sums and squares of what is within hold

FAULT_TEXT = {
    Fault.BROKEN_ROW: "the row has another number of columns than the header",
    Fault.BAD_TIME: "the time cannot be read",
    Fault.CLOCK_CHANGE: "the clock change makes this local time ambiguous or void; give UTC times",
    Fault.BAD_VALUE: "a price or volume is missing or not a finite number, such as 12.5",
    Fault.COMMA: "a price or volume is written with a comma: say --decimal comma for 12,5, and"
    " --decimal point for 1,200",
    Fault.NOT_POSITIVE: "a price is not positive, or the volume is negative",
    Fault.OUT_OF_REACH: "a price or volume lies beyond 1e15, or a price below 1e-15",
    Fault.OHLC_ORDER: "high is not the highest or low not the lowest price",
    Fault.OFF_MINUTE: "the bar does not start on a whole minute",
    Fault.OUTSIDE_SESSION: "the bar lies outside any trading session",
    Fault.IN_FUTURE: "the bar lies in the future",
    Fault.DUPLICATE: "an earlier row has the same time",
    Fault.NO_BAR: "a quote for a time at which no bar is stored",
}


class Rows(msgspec.Struct, frozen=True):
    """What a file's reader hands over: a time, values and a line number for each row."""

    times: Times
    values: Mapping[str, Floats]
    lines: Ints
    broken_lines: Ints  # rows that could not be parted into columns
    other_symbols: Mapping[str, Ints] = {}  # lines of rows that are not of the symbol asked for
    commas: Mask | None = None  # rows with a number that has one; None: there is none


class Terms(msgspec.Struct, frozen=True):
    """What a file's rows are judged by."""

    interval: str
    label: str  # whether times name a bar's "start" or its "end"
    zone: str  # the market's
    sessions: Sequence[TradingSession]  # bars lie inside one of them, extended hours included
    now_ns: int


class Checked(msgspec.Struct, frozen=True):
    """The rows that passed, in order of time, and what became of the others."""

    columns: BarColumns
    quotes: dict[str, Floats]
    lines: Ints  # of the rows that passed
    faults: dict[Fault, Ints]  # line numbers by reason
    out_of_order: Ints  # lines that stood after a later time; they were sorted in
    moved_to_open: int


def check_rows(rows: Rows, terms: Terms) -> Checked:
    """Judge every row, move bars that span a session's open to it, sort, drop repeats."""
    quotes = _usable_quotes(rows.values)
    values = rows.values if "open" in rows.values else _mid_prices(quotes)
    faults = np.zeros(len(rows.lines), dtype=np.uint8)
    _mark(faults, Fault.BAD_TIME, rows.times.unreadable)
    _mark(faults, Fault.CLOCK_CHANGE, rows.times.ambiguous)
    _mark_values(faults, values, rows.commas)
    starts, moved = _start_times(rows.times, terms, faults)
    _mark(faults, Fault.IN_FUTURE, starts > terms.now_ns)
    late = _after_a_later_time(starts, faults)
    order = _order(starts, faults)
    starts = starts[order]
    if len(order) > 1:
        repeats = np.concatenate(([False], starts[1:] == starts[:-1]))
        faults[order[repeats]] = Fault.DUPLICATE
        order, starts = order[~repeats], starts[~repeats]
    columns = BarColumns(starts, *(values[name][order] for name in (*PRICES, "volume")))
    by_reason = {
        fault: rows.lines[faults == fault] for fault in Fault if fault and np.any(faults == fault)
    }
    if len(rows.broken_lines):
        by_reason[Fault.BROKEN_ROW] = rows.broken_lines
    return Checked(
        columns=columns,
        quotes={name: column[order] for name, column in quotes.items()},
        lines=rows.lines[order],
        faults=by_reason,
        out_of_order=rows.lines[late & (faults == 0)],
        moved_to_open=int(np.count_nonzero(moved[order])),
    )


def scale_problem(checked: Checked) -> str | None:
    """What is wrong with prices in a unit of the file's own, such as 1e-9: none ends in decimals,
    and the least is beyond what is quoted anywhere.
    """
    low = checked.columns.low
    if not len(low) or low.min() < _WHOLE_MOST:
        return None
    if any(np.any(getattr(checked.columns, name) % 1) for name in PRICES):
        return None
    return (
        f"its prices, such as {checked.columns.close[0]:.0f}, are whole numbers too large to be in"
        " a currency. Say how many make one with --price-scale, such as 10000 or 1000000000, or"
        " --price-scale 1 if they are right."
    )


def sessions_outline(
    sessions: Sequence[TradingSession], *, extended_hours: bool
) -> tuple[Ints, Ints]:
    """Starts and ends of all stretches of trading, in order."""
    bounds = [
        (part.start_ns, part.end_ns)
        for session in sessions
        for part in session.segments(extended_hours)
    ]
    outline = np.array(bounds, dtype=np.int64).reshape(-1, 2)
    return outline[:, 0].copy(), outline[:, 1].copy()


def inside(at_ns: Ints, starts_ns: Ints, ends_ns: Ints) -> Mask:
    """Which moments lie in one of the stretches."""
    if not len(starts_ns):
        return np.zeros(len(at_ns), dtype=bool)
    index = np.searchsorted(starts_ns, at_ns, side="right") - 1
    return (index >= 0) & (at_ns < ends_ns[index])


def _mark(faults: Faults, fault: Fault, where: Mask) -> None:
    if where.any():
        faults[where & (faults == 0)] = fault


def _usable_quotes(values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Quote columns; one without a price is absent, and takes no bar of trades along."""
    quotes = {}
    for name in QUOTES:
        if name in values:
            column = values[name]
            least = 0.0 if name.endswith("_size") else _LEAST
            usable = (column >= least) & (column <= _MOST)
            quotes[name] = column if usable.all() else np.where(usable, column, np.nan)
    return quotes


def _mid_prices(quotes: Mapping[str, Floats]) -> dict[str, Floats]:
    mids = {name: (quotes[f"bid_{name}"] + quotes[f"ask_{name}"]) / 2.0 for name in PRICES}
    return {**mids, "volume": np.zeros(len(mids["open"]))}


def _mark_values(faults: Faults, values: Mapping[str, Floats], commas: Mask | None) -> None:
    finite = np.ones(len(faults), dtype=bool)
    for name in (*PRICES, "volume"):
        finite &= np.isfinite(values[name])
    if commas is not None:
        _mark(faults, Fault.COMMA, commas & ~finite)
    _mark(faults, Fault.BAD_VALUE, ~finite)
    low, high = values["low"], values["high"]
    positive = (low > 0) & (values["volume"] >= 0)
    for name in ("open", "high", "close"):
        positive &= values[name] > 0
    _mark(faults, Fault.NOT_POSITIVE, ~positive)
    ordered = (low <= high) & (values["open"] >= low) & (values["open"] <= high)
    ordered &= (values["close"] >= low) & (values["close"] <= high)
    _mark(faults, Fault.OHLC_ORDER, ~ordered)
    _mark(faults, Fault.OUT_OF_REACH, (low < _LEAST) | (high > _MOST) | (values["volume"] > _MOST))


def _start_times(times: Times, terms: Terms, faults: Faults) -> tuple[Ints, Mask]:
    """Where each bar starts, and which were moved to a session's open."""
    if terms.interval == DAILY:
        return _daily_starts(times, terms, faults)
    times_ns = times.ns
    length_ns = interval_ns(terms.interval)
    opens, closes = sessions_outline(terms.sessions, extended_hours=False)
    outline = sessions_outline(terms.sessions, extended_hours=True)
    starts = times_ns if terms.label == "start" else _set_back(times_ns, length_ns, *outline)
    _mark(faults, Fault.OFF_MINUTE, starts % MINUTE_NS != 0)
    moved = np.zeros(len(starts), dtype=bool)
    if length_ns > MINUTE_NS and len(opens):
        following = np.minimum(np.searchsorted(opens, starts, side="right"), len(opens) - 1)
        spans_open = (opens[following] > starts) & (opens[following] < starts + length_ns)
        moved = spans_open & ~inside(starts, opens, closes)
        moved &= ~np.isin(opens[following], starts)  # a bar of the open itself: this one ends there
        starts = np.where(moved, opens[following], starts)
    _mark(faults, Fault.OUTSIDE_SESSION, ~inside(starts, *outline))
    return starts, moved


def _set_back(ends_ns: Ints, length_ns: int, opens: Ints, closes: Ints) -> Ints:
    """Where bars that end at these times start; the last one of a stretch of trading may be short,
    and starts where the one before it ends.
    """
    starts = ends_ns - length_ns
    if not len(closes):
        return starts
    place = np.minimum(np.searchsorted(closes, ends_ns), len(closes) - 1)
    cut = opens[place] + (ends_ns - 1 - opens[place]) // length_ns * length_ns
    is_short = (closes[place] == ends_ns) & (cut > starts) & np.isin(cut, ends_ns)
    return np.where(is_short, cut, starts)


def _daily_starts(times: Times, terms: Terms, faults: Faults) -> tuple[Ints, Mask]:
    """A day's bar starts at its session's open, whatever time of that day the file names."""
    times_ns = times.ns
    moved = np.zeros(len(times_ns), dtype=bool)
    if not terms.sessions:
        _mark(faults, Fault.OUTSIDE_SESSION, ~moved)
        return times_ns, moved
    dates = np.array([session.date for session in terms.sessions], dtype="datetime64[D]")
    opens = np.array([session.open_ns for session in terms.sessions], dtype=np.int64)
    days = local_days(times_ns, terms.zone, times.zone).astype("datetime64[D]")
    index = np.minimum(np.searchsorted(dates, days), len(dates) - 1)
    found = dates[index] == days
    if terms.label == "start":  # an open is its session's, also on the eve of its date
        opening = np.minimum(np.searchsorted(opens, times_ns), len(opens) - 1)
        at_open = opens[opening] == times_ns
        index, found = np.where(at_open, opening, index), found | at_open
    else:  # round the clock, a day ends at the next one's midnight
        closes = np.array([session.close_ns for session in terms.sessions], dtype=np.int64)
        ending = np.minimum(np.searchsorted(closes, times_ns), len(closes) - 1)
        at_close = closes[ending] == times_ns
        index, found = np.where(at_close, ending, index), found | at_close
    _mark(faults, Fault.OUTSIDE_SESSION, ~found)
    return opens[index], moved


def _after_a_later_time(starts: Ints, faults: Faults) -> Mask:
    of_good = starts[faults == 0]
    if bool(np.all(of_good[1:] > of_good[:-1])) or _falls(of_good):
        return np.zeros(len(starts), dtype=bool)
    seen = np.maximum.accumulate(np.where(faults == 0, starts, np.iinfo(np.int64).min))
    return np.asarray((faults == 0) & (starts < seen))


def _falls(starts: Ints) -> bool:
    """Whether the newest row stands first: that is an order, too."""
    return len(starts) > 2 and bool(np.all(starts[1:] <= starts[:-1]))


def _order(starts: Ints, faults: Faults) -> Ints:
    good = np.flatnonzero(faults == 0)
    of_good = starts[good]
    if len(good) > 1 and bool(np.any(of_good[1:] < of_good[:-1])):
        good = good[np.argsort(of_good, kind="stable")]
    return good
