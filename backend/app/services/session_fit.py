"""Whether a file's whole sessions lie where their market trades.

A liquid symbol has a bar in nearly every minute from the open to the close. Where its bars fill
just as long a stretch beside that, their times were read by a wrong clock: of another zone, with
clocks changed otherwise, or by labels of the bars' ends.
"""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from app.core.bars import Ints
from app.core.calendar import TradingSession
from app.core.intervals import DAILY, HOUR_NS, SECOND_NS, interval_ns
from app.services.bar_import import Rows, Terms

_NIGHT_NS = 3 * HOUR_NS  # without a bar; no break is as long
_FARTHEST_NS = 16 * HOUR_NS  # that a zone is off; a day off, the market has another holiday
_LONGEST_NS = 20 * HOUR_NS  # a session round the clock has no sides
_FILLED_MIN = 0.9
_NONE = -(1 << 62)
_OFF_MIN = 0.1  # of the whole sessions; half a year of wrong clocks is more
_TRIED = 200  # sessions, to see what zone fits
# The clocks that files are written by most often; the fifth is New York's winter time all year.
_ZONES = (
    "UTC", "America/New_York", "America/Chicago", "Europe/London", "Etc/GMT+5",
    "Europe/Berlin", "Europe/Athens", "Asia/Tokyo",
)  # fmt: skip
_NO_ZONE = "its times are those of another zone: name it with --timezone"
_WRONG_ZONE = "its times tell their zone, and seem to tell a wrong one: import it as it should be"


class Misfit(msgspec.Struct, frozen=True):
    """Sessions beside their hours: what is said of them, and whether labels of ends explain it."""

    text: str
    by_label: bool


