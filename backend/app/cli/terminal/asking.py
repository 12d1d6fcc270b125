"""Questions to whoever sits at the terminal: each answer is checked at once, Enter takes what is
in brackets. Where nobody is to be asked, options and defaults answer.
"""

import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

import typer

from app.cli.terminal.printable import printable
from app.core.errors import AppError, UsageError

T = TypeVar("T")


def is_at_terminal() -> bool:
    """Whether somebody reads and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Asker:
    """Answers come from `given`, by the option's name; else from the terminal if it `asks`."""

    def __init__(self, given: Mapping[str, str], asks: bool) -> None:
        self._given = given
        self.asks = asks
        self.used: set[str] = set()  # keys that were looked up

    def ask(self, key: str, question: str, default: str, check: Callable[[str], T]) -> T:
        """The first answer that `check` takes; it raises an AppError that says what is allowed."""
        if key in self._given or not self.asks:
            self.used.add(key)
            try:
                return check(self._given.get(key, default).strip())
            except AppError as error:
                refused = type(error)(f"--{key.partition(' ')[0]}: {error}")
                raise refused from None
        while True:
            answer = typer.prompt(question, default=default, show_default=bool(default))
            try:
                return check(str(answer).strip())
            except AppError as error:
                self.say(f"  {error}")

    def agrees(self, key: str, question: str, default: bool = False) -> bool:
        """Yes or no. An option that holds what would be asked next is a yes."""
        if key in self._given:
            return True  # its value is asked for next
        return bool(typer.confirm(question, default=default)) if self.asks else default

    def say(self, text: str) -> None:
        """A line for who is asked, and nobody else."""
        if self.asks:
            typer.echo(printable(text))


def one_of(*words: str) -> Callable[[str], str]:
    """A check: one of these, or as much of its beginning as tells it from the others."""

    def check(text: str) -> str:
        fits = [word for word in words if text and word.startswith(text.lower())]
        if len(fits) != 1:
            raise UsageError(f"'{text}' is none of {', '.join(words)}.")
        return fits[0]

    return check
