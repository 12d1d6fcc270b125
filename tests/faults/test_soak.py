"""Two minutes of live trading on real threads leave memory, threads and open files as they were."""

from pathlib import Path

import pytest

from tests.faults.soaking import MOST_GROWTH, soak

SECONDS = 120.0


@pytest.mark.timeout(400)
def test_a_run_that_goes_on_needs_no_more_memory_threads_or_files(tmp_path: Path) -> None:
    found = soak(tmp_path, SECONDS)
    assert found.audit.executions > 100
    assert found.growth < MOST_GROWTH
    # One more is a thread that a library starts when first used, or a connection under way.
    assert found.threads[1] <= found.threads[0] + 1
    assert found.files[1] <= found.files[0] + 1
