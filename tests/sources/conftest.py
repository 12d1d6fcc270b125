"""Asserts in the cases tell both sides, as those of a test do."""

import pytest

pytest.register_assert_rewrite("tests.sources.bench", "tests.sources.cases")
