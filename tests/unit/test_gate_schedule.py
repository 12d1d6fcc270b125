"""Some random schedules of faults and crashes; the many are in the integration tests."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gate_schedule import play_schedule


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(10_000, 99_999))
def test_a_random_schedule_doubles_loses_and_lets_out_nothing(seed: int) -> None:
    play_schedule(seed)
