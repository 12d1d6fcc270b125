"""Lines of the shell: what they say, and that none can do harm by how it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.shell.lines import cleaned, logical_lines, read_lines, statements
from app.core.errors import UsageError

WORDS = st.text(st.characters(exclude_categories=["C", "Zs", "Zl", "Zp"]), max_size=12)
LINES = st.text(
    st.one_of(st.sampled_from("ab ;'\"\\#@|&<>~$=-\n\t\x00\x1b\x7f\u200b"), st.characters()),
    max_size=60,
)


def words(line: str, home: str = "") -> list[tuple[str, ...]]:
    return [one.words for one in statements(line, home)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("   ", []),
        ("# all of it a comment; even this", []),
        ("runs list", [("runs", "list")]),
        ("a;b ; c;", [("a",), ("b",), ("c",)]),
        ("a ';' b", [("a", ";", "b")]),
        ('why-not SYN1 "2024-11-01 10:31"', [("why-not", "SYN1", "2024-11-01 10:31")]),
        ("a '' b", [("a", "", "b")]),
        ("a it\\'s b", [("a", "it's", "b")]),
        ('"a \\"b\\" \\n"', [('a "b" \\n',)]),
        ("a#b #c", [("a#b",)]),
        ("a b\\ c", [("a", "b c")]),
        ("--reason='late close'", [("--reason=late close",)]),
        ("a '|' \\> '&&'", [("a", "|", ">", "&&")]),
    ],
)
def test_a_line_is_split_as_a_shell_splits_it(line: str, expected: list[tuple[str, ...]]) -> None:
    assert words(line) == expected


def test_a_leading_tilde_is_the_home_folder_unless_it_is_quoted() -> None:
    assert words("a ~/b.csv ~ '~/b' x~ ~other", "/h") == [
        ("a", "/h/b.csv", "/h", "~/b", "x~", "~other")
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("risk halt --reason don't", "The quote ' in column 23 is not closed"),
        ('a "b', 'The quote " in column 3 is not closed'),
        ("a \\", "ends in a backslash"),
        ("runs list | head", "Pipes and redirection"),
        ("runs list > file", "'>' means nothing here"),
        ("runs list >file", "'>file' means nothing here"),
        ("a && b", "';' runs the next one"),
        ("a || b", "';' separates commands"),
        ("system start x.json &", "goes to the background by itself"),
        ("a \x1b[31m", "control character U+001B"),
        ("a\x00b", "Column 2 holds the control character U+0000"),
        ("a \udcff", "control character U+DCFF"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(line: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        statements(line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_each_statement_has_its_text_as_it_was_written() -> None:
    assert [one.text for one in statements(" a 'b c' ;  d # e")] == ["a 'b c'", "d"]


def test_a_line_that_ends_in_a_backslash_goes_on_in_the_next() -> None:
    assert logical_lines("a \\\n  b\nc") == [(1, "a   b"), (3, "c")]
    assert logical_lines("a\\\\\nb") == [(1, "a\\\\"), (2, "b")]


def test_text_from_anywhere_has_one_kind_of_line_end_and_of_space() -> None:
    assert cleaned("\ufeffa\u00a0b\r\nc\u200b\rd\u3000e") == "a b\nc\nd e"


def test_a_prompt_and_the_output_that_were_copied_with_a_command_are_left_out() -> None:
    pasted = "$ ./start_cli.sh system pause\nRun 2026 stands still; it's so.\n$ version"
    assert [line.text for line in read_lines(pasted)] == ["./start_cli.sh system pause", "version"]
    at_our_prompt = "system@mismartera: replay RUNNING 10:31:05 [2] > runs list\nNo runs yet."
    assert [line.text for line in read_lines(at_our_prompt)] == ["runs list"]


def test_a_script_s_lines_all_count() -> None:
    lines = read_lines("$ version\nruns list\n\n# nothing", origin="morning.txt")
    assert [(line.number, line.text) for line in lines] == [(1, "version"), (2, "runs list")]


def test_a_line_that_cannot_be_read_names_its_place() -> None:
    with pytest.raises(UsageError, match=r"^Line 2: The quote"):
        read_lines("version\nit's")
    with pytest.raises(UsageError, match=r"^morning.txt:3: The quote"):
        read_lines("version\n\nit's", origin="morning.txt")
    with pytest.raises(UsageError, match=r"^The quote"):
        read_lines("it's")


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_quoted_words_come_back_as_they_were(given_words: list[str]) -> None:
    line = " ".join(
        '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in given_words
    )
    assert words(line) == [tuple(given_words)]


@given(LINES)
def test_any_text_is_read_or_refused_in_one_printable_line(text: str) -> None:
    try:
        found = read_lines(text, "/home/x")
    except UsageError as error:
        assert str(error).isprintable()
        return
    for line in found:
        assert line.statements
        for statement in line.statements:
            assert statement.words
            assert all(char.isprintable() or char == "\t" for char in "".join(statement.words))
