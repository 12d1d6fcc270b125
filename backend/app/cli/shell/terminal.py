"""The shell at a terminal: its prompt, keys and history, until it is left."""

import errno
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import get_terminal_size
from types import FrameType
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import is_searching
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.search import accept_search_and_accept_input
from prompt_toolkit.keys import Keys
from prompt_toolkit.patch_stdout import patch_stdout

from app.cli.shell import screen
from app.cli.shell.history import LineHistory
from app.cli.shell.interrupts import Interrupts
from app.cli.shell.keyboard import keyboard, suspend
from app.cli.shell.lines import cleaned
from app.cli.shell.notices import PromptNotices
from app.cli.shell.prompt import Fragments, prompt_fragments
from app.cli.shell.seams import Sessions
from app.cli.shell.shell import Shell, ShellWord
from app.cli.shell.words import SHELL_WORDS
from app.cli.terminal.printable import printable
from app.core.errors import EXIT_INTERRUPTED
from app.core.signals import handled_by
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer

_REFRESH_SECONDS = 1.0
_TOLD_SECONDS = 1.0  # how long a command took is told from here on
_MINUTES_FROM_SECONDS = 120.0
_HISTORY_LINES = 30
_PATIENCE = 3  # defects in a row, before the prompt is a plain one
_LEAST_MENU, _MOST_MENU = 4, 16  # rows of completions
_LEAVE = "They go on without the shell. Leave? [Y/n] "


class Leaving(BaseException):
    """The machine, or the terminal that was closed, asks the shell to go."""


