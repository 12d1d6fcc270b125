"""A live run in the foreground whose end waits for its venue: Ctrl+C once more, and again."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.recovery_house import Line
from tests.unit.test_releasing import Venue, waits

from app.core.order_events import Acknowledged
from app.managers.system_manager import run_session
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.record.run_outcome import RunEnd
from app.managers.system_manager.risk.run_risk import RunRisk
from app.managers.system_manager.run_session import RunSession


class _Closed(Exception):
    """The test has seen what it wants."""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    held = Line(tmp_path, [Acknowledged(1)])
    Venue(held)
    held.recover()
    held.means.wait_until = lambda is_done, seconds: None  # type: ignore[method-assign]
    yield held
    if not held.means._closed.is_set():
        held.line.close(RunEnd("stopped"))


def session_of(line: Line, monkeypatch: pytest.MonkeyPatch) -> RunSession:
    """One whose run has ended by a Ctrl+C that came to the thread that waits for it."""
    monkeypatch.setattr(run_session, "timings_of", lambda run, seconds: {})
    pipeline = SimpleNamespace(was_interrupted=True)
    run = SimpleNamespace(
        execute=lambda: "interrupted", pipeline=pipeline, execution=None, engine=None
    )
    clock = SimpleNamespace(monotonic_ns=lambda: 0)
    record = SimpleNamespace(local_text=str, run_id="r1", folder=None)
    risk = RunRisk("r1", line.alarms.alarm)
    session = RunSession(*cast(Any, (run, record, clock, {}, (), None)), line=line.line, risk=risk)
    session.__dict__["kill_story"] = SimpleNamespace(end=lambda: None, told=lambda: None)
    return session


@pytest.mark.parametrize("is_second", [True, False])
def test_the_second_one_hurries_an_end_that_waits(
    line: Line, monkeypatch: pytest.MonkeyPatch, is_second: bool
) -> None:
    if is_second:
        line.line.stop(line.end)  # as the first does

    def close(end: RunEnd) -> None:
        raise _Closed

    with monkeypatch.context() as patch:
        patch.setattr(line.line, "close", close)
        with pytest.raises(_Closed):
            session_of(line, monkeypatch)._execute(str)
    assert line.line.ending.is_hurried == is_second
    line.line.ending.is_hurried = True  # nobody waits for the fixture


def test_a_third_breaks_off_no_more_than_the_gate_s_own_end(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(line.line._gate, "stop", press)

    def leave(*words: object) -> None:
        raise _Closed

    monkeypatch.setattr(run_session, "figures_of", leave)  # for the record, behind the close
    line.line.ending.is_hurried = True
    with pytest.raises(_Closed):
        session_of(line, monkeypatch)._execute(lambda: "2024")
    assert line.means._closed.is_set()
    end = RunJournal(tmp_path).end()
    assert end is not None and end.ended == "interrupted"
    monkeypatch.undo()
    line.line._gate.stop()  # type: ignore[union-attr]


def test_one_stop_hurries_a_kill_that_has_told_that_it_waits(line: Line) -> None:
    waits(line)
    line.line.ending.is_hurried = False
    line.line.kill("freeze", line.end)
    line.means.look()
    assert any(told.startswith("end waits") for told in line.alarms.told)
    assert line.ended == []
    line.line.stop(line.end)
    assert line.ended == ["ended"] and line.line.ending.is_hurried


def test_a_stop_behind_a_kill_that_waits_for_nothing_yet_does_not_hurry_it(line: Line) -> None:
    line.line.kill("flatten", line.end)
    line.line.stop(line.end)
    assert line.ended == [] and not line.line.ending.is_hurried
    line.line.ending.is_hurried = True
