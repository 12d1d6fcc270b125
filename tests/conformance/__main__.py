"""Writes the table of cases into docs/ADAPTERS.md."""

from tests.conformance.page import PAGE, written

PAGE.write_text(written(), encoding="utf-8")
