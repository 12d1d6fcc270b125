"""The docs show what the shell shows: each screen is taken anew, and compared."""

import pytest
from tests.shell_screens import FOLDER, PAGES, marked, screens

pytestmark = pytest.mark.shell


def test_the_screens_of_the_docs_are_those_of_the_shell() -> None:
    """`make screens` takes them anew where they may differ."""
    found = screens()
    assert {path.stem for path in FOLDER.glob("*.txt")} == {*found}
    for name, text in found.items():
        assert text == (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), name
    for page in PAGES:
        shown = page.read_text(encoding="utf-8")
        assert marked(shown, found) == shown, page
