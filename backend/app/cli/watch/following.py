"""How commands follow a session: a screen that is drawn anew, or a line a second in a pipe."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from app.cli.terminal.keys import Keys
from app.cli.terminal.output import console, print_json
from app.cli.terminal.printable import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from app.managers.system_manager.control.client import ControlClient

T = TypeVar("T")
Seen = TypeVar("Seen", contravariant=True)
SCREEN_SECONDS = 0.5
LINE_SECONDS = 1.0
_ENDLESS = 1_000_000  # lines of what scrolls


class Page(Protocol[Seen]):
    """How something looks that is followed."""

    def screen(self, seen: Seen, width: int, height: int) -> "RenderableType":
        """As large as that at most, for a terminal."""
        ...

    def line(self, seen: Seen) -> str:
        """In one line, for a pipe."""
        ...

    def press(self, key: str) -> None:
        """A key was pressed."""
        ...


def line_of(text: str, style: str = "") -> "Text":
    """A line of a page; a terminal that is too narrow cuts it."""
    from rich.text import Text

    return Text(printable(text), style=style, no_wrap=True, overflow="ellipsis")


def show_once(seen: T, page: Page[T], as_json: bool) -> None:
    """As it stands, and no more."""
    if as_json:
        print_json(msgspec.to_builtins(seen))
        return
    console.print(page.screen(seen, console.width, _ENDLESS))


def follow(client: "ControlClient", fetch: Callable[[], T], page: Page[T], as_json: bool) -> None:
    """Show it until the session ends, or until Ctrl+C or `q`."""
    from app.managers.system_manager.control.client import SessionEnded

    run_id, is_over = client.session.run_id, False
    try:
        if as_json or not console.is_terminal or console.is_dumb_terminal:
            _print_lines(fetch, page, as_json)
        else:
            _draw(fetch, page)
    except SessionEnded:
        is_over = True
    except KeyboardInterrupt:
        pass
    if as_json:
        return
    told = f"has ended. 'runs show {run_id}' tells of it." if is_over else "goes on."
    console.print(f"Run {run_id} {told}", markup=False, highlight=False)


def _print_lines(fetch: Callable[[], T], page: Page[T], as_json: bool) -> None:
    import threading

    from app.managers.time_manager import WallClock

    clock, never = WallClock(), threading.Event()
    while True:
        seen = fetch()
        if as_json:
            print_json(msgspec.to_builtins(seen))
        else:
            print(printable(page.line(seen)))
        _flush()
        clock.wait(never, LINE_SECONDS)


def _flush() -> None:
    import sys

    sys.stdout.flush()


def _draw(fetch: Callable[[], T], page: Page[T]) -> None:
    """On a screen of its own; what was there last stays on the terminal behind it."""
    from rich.live import Live

    last: T | None = None
    try:
        with Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
            for last in _looks(fetch, keys, page):
                live.update(page.screen(last, console.width, console.height), refresh=True)
    finally:
        if last is not None:
            console.print(page.screen(last, console.width, console.height))


def _looks(fetch: Callable[[], T], keys: Keys, page: Page[T]) -> Iterator[T]:
    while True:
        yield fetch()
        key = keys.wait(SCREEN_SECONDS)
        if key == "q":
            return
        page.press(key)
