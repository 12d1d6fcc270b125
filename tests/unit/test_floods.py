"""Too much of a strategy: it fails alone for its flood, and the others go on."""

from typing import Any

import pytest
from tests.unit.test_live_conduct import HOLDS, buy, held, live, states

from app.core.errors import StrategyError
from app.core.orders import FILLED
from app.managers.execution_manager.limits import order_checks
from app.threads.hooks import floods, order_news


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods, "MOST_PROPOSALS", 20)
    monkeypatch.setattr(order_news, "MOST_REFUSED", 5)


def orders(count: int, **terms: Any) -> Any:
    """Proposes so many."""
    return lambda self: [self.order("AAA", 1, **terms) for _ in range(count)]


def test_as_much_as_a_hook_may_propose_is_taken_and_one_more_is_not() -> None:
    outcome, _ = live({"09:33 AAA": orders(20)}, {})
    assert held(outcome) > 0
    told = "it proposed 21 orders, changes or timers at once, and 20 are the most"
    with pytest.raises(StrategyError, match=f"failed in on_bar at 2024-06-03 09:33:00: {told}"):
        live({"09:33 AAA": orders(21)}, {})


@pytest.mark.parametrize("moment", ["09:33 AAA", "09:30 open"])
def test_of_two_strategies_the_one_that_floods_stops_alone(moment: str) -> None:
    outcome, alarms = live({moment: orders(21), "09:35 AAA": buy}, {}, {"09:36 AAA": buy})
    assert [what for what, _ in alarms] == ["strategy Scripted stopped"]
    assert "it proposed 21 orders" in alarms[0][1]
    assert states(outcome) == [(1, FILLED)], "the flood has left no number out"
    assert (outcome.reason, held(outcome)) == ("finished", 10)


def test_the_one_that_is_refused_too_often_stops_alone() -> None:
    refused = {f"09:3{minute} AAA": orders(2) for minute in range(3, 8)}
    first = {when: (lambda self: [self.order("AAA", 0.5) for _ in range(2)]) for when in refused}
    outcome, alarms = live(first, {}, {"09:36 AAA": buy})
    assert len(alarms) == 1
    assert (
        "5 of its orders and amendments were refused in this session, the last for"
        in (alarms[0][1])
    )
    assert len(states(outcome)) == 7  # six that were refused, two at a time, and the other's
    assert held(outcome) == 10


def test_where_too_many_orders_work_what_closes_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_checks, "MOST_WORKING", 4)
    steps = {
        **HOLDS,
        "09:33 AAA": orders(6, limit=1),
        "09:34 AAA": lambda self: self.order("AAA", -100),
    }
    outcome, _ = live(steps, {})
    reasons = [str(order[7]) for order in outcome.orders]
    crowded = "too_many_orders: 4 work already, and no run has more"
    assert reasons.count(crowded) == 2
    assert held(outcome) == 0
