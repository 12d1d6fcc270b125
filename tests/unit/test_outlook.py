"""What is known at an instant, before anything has been shown."""

from types import SimpleNamespace
from typing import Any

from app.threads.views.outlook import Outlook


def test_what_is_held_before_the_first_session_has_no_price_and_is_no_error() -> None:
    plan: Any = SimpleNamespace(symbols=("SYN1",), base_interval="1m")
    cursor: Any = SimpleNamespace(span=-1, now_ns=1)
    execution: Any = SimpleNamespace(diary=SimpleNamespace(actions=()))
    curve: Any = SimpleNamespace(marks=[0.0])
    assert Outlook(plan, cursor, execution, curve).mark(0) == 0
