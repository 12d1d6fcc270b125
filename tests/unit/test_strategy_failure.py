"""A failed strategy is told with the lines of its own files, and of no others."""

import inspect
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.market import Time

from app.core.errors import LookaheadError, StrategyError, UsageError
from app.strategies.failure import failure, told
from app.strategies.indicator import Cursor
from app.strategies.loader import load_strategy
from app.threads.hooks.seats import Seat

HERE = inspect.getsourcefile(inspect.currentframe()) or ""  # type: ignore[arg-type]


def caught(act: Callable[[], object]) -> Exception:
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("it did not raise")


def told_of(act: Callable[[], object]) -> str:
    return told(caught(act))


def deep(calls: int) -> int:
    return 1 // calls if calls == 0 else deep(calls - 1)


def test_a_message_names_who_where_when_what_and_the_lines() -> None:
    error = failure("mine", "on_bar", "noon", caught(lambda: deep(1)), [HERE])
    head, *lines = str(error).splitlines()
    assert head == (
        "Strategy mine failed in on_bar at noon: "
        "ZeroDivisionError: integer division or modulo by zero"
    )
    where = f"  {Path(HERE).name}:"
    assert all(line.startswith(where) for line in lines)
    code = "return 1 // calls if calls == 0 else deep(calls - 1)"
    assert [line.split(" in ", 1)[1] for line in lines[-2:]] == [f"deep: {code}"] * 2


def test_lines_of_other_files_are_left_out() -> None:
    error = caught(lambda: shutil.copy("no such file", "nowhere"))
    text = str(failure("mine", "setup", "the start", error, [HERE]))
    assert "FileNotFoundError" in text
    assert "shutil.py" not in text
    assert text.count("\n") == 2  # the lambda, and who called it


@pytest.mark.parametrize(("calls", "lines"), [(9, 12), (10, 13), (500, 13)])
def test_many_calls_are_cut_in_the_middle(calls: int, lines: int) -> None:
    error = failure("mine", "on_bar", "noon", caught(lambda: deep(calls)), [HERE])
    own = str(error).splitlines()[1:]
    assert len(own) == lines
    if lines == 13:
        assert own[6] == f"  ... {calls + 3 - 12} more calls"
        assert own[5] != own[6] != own[7]


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (ValueError("no"), StrategyError, "ValueError: no"),
        (ValueError(), StrategyError, "ValueError"),
        (KeyError("AAPL"), StrategyError, "KeyError: 'AAPL'"),
        (UsageError("Say what."), StrategyError, "Say what."),
        (LookaheadError("Too far."), LookaheadError, "Too far."),
        (SystemExit(2), StrategyError, "SystemExit: 2"),
    ],
)
def test_our_own_errors_speak_for_themselves(
    error: BaseException, kind: type[StrategyError], what: str
) -> None:
    told = failure("mine", "on_bar", "noon", error, [])
    assert type(told) is kind
    assert str(told) == f"Strategy mine failed in on_bar at noon: {what}"


def test_a_mountain_is_told_by_its_beginning_its_end_and_its_height() -> None:
    error = failure("mine", "on_bar", "noon", ValueError("a" * 600 + "b" * 10**6 + "c" * 600), [])
    said = str(error).partition("ValueError: ")[2]
    assert said == "a" * 500 + "... (1,000,200 characters) ..." + "c" * 500


class Speechless(Exception):
    """Fails when it is told."""

    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("error", [Speechless(), GeneratorExit(), BaseException()])
def test_whatever_was_raised_is_told_by_its_kind(error: BaseException) -> None:
    told = failure("mine", "on_bar", "noon", error, [])
    assert str(told) == f"Strategy mine failed in on_bar at noon: {type(error).__name__}"


def test_an_interrupt_off_the_main_thread_is_the_strategy_s_own() -> None:
    found: list[StrategyError] = []
    body = lambda: found.append(failure("mine", "on_bar", "noon", KeyboardInterrupt(), []))  # noqa: E731
    thread = threading.Thread(target=body)
    thread.start()
    thread.join(5)
    assert str(found[0]).endswith("KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        failure("mine", "on_bar", "noon", KeyboardInterrupt(), [])


# -- a strategy in several files -------------------------------------------------------------------

PARENT = """from app.strategies import Strategy

class Parent(Strategy):
    def setup(self):
        self.prepare()
"""
CHILD = """from failing_parent import Parent
from failing_helper import divide

class Child(Parent):
    def prepare(self):
        divide(0)
"""
HELPER = "def divide(by):\n    return 1 / by\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of strategies whose files import one another."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in (("parent", PARENT), ("child", CHILD), ("helper", HELPER)):
        (tmp_path / f"failing_{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_lines_of_a_parent_s_file_are_told_too(folder: Path) -> None:
    kind = load_strategy("failing_child.py", folder)
    with pytest.raises(StrategyError) as raised:
        Seat(kind, 0, "mine", ("A",), "1m", {}, Cursor(), Time())
    assert str(raised.value).splitlines() == [
        "Strategy mine failed in setup at the start: ZeroDivisionError: division by zero",
        "  failing_parent.py:5 in setup: self.prepare()",
        "  failing_child.py:6 in prepare: divide(0)",
    ]


def test_an_interrupt_is_no_failure_of_the_strategy(folder: Path) -> None:
    text = "from app.strategies import Strategy\nclass A(Strategy):\n    def setup(self):\n"
    (folder / "interrupted.py").write_text(text + "        raise KeyboardInterrupt\n")
    kind = load_strategy("interrupted.py", folder)
    with pytest.raises(KeyboardInterrupt):
        Seat(kind, 0, "mine", ("A",), "1m", {}, Cursor(), Time())


class Sized:
    quantity = 1
    order_target = 2


def test_who_takes_an_indicator_or_a_position_for_a_number_is_told_where_that_is() -> None:
    indicator: Any = type("Indicator", (), {})()
    position: Any = type("PositionView", (), {})()
    assert told_of(lambda: indicator > 50).endswith("number is its value: write .value.")
    assert told_of(lambda: 2 * position).endswith("is its quantity: write .quantity.")
    assert told_of(lambda: [] > 3).endswith("of 'list' and 'int'")


def test_a_name_that_is_nearly_ours_is_told_right() -> None:
    assert told_of(lambda: Sized().order_targets).endswith("Did you mean 'order_target'?")  # type: ignore[attr-defined]
    assert told_of(lambda: Sized().zzzzz).endswith("no attribute 'zzzzz'")  # type: ignore[attr-defined]
    assert told(AttributeError("made by hand")) == "AttributeError: made by hand"
