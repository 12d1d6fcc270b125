"""A line that is still being typed: the words before the cursor, and how to write one more. Pure.

It reads as `lines.py` does, and forgives what is not finished yet: an open quote, a lone backslash.
"""

import re
from typing import NamedTuple

_PIECE = re.compile(
    r"""(?P<space>\s+) | (?P<end>;) | \\(?P<escaped>.?) | (?P<plain>[^\s;'"\\]+)
    | '(?P<single>[^']*)(?P<single_end>'?) | "(?P<double>(?:[^"\\]|\\.)*\\?)(?P<double_end>"?)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_IN_QUOTES = re.compile(r'\\(["\\])')
_SAFE = re.compile(r"""[^\s;'"\\#|&<>]+""")


class Typed(NamedTuple):
    """The command under the cursor."""

    words: tuple[str, ...]  # that are complete
    part: str  # of the word that is being typed, without its quotes
    start: int  # where that word begins in the line
    quote: str = ""  # the one that is open


def typed(text: str) -> Typed | None:
    """The command at the end of the text; None in a comment."""
    words: list[str] = []
    word: str | None = None
    start = at = 0
    quote = ""
    while at < len(text):
        if word is None:
            if text[at] == "#":
                return None
            start = at
        piece = _PIECE.match(text, at)
        assert piece is not None  # every character begins a piece
        at = piece.end()
        if piece["space"] or piece["end"]:
            words = [] if piece["end"] else [*words, *([word] if word is not None else [])]
            word, quote, start = None, "", at
            continue
        part, quote = _read(piece)
        word = (word or "") + part
    return Typed(tuple(words), word or "", start, quote)


def _read(piece: re.Match[str]) -> tuple[str, str]:
    """What a piece of a word stands for, and the quote it leaves open."""
    if piece["single"] is not None:
        return piece["single"], "" if piece["single_end"] else "'"
    if piece["double"] is not None:
        return _ESCAPED_IN_QUOTES.sub(r"\1", piece["double"]), "" if piece["double_end"] else '"'
    return piece["escaped"] or piece["plain"] or "", ""


def written(word: str, quote: str = "", is_open: bool = False) -> str:
    """The word as it is typed: in quotes where it needs them or has begun with one; `is_open`
    when more of it follows.
    """
    if not quote and _SAFE.fullmatch(word):
        return word
    if quote == "'" and "'" not in word:
        return f"'{word}" + ("" if is_open else "'")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}' + ("" if is_open else '"')
