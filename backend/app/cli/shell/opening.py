"""Opens the shell: at a terminal with a prompt, else for lines that are given."""

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.context import Context
from app.cli.shell.children import run_child
from app.cli.shell.dispatch import Dispatcher, Run
from app.cli.shell.seams import Sessions, Standing
from app.cli.shell.shell import Commands, Shell, read_script
from app.core.errors import UsageError

if TYPE_CHECKING:
    from prompt_toolkit.output import Output

FOLDER = "shell"


class OwnSessions:
    """Knows only of the sessions that were started here, and whether they go on."""

    def standing(self) -> Standing | None:
        return None

    def begun(self, run_id: str) -> None:
        """It is in `detached_here` already."""

    def running_here(self) -> Sequence[str]:
        from app.cli.system.serving import detached_here

        return [one.run_id for one in detached_here if one.process.poll() is None]

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def waiting(self) -> Sequence[tuple[str, str]]:
        return ()

    def close(self) -> None:
        """Nothing is followed."""


def open_shell(script: Path | None, lines: str | None, keeps_going: bool, as_json: bool) -> int:
    """The prompt on a terminal, else the lines that are given; the exit code."""
    if script is not None and lines is not None:
        raise UsageError("--script and -c both give lines: use one of them.")
    if script is None and lines is None and sys.stdin.isatty():
        if keeps_going or as_json:
            raise UsageError("--keep-going and --json are for lines that --script or -c gives.")
        return _converse()
    return _run_lines(script, lines, keeps_going, as_json)


def _converse() -> int:
    from prompt_toolkit.application import create_app_session

    from app.cli.shell import screen
    from app.cli.shell.completer import ShellCompleter
    from app.cli.shell.event_words import event_words
    from app.cli.shell.followed import Followed, record_reader
    from app.cli.shell.greeting import greeting
    from app.cli.shell.notices import PromptNotices
    from app.cli.shell.sources import sources_of
    from app.cli.shell.terminal import Terminal
    from app.cli.tree import node
    from app.managers.time_manager.clock import WallClock

    context = Context()
    folder, fault = _folder(context)
    notices = PromptNotices(screen.show_line)
    show = None if screen.is_dumb() else notices.tell
    sessions = Followed(context.settings.data_folder, record_reader(context), show, WallClock())
    shell = Shell(open_commands(sessions=sessions), folder)
    shell.words.update(event_words(sessions))
    completer = ShellCompleter(node, sources_of(context, shell))
    is_plain = screen.is_dumb() or not sys.stdout.isatty()
    with nullcontext() if is_plain else create_app_session(output=_output()):
        idle_clock = partial(_market_time, context)
        terminal = Terminal(shell, sessions, notices, folder, idle_clock, completer, is_plain)
        print(greeting(context.settings))
        for told in filter(None, (fault, shell.aliases.fault)):
            notices.tell(told)
        return terminal.converse()


def _output() -> "Output":
    """The terminal, in colours unless they are not wanted."""
    from prompt_toolkit.output import ColorDepth
    from prompt_toolkit.output.vt100 import Vt100_Output

    depth = ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None
    output = Vt100_Output.from_pty(sys.stdout, default_color_depth=depth)
    output.enable_cpr = False  # where the cursor is: a late answer would stand in what is typed
    return output


def _run_lines(script: Path | None, text: str | None, keeps_going: bool, as_json: bool) -> int:
    """Without a prompt: of a file, of an argument, or of standard input."""
    shell = Shell(open_commands(), _folder(Context())[0], keeps_going, as_json)
    if text is not None:
        return shell.run_text(text)
    if script is not None:
        return shell.run_text(read_script(script), str(script))
    given = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    return shell.run_text(given, "standard input")


def open_commands(run_child: Run = run_child, sessions: Sessions | None = None) -> Commands:
    """The real commands, each run in its place."""
    from app.cli.main import main, record_defect, root_group
    from app.cli.tree import known_word

    commands = dict(root_group().commands)
    del commands["shell"]
    return Commands(
        run=Dispatcher(main, run_child, sessions or OwnSessions()).run,
        names=list(commands),
        known=lambda word: known_word(word, commands) is not None,
        help_text=_help_text,
        on_defect=record_defect,
    )


def _help_text(words: Sequence[str]) -> str | None:
    """As it is typed here: without the launcher in front."""
    from app.cli.help import help_text
    from app.cli.tree import node

    found = node(words)
    return None if found is None else help_text(found, launcher="")


def _market_time(context: Context) -> str:
    """Now, in the market's zone; "" while that is not known without a second's work."""
    time = context.time
    return f"{time.to_local(time.now_ns()):%H:%M:%S %Z}" if time.is_stored() else ""


def _folder(context: Context) -> tuple[Path, str]:
    """Where history and aliases lie, its owner's alone; and why none will be kept, or ""."""
    folder = context.settings.data_folder / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(folder, 0o700)
    except OSError as error:  # commands that only read work all the same
        return folder, f"No lines are kept: {folder} cannot be written: {error.strerror}."
    return folder, ""
