"""Limits that cannot be meant as they stand are told of; those that can are not."""

from pathlib import Path
from typing import Any

import pytest

from app.core.config import SessionConfig
from app.managers.system_manager.needs.idle_limits import idle_limits
from app.managers.time_manager import TimeManager

FIRST, LAST = "no_entries_first_minutes", "no_entries_last_minutes"
FLAT = "flat_before_close_minutes"
GROUPS = {"all": ["AAA"]}


def told(folder: Path, end: str = "2024-11-29", **parts: Any) -> tuple[str, ...]:
    """Of the half day after Thanksgiving, and of later sessions up to `end`."""
    base = {
        "name": "n", "symbols": ["AAA", "BBB"], "strategies": [{"use": "s.py"}],
        "replay": {"start": "2024-11-29", "end": end},
    }  # fmt: skip
    config = SessionConfig.model_validate({**base, **parts})
    assert config.replay is not None
    times = TimeManager(folder, "XNYS")
    sessions = times.sessions_between(config.replay.start, config.replay.end)
    return idle_limits(config, sessions)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"risk": {"groups": GROUPS}}, "risk.groups: nothing limits them"),
        ({"risk": {"restricted": ["BBB", "AAA"]}}, "risk.restricted: it has every symbol"),
        ({"risk": {FIRST: 210}}, f"risk.{FIRST}: 210: no minute is left for entries"),
        ({"risk": {FIRST: 110, LAST: 100}}, f"risk.{FIRST}: 110, risk.{LAST}: 100: no minute"),
        ({"risk": {FIRST: 3}, "protection": {FLAT: 207}}, f"protection.{FLAT}: 207: no minute"),
    ],
)
def test_limits_that_let_nothing_in_or_limit_nothing_are_told_of(
    tmp_path: Path, parts: dict[str, Any], words: str
) -> None:
    (only,) = told(tmp_path, **parts)
    assert words in only


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"risk": {"groups": GROUPS, "max_group_percent": 20}},
        {"risk": {"groups": GROUPS, "strategies": {"s": {"max_group_percent": 20}}}},
        {"risk": {"restricted": ["AAA"]}},
        {"risk": {FIRST: 110, LAST: 99}},
        {"risk": {LAST: 110}, "protection": {FLAT: 110}},  # they are the same minutes
        {"risk": {FIRST: 210}, "extended_hours": True},
        {"risk": {FIRST: 210}, "end": "2024-12-02"},  # a whole day is among its sessions
    ],
)
def test_limits_that_leave_something_are_not(tmp_path: Path, parts: dict[str, Any]) -> None:
    assert told(tmp_path, **parts) == ()
