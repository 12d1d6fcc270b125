"""Where a table of text begins: its columns' names, and what stands above and below them."""

import csv
import re
from collections.abc import Mapping, Sequence

import msgspec

from app.core.errors import DataError, UsageError
from app.services.csv_columns import PRICES, ColumnMap, map_columns, plain_name, roles_of

_DELIMITERS = (",", ";", "\t", "|")
_PAIR = re.compile(r"\('(.*)', '(.*)'\)")
_LOOKED_AT = 5  # lines, for the names: titles and addresses stand above them


class Header(msgspec.Struct, frozen=True):
    """A file's columns, in order, and what they mean."""

    names: list[str]
    columns: ColumnMap
    delimiter: str
    lines: int  # of the file, up to the first row


def find_header(
    head: Sequence[str], given: Mapping[str, str], symbol: str, names: Sequence[str] = ()
) -> Header:
    """The header of a file that begins with these lines; `names` are those of one without any.

    Titles above it are passed over, and so is Excel's `sep=;`. The error of the first line is
    raised where none of them tells the columns needed.
    """
    above = 1 if head[0].lower().startswith("sep=") else 0
    told = head[0][4:5] if above and len(head) > 1 else ""
    if names:
        return _named(head, names, given, told, above)
    failure: DataError | None = None
    for at in range(above, min(len(head), above + _LOOKED_AT)):
        delimiter = told or max(_DELIMITERS, key=head[at].count)
        rows = [_cells(line, delimiter) for line in head[at : at + 4]]
        for found, below in ((rows[0], rows[1:]), (_joined(rows, symbol), rows[3:])):
            padded = _padded(found, below)
            try:
                columns = map_columns(padded, given)
            except DataError as error:
                failure = failure or error
            else:
                return Header(padded, columns, delimiter, at + len(rows) - len(below))
    assert failure is not None, "a file has a first line"
    raise failure


def _named(
    head: Sequence[str], names: Sequence[str], given: Mapping[str, str], told: str, above: int
) -> Header:
    delimiter = told or max(_DELIMITERS, key=head[above].count)
    first = _cells(head[above], delimiter)
    if len(first) < len(names):
        raise UsageError(
            f"--names has {len(names)} names, and the file's first line {len(first)} cells:"
            f" {', '.join(first)[:80]}."
        )
    found = [*names, *[""] * (len(first) - len(names))]
    return Header(found, map_columns(found, given), delimiter, above)


def _cells(line: str, delimiter: str) -> list[str]:
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def _joined(rows: Sequence[list[str]], symbol: str) -> list[str]:
    """The names of a header of pandas with two levels of columns, or none: a line of prices, one
    of symbols, and one with the name of the times alone. Columns of `symbol` are its own.
    """
    if len(rows) < 3 or len({len(row) for row in rows[:3]}) > 1 or any(rows[2][1:]):
        return []
    if "timestamp" not in roles_of(rows[2][:1]):
        return []
    prices, symbols = sorted(rows[:2], key=lambda row: -len(roles_of(row) & set(PRICES)))
    names = [
        price if plain_name(of) == plain_name(symbol) else f"{price} {of}"
        for price, of in zip(prices[1:], symbols[1:], strict=True)
    ]
    return [rows[2][0], *names]


def roles_of_pairs(names: Sequence[str], symbol: str) -> dict[str, str]:
    """The columns of `symbol` that pandas named by two levels, as `('Close', 'AAPL')`."""
    found = {}
    for name in names:
        pair = _PAIR.fullmatch(name)
        words = [] if pair is None else [pair[1], pair[2]]
        if plain_name(symbol) in map(plain_name, words):
            found.update(dict.fromkeys(sorted(roles_of(words)), name))
    return found


def _padded(names: list[str], following: Sequence[list[str]]) -> list[str]:
    """With a name for each empty cell that ends the rows and not the header."""
    beyond = following[0][len(names) :] if names and following else []
    return names if any(beyond) else [*names, *[""] * len(beyond)]
