"""A person lifts a live run's halt: the venue is looked at first, and what differs is named."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gate_desk import name
from tests.unit.reconcile_house import report
from tests.unit.recovery_house import Line, no_answer_awaited

from app.core.errors import StateError, UsageError
from app.core.messages import Command
from app.core.money import UNITS
from app.core.order_events import Acknowledged, Halted, Place, Resumed
from app.core.orders import GTC, STOP, Terms
from app.core.venue import TurnedAway
from app.managers.system_manager.record.run_outcome import RunEnd
from app.threads.stream.commands import obey

__all__ = ["no_answer_awaited"]


class Venue:
    """What its account has."""

    def __init__(self, line: Line) -> None:
        self.cash_units = line.execution.account.cash_units()
        self.held = {"X": 0}
        self.line, self.thread = line, threading.current_thread()
        own: Any = line.line.venue
        own.open_orders = lambda: [own.order(name())]
        own.executions = lambda since_ns: []
        own.positions = self.positions
        own.cash = lambda: {"USD": self.cash_units}
        own.order = lambda client_id, symbol="": report(client_id=client_id, symbol="X")

    def positions(self) -> dict[str, int]:
        """What is held. The gate looks on threads of its own, when it likes, and finds that it is
        right: else two of its looks would halt the symbol for what a test has differ for a moment.
        """
        if threading.current_thread() is self.thread:
            return dict(self.held)
        return {"X": self.line.book.tracker.held_units(0)}


@pytest.fixture
def line(tmp_path: Path, no_answer_awaited: None) -> Iterator[Line]:
    held = Line(tmp_path, [Acknowledged(1)])
    yield held
    held.line.close(RunEnd("stopped"))


def halted(line: Line) -> Venue:
    """Recovered, with a venue that answers, and halted by a person."""
    venue = Venue(line)
    line.recover()
    line.line.halt("news at noon")
    heard(line)
    return venue


def heard(line: Line) -> list[object]:
    """What the run is told, done."""
    found = line.line.inbox.take(0.0)
    for item in found:
        if isinstance(item, Command):
            obey(item, line.execution, lambda: None, 9)
    return list(found)


def test_a_halt_is_lifted_at_the_gate_and_in_the_run_once_the_venue_agrees(line: Line) -> None:
    halted(line)
    assert line.book.latch.halted and line.execution.entries.is_closed(-1)
    line.line.releasing.ask("it was nothing")
    assert line.line.releasing.outcome() == ""
    line.means.look()
    assert line.line.releasing.outcome() == "entries pass again"
    told = heard(line)
    assert Command("release", "it was nothing") in told
    assert Resumed(-1, "it was nothing") in told
    assert not line.book.latch.halted
    assert (-1, "command") not in line.execution.entries.closed
    assert "released: it was nothing" in line.alarms.told


@pytest.mark.parametrize(
    ("halt", "told"),
    [
        (lambda line: None, "It can be written again; entries pass."),
        (
            lambda line: line.line.halt("the account was lost."),
            "It can be written again; entries stay refused: the account was lost. 'system release "
            "--reason WHY' lifts a halt once the venue agrees.",
        ),
        (
            lambda line: line.execution.close_entries(0, "its data is old", "feed"),
            "It can be written again; entries stay refused: X: its data is old.",
        ),
        (
            lambda line: line.line.pause(),
            "It can be written again; entries stay refused: the run is paused.",
        ),
    ],
)
def test_a_journal_that_can_be_written_again_claims_no_more_than_that(
    halt: Callable[[Line], None],
    told: str,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Venue(line)
    line.recover()
    journal = line.line.journal
    assert journal is not None
    with monkeypatch.context() as patch:
        mended: Any = SimpleNamespace(failed=OSError("full"), try_again=lambda: True)
        patch.setattr(journal, "recorder", mended)
        journal._fail(OSError("full"))
        line.execution.close_entries(-1, "the journal cannot be written", "journal")
        halt(line)
        heard(line)
        journal.try_again()
    assert f"journal: {told}" in line.alarms.told
    assert Resumed(-1, "the journal can be written again", "journal") in heard(line)


def test_a_venue_that_still_differs_keeps_the_halt_and_both_figures_are_named(line: Line) -> None:
    venue = halted(line)
    ours = line.execution.account.cash_units() // UNITS
    venue.cash_units -= 250 * UNITS
    venue.held["X"] = 7 * UNITS
    line.line.releasing.ask("it was nothing")
    line.means.look()
    assert line.line.releasing.outcome() == ""  # a fill may be on its way
    line.means.look(late=True)
    with pytest.raises(StateError) as refused:
        line.line.releasing.outcome()
    assert "position X: ours 0, the venue's 7" in str(refused.value)
    assert f"cash USD: ours {ours}, the venue's {ours - 250}" in str(refused.value)
    assert line.book.latch.halted == {-1: "news at noon"}
    assert not any(isinstance(one, Command) for one in heard(line))


def test_what_was_under_way_is_waited_for(line: Line) -> None:
    venue = halted(line)
    venue.held["X"] = 7 * UNITS
    line.line.releasing.ask("it was nothing")
    line.means.look()
    venue.held["X"] = 0
    for _ in range(10):
        line.means.look()
    assert line.line.releasing.outcome() == "entries pass again"


def test_a_venue_that_does_not_answer_keeps_the_halt(line: Line) -> None:
    halted(line)
    del line.line.venue.positions  # type: ignore[attr-defined]
    line.line.releasing.ask("it was nothing")
    line.means.look()
    with pytest.raises(StateError, match="The halt stays: no answer"):
        line.line.releasing.outcome()


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_halt_that_comes_while_the_venue_is_looked_at_stays(line: Line, by_hand: bool) -> None:
    halted(line)
    line.line.releasing.ask("it was nothing")
    if by_hand:
        line.line.halt("now this")
    else:
        line.book.halt("odd fills", 1)
    line.means.look()
    with pytest.raises(StateError, match="halted again"):
        line.line.releasing.outcome()
    assert line.book.latch.halted


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_halt_that_joins_one_of_the_same_place_is_told_and_not_lifted_with_it(
    line: Line, by_hand: bool
) -> None:
    """Who asked for the release had heard of the first alone; who asks again, of both."""
    halted(line)
    line.line.releasing.ask("it was nothing")
    if by_hand:
        line.line.halt("now this")
    else:
        line.book.halt("now this")
    line.means.look()
    with pytest.raises(StateError, match=r"halted again meanwhile: .*now this"):
        line.line.releasing.outcome()
    assert line.book.latch.halted == {-1: "news at noon; now this"}
    assert line.alarms.told.count("halted: now this") == 1
    assert Halted(-1, "news at noon; now this") in heard(line)
    line.line.releasing.ask("both were nothing")
    line.means.look()
    assert line.line.releasing.outcome() == "entries pass again"
    assert not line.book.latch.halted


@pytest.mark.parametrize("whose", ["a person", "the gate", "the gate, for something else"])
def test_a_halt_that_comes_when_the_venue_has_just_agreed_stays(line: Line, whose: str) -> None:
    halted(line)
    if whose == "the gate, for something else":
        line.book.halt("a position differs", 1)
    gate: Any = line.line.releasing.gate
    status, threads = gate.status, []

    def halt() -> None:
        if whose == "a person":
            line.line.halt("now this")
        else:
            line.book.latch.resume(1, "it agrees again")
            line.book.halt("odd fills", 1)

    def looked_at() -> Any:
        found = status()
        threads.append(threading.Thread(target=halt))
        threads[0].start()
        threads[0].join(0.2)  # it may have to wait
        return found

    line.line.releasing.ask("it was nothing")
    gate.status = looked_at
    line.means.look()
    threads[0].join(5.0)
    gate.status = status
    heard(line)
    assert line.book.latch.why(-1 if whose == "a person" else 1) in ("now this", "odd fills")
    if whose == "a person":
        assert line.execution.entries.is_closed(-1)


def test_a_look_that_fails_by_a_defect_lifts_nothing(line: Line) -> None:
    venue = halted(line)
    venue.held = None  # type: ignore[assignment]
    line.line.releasing.ask("it was nothing")
    with pytest.raises(TypeError):
        line.means.look()
    ((_, then),) = line.means.waits
    then()
    with pytest.raises(StateError, match="could not be compared"):
        line.line.releasing.outcome()
    assert line.book.latch.halted


def test_an_account_that_another_has_by_now_keeps_the_halt(line: Line) -> None:
    halted(line)

    def taken() -> None:
        raise StateError("Account paper is traded by run 2.")

    line.line.releasing.regain = taken
    line.line.releasing.ask("it was nothing")
    line.means.look()
    with pytest.raises(StateError, match="is traded by run 2"):
        line.line.releasing.outcome()


def test_what_cannot_be_lifted_is_refused_at_once(line: Line) -> None:
    with pytest.raises(StateError, match="not compared with its venue yet"):
        line.line.releasing.ask("why not")
    line.recover()
    for symbol in list(line.book.latch.halted):
        line.book.latch.resume(symbol, "of no interest here")
    with pytest.raises(StateError, match="not halted"):
        line.line.releasing.ask("why not")
    line.line.halt("news at noon")
    with pytest.raises(UsageError, match="give one"):
        line.line.releasing.ask(" ")
    line.line.releasing.ask("why not")
    with pytest.raises(StateError, match="already"):
        line.line.releasing.ask("why not")
    line.line.kill("freeze", line.end)
    with pytest.raises(StateError, match="is ending"):
        line.line.releasing.ask("why not")


def waits(line: Line) -> None:
    """An exit has been turned away at the venue's door; the run's end does not wait for it."""
    line.line.ending.is_hurried = True
    line.book.tracker.net[0] = 5 * UNITS
    terms = Terms(-5 * UNITS, None, 9.0, None, None)
    order = line.book._changes.new_order(Place(7, 0, STOP, GTC, terms, True, False))
    line.book.tracker.add(order)
    assert line.book._away.takes(order, "X", TurnedAway("banned", 3600.0), line.line.clock.now_ns())


def test_a_halt_for_exits_that_wait_is_lifted_by_nobody_and_says_why(line: Line) -> None:
    Venue(line)
    line.recover()
    waits(line)
    with pytest.raises(StateError, match="go before entries") as refused:
        line.line.releasing.ask("it looks good")
    assert f"{name(7)}, X: banned" in str(refused.value)
    assert list(line.book.latch.halted) == [-1]


@pytest.mark.parametrize("source", ["pause", "breaker person"])
def test_who_lifts_a_halt_hears_what_keeps_entries_closed_all_the_same(
    line: Line, source: str
) -> None:
    halted(line)
    line.execution.close_entries(-1, "by somebody else", source)
    line.line.releasing.ask("it was nothing")
    line.means.look()
    told = line.line.releasing.outcome()
    assert told == "its halt is lifted, and entries stay refused: by somebody else"
    heard(line)
    assert line.execution.entries.closed == {(-1, source): "by somebody else"}


def test_another_halt_is_lifted_and_who_asks_hears_that_exits_go_first(line: Line) -> None:
    venue = halted(line)
    waits(line)
    venue.held["X"] = 5 * UNITS
    line.line.releasing.ask("it was nothing")
    line.means.look()
    assert line.line.releasing.outcome().startswith("entries pass again when the venue has taken ")
    heard(line)
    assert (-1, "command") not in line.execution.entries.closed
    assert "Exits wait for the venue" in line.book.latch.halted[-1]
