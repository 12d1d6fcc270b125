"""Times as files write them, epochs or texts, as nanoseconds UTC; unreadable ones are marked."""

import datetime as dt
import re
from zoneinfo import available_timezones

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from app.core.arrow import ints, nulls, to_arrow
from app.core.bars import Ints
from app.core.errors import DataError
from app.core.intervals import DAY_NS
from app.services.time_patterns import patterns_of

_LOOKED_AT = 1000  # times, to see what pattern they have
Mask = npt.NDArray[np.bool_]

_NS = pa.timestamp("ns")
_UTC_NS = pa.timestamp("ns", tz="UTC")
_CLOCK = r"([01]\d|2[0-3])"
_ISO = r"(19|20)\d\d-[01]\d-[0-3]\d"
_ZONE_NAME = re.compile(r" ([A-Z][A-Za-z]+/[A-Za-z_/]+)$")
_OFFSET = r"(Z|[+-]\d\d(:?\d\d)?)"


class Times(msgspec.Struct, frozen=True):
    """One time a row; where a mask is set the value means nothing."""

    ns: Ints
    unreadable: Mask
    ambiguous: Mask  # a wall-clock time that happened twice, or never: clocks were changed
    zone: str = ""  # that of the wall clock they were read by; none where they tell it themselves


class _Format(msgspec.Struct, frozen=True):
    """One way to write a time; `replacement` turns it into ISO, or `epoch_ns` is its unit."""

    pattern: str
    replacement: str | None = None
    epoch_ns: int = 0
    aware: bool = False


_TIME = rf"{_CLOCK}(:[0-5]\d(:[0-5]\d(\.\d{{1,9}})?)?)?"
_DAY = r"((?:19|20)\d\d)[./]?([01]\d)[./]?([0-3]\d)"
_DOTTED = r"([0-3]\d)\.([01]\d)\.((?:19|20)\d\d)"  # with dots the day stands first everywhere
# The first that fits a column's first value is the column's format.
_FORMATS = (
    _Format(rf"{_ISO}([T ]{_TIME})?"),
    _Format(rf"{_ISO}[T ]{_TIME}{_OFFSET}", aware=True),
    _Format(rf"({_ISO}[T ]{_TIME}) ({_OFFSET})", r"\1\7", aware=True),
    _Format(_DAY, r"\1-\2-\3"),
    _Format(rf"{_DAY}[T ]?{_CLOCK}:?([0-5]\d)", r"\1-\2-\3 \4:\5"),
    _Format(
        rf"{_DAY}(?:[T-]| {{0,2}}){_CLOCK}:?([0-5]\d):?([0-5]\d)(\.\d{{1,9}})?",
        r"\1-\2-\3 \4:\5:\6\7",
    ),
    _Format(_DOTTED, r"\3-\2-\1"),
    _Format(rf"{_DOTTED} ({_TIME})", r"\3-\2-\1 \4"),
    _Format(rf"{_DOTTED} ({_TIME}) (?:UTC|GMT)", r"\3-\2-\1 \4Z", aware=True),
    _Format(rf"{_DOTTED} ({_TIME}) (?:UTC|GMT)([+-]\d{{4}})", r"\3-\2-\1 \4\9", aware=True),
    _Format(r"\d{9,10}(\.\d*)?", epoch_ns=1_000_000_000),
    _Format(r"\d{12,13}(\.0*)?", epoch_ns=1_000_000),
    _Format(r"\d{15,16}(\.0*)?", epoch_ns=1_000),
    _Format(r"[1-8]?\d{18}", epoch_ns=1),
)


def read_times(values: pa.Array, zone: str, time_format: str | None = None) -> Times:
    """A column of texts, numbers, dates or timestamps as times.

    Wall-clock times are read in `zone`. `time_format` is a strptime pattern for texts that
    could be read in two ways, such as 03/04/2024. Clock changes are known up to 2037.
    """
    kind = values.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return _from_aware(_cast_timestamps(values, _UTC_NS))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _from_wall_clock(_cast_timestamps(values, _NS), zone)
    if pa.types.is_floating(kind):
        values = pc.cast(pc.round(values, 6), pa.decimal128(28, 6), safe=False)
    text = pc.utf8_trim_whitespace(pc.cast(values, pa.string()))
    if time_format is not None:
        parsed = _by_pattern(text, time_format)
        if parsed.null_count == len(parsed):
            present = text.drop_null()
            example = f", such as '{present[0].as_py()[:40]}'," if len(present) else ""
            raise DataError(f"No time of the file{example} fits the pattern '{time_format}'.")
        if parsed.type.tz is not None:
            return _from_aware(pc.cast(parsed, _UTC_NS))
        return _from_wall_clock(parsed, zone)
    return _from_text(text, zone)


