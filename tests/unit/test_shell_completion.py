"""What can follow what is typed."""

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.cli.shell.completion import KINDS, MOST, Offer, completions, place
from app.cli.shell.lines import statements
from app.cli.tree import Node, node, walk

OFFERS = {
    "symbol": [Offer("SYN1", "XNYS"), Offer("SYN2"), Offer("AAPL")],
    "run": [Offer("last"), Offer("20241101-first", "first"), Offer("20241102-second")],
    "running": [Offer("20241102-second")],
    "config": [Offer("my config.json"), Offer("sub/", goes_on=True), Offer("my dir/", "", True)],
    "file": [Offer("morning.txt")],
    "event level": [Offer("on"), Offer("off")],
    "market": [Offer("XNYS"), Offer("24/7")],
    "strategy": [Offer("SmaCross")],
    "parameter": [Offer("fast=", goes_on=True)],
}


class Fixed:
    """Sources that know the same each time, and what they were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def offers(self, kind: str, part: str, given: Mapping[str, str]) -> Iterable[Offer]:
        self.asked.append((kind, part, dict(given)))
        return OFFERS.get(kind, [])

    def words(self) -> Mapping[str, str]:
        return {
            "help": "help [COMMAND]",
            "events": "events [on|off]: which are shown",
            "alias": "",
            "unalias": "",
        }

    def aliases(self) -> Mapping[str, str]:
        return {"ps": "system status", "w": "version; why", "loop": "loop", "odd": "'"}


def offered(text: str, sources: Fixed | None = None) -> list[str]:
    """What the line would be after each completion."""
    found = completions(text, node, sources or Fixed())
    return [text[: one.start] + one.text for one in found]


def shown(text: str) -> list[str]:
    return [one.shown for one in completions(text, node, Fixed())]


def test_an_empty_line_is_offered_commands_the_shell_s_words_and_aliases() -> None:
    words = shown("")
    assert {"system", "data", "verify", "help", "events", "ps"} <= {*words}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("sys", ["system "]),
        ("SYS", ["system "]),
        ("data instr", ["data instruments "]),
        ("data instrument li", ["data instrument list "]),
        ("version; verif", ["version; verify "]),
        ("data show syn", ["data show SYN1 ", "data show SYN2 "]),
        ("data show S1", ["data show SYN1 "]),
        ("data show SYN1 --mark", ["data show SYN1 --market "]),
        ("data show SYN1 --market 24", ["data show SYN1 --market 24/7 "]),
        ("data show SYN1 --market=X", ["data show SYN1 --market=XNYS "]),
        ("verify second", ["verify 20241102-second "]),
        ("system stop ", ["system stop 20241102-second "]),
        ("ps --j", ["ps --json "]),
        ("w 1 --run la", ["w 1 --run last "]),
        ("system start my", ['system start "my config.json" ', 'system start "my dir/']),
        ("system start 'my c", ["system start 'my config.json' "]),
        ("system start su", ["system start sub/"]),
        ("practice start --symbols SYN1,A", ["practice start --symbols SYN1,AAPL"]),
        ("events o", ["events on ", "events off "]),
        ("help da", ["help data "]),
        ("help data instruments s", ["help data instruments set "]),
        ("unalias p", ["unalias ps "]),
        ("@mor", ["@morning.txt "]),
        ("nonsense ", []),
        ("runs nonsense ", []),
        ("version more", []),
        ("odd ", []),
        ("loop ", []),
        ("data show # SYN", []),
    ],
)
def test_what_is_typed_is_completed(text: str, lines: list[str]) -> None:
    got = offered(text)
    assert got[: len(lines)] == lines
    if len(lines) < 2:
        assert [one for one in got if "--" not in one or "--" in text] == lines


def test_options_are_offered_once_and_the_needed_ones_first() -> None:
    assert "--json" not in shown("data show SYN1 --json --")
    assert "--json" in shown("data show SYN1 --")
    assert shown("why 1 --")[0] == "--run"
    assert "--column" in shown("data import-csv f.csv --column close=Last --")


def test_options_wait_until_what_is_needed_is_there() -> None:
    assert not [one for one in shown("data show ") if one.startswith("--")]
    assert "--market" in shown("data show SYN1 ")


def test_a_source_is_told_what_is_given_already() -> None:
    sources = Fixed()
    offered("data show --market XTKS ", sources)
    assert sources.asked[-1][0] == "symbol"
    assert sources.asked[-1][2]["--market"] == "XTKS"
    offered("why --run 2024 ", sources)
    assert sources.asked[-1] == ("order", "", {"--run": "2024", "RUN": "2024"})


def test_a_value_that_has_a_default_shows_it() -> None:
    (found,) = completions("data show SYN1 --count ", node, Fixed())
    assert (found.shown, found.about) == ("20", "unless given")


def test_a_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OFFERS, "symbol", [Offer(f"S{n}") for n in range(3 * MOST)])
    assert len(offered("data show ")) == MOST


def test_where_nothing_is_known_it_is_told_what_the_word_is_to_be() -> None:
    first, *options = completions("why-not SYN1 ", node, Fixed())
    assert (first.text, first.shown) == ("", "TIME")
    assert "zone" in first.about
    assert "--run" in [one.shown for one in options]
    assert offered("why-not SYN1 10") == []


EVERY = list(walk())
COMMANDS = [one for one in EVERY if one.words and not one.children]
TOKENS = ["--json", "--market", "SYN1", "x y", "--", "-h", "=", "'", '"', "\\", ";", "#", "@", "~"]
LINES = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from([*TOKENS, *sorted({word for one in EVERY for word in one.words})]),
        max_size=5,
    ).map(" ".join),
)


@given(LINES)
@example("data show --market=")
@example("help ; help x")
def test_no_text_whatever_raises(text: str) -> None:
    for size in range(len(text) + 1):
        for found in completions(text[:size], node, Fixed()):
            assert 0 <= found.start <= size


def path_of(words: Sequence[str]) -> tuple[str, ...] | None:
    at = place(words, node, Fixed().aliases())
    return None if at is None else at.node.words


@st.composite
def begun_lines(draw: st.DrawFn) -> tuple[Node, str]:
    """A command with some of its options and arguments, and a word begun."""
    command = draw(st.sampled_from(COMMANDS))
    words = list(command.words)
    for option in draw(st.lists(st.sampled_from(command.options or (None,)), max_size=3)):
        if option is not None:
            words += [option.names[0], *([] if option.is_flag else ["'a b'"])]
    words += ["x"] * draw(st.integers(0, len(command.arguments)))
    begun = draw(st.sampled_from(["", "-", "--", "--j", "s", "S", "'m", '"m', "2"]))
    return command, f"{' '.join(words)} {begun}"


@given(begun_lines())
def test_every_completion_gives_a_line_of_the_same_command(case: tuple[Node, str]) -> None:
    command, text = case
    for line in offered(text):
        closed = line + ("'" if line.count("'") % 2 else "") + ('"' if line.count('"') % 2 else "")
        (statement,) = statements(closed)
        assert path_of(statement.words) == command.words


def test_every_command_can_be_typed_by_completing_each_of_its_words() -> None:
    for one in EVERY:
        line = ""
        for word in one.words:
            line = next(found for found in offered(line + word) if found == f"{line}{word} ")
        assert path_of(line.split()) == one.words


FREE = (
    *("BARS", "COMMAND", "COUNT", "CURRENCY", "DATE", "DAYS", "LINES", "MONEY", "NAME", "NAMES"),
    *(
        "NUMBER",
        "PATTERN",
        "PORT",
        "PRICE",
        "QUANTITY",
        "RATE",
        "RATES",
        "SECONDS",
        "SHARE",
        "SIZE",
    ),
    *("TEXT", "TIME", "URL", "YEAR"),
)


def test_every_metavar_that_is_no_free_text_has_a_kind() -> None:
    unknown = {
        (*one.words, parameter.metavar)
        for one in EVERY
        for parameter in (*one.arguments, *one.options)
        if not (parameter.is_flag or parameter.choices or parameter.kind == "file")
        and parameter.metavar.removesuffix("...") not in (*FREE, *KINDS)
    }
    assert not unknown, "Give it a metavar of KINDS in completion.py, or one that says what it is"
