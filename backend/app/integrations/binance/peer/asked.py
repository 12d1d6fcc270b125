"""The parameters of a request, read as what they should be; Binance's words where they are not."""

from collections.abc import Mapping
from typing import Final

from app.integrations.binance.peer.wrong import Wrong, missing

_USUAL_ROWS, _MOST_ROWS = 500, 1_000
_LONGEST: Final = 18  # digits


def whole(asked: Mapping[str, str], name: str) -> int | None:
    """A whole number, or None where it was left out."""
    text = asked.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST:
        raise Wrong(
            400, -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.",
        )  # fmt: skip
    return int(text)


def rows_of(asked: Mapping[str, str]) -> int:
    """How many rows an answer may have."""
    count = whole(asked, "limit")
    if count == 0:
        raise Wrong(400, -1130, "Data sent for parameter 'limit' is not valid.")
    return _USUAL_ROWS if count is None else min(count, _MOST_ROWS)


def needed(asked: Mapping[str, str], name: str) -> str:
    text = asked.get(name)
    if not text:
        raise missing(name)
    return text
