"""The shell's own words, and what of a line is not to be read or not to be seen. Pure."""

import re
from collections.abc import Sequence

from app.core.logging import HIDDEN, redact

SHELL_WORDS = {
    "help": "help [NOUN [VERB]]: what there is, and how it is used",
    "history": "history [TEXT]: the last lines, or those that hold TEXT",
    "alias": "alias [NAME [WORDS]]: show short words, or make one",
    "unalias": "unalias NAME: forget one",
    "follow": "follow [RUN]: show the events of a session started elsewhere, or of all",
    "unfollow": "unfollow [RUN]: show them no more; the session goes on",
    "focus": "focus [RUN]: the session that the prompt speaks of",
    "events": "events [on|fills|off]: which events are shown above the prompt",
    "clear": "clear: an empty screen",
    "exit": "exit, quit, Ctrl+D: leave; sessions go on",
    "quit": "exit, quit, Ctrl+D: leave; sessions go on",
}
_PROMPTS = re.compile(r"^\s*(?:(?:\$|system@mismartera:[^>]*>)\s+)+")
_SECRET_OPTION = re.compile(
    r"""(?ix) ( (?<!\S) --?[\w-]*
        (?: key | token | secret | passw(?:or)?d | passphrase | credential ) [\w-]*
        (?: \s*=\s* | \s+ ) ) (?: "(?:[^"\\]|\\.)*"? | '[^']*'? | (?!-)[^\s;]+ )"""
)
_PROGRAM = re.compile(r"^(?:.*/)?(?:start_cli\.sh|mismartera)$")


def without_prompt(line: str) -> str:
    """A line without the prompt that was copied with it."""
    return _PROMPTS.sub("", line)


def without_program(words: Sequence[str]) -> tuple[str, ...]:
    """Words without the program's name in front."""
    return tuple(words[1:] if words and _PROGRAM.match(words[0]) else words)


def without_secrets(line: str) -> str:
    """The line as it may be kept or shown again: what looks like a key or a token is hidden."""
    return redact(_SECRET_OPTION.sub(rf"\1{HIDDEN}", line))
