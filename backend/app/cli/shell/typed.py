"""A line that is still being typed: the words before the cursor, and how one more is written."""

import re
from typing import NamedTuple

from app.cli.shell.lines import COMMENT, END, SPACE, pieces

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
    start, quote = 0, ""
    for piece in pieces(text):
        if piece.kind == COMMENT:
            return None
        if piece.kind in (SPACE, END):
            words = [] if piece.kind == END else [*words, *([word] if word is not None else [])]
            word, start, quote = None, piece.end, ""
            continue
        word, quote = (word or "") + piece.text, piece.unclosed.strip("\\")
    return Typed(tuple(words), word or "", start, quote)


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