class Terminal:
    """Asks for lines and has them run."""

    def __init__(
        self,
        shell: Shell,
        sessions: Sessions,
        notices: PromptNotices,
        folder: Path,
        idle_clock: Callable[[], str] = str,
        completer: "Completer | None" = None,
        is_plain: bool | None = None,
    ) -> None:
        self._shell = shell
        self._sessions = sessions
        self._notices = notices
        self._idle_clock = idle_clock
        self._clock = WallClock()
        self._interrupts = Interrupts()
        self._history = LineHistory(folder)
        self._exit_code = 0
        self._defects = 0  # in a row
        is_plain = screen.is_dumb() if is_plain is None else is_plain
        self._prompt = None if is_plain else self._made_prompt(completer)
        shell.words["history"] = ShellWord(SHELL_WORDS["history"], self._print_history)
        shell.words["clear"] = ShellWord(SHELL_WORDS["clear"], lambda words: screen.clear())

    def converse(self) -> int:
        """Until the user leaves: 0; where the machine asks for it: as interrupted."""
        with self._interrupts.installed(), self._asked_to_leave():
            try:
                while not self._shell.is_leaving or not self._may_leave():
                    self._shell.is_leaving = False
                    self._one_line_guarded()
            except Leaving:
                return EXIT_INTERRUPTED
            finally:
                self._sessions.close()
        return 0

    def _one_line_guarded(self) -> None:
        """A defect of ours is told, and takes nobody's prompt away; at worst it is a plain one."""
        try:
            self._one_line()
            self._defects = 0
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EIO:
                raise Leaving from error  # the terminal has gone
            self._defects += 1
            if self._defects > 2 * _PATIENCE:
                raise
            if self._defects == _PATIENCE:
                self._prompt = None
            self._shell.tell_defect(error)

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
        try:
            with self._sessions.held(), screen.kept(), self._interrupts.heeded():
                self._exit_code = self._shell.run_text(line)
        except KeyboardInterrupt:  # in the very moment that the command ended
            self._exit_code = EXIT_INTERRUPTED
        screen.begin_line()
        seconds = (self._clock.monotonic_ns() - began_ns) / 1e9
        if seconds >= _TOLD_SECONDS:
            screen.show_line(f"took {took_text(seconds)}", "ansibrightblack")

    def _asked(self) -> str:
        for text, style in self._sessions.waiting():
            self._notices.tell(text, style)
        self._notices.flush()
        if self._prompt is None:
            return self._plainly_asked("".join(text for _, text in self._fragments()))
        rows = get_terminal_size().lines
        self._prompt.reserve_space_for_menu = max(_LEAST_MENU, min(_MOST_MENU, rows - 4))
        try:
            with patch_stdout(raw=True):
                return self._prompt.prompt(
                    pre_run=self._on_prompt,
                    refresh_interval=_REFRESH_SECONDS,
                )
        finally:
            self._notices.prompt_gone()

    def _on_prompt(self) -> None:
        self._notices.prompt_stands(get_app())
        get_app().loop.set_exception_handler(self._on_stray_error)  # type: ignore[union-attr]

    def _on_stray_error(self, loop: object, context: Mapping[str, Any]) -> None:
        """Of what completes or draws, beside the line: else a traceback would take the screen."""
        error = context.get("exception")
        what = error if isinstance(error, Exception) else RuntimeError(context.get("message"))
        self._notices.tell(f"error: {self._shell.defect_text(what)}", "ansired")

    def _plainly_asked(self, question: str) -> str:
        try:
            with self._interrupts.heeded():
                return input(question)
        except KeyboardInterrupt:
            print()
            raise

    def _made_prompt(self, completer: "Completer | None") -> "PromptSession[str]":
        return PromptSession(
            message=lambda: FormattedText(self._fragments()),
            history=self._history,
            enable_history_search=True,
            completer=completer,
            complete_while_typing=False,
            complete_in_thread=True,
            auto_suggest=AutoSuggestFromHistory(),
            key_bindings=_keys(),
            input=keyboard(),
        )

    def _fragments(self) -> Fragments:
        standing = self._sessions.standing()
        idle_clock = "" if standing is not None else self._idle_clock()
        return prompt_fragments(standing, idle_clock, self._exit_code, screen.width())

    def _may_leave(self) -> bool:
        """Ask where sessions run that were started here; a second Ctrl+D leaves, Ctrl+C stays."""
        runs = self._sessions.running_here()
        if not runs:
            return True
        print(f"Still running, started here: {', '.join(runs)}.")
        try:
            answer = self._plainly_asked(_LEAVE).strip().lower()
        except EOFError:
            print()
            return True
        except KeyboardInterrupt:
            return False
        return answer in ("", "y", "yes")

    @contextmanager
    def _asked_to_leave(self) -> Iterator[None]:
        with handled_by(dict.fromkeys((signal.SIGTERM, signal.SIGHUP), self._on_end)):
            yield

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        application: Any = self._prompt.app if self._prompt is not None else None
        if application is None or not application.is_running:
            raise Leaving
        with suppress(RuntimeError):
            application.loop.call_soon_threadsafe(_end, application)

    def _print_history(self, words: Sequence[str]) -> None:
        for line in self._history.newest(" ".join(words), _HISTORY_LINES):
            print(printable(line))


def took_text(seconds: float) -> str:
    """`3.2 s`, and from two minutes on `2 min 5 s`."""
    if seconds < _MINUTES_FROM_SECONDS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def _end(application: Any) -> None:
    with suppress(Exception):  # the line was given in the same moment: it is asked again
        application.exit(exception=Leaving())


def _keys() -> KeyBindings:
    keys = KeyBindings()
    # A line that Ctrl+R found runs with Enter, as elsewhere; the arrow keys take it to be changed.
    keys.add(Keys.Enter, filter=is_searching)(accept_search_and_accept_input)
    keys.add(Keys.ControlZ)(suspend)

    @keys.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        """Pasted lines stand in the buffer; nothing of them runs, or steers, before Enter."""
        text = cleaned(event.data).rstrip("\n").replace("\t", " ")
        kept = "".join(char for char in text if char.isprintable() or char == "\n")
        event.current_buffer.insert_text(kept)

    return keys
