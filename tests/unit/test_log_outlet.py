"""Lines of a log that nobody waits for: in their order, bounded, and none lost while they fit."""

import threading
from collections.abc import Iterator

import pytest

from app.core import log_outlet
from app.core.log_outlet import LogOutlet

LONG_SECONDS = 20.0  # a bound, not a wait


class Disk:
    """What is written; while it hangs nothing is."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.goes = threading.Event()
        self.goes.set()
        self.hangs = threading.Event()
        self.raises: Exception | None = None

    def write(self, text: str) -> None:
        self.hangs.set()
        assert self.goes.wait(LONG_SECONDS)
        if self.raises is not None:
            raise self.raises
        self.texts.append(text)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.goes.set()


def hanging(disk: Disk) -> LogOutlet:
    """An outlet whose first line hangs."""
    outlet = LogOutlet("log", disk.write)
    outlet.free()
    disk.goes.clear()
    outlet.put("first\n")
    assert disk.hangs.wait(LONG_SECONDS)
    return outlet


def test_a_line_is_written_before_who_logs_goes_on(disk: Disk) -> None:
    outlet = LogOutlet("log", disk.write)
    outlet.put("one\n")
    assert disk.texts == ["one\n"]
    outlet.bind(0)  # nothing was freed
    outlet.put("two\n")
    assert disk.texts == ["one\n", "two\n"]


def test_a_disk_that_hangs_holds_nobody_and_gets_all_lines_in_their_order(disk: Disk) -> None:
    outlet = hanging(disk)
    outlet.put("second\n")
    outlet.put("third\n")
    outlet.bind(0.01)  # it waits no longer than that, and nobody does from then on either
    outlet.put("fourth\n")
    assert disk.texts == []
    disk.goes.set()
    outlet.bind(LONG_SECONDS)
    assert "".join(disk.texts) == "first\nsecond\nthird\nfourth\n"
    outlet.put("fifth\n")
    assert disk.texts[-1] == "fifth\n"  # at once again


def test_it_can_be_freed_again_before_all_is_written_and_after(disk: Disk) -> None:
    outlet = hanging(disk)
    outlet.bind(0)
    outlet.free()
    outlet.put("second\n")
    disk.goes.set()
    outlet.bind(LONG_SECONDS)
    disk.hangs.clear()
    disk.goes.clear()
    outlet.free()
    outlet.put("third\n")
    assert disk.hangs.wait(LONG_SECONDS)
    assert "".join(disk.texts) == "first\nsecond\n"


def test_what_waits_is_bounded_and_what_is_lost_is_counted(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_outlet, "_MOST_CHARS", len("first\nkept\n"))
    outlet = hanging(disk)
    for line in ("kept\n", "lost\n", "lost\n"):
        outlet.put(line)
    disk.goes.set()
    outlet.bind(LONG_SECONDS)
    outlet.free()
    outlet.put("again\n")
    outlet.bind(LONG_SECONDS)
    told = "2 lines are missing here: too many waited to be written.\n"
    assert "".join(disk.texts) == f"first\nkept\n{told}again\n"


def test_a_write_that_fails_costs_no_later_line(disk: Disk) -> None:
    disk.raises = ValueError("closed")
    outlet = hanging(disk)
    disk.goes.set()
    outlet.bind(LONG_SECONDS)
    disk.raises = None
    outlet.free()
    outlet.put("second\n")
    outlet.bind(LONG_SECONDS)
    assert disk.texts == ["second\n"]
