"""What users' own code raised, as text: what the error says, and the lines of theirs it went by."""

import traceback
from collections.abc import Collection
from pathlib import Path

_MOST_LINES = 12  # a recursion without end has a thousand
_MOST_CHARS = 1_000  # of what an error says: it may hold all that a strategy was given
_MOST_LINE_CHARS = 200


def shortened(text: str, most_chars: int = _MOST_CHARS) -> str:
    """Its beginning and its end, and how much there is between them."""
    half = most_chars // 2
    if len(text) <= most_chars:
        return text
    return f"{text[:half]}... ({len(text) - 2 * half:,} characters) ...{text[-half:]}"


def said(error: BaseException) -> str:
    """What an error says, as text that can be written; nothing, where it fails at that."""
    try:
        return shortened(str(error)).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return ""


def lines_of(error: BaseException, sources: Collection[str]) -> list[str]:
    """`  mine.py:12 in size: return 1 / 0` for each call on its way that is in their files."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in sources]
    lines = [
        shortened(f"  {Path(f.filename).name}:{f.lineno} in {f.name}: {f.line}", _MOST_LINE_CHARS)
        for f in frames
    ]
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines[half:-half] = [f"  ... {len(lines) - _MOST_LINES} more calls"]
    return lines
