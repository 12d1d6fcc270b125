"""How long a live run's end waits for what closes positions."""

from typing import Any, cast

import pytest

from app.core.intervals import interval_ns
from app.managers.execution_manager.kill import FLATTEN
from app.managers.system_manager.line_ending import LineEnding, close_seconds
from app.threads.commands import KEEP

NOTHING = cast(Any, None)


@pytest.mark.parametrize(
    ("interval", "rate", "seconds"),
    [
        ("1m", 1.0, 247.0),  # four bars, 2 s of grace, and 5
        ("1m", 60.0, 20.0),  # a venue's answer may take as long
        ("1m", 0.0, 20.0),  # its clock stands: no bar will come
        ("1h", 1.0, 300.0),  # nobody waits for hours
        ("1h", 60.0, 247.0),
    ],
)
def test_a_close_may_take_until_the_next_bar_is_over(
    interval: str, rate: float, seconds: float
) -> None:
    asked = close_seconds(interval_ns(interval), 2000, rate)
    ending = LineEnding(NOTHING, NOTHING, NOTHING, lambda: True, asked)
    assert ending.patience_seconds(FLATTEN) == seconds
    assert ending.patience_seconds(KEEP) == 20.0
