"""A thousand random schedules of faults and crashes between the gate's book and a venue."""

from collections import Counter

import pytest
from tests.gate_schedule import play_schedule
from tests.gate_venue import FAULTS

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]  # it computes, beside others that do

SCHEDULES = 1000


def test_no_schedule_of_faults_doubles_loses_or_lets_out_an_order() -> None:
    fired: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        try:
            fired.update(play_schedule(seed).fired)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert all(fired[fault] >= 20 for fault in (*FAULTS, "crash")), fired
