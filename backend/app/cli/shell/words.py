"""The shell's own words, and what people paste in front of a command. Pure."""

import re
from collections.abc import Sequence

SHELL_WORDS = {
    "help": "help [NOUN [VERB]]: what there is, and how it is used",
    "history": "history [TEXT]: the last lines, or those that hold TEXT",
    "alias": "alias [NAME [WORDS]]: show short words, or make one",
    "unalias": "unalias NAME: forget one",
    "clear": "clear: an empty screen",
    "exit": "exit, quit, Ctrl+D: leave; sessions go on",
    "quit": "as exit",
}
_PROMPTS = re.compile(r"^\s*(?:(?:\$|system@mismartera:[^>]*>)\s+)+")
_PROGRAM = re.compile(r"^(?:.*/)?(?:start_cli\.sh|mismartera)$")


def without_prompt(line: str) -> str:
    """A line without the prompt that was copied with it."""
    return _PROMPTS.sub("", line)


def without_program(words: Sequence[str]) -> tuple[str, ...]:
    """Words without the program's name in front."""
    return tuple(words[1:] if words and _PROGRAM.match(words[0]) else words)
