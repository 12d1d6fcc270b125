"""A live run that dies at any named point goes on, and nothing is lost or doubled."""

from pathlib import Path

import pytest

from tests.faults.crashing import PHASES


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.timeout(300)
def test_a_process_that_dies_there_leaves_nothing_lost_or_doubled(
    phase: str, at: int, tmp_path: Path
) -> None:
    _, crash = PHASES[phase]
    found = crash(tmp_path, at)
    assert found.executions > 10, "a run in which little happens proves little"
