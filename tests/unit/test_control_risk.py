"""What a client may ask of a session's trading state; a replay trades for no account."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.core.errors import AppError, NotFoundError, StateError, UsageError
from app.core.messages import Command
from app.core.trading_state import HALTED, RiskPast, RiskStatus, Trip
from app.managers.system_manager.control.peer import COMMANDS
from app.managers.system_manager.steering import risk as control_risk
from app.managers.system_manager.steering.risk import RiskCommands

STATUS = RiskStatus(HALTED, (Trip("daily_loss", HALTED, "so much", 5),), (), (), RiskPast())


@pytest.fixture
def asked() -> list[Command]:
    return []


@pytest.fixture
def commands(asked: list[Command], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(control_risk, "risk_status", lambda run, seconds: STATUS)
    session: Any = SimpleNamespace(run_id="one", run=None, ask_risk=asked.append)
    return RiskCommands(session).commands()


def test_each_is_known_to_the_socket(commands: Any) -> None:
    assert set(commands) <= set(COMMANDS)


def test_what_is_asked_becomes_an_input(commands: Any, asked: list[Command]) -> None:
    text = commands["risk_halt"]('{"state": "reducing", "reason": "news"}')
    assert text == "Run one: the account is reducing and takes exits only."
    commands["risk_halt"]('{"state": "halted", "reason": "news"}')
    told = commands["risk_resume"]('{"reason": "seen"}')
    assert told == "Run one: daily_loss cleared; the account is active."
    assert [(one.name, one.value) for one in asked] == [
        ("risk reduce", "news"),
        ("risk halt", "news"),
        ("risk resume", '{"reason":"seen","name":""}'),
    ]


@pytest.mark.parametrize(
    ("command", "value", "error", "what"),
    [
        ("risk_halt", "{", UsageError, "cannot be read"),
        ("risk_halt", '{"state": "gone", "reason": "x"}', UsageError, "not to 'gone'"),
        ("risk_halt", '{"state": "halted", "reason": " "}', UsageError, "give one"),
        ("risk_resume", '{"reason": ""}', UsageError, "give one"),
        ("risk_resume", '{"reason": "x", "name": "dayly_loss"}', NotFoundError, "'daily_loss'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    commands: Any, asked: list[Command], command: str, value: str, error: type[AppError], what: str
) -> None:
    with pytest.raises(error, match=what):
        commands[command](value)
    assert asked == []


def test_a_run_without_a_trading_state_shows_none(
    commands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_risk, "risk_status", lambda run, seconds: None)
    with pytest.raises(StateError, match="no trading state to show"):
        commands["risk_status"]("")


def test_who_asks_while_a_hook_hangs_waits_no_longer_than_was_waited_already(
    commands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, waited = [None, None, STATUS, STATUS], []

    def status(run: None, seconds: float) -> RiskStatus | None:
        waited.append(seconds)
        return told[len(waited) - 1]

    monkeypatch.setattr(control_risk, "risk_status", status)
    for _ in range(2):
        with pytest.raises(StateError, match="a hook of it hangs"):
            commands["risk_status"]("")
    for _ in range(2):
        commands["risk_status"]("")
    assert waited == [2.0, 0.05, 0.05, 2.0]
