"""The commands as data: what help, completion, documentation and tests say of them.

A noun's module is loaded when that noun is asked for; `walk` loads all of them.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from app.cli.main import NOUNS, load_noun, root_group

LAUNCHER = "./start_cli.sh"
_EXAMPLES = re.compile(r"\x08?\n?Examples?:\n((?: +\S.*(?:\n|$))+)")
_KINDS = {int: "integer", float: "number", Path: "file", bool: "flag"}


class Parameter(msgspec.Struct, frozen=True):
    """An argument, or an option with its names; `metavar` says what stands there: RUN, SYMBOL."""

    names: tuple[str, ...]  # of an option: ("--json",); an argument has none
    metavar: str
    kind: str  # text, integer, number, file or flag
    choices: tuple[str, ...]  # the only values, where there are such
    required: bool
    multiple: bool
    is_flag: bool
    default: str | None
    help: str


class Node(msgspec.Struct, frozen=True):
    """A command, or a noun with its commands as children; the root has no words."""

    words: tuple[str, ...]
    summary: str
    help: str  # without its examples
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]
    examples: tuple[str, ...]  # as they are typed, the launcher included
    children: tuple[str, ...]


def node(words: Sequence[str]) -> Node | None:
    """What these words name, a noun's singular included; None where they name nothing."""
    command = root_group()
    path: list[str] = []
    for word in words:
        name = known_word(word, _children(command))
        if name is None:
            return None
        command = load_noun(name) if not path and name in NOUNS else _children(command)[name]
        path.append(name)
    return _described(tuple(path), command)


def nouns() -> tuple[str, ...]:
    """The nouns, in the order in which they are listed."""
    return tuple(NOUNS)


def walk() -> Iterator[Node]:
    """Every node, each before its children; the root comes first."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        found = node(waiting.pop())
        if found is not None:
            yield found
            waiting += [(*found.words, child) for child in reversed(found.children)]


def known_word(word: str, commands: dict[str, Any]) -> str | None:
    """The word itself, or the noun whose singular it is: `run` for `runs`."""
    if word in commands:
        return word
    plural = f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"
    return plural if hasattr(commands.get(plural), "commands") else None


def _children(command: Any) -> dict[str, Any]:
    named: dict[str, Any] = getattr(command, "commands", {})
    return {name: child for name, child in named.items() if not child.hidden}


@cache
def _described(words: tuple[str, ...], command: Any) -> Node:
    written = f"{inspect.cleandoc(command.help or '')}\n\n{command.epilog or ''}"
    text = _EXAMPLES.sub("", written).strip()
    examples = [line.strip() for part in _EXAMPLES.findall(written) for line in part.splitlines()]
    shown = [one for one in command.params if not one.hidden]
    return Node(
        words=words,
        summary=" ".join(text.partition("\n\n")[0].split()),
        help=text,
        arguments=tuple(_parameter(p) for p in shown if p.param_type_name == "argument"),
        options=tuple(_parameter(p) for p in shown if p.param_type_name == "option"),
        examples=tuple(examples),
        children=tuple(_children(command)),
    )


def _parameter(found: Any) -> Parameter:
    is_option = found.param_type_name == "option"
    is_flag = bool(getattr(found, "is_flag", False))
    described = found.type_descriptor
    default = found.default
    return Parameter(
        names=(*found.opts, *found.secondary_opts) if is_option else (),
        metavar="" if is_flag else (found.metavar or found.name.upper()).removesuffix("..."),
        kind="flag" if is_flag else _KINDS.get(_plain_type(described.annotation), "text"),
        choices=tuple(str(getattr(one, "value", one)) for one in described.choices or ()),
        required=found.required,
        multiple=bool(getattr(found, "multiple", False)) or found.nargs != 1,
        is_flag=is_flag,
        default=None if is_flag or default in (None, "") or callable(default) else str(default),
        help=" ".join((found.help or "").split()),
    )


def _plain_type(annotation: Any) -> Any:
    """What a list holds, or the type itself."""
    inner = getattr(annotation, "__args__", None)
    return inner[0] if inner else annotation
