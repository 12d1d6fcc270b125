"""The bench of reports, at a toy size."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks.report import report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_a_report_is_timed_from_its_writing_to_its_frames(
    browser: "Browser", tmp_path: Path
) -> None:
    figures = report(tmp_path, 5_000, 1).figures
    assert (figures["bars"], figures["trades"] > 50) == (5_000, True)
    assert 0 < figures["megabytes"] < 1
    for name in ("write_seconds", "first_paint_ms", "ready_ms", "frame_ms"):
        assert 0 < figures[name] < 20_000, name