def _by_pattern(text: pa.Array, pattern: str) -> pa.Array:
    """Null where a text does not fit, or names what no clock and no calendar shows: a second 60 is
    taken for the next minute at first, and a 30 February for a day of March.
    """
    parsed = pc.strptime(text, format=pattern, unit="ns", error_is_null=True)
    rolled = pc.or_(
        pc.match_substring_regex(text, pattern="6[01]"), pc.less_equal(pc.day(parsed), 3)
    )
    rows = np.flatnonzero(pc.fill_null(rolled, False).to_numpy(zero_copy_only=False))
    mask = np.zeros(len(text), dtype=bool)
    mask[rows] = [not _is_a_time(value, pattern) for value in text.take(rows).to_pylist()]
    return pc.if_else(pa.array(mask), None, parsed)


def _is_a_time(text: str, pattern: str) -> bool:
    try:
        dt.datetime.strptime(text, pattern)
    except ValueError as error:
        return "bad directive" in str(error)  # Python knows fewer than the first reading
    return True


def _cast_timestamps(values: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return pc.cast(values, kind)
    except pa.ArrowInvalid:
        return _cast_each(values, kind)


def _from_text(text: pa.Array, zone: str) -> Times:
    text, zone = _without_zone(text, zone)
    found = _find_format(text)
    pattern = f"^{found.pattern}$"
    if found.epoch_ns:
        return _from_epoch(_keep_matching(text, pattern), found.epoch_ns)
    kind = _UTC_NS if found.aware else _NS
    try:
        parsed = pc.cast(_iso(text, pattern, found.replacement), kind)
    except pa.ArrowInvalid:
        parsed = _cast_each(_iso(_keep_matching(text, pattern), pattern, found.replacement), kind)
    return _from_aware(parsed) if found.aware else _from_wall_clock(parsed, zone)


def _without_zone(text: pa.Array, zone: str) -> tuple[pa.Array, str]:
    """Times without the name of a zone that the first of them ends in, as ` US/Eastern`, and it."""
    match = next((_ZONE_NAME.search(one) for one in text.drop_null()[:1].to_pylist()), None)
    if match is None or match[1] not in available_timezones():
        return text, zone
    named = pc.ends_with(text, match[0])
    return pc.if_else(named, pc.utf8_slice_codeunits(text, 0, -len(match[0])), None), match[1]


def _find_format(text: pa.Array) -> _Format:
    present = text.drop_null()
    for value in present[:100].to_pylist():
        for known in _FORMATS:
            if re.fullmatch(known.pattern, value):
                return known
    example = f" such as '{present[0].as_py()[:40]}'" if len(present) else ""
    ways = " or ".join(
        f"--time-format '{one}'" for one in patterns_of(present[:_LOOKED_AT].to_pylist())
    )
    raise DataError(
        f"The times{example} are in no format known here. Use ISO 8601 or epochs, or give the"
        f" pattern, such as {ways}."
    )


def _iso(text: pa.Array, pattern: str, replacement: str | None) -> pa.Array:
    if replacement is None:
        return text
    return pc.replace_substring_regex(text, pattern=pattern, replacement=replacement)


def _keep_matching(text: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(text, pattern=pattern), text, None)


def _cast_each(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast by halves, so that the few values that cannot be (a 30 February) become null."""
    try:
        return pc.cast(values, kind)
    except pa.ArrowInvalid:
        if len(values) == 1:
            return pa.nulls(1, kind)
        middle = len(values) // 2
        halves = (_cast_each(values[:middle], kind), _cast_each(values[middle:], kind))
        return pa.concat_arrays(halves)


def _from_epoch(text: pa.Array, unit_ns: int) -> Times:
    unreadable = nulls(text)
    whole = pc.replace_substring_regex(text, pattern=r"\.\d*$", replacement="")
    units = ints(pc.cast(whole, pa.int64()))
    return Times(units * unit_ns, unreadable, np.zeros(len(text), dtype=bool))


def _from_aware(values: pa.Array) -> Times:
    return Times(ints(values), nulls(values), np.zeros(len(values), dtype=bool))


def _from_wall_clock(values: pa.Array, zone: str) -> Times:
    earliest = pc.assume_timezone(values, zone, ambiguous="earliest", nonexistent="earliest")
    ns = ints(earliest)
    ambiguous = np.zeros(len(ns), dtype=bool)
    offset_ns = ints(values) - ns
    if len(ns) and offset_ns.min() != offset_ns.max():  # clocks changed within the file
        latest = pc.assume_timezone(values, zone, ambiguous="latest", nonexistent="latest")
        ambiguous = ns != ints(latest)
    return Times(ns, nulls(values), ambiguous, zone)


def local_days(times_ns: Ints, zone: str, read_by: str = "") -> Ints:
    """Days since 1970 by the wall clock of `zone`; midnight UTC is taken as that date itself, and
    so is midnight by the clock that the times were `read_by`.

    Daily files are often stamped at midnight UTC whatever their market, and no market's day
    bar means the evening before.
    """
    days = _local_ns(times_ns, zone) // DAY_NS
    for clock in {read_by or "UTC", "UTC"} - {zone}:
        local_ns = _local_ns(times_ns, clock)
        days = np.where(local_ns % DAY_NS == 0, local_ns // DAY_NS, days)
    return days


def _local_ns(times_ns: Ints, zone: str) -> Ints:
    return ints(pc.local_timestamp(to_arrow(times_ns, pa.timestamp("ns", tz=zone))))
