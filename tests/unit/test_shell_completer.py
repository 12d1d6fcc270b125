"""Completion as the prompt gets it."""

from collections.abc import Iterable, Mapping

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from app.cli.shell.completer import ShellCompleter
from app.cli.shell.completion import Offer
from app.cli.tree import node


class Broken:
    """Sources that raise."""

    def words(self) -> Mapping[str, str]:
        return {}

    def aliases(self) -> Mapping[str, str]:
        return {}

    def offers(self, kind: str, part: str, given: Mapping[str, str]) -> Iterable[Offer]:
        raise ZeroDivisionError


class Odd(Broken):
    """Sources whose words would steer the terminal."""

    def offers(self, kind: str, part: str, given: Mapping[str, str]) -> Iterable[Offer]:
        return [Offer("SYN1", "a\x1b[2J", shown="S\n1")]


def lines(sources: Broken, text: str) -> list[str]:
    """The lines that completing would leave."""
    document = Document(text)
    found = ShellCompleter(node, sources).get_completions(document, CompleteEvent())
    return [text[: len(text) + one.start_position] + one.text for one in found]


def test_what_is_found_takes_the_place_of_the_word_under_the_cursor() -> None:
    assert lines(Odd(), "runs li") == ["runs list "]
    assert lines(Odd(), "data show S") == ["data show SYN1 "]


def test_of_pasted_lines_the_one_with_the_cursor_is_completed() -> None:
    assert lines(Odd(), "version; x\nruns li") == ["version; x\nruns list "]


def test_no_error_reaches_the_prompt() -> None:
    assert lines(Broken(), "data show S") == []


def test_nothing_that_is_shown_can_steer_the_terminal() -> None:
    document = Document("data show S")
    (found,) = ShellCompleter(node, Odd()).get_completions(document, CompleteEvent())
    assert (found.display_text, found.display_meta_text) == ("S 1", "a [2J")
