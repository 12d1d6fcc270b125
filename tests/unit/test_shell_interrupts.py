"""Ctrl+C ends a command of the shell, never the shell itself, and no import in the middle."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.shell.interrupts import Interrupts

IMPORTED = """
import os, signal
os.kill(os.getpid(), signal.SIGINT)
whole = True
"""


@pytest.fixture
def interrupts(interruptible: None) -> Iterator[Interrupts]:
    made = Interrupts()
    with made.installed():
        yield made


def press(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_command_is_interrupted(interrupts: Interrupts, number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.heeded():
        press(number)


def test_between_commands_an_interrupt_is_nobody_s(interrupts: Interrupts) -> None:
    press()
    with interrupts.heeded():
        pass
    press()


def test_an_import_is_done_before_the_interrupt_comes(
    interrupts: Interrupts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slowly_imported.py").write_text(IMPORTED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt), interrupts.heeded():
        import slowly_imported  # type: ignore[import-not-found]

        signal.sigtimedwait([], 5)  # the interrupt comes in it
    assert sys.modules.pop("slowly_imported").whole is True
    assert slowly_imported.whole is True


def test_an_interrupt_that_waited_for_an_import_does_not_outlive_its_command(
    interrupts: Interrupts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lastly_imported.py").write_text(IMPORTED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.getsignal(signal.SIGALRM)
    with interrupts.heeded():
        import lastly_imported  # type: ignore[import-not-found]
    assert sys.modules.pop("lastly_imported") is lastly_imported
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_afterwards_signals_are_as_before(interruptible: None) -> None:
    numbers = (signal.SIGINT, signal.SIGQUIT)
    before = [signal.getsignal(number) for number in numbers]
    with Interrupts().installed():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before
