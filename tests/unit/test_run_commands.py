"""What people ask of a run that streams on, and how the words stand to each other."""

import datetime as dt

import pytest
from tests.unit.execution_house import Row, book_of, manager_of, open_session, submit

from app.core.errors import UsageError
from app.core.halts import HOLDINGS
from app.core.messages import Command
from app.core.money import UNITS
from app.core.orders import REJECTED
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.orders.kill import FLATTEN
from app.managers.execution_manager.sim.fill_rules import FillRules
from app.threads.stream.commands import (
    HALT,
    KEEP,
    PAUSE,
    RELEASE,
    RESUME,
    STOP,
    is_ending,
    is_halted,
    obey,
)


def told(*commands: Command) -> ExecutionManager:
    """An account after these commands."""
    execution = manager_of()
    open_session(execution, dt.date(2024, 3, 8), 1)
    for command in commands:
        obey(command, execution, lambda: None, 10)
    return execution


def refusal(execution: ExecutionManager) -> str:
    """Why an entry given now does not leave, or ""."""
    order = submit(execution, 0, 0, UNITS, 20)
    return order.reason or "" if order.state is REJECTED else ""


def test_a_paused_run_refuses_entries_until_it_is_resumed() -> None:
    assert "the run is paused" in refusal(told(Command(PAUSE)))
    assert refusal(told(Command(PAUSE), Command(RESUME))) == ""


def test_a_halt_outlives_a_pause_and_a_resumption() -> None:
    halted = told(Command(HALT, "news"), Command(PAUSE), Command(RESUME))
    assert "news" in refusal(halted)


def test_a_release_lifts_a_halt_and_what_was_held_before_and_nothing_else() -> None:
    execution = told(Command(HALT, "news"))
    execution.close_entries(0, "held there", HOLDINGS)
    execution.close_entries(0, "stale", "feed")
    assert is_halted(execution)
    obey(Command(RELEASE, "read it"), execution, lambda: None, 20)
    assert not is_halted(execution)
    assert "stale" in refusal(execution)
    execution.close_entries(0, "", "feed")
    assert refusal(execution) == ""


def test_the_end_of_a_run_is_not_lifted_neither_by_a_halt_that_comes_after_it() -> None:
    execution = told(Command(STOP, KEEP), Command(HALT, "news"))
    assert is_ending(execution)
    assert not is_halted(execution)
    obey(Command(RELEASE, "read it"), execution, lambda: None, 20)
    assert "the run is stopping" in refusal(execution)


@pytest.mark.parametrize("reason", ["killed", "the run is stopping"])
def test_a_halt_for_a_reason_that_sounds_like_the_end_is_none_and_is_lifted(reason: str) -> None:
    execution = told(Command(HALT, reason))
    assert reason in refusal(execution)
    assert not is_ending(execution)
    obey(Command(RELEASE, "read it"), execution, lambda: None, 20)
    assert refusal(execution) == ""


def test_a_command_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="knows no command 'dance'"):
        told(Command("dance"))


def test_a_run_flattened_as_a_bar_ends_closes_at_the_next_open_not_at_another_bar_s_close() -> None:
    execution = manager_of([Row(0, 10, 10.0)], rules=FillRules(this_close=True))
    open_session(execution, dt.date(2024, 3, 8), 5)
    submit(execution, 0, 0, UNITS, 5)
    execution.match(20)

    def flatten() -> None:
        submit(execution, 0, 0, -UNITS, 20)

    obey(Command(STOP, FLATTEN), execution, flatten, 20)
    execution.load(book_of([Row(1, 20, 77.0)]))  # of the other symbol
    execution.match_close(20)
    assert [order.units for order in execution.broker.working.values()] == [-UNITS]
    assert execution.held_units == [UNITS, 0]
