"""What a terminal of ASCII gets: the nearest characters, as many columns, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.terminal.ascii_terminal import is_ascii, near_ascii


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"LANG": ""}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "en_US.utf8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "C", "LC_ALL": "en_US.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # what Python makes of LANG=C
        ({"LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, False),
        ({"LC_CTYPE": "C.UTF-8"}, False),
    ],
)
def test_the_locale_tells_what_a_terminal_shows(
    environment: dict[str, str], expected: bool
) -> None:
    assert is_ascii(environment) is expected


def test_a_table_keeps_its_form() -> None:
    assert near_ascii("┌─┬─┐\n│a│é│\n└─┴─┘ 1 – 2… →") == "+-+-+\n|a|e|\n+-+-+ 1 - 2. >"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_as_many_characters_come_out_all_of_them_ascii(text: str) -> None:
    found = near_ascii(text)
    assert found.isascii()
    assert len(found) == len(text)
