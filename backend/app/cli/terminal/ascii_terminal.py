"""A terminal that shows ASCII alone gets that: rules, dashes and the like in its own characters.

Python writes UTF-8 where the locale is C or POSIX, and such a terminal would show it as noise.
"""

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Mapping
from typing import Final

_ERRORS: Final = "mismartera-ascii"
_COERCED = ("C.UTF-8", "C.utf8")  # what Python makes of LC_CTYPE where LANG is C
_NEAR = {
    **dict.fromkeys("─━═╌╍┄┅╴╶╸╺–—‐‑−", "-"),
    **dict.fromkeys("│┃║╎╏┆┇╵╷╹╻", "|"),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„″", '"'),
    **dict.fromkeys("→▶►", ">"),
    **dict.fromkeys("←◀", "<"),
    **dict.fromkeys("█▉▊▋▌▍▎▏▓▒░■", "#"),
    **dict.fromkeys("•·×", "*"),
    "…": ".",
    "\u00a0": " ",
}
_BOX, _BRAILLE = range(0x2500, 0x2580), range(0x2800, 0x2900)


def is_ascii(environment: Mapping[str, str]) -> bool:
    """Whether the locale names a character set that is not UTF-8; one that names none may be."""
    if environment.get("LC_ALL"):
        return not _is_utf8(environment["LC_ALL"])
    kind, language = environment.get("LC_CTYPE", ""), environment.get("LANG", "")
    if kind in _COERCED and language in ("C", "POSIX"):
        return True
    named = kind or language
    return bool(named) and not _is_utf8(named)


def adapt() -> None:
    """Have this process write as its terminal shows; files and pipes stay UTF-8."""
    if not is_ascii(os.environ):
        return
    codecs.register_error(_ERRORS, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.isatty() and stream.encoding != "ascii":
            stream.reconfigure(encoding="ascii", errors=_ERRORS)


def near_ascii(text: str) -> str:
    """As many columns of characters that come near."""
    return "".join(char if char.isascii() else _near(char) for char in text)


def _near(char: str) -> str:
    if char in _NEAR:
        return _NEAR[char]
    if ord(char) in _BOX:
        return "+"
    if ord(char) in _BRAILLE:
        return "*"
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base.isascii() else "?"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return near_ascii(error.object[error.start : error.end]), error.end


def _is_utf8(name: str) -> bool:
    return "UTF8" in name.upper().replace("-", "")
