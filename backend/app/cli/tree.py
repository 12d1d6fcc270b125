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
from app.cli.main import known_word as known_word
from app.core.called import LAUNCHER as LAUNCHER

_SECTION = r"\x08?\n?{}:\n((?: +\S.*(?:\n|$))+)"
_EXAMPLES = re.compile(_SECTION.format("Examples?"))
_EXIT_CODES = re.compile(_SECTION.format("Exit codes?"))
_CHOICES = re.compile(r"[a-z]+(\|[a-z]+)+")  # a metavar that is all there may be: buy|sell
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
    help: str  # without its examples and exit codes
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]
    examples: tuple[str, ...]  # as they are typed, the launcher included
    children: tuple[str, ...]
    exit_codes: tuple[tuple[int, str], ...] = ()  # that mean something of their own here


def node(words: Sequence[str]) -> Node | None:
    """What these words name, a noun's singular included; None where they name nothing."""
    command = root_group()
    path: list[str] = []
    for word in words:
        name = known_word(word, _children(command))
        if name is None:
            return None
        command = _child(path, command, name)
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


def child_names(words: Sequence[str]) -> tuple[str, ...]:
    """What can follow these words."""
    found = node(words)
    return () if found is None else found.children


def summaries(words: Sequence[str]) -> dict[str, str]:
    """What can follow these words, each with its summary; no further noun is loaded for it."""
    path: list[str] = []
    command = root_group()
    for word in words:
        command = _child(path, command, word)
        path.append(word)
    return {name: _summary(child.help or "") for name, child in _children(command).items()}


def _child(path: Sequence[str], command: Any, name: str) -> Any:
    return load_noun(name) if not path and name in NOUNS else _children(command)[name]


def _summary(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def _children(command: Any) -> dict[str, Any]:
    named: dict[str, Any] = getattr(command, "commands", {})
    return {name: child for name, child in named.items() if not child.hidden}


@cache
def _described(words: tuple[str, ...], command: Any) -> Node:
    written = f"{inspect.cleandoc(command.help or '')}\n\n{command.epilog or ''}"
    text = _EXIT_CODES.sub("", _EXAMPLES.sub("", written)).strip()
    examples = [line.strip() for part in _EXAMPLES.findall(written) for line in part.splitlines()]
    codes = [line.split(None, 1) for part in _EXIT_CODES.findall(written)
             for line in part.splitlines()]  # fmt: skip
    shown = [one for one in command.params if not one.hidden]
    return Node(
        words=words,
        summary=_summary(text),
        help=text,
        arguments=tuple(_parameter(p) for p in shown if p.param_type_name == "argument"),
        options=tuple(_parameter(p) for p in shown if p.param_type_name == "option"),
        examples=tuple(examples),
        children=tuple(_children(command)),
        exit_codes=tuple((int(code), meaning) for code, meaning in codes),
    )


def _parameter(found: Any) -> Parameter:
    is_option = found.param_type_name == "option"
    is_flag = bool(getattr(found, "is_flag", False))
    metavar = found.metavar or found.name.upper()
    default = found.default
    return Parameter(
        names=(*found.opts, *found.secondary_opts) if is_option else (),
        metavar="" if is_flag else metavar,
        kind="flag"
        if is_flag
        else _KINDS.get(_plain_type(found.type_descriptor.annotation), "text"),
        choices=tuple(metavar.split("|")) if _CHOICES.fullmatch(metavar) else (),
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
