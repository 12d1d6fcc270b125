"""Writes the tables of sources into docs/DATA.md."""

from tests.sources.page import PAGE, written

PAGE.write_text(written(), encoding="utf-8")
