"""The latch: from then on an order passes only when it reduces what its strategy holds."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.execution_house import Row, manager_of, submit

from app.core.halts import ALL_SYMBOLS, COMMAND
from app.core.money import UNITS
from app.core.orders import ACCEPTED, LIMIT, REJECTED, STOP, Terms
from app.managers.execution_manager.execution_manager import ExecutionManager

REASON = "no_entries: news; only what reduces a position passes"
AMOUNTS = st.integers(-300, 300).filter(bool)


def latched(held: int) -> ExecutionManager:
    """Strategy one holds so much of X, and the latch is on."""
    execution = manager_of([Row(0, 10, 100.0), Row(0, 20, 100.0), Row(0, 30, 100.0)])
    if held:
        submit(execution, 0, 0, held * UNITS, 10)
        execution.match(20)
    assert execution.positions[0][0].units == held * UNITS
    execution.close_entries(ALL_SYMBOLS, "news", COMMAND)
    return execution


@given(st.integers(-300, 300), st.lists(AMOUNTS, min_size=1, max_size=6))
def test_no_order_after_it_opens_or_increases_and_what_of_one_reduces_passes(
    held: int, orders: list[int]
) -> None:
    execution, aim = latched(held), held
    for units in orders:
        order = submit(execution, 0, 0, units * UNITS, 20)
        out = (max if units < 0 else min)(units, -aim) if aim * units < 0 else 0
        assert order.state == (ACCEPTED if out else REJECTED)
        assert order.units == (out or units) * UNITS
        aim += out
        if out not in (0, units):
            assert order.reason == f"cut from {abs(units)}: {REASON}"
        elif not out:
            assert order.reason == REASON
    execution.match(30)
    assert abs(execution.positions[0][0].units) <= abs(held) * UNITS
    assert execution.positions[0][0].units * held >= 0


def test_another_strategy_s_position_lets_nobody_open() -> None:
    execution = latched(100)
    assert submit(execution, 1, 0, -50 * UNITS, 20).state == REJECTED


def test_a_protective_stop_passes_and_an_amendment_that_would_turn_the_position_does_not() -> None:
    execution = latched(100)
    stop = submit(execution, 0, 0, -100 * UNITS, 20, kind=STOP, stop=90.0)
    assert stop.state == ACCEPTED
    assert not execution.amend(stop, Terms(-150 * UNITS, None, 90.0, None, None), 20)
    assert stop.reason == REASON


def test_two_exits_that_end_each_other_pass_and_two_that_do_not_are_one_too_many() -> None:
    execution = latched(100)
    linked = {"kind": STOP, "stop": 90.0, "group": 1}
    pair = [submit(execution, 0, 0, -100 * UNITS, 20, **linked) for _ in range(2)]
    assert [order.state for order in pair] == [ACCEPTED, ACCEPTED]
    execution = latched(100)
    alone = {"kind": STOP, "stop": 90.0}
    pair = [submit(execution, 0, 0, -100 * UNITS, 20, **alone) for _ in range(2)]
    assert [order.state for order in pair] == [ACCEPTED, REJECTED]


def test_a_working_entry_may_not_grow_and_may_shrink() -> None:
    execution = latched(0)
    execution.close_entries(ALL_SYMBOLS, "", COMMAND)
    entry = submit(execution, 0, 0, 100 * UNITS, 20, kind=LIMIT, limit=50.0, aimed=False)
    assert entry.state == ACCEPTED
    execution.close_entries(ALL_SYMBOLS, "news", COMMAND)
    assert not execution.amend(entry, Terms(150 * UNITS, 50.0, None, None, None), 20)
    assert entry.reason == REASON
    assert execution.amend(entry, Terms(50 * UNITS, 50.0, None, None, None), 20)
