"""A day of live trading, in two minutes, leaves memory, threads and open files as they were."""

from pathlib import Path

import pytest

from tests.faults.soaking import MOST_GROWTH, soak

SECONDS = 120.0
RATE = 240.0  # a whole session, and the beginning of the next


@pytest.mark.timeout(400)
def test_a_run_that_goes_on_needs_no_more_memory_threads_or_files(tmp_path: Path) -> None:
    found = soak(tmp_path, SECONDS, RATE)
    assert found.sessions > 1
    assert found.audit.executions > 100
    assert found.growth < MOST_GROWTH
    # One more is a thread that a library starts when first used, or a connection that it keeps.
    assert found.threads[1] <= found.threads[0] + 1
    assert found.files[1] <= found.files[0] + 1
