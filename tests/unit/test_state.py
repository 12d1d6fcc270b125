"""The states of the system: which moves are legal, and how waiting for one behaves."""

import threading
import time
from itertools import product

import pytest

from app.core.errors import StateError
from app.core.state import TRANSITIONS, StateMachine, SystemState

S = SystemState
RUN = [S.STARTING, S.RUNNING, S.PAUSED, S.RUNNING, S.STOPPING, S.STOPPED]


@pytest.mark.parametrize(("old", "new"), [*product(SystemState, SystemState)])
def test_only_the_moves_of_the_table_are_made(old: SystemState, new: SystemState) -> None:
    machine = StateMachine(old)
    if new in TRANSITIONS[old]:
        machine.to(new)
        assert machine.state is new
    else:
        with pytest.raises(StateError):
            machine.to(new)
        assert machine.state is old


def test_a_whole_run_with_a_pause_is_legal_and_repeatable() -> None:
    machine = StateMachine()
    for state in RUN * 2:
        machine.to(state)
    assert machine.state is S.STOPPED


def test_every_state_can_be_entered_and_left_and_errors_are_stopped_in_order() -> None:
    assert set(TRANSITIONS) == set(SystemState)
    assert set().union(*TRANSITIONS.values()) == set(SystemState)
    assert all(TRANSITIONS.values())
    assert TRANSITIONS[S.ERROR] == {S.STOPPING}


def test_a_refusal_names_both_states_and_what_is_allowed() -> None:
    with pytest.raises(StateError, match="STOPPED and cannot become PAUSED; allowed now: STARTING"):
        StateMachine().to(S.PAUSED)


def test_waiting_for_a_state_ends_when_another_thread_reaches_it() -> None:
    machine = StateMachine()
    mover = threading.Timer(0.02, machine.to, [S.STARTING])
    mover.start()
    assert machine.wait_for(S.STARTING, S.ERROR, timeout_seconds=5)
    mover.join()


def test_waiting_in_vain_ends_with_the_time() -> None:
    assert not StateMachine().wait_for(S.RUNNING, timeout_seconds=0.01)
    assert StateMachine().wait_for(S.STOPPED, timeout_seconds=0)


def test_a_state_that_was_left_before_the_waiter_woke_counts() -> None:
    machine, seen = StateMachine(), []
    waiter = threading.Thread(
        target=lambda: seen.append(machine.wait_for(S.RUNNING, timeout_seconds=5))
    )
    waiter.start()
    time.sleep(0.02)
    for state in RUN:
        machine.to(state)
    waiter.join()
    assert seen == [True]
    assert not machine.wait_for(S.RUNNING, timeout_seconds=0.01)  # an earlier run is not this one


def test_of_many_threads_that_try_the_same_move_one_makes_it() -> None:
    machine, made, start = StateMachine(), [], threading.Barrier(8)

    def move() -> None:
        start.wait()
        try:
            machine.to(S.STARTING)
        except StateError:
            return
        made.append(1)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