def misfit(rows: Rows, terms: Terms) -> Misfit | None:
    """What is odd about the hours of these bars, and what to do; None where nothing is."""
    if terms.interval == DAILY or not terms.sessions:
        return None
    length_ns = interval_ns(terms.interval)
    times = rows.times.ns
    unusable = rows.times.unreadable | rows.times.ambiguous
    if unusable.any():
        times = times[~unusable]
    if not len(times):
        return None
    if np.any(times[1:] < times[:-1]):
        times = np.sort(times)
    starts = times if terms.label == "start" else times - length_ns
    edges = np.flatnonzero(starts[1:] - starts[:-1] > _NIGHT_NS) + 1
    firsts = starts[np.concatenate(([0], edges))]
    lasts = starts[np.concatenate((edges, [len(starts)])) - 1] + length_ns
    counts = np.diff(np.concatenate(([0], edges, [len(starts)])))
    hours = _hours(terms.sessions, (firsts + lasts) // 2, length_ns)
    opens, closes = _nearest_like(firsts, lasts, counts, length_ns, hours)
    whole = opens != _NONE
    off = whole & (opens != firsts)
    count = int(np.count_nonzero(off))
    if not count or count < _OFF_MIN * np.count_nonzero(whole):
        return None
    shifts = firsts[off] - opens[off]
    by_label = shifts[0] == (length_ns if terms.label == "start" else -length_ns)
    by_label = bool(by_label and np.all(shifts == shifts[0]))
    at = int(np.flatnonzero(off)[0])
    seen, due = (
        " to ".join(_clock(one[at], terms.zone) for one in pair)
        for pair in ((firsts, lasts), (opens, closes))
    )
    day = dt.datetime.fromtimestamp(int(firsts[at]) // SECOND_NS, ZoneInfo(terms.zone)).date()
    return Misfit(
        f"in {count:,} of {np.count_nonzero(whole):,} whole sessions, {day} the first, the bars"
        f" reach from {seen}, where the market trades from {due}:"
        f" {_way_out(rows, terms, firsts[whole], opens[whole], by_label=by_label)}",
        by_label,
    )


Hours = tuple[Ints, Ints, Ints]


def _hours(sessions: Sequence[TradingSession], middles: Ints, length_ns: int) -> list[Hours]:
    """For each stretch of bars, starts, ends and trading times of the session nearest to it: the
    regular one, that with pre- and post-market, and as bars fill it that begin with the open, or
    by the clock.
    """
    regular = _outline(sessions, extended_hours=False)
    centres = (regular[0] + regular[1]) // 2
    after = np.clip(np.searchsorted(centres, middles), 1, max(len(centres) - 1, 1))
    after = np.minimum(after, len(centres) - 1)
    before = np.maximum(after - 1, 0)
    near = np.where(middles - centres[before] < centres[after] - middles, before, after)
    starts, ends, trading_ns = regular
    rounded = (starts // length_ns * length_ns, -(-ends // length_ns) * length_ns, trading_ns)
    anchored = (starts, starts - (starts - ends) // length_ns * length_ns, trading_ns)
    extended = _outline(sessions, extended_hours=True)
    kinds = (regular, extended, anchored, rounded)
    return [(one[near], other[near], trading[near]) for one, other, trading in kinds]


def _outline(sessions: Sequence[TradingSession], *, extended_hours: bool) -> Hours:
    parts = [session.segments(extended_hours) for session in sessions]
    rows = [
        (found[0].start_ns, found[-1].end_ns, sum(one.end_ns - one.start_ns for one in found))
        for found in parts
    ]
    table = np.array(rows, dtype=np.int64).T
    return table[0], table[1], table[2]


def _nearest_like(
    firsts: Ints, lasts: Ints, counts: Ints, length_ns: int, hours: Sequence[Hours]
) -> tuple[Ints, Ints]:
    """The start and end of what each stretch of bars is as long as, and fills: one that it lies
    on first, then one that it is a bar beside. `_NONE` where it is no whole session.
    """
    opens, closes = np.full((2, len(firsts)), _NONE)
    for starts, ends, trading_ns in hours:
        like = (lasts - firsts == ends - starts) & (ends - starts < _LONGEST_NS)
        like &= np.abs(firsts - starts) < _FARTHEST_NS
        like &= counts * length_ns >= _FILLED_MIN * trading_ns
        by_label = (np.abs(firsts - starts) == length_ns) & (opens != firsts)
        like &= (opens == _NONE) | (starts == firsts) | by_label
        opens, closes = np.where(like, starts, opens), np.where(like, ends, closes)
    return opens, closes


def _way_out(rows: Rows, terms: Terms, firsts: Ints, opens: Ints, *, by_label: bool) -> str:
    if by_label:
        other = "end" if terms.label == "start" else "start"
        return (
            f"its times name the {other}s of bars. Import it with --label {other}, or with"
            f" --label {terms.label} if these hours are right."
        )
    length_ns = interval_ns(terms.interval)
    for label, ahead_ns in (("", 0), ("--label end ", length_ns if terms.label == "start" else 0)):
        zone = rows.times.zone and _zone_that_fits(firsts - ahead_ns, opens, rows.times.zone)
        if zone:
            found = f"its times fit {label}--timezone {zone}. Import it with that"
            break
    else:
        found = _NO_ZONE if rows.times.zone else _WRONG_ZONE
    return f"{found}, or with --timezone {terms.zone} if these hours are right."


def _zone_that_fits(firsts: Ints, opens: Ints, zone: str) -> str | None:
    """The zone by whose clock nearly all sessions begin at their opens; None if there is none."""
    read = ZoneInfo(zone)
    clocks = [
        dt.datetime.fromtimestamp(int(at) // SECOND_NS, read).replace(tzinfo=None)
        for at in firsts[:: max(len(firsts) // _TRIED, 1)]
    ]
    wanted = opens[:: max(len(firsts) // _TRIED, 1)] // SECOND_NS
    for name in _ZONES:
        told = [clock.replace(tzinfo=ZoneInfo(name)).timestamp() for clock in clocks]
        if np.mean(np.array(told) == wanted) >= _FILLED_MIN:
            return name
    return None


def _clock(at_ns: int, zone: str) -> str:
    return f"{dt.datetime.fromtimestamp(int(at_ns) // SECOND_NS, ZoneInfo(zone)):%H:%M}"
