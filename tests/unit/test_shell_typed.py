"""Words of a line that is still being typed, and how one more is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.shell.lines import statements
from app.cli.shell.typed import Typed, typed, written
from app.core.errors import UsageError

LINES = st.text(alphabet="ab ;'\"\\#~/=-\t", max_size=25) | st.text(max_size=25)
WORDS = st.text(
    st.characters(exclude_categories=["C", "Zs", "Zl", "Zp"], include_characters=" "), min_size=1
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Typed((), "", 0)),
        ("data sh", Typed(("data",), "sh", 5)),
        ("data show ", Typed(("data", "show"), "", 10)),
        ("version; da", Typed((), "da", 9)),
        ("version;da", Typed((), "da", 8)),
        ("a 'my fi", Typed(("a",), "my fi", 2, "'")),
        ('a "my \\"fi', Typed(("a",), 'my "fi', 2, '"')),
        ("a 'x y' b", Typed(("a", "x y"), "b", 8)),
        ("a my\\ fi", Typed(("a",), "my fi", 2)),
        ("a x'y z'w", Typed(("a",), "xy zw", 2)),
        ("a ';'", Typed(("a",), ";", 2)),
        ("a \\", Typed(("a",), "", 2)),
        ("a #b", None),
        ("a b#c", Typed(("a",), "b#c", 2)),
    ],
)
def test_the_word_under_the_cursor_is_found(text: str, found: Typed | None) -> None:
    assert typed(text) == found


@given(LINES)
def test_it_reads_any_line_as_the_shell_will(text: str) -> None:
    now = typed(text)
    try:
        parts = statements(text)
    except UsageError:
        return
    if now is not None and text and not text[-1].isspace() and text[-1] != ";":
        assert parts[-1].words == (*now.words, now.part)


@given(WORDS, st.sampled_from(["", "'", '"']))
def test_a_written_word_is_read_as_itself(word: str, quote: str) -> None:
    text = written(word, quote)
    try:
        (statement,) = statements(f"x {text}")
    except UsageError as error:
        assert "means nothing here" in str(error)  # &&, | and the like, typed by themselves
        assert not quote
        return
    assert statement.words == ("x", word)
    assert typed(f"x {text} ") == Typed(("x", word), "", len(text) + 3)


@given(WORDS, st.sampled_from(["", "'", '"']))
def test_an_open_word_goes_on(word: str, quote: str) -> None:
    now = typed(f"x {written(word, quote, is_open=True)}")
    assert now is not None
    assert (now.words, now.part) == (("x",), word)
