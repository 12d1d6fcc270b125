"""Where two of the things that keep risk small meet: trading state, protection, limits, orders."""

from typing import Any

import pytest
from tests.market import Outcome
from tests.unit.scripted import Steps, run_script


def ended(outcome: Outcome) -> dict[object, tuple[object, object]]:
    """By order, how it ended and why."""
    return {order[0]: (order[5], order[7]) for order in outcome.orders}


@pytest.mark.parametrize("state", ("reducing", "halted"))
@pytest.mark.parametrize("rows", (1, 8192))
def test_an_exit_that_would_open_by_now_is_called_off(state: str, rows: int) -> None:
    """Two were to close what is held: the one that is left would turn it over."""
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:32 AAA": lambda s: [
            s.order("AAA", -100, limit=15),
            s.order("AAA", -100, reduce_only=True),
            s.order("AAA", 1000),  # refused: the account's state changes
        ],
    }
    breakers = {"rejects_per_minute": {"at": 1, "then": state}}
    risk: dict[str, Any] = {"max_order_quantity": 500, "breakers": breakers}
    _, outcome = run_script(steps, symbols=("AAA",), minutes=9, block_rows=rows, risk=risk)
    assert sum(fill[3] for fill in outcome.fills) == 0
    state_of, why = ended(outcome)[2]
    assert state_of == "CANCELED"
    assert str(why).startswith(f"the account is {state}, rejects_per_minute: ")
