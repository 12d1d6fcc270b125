"""What a kill means, and that the gate and the simulated broker mean the same by it."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.execution_house import Row, manager_of, open_session, submit

from app.core.money import UNITS
from app.core.orders import CANCEL_PENDING, CANCELED, LIMIT, REJECTED, STOP, Order
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.execution_state import execution_state, restore_execution
from app.managers.execution_manager.gate.calls import Output
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.orders.kill import (
    FLATTEN,
    FREEZE,
    KILL_MODES,
    KillLatch,
    Standing,
    closable_units,
    kill_of,
    kill_value,
)
from app.managers.execution_manager.sim.fill_rules import FillRules
from app.managers.execution_manager.sim_stop import is_done, kill, look

MODES = st.sampled_from(KILL_MODES)
KILLED = "killed (flatten): smoke"


@pytest.mark.parametrize(
    ("mode", "opens", "stands"),
    [("", True, False), ("", False, False), (FREEZE, True, True), (FREEZE, False, False),
     (FLATTEN, True, True), (FLATTEN, False, True)],
)  # fmt: skip
def test_a_freeze_stands_against_what_opens_and_a_flatten_against_all(
    mode: str, opens: bool, stands: bool
) -> None:
    latch = KillLatch(mode, "smoke")
    assert latch.stands_against(opens) == stands
    assert latch.against(opens) == (f"killed ({mode}): smoke" if stands else "")


def test_a_way_to_kill_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="'drown' is no way to kill; use one of freeze, flatten"):
        KillLatch().fall("drown", "")


@given(st.lists(MODES, max_size=5), st.booleans())
def test_the_gate_s_latch_falls_and_stands_as_the_simulated_one(
    modes: list[str], opens: bool
) -> None:
    output = Output()
    gate, ours = Latch(output), KillLatch()
    for number, mode in enumerate(modes):
        assert gate.kill(mode, str(number)) == ours.fall(mode, str(number))
        assert (gate.killed, gate.reason) == (ours.mode, ours.reason)
        assert gate.against(0, opens) == ours.against(opens)
        assert gate.takes_back(opens) == ours.stands_against(opens)
    assert ours.mode == (FLATTEN if FLATTEN in modes else modes[0] if modes else "")
    assert len(output.alarms) == len(set(modes[: modes.index(FLATTEN) + 1] if ours.mode == FLATTEN
                                         else modes))  # fmt: skip


@given(st.integers(-9, 9), st.lists(st.integers(-9, 9), max_size=4))
def test_what_is_closed_with_all_that_rests_never_turns_a_position(
    held: int, resting: list[int]
) -> None:
    units = closable_units(held, resting)
    assert 0 <= units * (1 if held > 0 else -1) <= abs(held)
    against = sum(abs(rest) for rest in resting if rest * held < 0)
    assert abs(units) == max(abs(held) - against, 0)


@given(MODES, st.text(max_size=20))
def test_mode_and_reason_travel_in_one_value(mode: str, reason: str) -> None:
    assert kill_of(kill_value(mode, reason)) == (mode, reason)


def holding(rules: FillRules | None = None) -> tuple[ExecutionManager, Order, Order]:
    """100 of X are held; a stop protects them, and a limit order would buy more."""
    execution = manager_of([Row(0, start, 100.0) for start in range(0, 60, 10)], rules=rules)
    submit(execution, 0, 0, 100 * UNITS, 0)
    execution.match(10)
    execution.match_close(10)
    execution.match(20)
    stop = submit(execution, 0, 0, -100 * UNITS, 20, kind=STOP, stop=90.0, reduce_only=True)
    entry = submit(execution, 0, 0, 50 * UNITS, 20, kind=LIMIT, limit=80.0)
    return execution, stop, entry


def test_a_freeze_takes_back_entries_and_keeps_what_protects() -> None:
    execution, stop, entry = holding()
    assert kill(execution, FREEZE, "smoke", "test", 20)
    assert (entry.state, entry.reason) == (CANCELED, "killed (freeze)")
    assert stop.is_working
    assert is_done(execution)
    assert not kill(execution, FREEZE, "again", "test", 20)
    assert submit(execution, 0, 0, 10 * UNITS, 20).state == REJECTED


def test_a_flatten_closes_at_the_next_open_and_refuses_all_else() -> None:
    execution, stop, entry = holding()
    assert kill(execution, FLATTEN, "smoke", "test", 20)
    assert [stop.state, entry.state] == [CANCELED, CANCELED]
    (closing,) = execution.broker.working.values()
    assert closing.units == -100 * UNITS
    assert not is_done(execution)
    exit_ = submit(execution, 0, 0, -100 * UNITS, 20)
    assert (exit_.state, exit_.reason) == (REJECTED, KILLED)
    assert not kill(execution, FREEZE, "less", "test", 20)
    assert list(execution.broker.working.values()) == [closing]
    execution.match(30)
    assert is_done(execution)
    assert execution.held_units == [0, 0]
    assert submit(execution, 0, 0, 10 * UNITS, 30).reason == KILLED


def test_a_frozen_run_can_still_be_flattened() -> None:
    execution, stop, _ = holding()
    assert kill(execution, FREEZE, "smoke", "test", 20)
    assert kill(execution, FLATTEN, "fire", "test", 20)
    assert stop.state == CANCELED
    execution.match(30)
    assert is_done(execution)


def test_a_flatten_of_a_frozen_run_is_done_when_it_is_flat_and_not_before() -> None:
    execution, _, _ = holding()
    latch = execution.entries.kill
    kill(execution, FREEZE, "smoke", "test", 20)
    assert (latch.done_ns, latch.left) == (20, Standing(1, 0, {"X": 100 * UNITS}))
    kill(execution, FLATTEN, "fire", "test", 25)
    assert latch.done_ns == 0
    execution.match(40)
    look(execution, 40)
    assert (latch.at_ns, latch.done_ns, latch.left) == (20, 40, Standing(0, 0, {}))


def test_what_a_kill_closes_does_not_fill_at_the_close_of_its_own_instant() -> None:
    execution, _, _ = holding(FillRules(None, this_close=True))
    assert execution.held_units == [100 * UNITS, 0]
    kill(execution, FLATTEN, "smoke", "test", 20)
    assert execution.match_close(20) == []
    execution.match(30)
    execution.match_close(30)
    assert execution.held_units == [0, 0]


def test_a_freeze_is_not_done_while_an_entry_can_still_fill() -> None:
    execution, _, entry = holding()
    open_session(execution, dt.date(2024, 1, 2), 15)
    kill(execution, FREEZE, "smoke", "test", 25)
    assert entry.state == CANCEL_PENDING  # a bar that began before is under way
    assert (is_done(execution), execution.entries.kill.done_ns) == (False, 0)
    execution.match(50)
    look(execution, 50)
    assert (entry.state, execution.entries.kill.done_ns) == (CANCELED, 50)


def test_what_was_killed_is_so_after_a_restart() -> None:
    execution, _, _ = holding()
    kill(execution, FLATTEN, "smoke", "test", 20)
    again = manager_of([Row(0, 20, 100.0), Row(0, 30, 100.0)])
    restore_execution(again, execution_state(execution))
    (closing,) = again.broker.working.values()
    assert again.entries.own == {closing.order_id}
    assert submit(again, 0, 0, -5 * UNITS, 20).reason == KILLED
