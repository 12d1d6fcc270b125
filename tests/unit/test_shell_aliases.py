"""Aliases of the shell: expanded with their arguments, kept, and never in a circle."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.shell.aliases import BUILT_IN, FILE_NAME, Aliases, alias_parts
from app.cli.shell.lines import statements
from app.core.errors import ConfigError, NotFoundError, UsageError

TAKEN = {"system", "runs", "version", "help", "alias"}


def made(folder: Path) -> Aliases:
    return Aliases(folder, TAKEN.__contains__)


def expanded(aliases: Aliases, line: str) -> list[tuple[str, ...]]:
    return [one.words for one in aliases.expanded(statements(line)[0])]


def test_an_alias_stands_for_its_words_and_arguments_follow(tmp_path: Path) -> None:
    aliases = made(tmp_path)
    aliases.add("s", "system status")
    assert expanded(aliases, "s --json") == [("system", "status", "--json")]


def test_arguments_follow_the_last_command_of_several(tmp_path: Path) -> None:
    aliases = made(tmp_path)
    aliases.add("morning", "version; runs list 'a b'")
    assert expanded(aliases, "morning --json") == [("version",), ("runs", "list", "a b", "--json")]


def test_an_alias_may_use_another(tmp_path: Path) -> None:
    aliases = made(tmp_path)
    aliases.add("s", "system status")
    aliases.add("sj", "s --json")
    assert expanded(aliases, "sj") == [("system", "status", "--json")]


def test_a_word_that_is_no_alias_stays(tmp_path: Path) -> None:
    assert expanded(made(tmp_path), "foo bar") == [("foo", "bar")]


def test_a_circle_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    aliases = made(tmp_path)
    aliases.add("a", "b")
    aliases.add("b", "c")
    for name, text in (("c", "a x"), ("d", "d"), ("a", "version; b; a")):
        with pytest.raises(UsageError, match="back to itself"):
            aliases.add(name, text)
    assert aliases.own == {"a": "b", "b": "c"}
    assert made(tmp_path).own == aliases.own


def test_a_circle_in_the_file_is_told_when_it_is_used(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"a": "b", "b": "a"}', encoding="utf-8")
    with pytest.raises(UsageError, match="back to itself"):
        expanded(made(tmp_path), "a")


def test_an_alias_that_grows_without_bound_is_refused(tmp_path: Path) -> None:
    own = {f"a{n}": f"a{n + 1}; a{n + 1}" for n in range(40)} | {"a40": "version"}
    (tmp_path / FILE_NAME).write_text(json.dumps(own), encoding="utf-8")
    with pytest.raises(UsageError, match="over 500 commands"):
        expanded(made(tmp_path), "a0")


def test_aliases_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    made(tmp_path).add("s", "system status")
    assert made(tmp_path).own == {"s": "system status"}
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    made(tmp_path).remove("s")
    assert made(tmp_path).own == {}


@pytest.mark.parametrize("name", ["system", "alias", "a b", "@x", "-x", "#", "a;b", "'", ""])
def test_a_name_that_means_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        made(tmp_path).add(name, "version")


@pytest.mark.parametrize("text", ["", "#", "it's", "a | b", "x" * 20_000])
def test_text_that_is_no_command_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        made(tmp_path).add("s", text)


def test_what_is_not_there_cannot_be_forgotten(tmp_path: Path) -> None:
    aliases = made(tmp_path)
    aliases.add("morning", "version")
    with pytest.raises(NotFoundError, match="Did you mean 'morning'"):
        aliases.remove("mornin")
    with pytest.raises(UsageError, match="built in"):
        aliases.remove(next(iter(BUILT_IN)))


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', "\xff"])
def test_a_faulty_file_is_told_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content.encode("latin-1"))
    aliases = made(tmp_path)
    assert str(path) in aliases.fault
    assert aliases.all == BUILT_IN
    with pytest.raises(ConfigError):
        aliases.add("s", "version")
    assert path.read_bytes() == content.encode("latin-1")
    assert aliases.own == {}


@pytest.mark.parametrize(
    ("line", "name", "text"),
    [
        ("s", "s", ""),
        ("s system status", "s", "system status"),
        ("s = system status", "s", "system status"),
        ("s=version", "s", "version"),
        ("s 'version; runs list'", "s", "version; runs list"),
        ("s='version; runs list'", "s", "version; runs list"),
        ('s why-not X "a b"', "s", 'why-not X "a b"'),
    ],
)
def test_an_alias_is_written_in_any_of_the_usual_ways(line: str, name: str, text: str) -> None:
    assert alias_parts(statements(line)[0].words) == (name, text)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["a", "b; c", "d x", "e", "runs"]))
)
def test_whatever_the_file_says_expansion_ends(
    tmp_path_factory: pytest.TempPathFactory, own: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("aliases")
    (folder / FILE_NAME).write_text(json.dumps(own), encoding="utf-8")
    aliases = made(folder)
    for name in "abcde":
        try:
            found = expanded(aliases, name)
        except UsageError:
            continue
        assert all(one[0] in TAKEN or one[0] not in aliases.all for one in found)
