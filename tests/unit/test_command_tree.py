"""The commands as data."""

import subprocess
import sys

import msgspec

from app.cli.main import NOUNS
from app.cli.tree import Node, Parameter, node, nouns, walk

EVERY = list(walk())


def named(parameters: tuple[Parameter, ...], name: str) -> Parameter:
    return next(one for one in parameters if name in (*one.names, one.metavar))


def told(*words: str) -> Node:
    found = node(words)
    assert found is not None, words
    return found


def test_the_root_has_every_noun_and_the_commands_without_one() -> None:
    root = told()
    assert root.words == ()
    assert {*NOUNS, "why-not", "verify", "version"} <= {*root.children}
    assert nouns() == tuple(NOUNS)


def test_a_command_tells_its_summary_arguments_options_and_examples() -> None:
    found = told("why-not")
    assert found.summary.startswith("What strategies saw of a symbol")
    assert "A bar is shown at its end" in found.help
    assert "Example" not in found.help
    assert found.examples[0].startswith('./start_cli.sh why-not SYN1 "2024-11-01 10:31"')
    assert [one.metavar for one in found.arguments] == ["SYMBOL", "TIME"]
    run = named(found.options, "--run")
    assert (run.kind, run.required, run.is_flag, run.metavar) == ("text", True, False, "RUN")
    assert named(found.options, "--json").is_flag


def test_defaults_kinds_and_repetition_are_told() -> None:
    importing = told("data", "import-csv")
    assert named(importing.arguments, "FILE").kind == "file"
    assert named(importing.options, "--market").default == "XNYS"
    assert named(importing.options, "--column").multiple
    assert not named(importing.options, "--label").multiple
    assert named(importing.options, "--price-scale").kind == "number"
    assert named(told("runs", "list").options, "--limit").kind == "integer"
    check = named(told("config", "check").arguments, "FILE")
    assert (check.kind, check.multiple) == ("file", True)


def test_nouns_lie_within_nouns() -> None:
    assert {"instruments", "actions", "list"} <= {*told("data").children}
    assert told("data", "instruments", "set").words == ("data", "instruments", "set")


def test_what_is_hidden_stays_so() -> None:
    assert "--ready" not in [name for one in told("system", "start").options for name in one.names]


def test_a_noun_s_singular_is_the_noun() -> None:
    assert told("run", "list").words == ("runs", "list")
    assert told("data", "instrument", "set").words == ("data", "instruments", "set")
    assert node(["verifie"]) is None
    assert node(["run", "order"]) is None, "a command is not a noun"


def test_words_that_name_nothing_give_nothing() -> None:
    assert node(["nope"]) is None
    assert node(["runs", "nope"]) is None
    assert node(["runs", "list", "more"]) is None


def test_the_walk_meets_every_node_once_parents_first() -> None:
    words = [one.words for one in EVERY]
    assert len(words) == len(set(words)) > 50
    assert words[0] == ()
    for place, path in enumerate(words[1:], 1):
        assert path[:-1] in words[:place]
    for one in EVERY:
        assert [(*one.words, child) in words for child in one.children] == [True] * len(
            one.children
        )


def test_a_node_goes_into_json_and_back() -> None:
    for one in EVERY:
        assert msgspec.json.decode(msgspec.json.encode(one), type=Node) == one


def test_the_tree_loads_nothing_heavy() -> None:
    code = (
        "import sys; from app.cli.tree import walk; list(walk()); "
        "print(*{'numpy', 'pandas', 'sqlalchemy', 'pyarrow', 'prompt_toolkit'}"
        ".intersection(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == []
