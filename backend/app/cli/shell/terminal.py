"""The shell at a terminal: the prompt, its keys and history, and what is shown above it."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.application import get_app
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.patch_stdout import patch_stdout

from app.cli.shell.history import LineHistory
from app.cli.shell.lines import cleaned
from app.cli.shell.notices import PromptNotices, visible
from app.cli.shell.prompt import prompt_fragments, prompt_text
from app.cli.shell.seams import Sessions
from app.cli.shell.shell import Shell, ShellWord
from app.cli.shell.words import SHELL_WORDS
from app.core.errors import EXIT_INTERRUPTED
from app.managers.time_manager.clock import WallClock

_REFRESH_SECONDS = 1.0
_TOLD_SECONDS = 1.0  # how long a command takes is told from here on
_HISTORY_LINES = 30
_LEAVE = "Leave? They go on. [Y/n] "


class Leaving(BaseException):
    """The machine or the terminal asks the shell to go."""


class Terminal:
    """Asks for lines and has them run, until it is left."""

    def __init__(
        self, shell: Shell, sessions: Sessions, folder: Path, clock: WallClock | None = None
    ) -> None:
        self.notices = PromptNotices(self._show)
        self._shell = shell
        self._sessions = sessions
        self._clock = clock or WallClock()
        self._history = LineHistory(folder)
        self._exit_code = 0
        self._is_dumb = os.environ.get("TERM", "dumb") in ("", "dumb", "unknown")
        self._prompt: PromptSession[str] | None = None if self._is_dumb else self._made_prompt()
        shell.words["history"] = ShellWord(SHELL_WORDS["history"], self._print_history)
        shell.words["clear"] = ShellWord(SHELL_WORDS["clear"], self._clear)

    def converse(self) -> int:
        """Until the user leaves: 0; where the machine asks for it: as interrupted."""
        before = {n: signal.signal(n, self._on_end) for n in (signal.SIGTERM, signal.SIGHUP)}
        try:
            while not self._shell.is_leaving or not self._may_leave():
                self._shell.is_leaving = False
                self._one_line()
        except Leaving:
            return EXIT_INTERRUPTED
        finally:
            self._sessions.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0

    def _one_line(self) -> None:
        try:
            line = self._asked()
        except KeyboardInterrupt:
            return
        except EOFError:
            self._shell.is_leaving = True
            return
        if not line.strip():
            return
        began_ns = self._clock.monotonic_ns()
        self._exit_code = self._shell.run_text(line)
        seconds = (self._clock.monotonic_ns() - began_ns) / 1e9
        self._to_column_one()
        if seconds >= _TOLD_SECONDS:
            self._show(f"took {seconds:,.1f} s", "ansibrightblack")

    def _asked(self) -> str:
        self.notices.flush()
        if self._prompt is None:
            return input(prompt_text(self._sessions.standing(), self._exit_code, self._width()))
        try:
            with patch_stdout(raw=True):
                return self._prompt.prompt(
                    pre_run=lambda: self.notices.prompt_stands(get_app()),
                    refresh_interval=_REFRESH_SECONDS,
                )
        finally:
            self.notices.prompt_gone()

    def _made_prompt(self) -> "PromptSession[str]":
        return PromptSession(
            message=lambda: FormattedText(
                prompt_fragments(self._sessions.standing(), self._exit_code, self._width())
            ),
            history=self._history,
            enable_history_search=True,
            key_bindings=_keys(),
            enable_suspend=True,
        )

    def _may_leave(self) -> bool:
        """Ask where sessions run that were started here; a second Ctrl+D leaves, Ctrl+C stays."""
        runs = self._sessions.running_here()
        if not runs:
            return True
        print(f"Sessions that were started here still run: {', '.join(runs)}.")
        try:
            answer = input(_LEAVE).strip().lower()
        except EOFError:
            print()
            return True
        except KeyboardInterrupt:
            print()
            return False
        return answer in ("", "y", "yes")

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        application: Any = self._prompt.app if self._prompt is not None else None
        if application is None or not application.is_running:
            raise Leaving
        with suppress(RuntimeError):
            application.loop.call_soon_threadsafe(_ended, application)

    def _show(self, text: str, style: str) -> None:
        if self._is_dumb:
            print(text, flush=True)
        else:
            print_formatted_text(FormattedText([(style, text)]))

    def _to_column_one(self) -> None:
        """Output that did not end its line keeps it: the prompt begins on the next."""
        sys.stdout.flush()
        if not self._is_dumb and sys.stdout.isatty():
            sys.stdout.write(f"%{' ' * (self._width() - 1)}\r\x1b[K")
            sys.stdout.flush()

    def _width(self) -> int:
        try:
            return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError):
            return 80

    def _print_history(self, words: Sequence[str]) -> None:
        for line in self._history.newest(" ".join(words), _HISTORY_LINES):
            print(visible(line))

    def _clear(self, words: Sequence[str]) -> None:
        if not self._is_dumb:
            sys.stdout.write("\x1b[2J\x1b[H")
            sys.stdout.flush()


def _ended(application: Any) -> None:
    with suppress(Exception):  # the line was given in the same moment
        application.exit(exception=Leaving())


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        """Pasted lines stand in the buffer; nothing of them runs, or steers, before Enter."""
        text = cleaned(event.data).rstrip("\n").replace("\t", " ")
        kept = "".join(char for char in text if char.isprintable() or char == "\n")
        event.current_buffer.insert_text(kept)

    return keys
