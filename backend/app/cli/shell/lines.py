"""Lines as they are typed, pasted or read from a file: their statements and words. Pure."""

import re
import unicodedata
from typing import NamedTuple

from app.cli.shell.words import without_prompt
from app.core.errors import UsageError

_PIECE = re.compile(
    r"""(?P<space>\s+) | (?P<end>;) | \\(?P<escaped>.) | (?P<plain>[^\s;'"\\]+)
    | '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" """,
    re.VERBOSE,
)
_ESCAPED_IN_QUOTES = re.compile(r'\\(["\\])')
_WITHOUT_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_SENT_ON = {
    "&&": "';' runs the next one when this one succeeded.",
    "||": "';' separates commands.",
    "&": "'system start' goes to the background by itself.",
}
_PIPE = "Pipes and redirection are for the shell of your system: './start_cli.sh NOUN VERB ...'."


class Statement(NamedTuple):
    """One command with its arguments."""

    words: tuple[str, ...]
    text: str  # as it was written


class Line(NamedTuple):
    """What one line says."""

    number: int
    text: str
    statements: list[Statement]


def read_lines(text: str, home: str = "", origin: str = "") -> list[Line]:
    """The lines that say something. UsageError names the place where one cannot be read.

    `origin` is the script they come from; `home` stands in for a leading `~`.
    """
    found = logical_lines(text)
    if not origin:
        found = _commands_alone(found)
    read = []
    for number, line in found:
        plain = without_prompt(line)
        try:
            parts = statements(plain, home)
        except UsageError as error:
            where = f"{origin}:{number}: " if origin else f"Line {number}: " * (len(found) > 1)
            raise UsageError(f"{where}{error}") from None
        if parts:
            read.append(Line(number, plain.strip(), parts))
    return read


def _commands_alone(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines that stood at a prompt, of a text that was copied with its output."""
    at_prompts = [one for one in lines if without_prompt(one[1]) != one[1]]
    return at_prompts or lines


def logical_lines(text: str) -> list[tuple[int, str]]:
    r"""Each line with its number; one that ends in a backslash goes on in the next."""
    found: list[tuple[int, str]] = []
    begun = ""
    first = 0
    for number, line in enumerate(cleaned(text).split("\n"), 1):
        first = first if begun else number
        if line.endswith("\\") and not line.endswith("\\\\"):
            begun += line[:-1]
            continue
        found.append((first, begun + line))
        begun = ""
    if begun:
        found.append((first, begun))
    return found


def cleaned(text: str) -> str:
    """Text from anywhere as plain lines: one kind of line end and of space, nothing invisible."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(_WITHOUT_WIDTH)
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in lines)


def statements(line: str, home: str = "") -> list[Statement]:
    """What one line says; `home` stands in for a leading `~`."""
    _refuse_control(line)
    found: list[Statement] = []
    words: list[str] = []
    word: str | None = None
    begin = at = 0
    is_plain = True  # no part of the word is quoted
    while at < len(line):
        if word is None and line[at] == "#":
            break
        piece = _PIECE.match(line, at)
        if piece is None:
            raise _unclosed(line, at)
        kind, text = str(piece.lastgroup), piece[str(piece.lastgroup)]
        at = piece.end()
        if kind in ("space", "end"):
            if word is not None:
                words.append(_ended(word, is_plain, home))
            word = None
            if kind == "end":
                found.append(Statement(tuple(words), line[begin : at - 1].strip()))
                words, begin = [], at
            continue
        is_plain = kind == "plain" and (word is None or is_plain)
        text = _ESCAPED_IN_QUOTES.sub(r"\1", text) if kind == "double" else text
        word = (word or "") + text
    if word is not None:
        words.append(_ended(word, is_plain, home))
    found.append(Statement(tuple(words), line[begin:at].strip()))
    return [one for one in found if one.words]


def _ended(word: str, is_plain: bool, home: str) -> str:
    """The word as a command gets it; what another shell would act upon is refused."""
    if not is_plain:
        return word
    if word in _SENT_ON:
        raise UsageError(f"'{word}' means nothing here: {_SENT_ON[word]}")
    if word[0] in "|<>":
        raise UsageError(f"'{word}' means nothing here. {_PIPE} Quote it if it is meant so.")
    if home and (word == "~" or word.startswith("~/")):
        return home + word[1:]
    return word


def _refuse_control(line: str) -> None:
    for column, char in enumerate(line, 1):
        if not char.isprintable() and char != "\t":
            raise UsageError(
                f"Column {column} holds the control character U+{ord(char):04X}; take it out."
            )


def _unclosed(line: str, at: int) -> UsageError:
    if line[at] == "\\":
        return UsageError("The line ends in a backslash, and no line follows.")
    return UsageError(
        f"The quote {line[at]} in column {at + 1} is not closed; close it, or write \\{line[at]}."
    )
