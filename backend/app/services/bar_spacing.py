"""Whether a file's bars are as long as they are said to be, judged by how far apart they lie.

Bars of one stretch of trading that lie closer together than their interval would overlap. Bars of
which nearly all lie at one multiple of it, or at the opens of the sessions, are longer ones: a thin
symbol would have gaps of many lengths.
"""

import numpy as np

from app.core.bars import Ints
from app.core.calendar import TradingSession
from app.core.intervals import DAILY, DAY_NS, HOUR_NS, MINUTE_NS, interval_ns
from app.services.bar_import import Checked, Rows, Terms, sessions_outline

_GAPS_MIN = 20  # fewer prove nothing
_SAME_MIN = 0.9


def spacing_problem(rows: Rows, checked: Checked, terms: Terms) -> str | None:
    """What is wrong with the interval that these bars are said to have, and what to do."""
    if not len(checked.columns):
        return None
    if terms.interval == DAILY:
        gap_ns = _gap_of_shorter_than_days(rows, len(checked.columns))
        return None if gap_ns is None else _misnamed(gap_ns, terms.interval)
    starts, length_ns = checked.columns.start_ns, interval_ns(terms.interval)
    gaps, later = _gaps_of_stretches(starts, length_ns, terms)
    gap_ns = _gap_of_others(gaps, length_ns)
    if gap_ns is not None:
        return _misnamed(gap_ns, terms.interval)
    if np.any(gaps < length_ns):
        first = int(np.argmax(gaps < length_ns))
        return (
            f"line {checked.lines[later[first]]}: the bar starts {_in_words(int(gaps[first]))}"
            f" after the one before it, which lasts {_in_words(length_ns)}; take out the wrong one."
        )
    if _are_days(starts, [s for s in terms.sessions if s.close_ns - s.open_ns > length_ns]):
        return _misnamed(DAY_NS, terms.interval)
    return None


def _gap_of_shorter_than_days(rows: Rows, days: int) -> int | None:
    """How far apart the rows lie when there are several a day, each with a time of its own."""
    times = np.unique(rows.times.ns[~rows.times.unreadable])
    gap_ns = _commonest(np.diff(times)) if len(times) >= 2 * days else DAY_NS
    return gap_ns if gap_ns <= DAY_NS // 2 and gap_ns % MINUTE_NS == 0 else None


def _gaps_of_stretches(starts: Ints, length_ns: int, terms: Terms) -> tuple[Ints, Ints]:
    """From start to start within each stretch of trading, and the place of the later bar.

    A stretch may begin with a bar that it cuts short; the next one is then near by right.
    """
    outline, _ = sessions_outline(terms.sessions, extended_hours=True)
    stretch = np.searchsorted(outline, starts, side="right") - 1
    later = np.flatnonzero(stretch[1:] == stretch[:-1]) + 1
    gaps = starts[later] - starts[later - 1]
    usual_ns = _commonest(gaps) if len(gaps) else 0
    opening = starts[later - 1] == outline[stretch[later]]
    whole = ~opening | (gaps >= max(usual_ns, length_ns))
    return gaps[whole], later[whole]


def _gap_of_others(gaps: Ints, length_ns: int) -> int | None:
    """How far apart bars of another interval lie; None when these may be as they are said to be."""
    if not len(gaps):
        return None
    gap_ns = _commonest(gaps)
    same = np.count_nonzero(gaps == gap_ns)
    longer = gap_ns > length_ns and gap_ns % length_ns == 0
    evident = len(gaps) >= _GAPS_MIN and same >= _SAME_MIN * len(gaps)
    return gap_ns if gap_ns < length_ns or (longer and evident) else None


def _are_days(starts: Ints, sessions: list[TradingSession]) -> bool:
    """Whether nearly all bars start with a session that has room for more of them."""
    opens = np.array([session.open_ns for session in sessions], np.int64)
    at_open = np.count_nonzero(np.isin(starts, opens))
    return len(starts) > _GAPS_MIN and bool(at_open >= _SAME_MIN * len(starts))


def _commonest(gaps: Ints) -> int:
    lengths, counts = np.unique(gaps, return_counts=True)
    return int(lengths[np.argmax(counts)])


def _misnamed(gap_ns: int, interval: str) -> str:
    if gap_ns == DAY_NS:
        own = DAILY
    elif gap_ns % HOUR_NS == 0:
        own = f"{gap_ns // HOUR_NS}h"
    else:
        own = f"{gap_ns // MINUTE_NS}m"
    apart = f"the bars lie {_in_words(gap_ns)} apart, not {interval}"
    return f"{apart}; import them with --interval {own}."


def _in_words(gap_ns: int) -> str:
    """As people count the time of a bar."""
    if gap_ns == DAY_NS:
        return "a day"
    return "1 minute" if gap_ns == MINUTE_NS else f"{gap_ns // MINUTE_NS} minutes"
