"""The commands as data."""

import json
import re
import shlex
import subprocess
import sys
from collections import defaultdict

import msgspec
import pytest
from tests.command_table import PAGE, written

from app.cli.help import RELATED, help_text, related
from app.cli.main import NOUNS, main, spelled_out
from app.cli.tree import LAUNCHER, Node, Parameter, child_names, node, nouns, summaries, walk

EVERY = list(walk())
COMMANDS = [one for one in EVERY if not one.children]
# Options that mean something of its command's own.
OWN = {
    "--market": "of one market, or of all",
    "--all": "of what, differs",
    "--mode": "of a kill, or of a run",
    "--strategy": "what a config uses, or a run's own name for it",
    "--symbols": "those looked at, or those traded",
    "--cash": "of an account, or of a venue's books",
    "--replace": "bars that are stored, or a file that is there",
    "--output": "a file, or a folder for several",
}
SUMMARY_LENGTH = 90
WORD = re.compile(r"[a-z][a-z-]*")
METAVAR = re.compile(r"[A-Z]+(=[A-Z]+)?(\|[A-Z]+)*|[a-z]+(\|[a-z]+)+")


def name_of(one: Node) -> str:
    return " ".join(one.words) or "the root"


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
    assert (run.kind, run.default, run.is_flag, run.metavar) == ("text", "last", False, "RUN")
    assert named(found.options, "--json").is_flag


def test_defaults_kinds_and_repetition_are_told() -> None:
    importing = told("data", "import-csv")
    assert named(importing.arguments, "FILE").kind == "file"
    assert named(importing.options, "--market").default == "XNYS"
    assert named(importing.options, "--column").multiple
    assert not named(importing.options, "--label").multiple
    assert named(importing.options, "--price-scale").kind == "number"
    assert named(told("runs", "list").options, "--count").kind == "integer"
    check = named(told("config", "check").arguments, "CONFIG")
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


# One grammar, for every command there is or will be


@pytest.mark.parametrize("one", EVERY, ids=name_of)
def test_every_command_says_what_it_is_for_in_a_line(one: Node) -> None:
    assert one.summary.endswith((".", "?")), one.summary
    assert one.summary[0].isupper()
    assert len(one.summary) <= SUMMARY_LENGTH
    assert "\n" not in one.summary


@pytest.mark.parametrize("one", COMMANDS, ids=name_of)
def test_every_argument_and_option_is_explained(one: Node) -> None:
    for given in (*one.arguments, *one.options):
        what = f"{name_of(one)} {given.names or given.metavar}"
        assert given.help.endswith((".", "?")), what
        assert given.is_flag or METAVAR.fullmatch(given.metavar), f"{what}: {given.metavar}"


@pytest.mark.parametrize("one", COMMANDS, ids=name_of)
def test_every_command_has_json(one: Node) -> None:
    assert named(one.options, "--json").is_flag


@pytest.mark.parametrize("one", COMMANDS, ids=name_of)
def test_every_command_has_an_example_of_itself_with_options_it_has(one: Node) -> None:
    assert one.examples
    options = {name for given in one.options for name in given.names}
    for example in one.examples:
        words = shlex.split(example)
        assert words[: len(one.words) + 1] == [LAUNCHER, *one.words], example
        assert {word for word in words if word.startswith("--")} <= options, example
        assert len(example) <= 100 - 2


@pytest.mark.parametrize("one", EVERY, ids=name_of)
def test_words_and_options_are_spelled_alike(one: Node) -> None:
    assert all(WORD.fullmatch(word) for word in one.words)
    for given in one.options:
        assert given.names[0].startswith("--"), "a letter alone says nothing"
        assert all(WORD.fullmatch(name.lstrip("-")) for name in given.names)
        assert all(len(name) == 2 or name.startswith("--") for name in given.names)


