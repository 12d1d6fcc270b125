"""A live run that is killed at random moments loses no order and doubles none."""

from pathlib import Path

import pytest

from tests.faults.grounds import GROUNDS
from tests.faults.killing import killed_run, percentile

BUSY_READY_SECONDS = 10.0  # twice what is promised: these machines are shared


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("seed", "venue"), [(1, "practice"), (2, "practice"), (3, "practice"), (1, "binance")]
)
def test_nothing_is_lost_or_doubled_by_five_kills(seed: int, venue: str, tmp_path: Path) -> None:
    killed = killed_run(tmp_path, seed, 5, GROUNDS[venue])
    assert killed.audit.executions > 30, "a run in which little happens proves little"
    assert percentile(killed.ready_seconds, 0.99) < BUSY_READY_SECONDS
