"""The pattern of times as people write them, `31.12.2024 16:00`: told to them, never assumed."""

import re
from collections.abc import Sequence
from typing import Final

_DATE: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_TIME: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?( ?[AaPp][Mm])?")
_USUAL: Final = "%m/%d/%Y %H:%M"
_MOST_MONTHS: Final = 12


def patterns_of(texts: Sequence[str]) -> list[str]:
    """Those that all of these may have: two where days and months cannot be told apart; the usual
    one, as an example, where they look like none.
    """
    found = [match for text in texts if (match := _DATE.match(text))]
    if not found or len(found) < len(texts):
        return [_USUAL]
    sign, year = found[0][2], "%Y" if len(found[0][4]) == 4 else "%y"
    clock = _TIME.sub(_clock, texts[0][found[0].end() :])
    if re.search(r"\d", clock):
        return [_USUAL]
    orders = []
    if all(int(match[1]) <= _MOST_MONTHS for match in found) and sign != ".":
        orders.append(("%m", "%d"))
    if all(int(match[3]) <= _MOST_MONTHS for match in found):
        orders.append(("%d", "%m"))
    return [f"{first}{sign}{second}{sign}{year}{clock}" for first, second in orders] or [_USUAL]


def _clock(time: re.Match[str]) -> str:
    seconds, half = time[1], time[2]
    hours = "%H" if half is None else "%I"
    return f"{hours}:%M{':%S' * bool(seconds)}{half[:-2] + '%p' if half else ''}"