def test_an_option_is_the_same_wherever_it_is() -> None:
    forms: dict[str, dict[tuple[object, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in COMMANDS:
        for given in one.options:
            for option in given.names:
                meaning = ("", "") if option in OWN else (given.metavar, given.help)
                form = (given.kind, given.multiple, *meaning)
                forms[option][form].append(name_of(one))
    assert {option: dict(found) for option, found in forms.items() if len(found) > 1} == {}


def test_a_noun_is_called_the_same_in_its_own_module_and_in_the_list() -> None:
    for noun in nouns():
        assert summaries(())[noun] == told(noun).summary


def test_exit_codes_that_mean_something_of_their_own_are_told() -> None:
    assert dict(told("why").exit_codes) == {1: "the run decides otherwise now"}
    assert 1 in dict(told("risk", "check").exit_codes)
    assert "Exit code" not in told("verify").help


def test_the_table_in_the_documentation_is_that_of_the_commands() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(), "Write it anew: .venv/bin/python -m tests.command_table"
    assert page.count("| `") >= len(COMMANDS)


# The command help


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code = main(words)
    output = capsys.readouterr()
    assert (code, output.err) == (0, "")
    return output.out


@pytest.mark.parametrize("one", EVERY, ids=name_of)
def test_help_tells_all_that_is_known_of_a_command(one: Node) -> None:
    page = help_text(one)
    flat = " ".join(page.split())
    assert page.startswith(f"Usage: {' '.join([LAUNCHER, *one.words])} ".rstrip())
    assert one.summary in flat
    for given in (*one.arguments, *one.options):
        assert given.help in flat
        assert (given.names[0] if given.names else given.metavar) in flat
    for example in one.examples:
        assert f"\n  {example}\n" in f"{page}\n"
    for child in one.children:
        assert re.search(rf"^  {child} ", page, flags=re.MULTILINE)
    for line in page.splitlines():
        assert len(line) <= 80 or line.strip() in (*one.examples, page.splitlines()[0]), line


def test_help_shows_usage_with_what_must_be_given() -> None:
    first = help_text(told("data", "import-csv")).splitlines()[0]
    assert first == "Usage: ./start_cli.sh data import-csv FILE --symbol SYMBOL [OPTIONS]"
    assert "Usage: system stop [RUN] [OPTIONS]" in help_text(told("system", "stop"), launcher="")
    assert "\n  system stop\n" in help_text(told("system", "stop"), launcher="")


def test_help_and_the_option_help_are_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["data"], ["data", "import-csv"], ["why-not"], ["data", "actions"]):
        page = said(capsys, "help", *words)
        assert page == said(capsys, *words, "--help") == said(capsys, *words, "-h")
    assert said(capsys) == said(capsys, "help")
    assert said(capsys, "data", "action") == said(capsys, "help", "data", "actions")


def test_help_gives_the_node_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "help", "run", "list", "--json"))
    assert found.pop("related") == related(told("runs", "list"))
    assert msgspec.convert(found, Node, strict=False) == told("runs", "list")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    page = said(capsys, "help", "--all")
    for one in COMMANDS:
        assert re.search(rf"^  {name_of(one)}(  |$)", page, flags=re.MULTILINE), one.words
    listed = json.loads(said(capsys, "help", "--all", "--json"))
    assert [one["words"] for one in listed] == [[*one.words] for one in COMMANDS]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dat"], "No command 'dat': there are "),
        (["data", "improt-csv"], "Did you mean 'import-csv'?"),
        (["runs", "list", "more"], "'runs list' takes no further command: leave 'more' out."),
        (["data", "--all"], "--all lists every command: leave the words out"),
    ],
)
def test_help_on_what_is_not_there_says_what_is(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["help", *words]) == 2
    assert message in capsys.readouterr().err


def test_related_commands_are_there() -> None:
    for own, others in RELATED.items():
        assert node(own.split()) is not None, own
        assert all(node(other.split()) is not None for other in others), own
    assert related(told("why")) == ["why-not", "runs orders", "verify"]
    assert "data list" in related(told("data", "show"))
    assert all("data show" not in related(told(*words)) for words in [("data", "show")])


def test_a_noun_may_be_typed_in_the_singular() -> None:
    assert spelled_out(["run", "list", "--json"]) == ["runs", "list", "--json"]
    assert spelled_out(["data", "instrument", "set", "run"]) == [
        *("data", "instruments", "set", "run"),
    ]
    assert spelled_out(["data", "delete", "run"]) == ["data", "delete", "run"]
    assert spelled_out(["run"]) == ["runs", "--help"]
    assert spelled_out([]) == ["--help"]
    assert spelled_out(["--json", "run"]) == ["--json", "run"]
    assert child_names(["run"]) == child_names(["runs"]) != ()
