"""What is known at an instant, before anything has been shown."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.calendar import TradingSession
from app.core.intervals import MINUTE_NS
from app.threads.views.outlook import Outlook


def test_what_is_held_before_the_first_session_has_no_price_and_is_no_error() -> None:
    plan: Any = SimpleNamespace(symbols=("SYN1",), base_interval="1m")
    cursor: Any = SimpleNamespace(span=-1, now_ns=1)
    execution: Any = SimpleNamespace(diary=SimpleNamespace(actions=()))
    curve: Any = SimpleNamespace(marks=[0.0])
    assert Outlook(plan, cursor, execution, curve).mark(0) == 0


@pytest.mark.parametrize(
    ("close", "breaks", "last_start"),
    [
        (60, (), 55),
        (58, (), 55),  # the last bar is short
        (60, ((30, 40),), 55),
        (60, ((30, 60),), 25),  # a half day that ends with its break
        (60, ((30, 65),), 25),
        (3, (), 0),
        (0, (), 0),  # and one without any trading
        (60, ((0, 60),), 60),
    ],
)
def test_the_last_bar_is_found_whatever_hours_a_calendar_has(
    close: int, breaks: tuple[tuple[int, int], ...], last_start: int
) -> None:
    open_ns = 1_000 * MINUTE_NS

    def at(minute: int) -> int:
        return open_ns + minute * MINUTE_NS

    pairs = tuple((at(start), at(end)) for start, end in breaks)
    session = TradingSession("TEST", dt.date(2024, 11, 29), open_ns, at(close), pairs)
    plan: Any = SimpleNamespace(symbols=("SYN1",), base_interval="5m", extended_hours=False)
    nothing: Any = SimpleNamespace()
    outlook = Outlook(plan, SimpleNamespace(span=0), nothing, nothing)  # type: ignore[arg-type]
    outlook.parts = (SimpleNamespace(session=session),)  # type: ignore[assignment]
    assert outlook.last_start_ns() == at(last_start)
