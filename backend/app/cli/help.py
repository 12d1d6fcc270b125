"""`help`, and what `--help` shows: a command's usage, arguments, options, examples, relatives."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from app.cli.tree import LAUNCHER, Node, Parameter, child_names, node, summaries, walk
from app.core.called import as_called
from app.core.errors import UsageError, did_you_mean

_WIDEST, _NARROWEST = 100, 40
_WORDS_WIDTH = 30  # of what is described beside it; longer words get a line of their own

# Beyond a command's siblings: what comes before it, after it, or in its place.
RELATED: dict[str, tuple[str, ...]] = {
    "why": ("why-not", "runs orders", "verify"),
    "why-not": ("why", "runs orders", "verify"),
    "verify": ("why", "runs show", "runs rebuild"),
    "init-db": ("data sample", "runs list"),
    "version": ("config schema",),
    "help": ("version",),
    "system start": ("config check", "runs show"),
    "system recover": ("runs rebuild", "verify"),
    "system stop": ("risk flatten",),
    "system kill": ("risk flatten", "risk drill"),
    "system halt": ("risk halt",),
    "system release": ("risk resume",),
    "system orders": ("runs orders",),
    "data export": ("data import-csv",),
    "data import-api": ("data sources list", "data quality"),
    "data import-csv": ("data import-api",),
    "data sources test": ("data import-api", "doctor"),
    "config check": ("system start", "risk limits"),
    "risk check": ("why", "why-not"),
    "risk limits": ("config check",),
    "risk flatten": ("system kill", "system stop"),
    "practice start": ("data sample", "system start"),
    "runs show": ("why", "verify"),
    "runs orders": ("why", "why-not"),
    "runs rebuild": ("verify", "system recover"),
}


def show_help(words: Sequence[str], is_all: bool, as_json: bool) -> None:
    """Print the help of what these words name; of all commands a line each."""
    from app.cli.terminal.output import print_json

    if is_all and words:
        raise UsageError("--all lists every command: leave the words out, or --all.")
    if is_all:
        found = [one for one in walk() if one.words and not one.children]
        if as_json:
            print_json([_told(one) for one in found])
        else:
            lines = _beside([(" ".join(one.words), one.summary) for one in found], _width())
            typer.echo("\n".join(lines))
        return
    one = _named(words)
    if as_json:
        print_json(_told(one))
    else:
        typer.echo(help_text(one))


def help_text(found: Node, launcher: str = LAUNCHER) -> str:
    """What a person reads; in the shell the launcher is "" and its words alone are shown."""
    lines = _lines(found, f"{launcher} " if launcher else "", _width())
    return as_called("\n".join(lines).rstrip())


def related(found: Node) -> list[str]:
    """The words of commands to look at next: named ones, then siblings."""
    own = " ".join(found.words)
    parent = found.words[:-1]
    siblings = [" ".join((*parent, name)) for name in child_names(parent)] if parent else []
    return [one for one in dict.fromkeys((*RELATED.get(own, ()), *siblings)) if one != own]


def _told(found: Node) -> dict[str, Any]:
    import msgspec

    return {**msgspec.to_builtins(found), "related": related(found)}


def _named(words: Sequence[str]) -> Node:
    found = node(words)
    if found is not None:
        return found
    good: list[str] = []
    for word in words:
        inner = node([*good, word])
        if inner is None:
            break
        good = list(inner.words)
    known = child_names(good)
    hint = did_you_mean(word, known)
    if not known:
        raise UsageError(f"'{' '.join(good)}' takes no further command: leave '{word}' out.")
    where = f"'{' '.join(good)}' has no command '{word}'" if good else f"No command '{word}'"
    raise UsageError(f"{where}: there are {', '.join(known)}.{hint}")


def _lines(found: Node, launcher: str, width: int) -> Iterator[str]:
    yield f"Usage: {launcher}{usage(found)}"
    for paragraph in found.help.split("\n\n"):
        yield ""
        yield from textwrap.wrap(" ".join(paragraph.split()), width)
    yield from _section("Commands", list(summaries(found.words).items()), width)
    yield from _section("Arguments", [(_name(p), _about(p)) for p in found.arguments], width)
    yield from _section("Options", [(_name(p), _about(p)) for p in found.options], width)
    codes = [(str(code), meaning) for code, meaning in found.exit_codes]
    yield from _section("Exit codes, beside those of every command", codes, width)
    if found.examples:
        yield from ("", "Examples:" if len(found.examples) > 1 else "Example:")
        yield from (f"  {launcher}{one.removeprefix(LAUNCHER).strip()}" for one in found.examples)
    others = related(found)
    if others:
        yield ""
        yield from textwrap.wrap(f"See also: {', '.join(others)}.", width, subsequent_indent="  ",
                                 break_on_hyphens=False)  # fmt: skip
    if found.children:
        word = " ".join(["help", *found.words])
        yield from ("", f"'{launcher}{word} COMMAND' tells more of one.")


def usage(found: Node) -> str:
    """Its words, and what follows them; in brackets what may be left out."""
    words = [*found.words]
    if found.children:
        return " ".join([*words, "COMMAND ..."])
    for one in found.arguments:
        name = f"{one.metavar}{' ...' if one.multiple else ''}"
        words.append(name if one.required else f"[{name}]")
    words += [_name(one) for one in found.options if one.required]
    return " ".join([*words, "[OPTIONS]"] if found.options else words)


def _name(one: Parameter) -> str:
    values = "|".join(one.choices) or one.metavar
    return ", ".join(one.names) + (f" {values}" if values and one.names else values)


def _about(one: Parameter) -> str:
    marks = [
        *(["required"] if one.required and one.names else []),
        *(["may be repeated"] if one.multiple else []),
        *([f"default: {one.default}"] if one.default is not None else []),
    ]
    return f"{one.help} [{'; '.join(marks)}]" if marks else one.help


def _section(title: str, rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    if rows:
        yield from ("", f"{title}:")
        yield from _beside(rows, width)


def _beside(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Words on the left, what they mean on the right, wrapped below itself."""
    left = min(max(len(words) for words, _ in rows), _WORDS_WIDTH, width // 2)
    indent = " " * (left + 4)
    for words, meaning in rows:
        begin = f"  {words.ljust(left)}  "
        if len(words) > left:
            yield f"  {words}"
            begin = indent
        yield from textwrap.wrap(meaning, width, initial_indent=begin, subsequent_indent=indent,
                                 break_on_hyphens=False) or [begin.rstrip()]  # fmt: skip


def _width() -> int:
    return max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
