"""Opens the shell: at a terminal with a prompt, else for lines that are given."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.cli.context import Context
from app.cli.shell.aliases import Aliases
from app.cli.shell.children import run_child
from app.cli.shell.dispatch import Dispatcher
from app.cli.shell.seams import Sessions, Standing
from app.cli.shell.shell import Shell, read_script
from app.cli.shell.words import SHELL_WORDS
from app.core.errors import ConfigError, UsageError

FOLDER = "shell"


class OwnSessions:
    """Knows only of the sessions that were started here, and whether they go on."""

    def standing(self) -> Standing | None:
        return None

    def begun(self, run_id: str) -> None:
        """It is in `detached_here` already."""

    def running_here(self) -> Sequence[str]:
        from app.cli.serving import detached_here

        return [one.run_id for one in detached_here if one.process.poll() is None]

    def close(self) -> None:
        """Nothing is followed."""


def open_shell(
    script: Path | None, lines: str | None, keeps_going: bool = False, as_json: bool = False
) -> int:
    """The prompt on a terminal, else the lines that are given; the exit code."""
    if script is not None and lines is not None:
        raise UsageError("--script and -c both give lines: use one of them.")
    if script is None and lines is None and sys.stdin.isatty():
        if keeps_going or as_json:
            raise UsageError("--keep-going and --json are for lines that --script or -c gives.")
        return _converse()
    return _run_lines(script, lines, keeps_going, as_json)


def _converse() -> int:
    from app.cli.shell.terminal import Terminal

    folder = _folder()
    sessions = OwnSessions()
    shell = _shell(folder, sessions, keeps_going=False)
    terminal = Terminal(shell, sessions, folder)
    print("MisMartera. 'help' lists the commands, 'help data' those of one noun.")
    print("Tab completes, Ctrl+R searches earlier lines, Ctrl+D leaves.")
    return terminal.converse()


def _run_lines(script: Path | None, text: str | None, keeps_going: bool, as_json: bool) -> int:
    """Run the lines of a file, of an argument, or of standard input, without a prompt."""
    shell = _shell(_folder(), OwnSessions(), keeps_going)
    shell.always = ("--json",) if as_json else ()
    if text is not None:
        return shell.run_text(text)
    if script is not None:
        return shell.run_text(read_script(script), str(script), echoes=True)
    given = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    return shell.run_text(given, "standard input", echoes=True)


def _shell(folder: Path, sessions: Sessions, keeps_going: bool) -> Shell:
    from app.cli.main import main, root_group

    dispatcher = Dispatcher(main, run_child, sessions)
    taken = {*root_group().commands, *SHELL_WORDS}
    return Shell(dispatcher.run, Aliases(folder, taken), keeps_going)


def _folder() -> Path:
    """Where history and aliases lie: its owner's alone."""
    folder = Context().settings.data_folder / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(folder, 0o700)
    except OSError as error:
        raise ConfigError(
            f"The shell's folder {folder} cannot be used: {error.strerror}. "
            "Set MISMARTERA_DATA_FOLDER to a folder you may write to."
        ) from error
    return folder
