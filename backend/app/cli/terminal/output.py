"""How commands speak: one JSON object for scripts, tables for people. Rich is loaded when used."""

import json
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from app.cli.terminal.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleDimensions

PIPED_WIDTH = 200  # a file or a pipe has no width; its lines should not be broken
DEFAULT_WIDTH = 80  # of a terminal that has none, and COLUMNS=0 says so too


class _WhenUsed:
    """A console that is made when something is asked of it."""

    def __init__(self, stderr: bool) -> None:
        self._stderr = stderr

    def __getattr__(self, name: str) -> Any:
        return getattr(_console(self._stderr), name)

    def __enter__(self) -> Any:
        return _console(self._stderr).__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        _console(self._stderr).__exit__(kind, error, at)


console = cast("Console", _WhenUsed(stderr=False))
errors = cast("Console", _WhenUsed(stderr=True))


@cache
def _console(stderr: bool) -> "Console":
    from rich.console import Console, ConsoleDimensions

    class Measured(Console):
        """As wide as the terminal is now: it may have been resized, or there is none. What a
        reason or a venue's words smuggle in steers nothing.
        """

        def print(self, *objects: Any, **options: Any) -> None:
            shown = (printable(one) if isinstance(one, str) else one for one in objects)
            super().print(*shown, **options)

        @property  # type: ignore[misc]  # it can be set, too, which nobody does
        def size(self) -> "ConsoleDimensions":
            found = super().size
            width = found.width or DEFAULT_WIDTH if self.is_terminal else PIPED_WIDTH
            return ConsoleDimensions(width, found.height)

    return Measured(stderr=stderr, highlight=False)


def say(text: str, *, to_errors: bool = False) -> None:
    """A line, or several; names and reasons in it steer no terminal."""
    print(printable(text), file=sys.stderr if to_errors else sys.stdout)


def print_json(value: object) -> None:
    """One JSON value on one line of standard output; dates and Decimals as text."""
    print(json.dumps(value, default=str))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    zone: object = None,
    spare: Sequence[str] = (),
) -> None:
    """A table that fits; None shows as a dash, figures are aligned and never broken. The spare
    columns go where there is no room for all.

    A zone that all its times are of is named once, and left out of them.
    """
    from rich.text import Text

    from app.cli.terminal.tables import table_of, without_zone

    if zone is not None:
        title = f"{title}, times of {zone}"
        rows = [[without_zone(cell) for cell in row] for row in rows]
    console.print(
        Text(printable(title), style="bold")
    )  # a title of the table would wrap at its width
    console.print(table_of(columns, rows, console.width, spare))


def print_zoned(title: str, rows: Sequence[dict[str, Any]], zones: Sequence[str]) -> None:
    """A table of rows each of whose times are of a zone; a zone that all have is named once."""
    from app.cli.terminal.tables import without_zone

    if len({*zones}) == 1:
        print_table(title, list(rows[0]), [list(row.values()) for row in rows], zones[0] or None)
        return
    cells = [
        [*(without_zone(cell) if zone else cell for cell in row.values()), zone]
        for row, zone in zip(rows, zones, strict=True)
    ]
    print_table(title, [*rows[0], "zone"], cells)


def value_text(value: object) -> str:
    """A value of a config as its file has it."""
    return json.dumps(value) if isinstance(value, bool | list | tuple | dict) else str(value)
