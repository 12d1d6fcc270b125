"""Lines as they are typed, pasted or read from a file: their pieces, words and statements. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from app.cli.shell.words import without_prompt
from app.core.errors import UsageError

_PIECE = re.compile(
    r"""(?P<space>\s+) | (?P<end>;) | \\(?P<escaped>.?) | (?P<plain>[^\s;'"\\]+)
    | '(?P<single>[^']*)(?P<single_end>'?) | "(?P<double>(?:[^"\\]|\\.)*\\?)(?P<double_end>"?)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_IN_QUOTES = re.compile(r'\\(["\\])')
_WITHOUT_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_SENT_ON = {
    "&&": "';' runs the next one when this one succeeded.",
    "||": "';' separates commands.",
    "&": "'system start' goes to the background by itself.",
}
_PIPE = "Pipes and redirection are for the shell of your system: './start_cli.sh NOUN VERB ...'."


# What a piece is.
SPACE: Final = "space"
END: Final = "end"  # of a statement
COMMENT: Final = "comment"  # up to the end of the line
PLAIN: Final = "plain"
QUOTED: Final = "quoted"


class Piece(NamedTuple):
    """A part of a word, or what stands between words."""

    kind: str
    text: str  # what it stands for
    start: int
    end: int
    unclosed: str = ""  # the quote without its second one, the backslash that nothing follows


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


def pieces(line: str) -> Iterator[Piece]:
    """A line in order, also one that is not finished yet."""
    at, in_word = 0, False
    while at < len(line):
        if line[at] == "#" and not in_word:
            yield Piece(COMMENT, "", at, len(line))
            return
        found = _PIECE.match(line, at)
        assert found is not None  # every character begins a piece
        piece = _piece_of(found)
        yield piece
        at, in_word = piece.end, piece.kind not in (SPACE, END)


def _piece_of(found: re.Match[str]) -> Piece:
    start, end = found.span()
    if found["space"] or found["end"]:
        return Piece(SPACE if found["space"] else END, found[0], start, end)
    if found["plain"]:
        return Piece(PLAIN, found["plain"], start, end)
    if found["single"] is not None:
        return Piece(QUOTED, found["single"], start, end, "" if found["single_end"] else "'")
    if found["double"] is not None:
        text = _ESCAPED_IN_QUOTES.sub(r"\1", found["double"])
        return Piece(QUOTED, text, start, end, "" if found["double_end"] else '"')
    return Piece(QUOTED, found["escaped"], start, end, "" if found["escaped"] else "\\")


def statements(line: str, home: str = "") -> list[Statement]:
    """What one line says; `home` stands in for a leading `~`."""
    _refuse_control(line)
    found: list[Statement] = []
    words: list[str] = []
    word: str | None = None
    begin = 0
    is_plain = True  # no part of the word is quoted
    for piece in (*pieces(line), Piece(END, "", len(line), len(line))):
        if piece.unclosed:
            raise _unclosed(piece)
        if piece.kind in (PLAIN, QUOTED):
            is_plain = piece.kind == PLAIN and (word is None or is_plain)
            word = (word or "") + piece.text
            continue
        if word is not None:
            words.append(_ended(word, is_plain, home))
            word = None
        if piece.kind != SPACE:
            if words:
                found.append(Statement(tuple(words), line[begin : piece.start].strip()))
            words, begin = [], piece.end
    return found


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


def _unclosed(piece: Piece) -> UsageError:
    quote, column = piece.unclosed, piece.start + 1
    if quote == "\\":
        return UsageError("The line ends in a backslash, and no line follows.")
    return UsageError(
        f"The quote {quote} in column {column} is not closed; close it, or write \\{quote}."
    )
