"""From answers to a file: what `config new` shows, asks before it writes, and says afterwards."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from app.cli.config.new import Course
from app.cli.config_text import config_texts, one_line
from app.cli.context import Context
from app.cli.new_files import write_new, write_text
from app.cli.terminal.asking import Asker, is_at_terminal
from app.cli.terminal.output import print_json, print_table, say
from app.core.called import LAUNCHER, as_called
from app.core.errors import AppError, UsageError


def make_config(
    file: Path | None,
    given: Mapping[str, str],
    params: Sequence[str],
    market: str | None,
    *,
    asks: bool,
    as_json: bool,
) -> None:
    """Ask, check, and write; until the last question is answered nothing is written."""
    asker = Asker(given, asks and is_at_terminal())
    if file is not None and not file.name:
        raise UsageError("FILE is empty; give it a name, such as session_configs/mine.json.")
    path = None if file is None else file.with_suffix(file.suffix or ".json")
    over = path is not None and _may_write_over(path, asker)
    course = Course(asker, path, dict(map(_param, params)), market)
    path = course.run()
    _refuse_unused(given, course)
    words = course.draft.ordered()
    _check_start(course, asker)
    if asker.asks:
        rows = [(key, one_line(value)) for key, value in words.items()]
        print_table(f"To be written to {path}", ("what", "value"), rows)
        if not typer.confirm("Write it?", default=True):
            raise typer.Abort
    texts = config_texts(path, words)
    if over:
        write_text(path, texts.pop(path), over=True)
    write_new(texts)
    _tell(path, course, as_json)


def _may_write_over(path: Path, asker: Asker) -> bool:
    """Whether a file that is there is to be replaced; where nobody can be asked it stays."""
    if not path.exists() and not path.is_symlink():
        return False
    if not asker.asks:
        raise UsageError(f"{path} is there already; give another name, or remove it.")
    if not typer.confirm(f"{path} is there already. Write over it, at the end?", default=False):
        raise typer.Abort
    return True


def _param(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--param '{text}': write NAME=VALUE, as in fast=5.")
    return name.strip(), value


def _refuse_unused(given: Mapping[str, str], course: Course) -> None:
    """An option that nothing was asked by would be dropped without a word."""
    unused = [f"--{key}" for key in given if key not in course.asker.used]
    if unused:
        mode = course.draft.words["mode"]
        raise UsageError(f"{', '.join(unused)}: of no use in this config, whose mode is {mode}.")


def _check_start(course: Course, asker: Asker) -> None:
    """What only a start would find: strategies are set up, history can be had."""
    from app.managers.system_manager.system_manager import SystemManager

    try:
        SystemManager(Context().settings).check(course.draft.config())
    except AppError as error:
        if not asker.asks:
            raise
        asker.say(f"It could not start: {error}")
        if not typer.confirm("Go on with it nevertheless?", default=False):
            raise typer.Abort from None


def _tell(path: Path, course: Course, as_json: bool) -> None:
    words = course.draft.ordered()
    name = shlex.quote(str(path))
    commands = [f"config check {name}", f"system start {name}"]
    if words.get("live", {}).get("venue") == "practice":
        commands.insert(1, "practice start")  # in a terminal of its own
    if as_json:
        print_json({"file": str(path), "config": words, "notes": course.notes, "next": commands})
        return
    say(f"Written: {path}")
    if not course.asker.asks:
        told = (f"{key}: {one_line(value)}" for key, value in words.items())
        say("\n".join([*told, *course.notes]))
    launcher = as_called(LAUNCHER)
    say("\n".join(["Next, check it and start it:", *(f"  {launcher} {one}" for one in commands)]))
