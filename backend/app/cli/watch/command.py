"""The commands that look at a session's data: `data session` and `watch`."""

from typing import TYPE_CHECKING

from app.cli.context import Context
from app.core.errors import UsageError

if TYPE_CHECKING:
    from app.core.session_data import SessionData


def show_session(run: str | None, symbols: str | None, once: bool, as_json: bool) -> None:
    """A line for each symbol."""
    from app.cli.terminal.output import console
    from app.cli.watch.following import follow, show_once
    from app.cli.watch.session_page import LINE_SYMBOLS, SessionPage
    from app.managers.system_manager.control.messages import MOST_SYMBOLS

    page = SessionPage(_names(symbols))

    def fetch() -> "SessionData":
        if once or as_json:
            return client.session_data(page.look(MOST_SYMBOLS))
        limit = console.height if console.is_terminal else LINE_SYMBOLS
        return client.session_data(page.look(limit))

    with Context().session(run) as client:
        if once:
            show_once(fetch(), page, as_json)
        else:
            follow(client, fetch, page, as_json)


def watch_symbol(symbol: str, run: str | None, bars: int, once: bool, as_json: bool) -> None:
    """One symbol closely."""
    from app.cli.terminal.output import console
    from app.cli.watch.following import follow, show_once
    from app.cli.watch.symbol_page import SymbolPage
    from app.managers.system_manager.control.messages import Look

    page, look = SymbolPage(bars, ascii_only=console.options.ascii_only), Look((symbol,), bars)
    with Context().session(run) as client:
        if once:
            show_once(client.session_data(look), page, as_json)
        else:
            follow(client, lambda: client.session_data(look), page, as_json)


def _names(words: str | None) -> tuple[str, ...]:
    if words is None:
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in words.split(",") if name.strip()))
    if not names:
        raise UsageError(f"'{words}' names no symbol; write them as AAPL,MSFT.")
    return names
