"""What messages say of a word that is not understood."""

import pytest

from app.core.errors import of_comma


@pytest.mark.parametrize(
    ("word", "ways"),
    [
        ("30,5", "30.5"),
        (" -0,01 ", "-0.01"),
        ("1,200", "1200 or 1.200"),
        ("0,500", "0.500"),
        ("12,345,678", "12345678"),
    ],
)
def test_a_number_with_a_comma_is_told_how_it_is_written(word: str, ways: str) -> None:
    assert of_comma(word) == f" A number here has no comma: write {ways}."


@pytest.mark.parametrize("word", ["", "30.5", "a,b", "1,", ",5", "1,2,3", "1,5e3", "1," * 99])
def test_what_is_no_such_number_is_told_nothing_of_a_comma(word: str) -> None:
    assert of_comma(word) == ""
