"""Lines that come from other threads: shown above the prompt, or kept while a command runs."""

import contextvars
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from app.cli.terminal.printable import printable

if TYPE_CHECKING:
    from prompt_toolkit.application import Application

MOST_KEPT = 1_000
Show = Callable[[str, str], None]


class PromptNotices:
    """Keeps lines until they can be shown without tearing what is on the screen."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._lock = Lock()
        self._kept: deque[tuple[str, str]] = deque(maxlen=MOST_KEPT)
        self._lost = 0
        self._prompt: tuple[Application[Any], contextvars.Context] | None = None

    def tell(self, text: str, style: str = "") -> None:
        """Show a line when there is room for it; from any thread. `style` is prompt_toolkit's."""
        with self._lock:
            self._lost += len(self._kept) == MOST_KEPT
            self._kept.append((printable(text), style))
            prompt = self._prompt
        if prompt is not None:
            application, context = prompt
            with suppress(RuntimeError, AttributeError):  # the line was just given: shown after it
                application.loop.call_soon_threadsafe(self._above, context=context)  # type: ignore[union-attr]

    def prompt_stands(self, application: "Application[Any]") -> None:
        """From now on lines are shown above it; called within it, once it draws."""
        with self._lock:
            self._prompt = application, contextvars.copy_context()
        self._above()

    def prompt_gone(self) -> None:
        """From now on lines are kept."""
        with self._lock:
            self._prompt = None

    def flush(self) -> None:
        """Show what is kept, where the cursor is."""
        while True:
            with self._lock:
                lost, self._lost = self._lost, 0
                if not self._kept and not lost:
                    return
                text, style = self._kept.popleft() if self._kept else ("", "")
            if lost:
                self._show(f"{lost} older notices are not shown.", "")
            if text:
                self._show(text, style)

    def _above(self) -> None:
        from prompt_toolkit.application import run_in_terminal

        if self._kept:
            run_in_terminal(self.flush)
