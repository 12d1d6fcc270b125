"""The venue's books: what is told is durable, and a restart adds up to the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.practice_house import FLAT, Row, Sim, minute, order, terms

from app.core.errors import DataError, StateError, UsageError
from app.core.orders import KINDS
from app.core.venue import VenueReport
from app.integrations.practice.venue.book_file import BookFile
from app.integrations.practice.venue.books import (
    PAUSED,
    RUNNING,
    STOPPED,
    BookEvent,
    Books,
    ClockSet,
    Opened,
)
from app.integrations.practice.venue.checks import Refusal
from app.integrations.practice.venue.opening import Start, clock_of

SECOND_NS = 10**9


def told(books: Books) -> dict[str, Any]:
    """All that books add up to."""
    return {
        "orders": {n: (e.report(0), e.since_ns, e.until_ns) for n, e in books.entries.items()},
        "live": list(books.live),
        "clients": {name: e.order.order_id for name, e in books.by_client.items()},
        "executions": books.executions,
        "positions": books.positions,
        "cash": books.cash,
        "ids": (books.next_venue_id(), books.next_execution_id()),
    }


ROWS = st.builds(
    lambda price, up, down: (price + 0.0, price + up + 0.0, price - down + 0.0, price + 0.0, 500.0),
    st.integers(95, 105),
    st.integers(0, 4),
    st.integers(0, 4),
)
PRICES = st.integers(94, 106).map(float)


@st.composite
def asks(draw: st.DrawFn) -> tuple[str, Any]:
    """One thing that a client does: an order, or a change of one of the first few."""
    what = draw(st.sampled_from(["place", "place", "cancel", "amend", "wait"]))
    name = f"o{draw(st.integers(0, 5))}"
    if what == "wait":
        return what, draw(st.integers(1, 150)) * SECOND_NS
    shares = draw(st.sampled_from([-20, -5, 5, 20]))
    kind = draw(st.sampled_from(KINDS))
    limit = draw(PRICES) if kind in ("limit", "stop_limit") else None
    stop = draw(PRICES) if kind in ("stop", "stop_limit") else None
    trail = 2.0 if kind == "trailing_stop" else None
    if what == "place":
        tif = (
            "day" if kind.startswith("market_on") else draw(st.sampled_from(["day", "gtc", "ioc"]))
        )
        reduce_only = draw(st.booleans())
        asked = order(
            name, shares, kind, limit=limit, stop=stop, trail=trail, tif=tif,
            reduce_only=reduce_only,
        )  # fmt: skip
        return what, asked
    return what, (name, terms(shares, limit, stop, trail))


def do(sim: Sim, step: tuple[str, Any]) -> None:
    what, value = step
    try:
        if what == "wait":
            sim.to(sim.now_ns + value)
        elif what == "place":
            sim.place(value)
        elif what == "cancel":
            sim.venue.cancel(value[0], sim.now_ns)
        else:
            sim.venue.amend(*value, sim.now_ns)
    except Refusal:
        pass


@given(
    rows=st.lists(ROWS, max_size=10),
    steps=st.lists(asks(), min_size=10, max_size=25),
    data=st.data(),
)
@settings(max_examples=60)
def test_a_venue_that_is_restarted_anywhere_ends_as_one_that_was_not(
    rows: list[Row], steps: list[tuple[str, Any]], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    steady, broken = Sim(rows, participation="0.005"), Sim(rows, participation="0.005")
    for sim in (steady, broken):
        sim.at(minute(0, -1))
    for step in steps:
        do(steady, step)
    for step in steps[:cut]:
        do(broken, step)
    now_ns = broken.now_ns
    events = [event for kept in broken.kept for event in kept]
    broken = Sim(rows, participation="0.005", events=events).at(now_ns)
    for step in steps[cut:]:
        do(broken, step)
    for sim in (steady, broken):
        sim.to(minute(10, day=1))
    assert told(broken.books) == told(steady.books)


@given(rows=st.lists(ROWS, max_size=10), steps=st.lists(asks(), max_size=25))
def test_the_books_balance_whatever_is_asked(rows: list[Row], steps: list[tuple[str, Any]]) -> None:
    sim = Sim(rows).at(minute(0, -1))
    for step in steps:
        do(sim, step)
    sim.to(minute(10, day=1))
    books = sim.books
    held = sum(one.units for one in books.executions)
    spent = sum(round(one.units * one.price) for one in books.executions)
    assert books.positions == ({"AAA": held} if held else {})
    assert books.cash["USD"] == 100_000 * 10**8 - spent
    for entry in books.entries.values():
        filled = [one.units for one in books.executions if one.client_id == entry.client_id]
        assert sum(filled) == entry.order.filled_units
        assert all((units > 0) == (entry.order.units > 0) for units in filled)
        assert abs(sum(filled)) <= abs(entry.order.units)


def test_nothing_is_told_before_it_is_kept() -> None:
    sim, is_full = Sim(), [True]
    keep = sim.venue._floor._keep

    def keep_if_there_is_room(step: Sequence[BookEvent]) -> None:
        if is_full[0]:
            raise DataError("no room")
        keep(step)

    sim.venue._floor._keep = keep_if_there_is_room
    with pytest.raises(DataError):
        sim.place(order("a", 10))
    with pytest.raises(DataError):
        sim.to(minute(1))
    is_full[0] = False
    told = [item for _, item in sim.to(minute(1)) if isinstance(item, VenueReport)]
    assert [one.state for one in told] == ["ACCEPTED", "FILLED"]
    assert [type(event).__name__ for event in sim.kept[-1]] == ["Placed", "Traded"]


# -- the file ----------------------------------------------------------------------------------


STEPS: list[list[BookEvent]] = [
    [Opened("XNYS", {"USD": 5}, 1)],
    [ClockSet(2, 3, 1.0, RUNNING), ClockSet(4, 5, 2.0, PAUSED)],
]


def written(folder: Path) -> BookFile:
    file = BookFile(folder)
    for step in STEPS:
        file.write(step)
    return file


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    written(tmp_path / "books").close()
    file = BookFile(tmp_path / "books")
    assert file.read() == [event for step in STEPS for event in step]
    file.write(STEPS[0])
    assert len(file.read()) == 4
    file.close()


def test_a_step_that_a_crash_cut_off_is_left_out_whole(tmp_path: Path) -> None:
    file = written(tmp_path)
    content = file.path.read_bytes()
    first = content.index(b"\n") + 1
    for end in range(first, len(content)):
        file.path.write_bytes(content[:end])
        assert file.read() == STEPS[0]
        assert file.path.read_bytes() == content[:first]
    file.write(STEPS[1])
    assert file.path.read_bytes() == content
    file.close()


def test_books_that_are_none_are_refused_with_their_line(tmp_path: Path) -> None:
    file = written(tmp_path)
    file.path.write_bytes(file.path.read_bytes() + b'[{"type":"nonsense"}]\n')
    with pytest.raises(DataError, match=r"Line 3 of .* is no line of a venue's books"):
        file.read()
    file.close()


def test_two_venues_cannot_have_the_same_books(tmp_path: Path) -> None:
    file = BookFile(tmp_path)
    with pytest.raises(StateError, match="in use by another practice venue"):
        BookFile(tmp_path)
    file.close()
    BookFile(tmp_path).close()


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be opened"):
        BookFile(tmp_path / "file")


# -- the clock that the books remember -----------------------------------------------------------


def books_with(*events: BookEvent) -> Books:
    books = Books({}, {})
    for event in events:
        books.apply(event)
    return books


@pytest.mark.parametrize(
    ("state", "venue_ns", "rate"),
    [(RUNNING, 100 + 60 * 50, 60.0), (STOPPED, 100, 60.0), (PAUSED, 100, 0.0)],
)
def test_time_goes_on_after_a_crash_and_stands_still_after_a_stop(
    state: str, venue_ns: int, rate: float
) -> None:
    books = books_with(Opened("XNYS", {}, 50), ClockSet(100, 1_000, 60.0, state))
    clock = clock_of(books, Start(7), 1_050)
    assert (clock.told(1_050).venue_ns, clock.told(1_050).rate) == (venue_ns, rate)


def test_a_clock_of_the_machine_that_was_turned_back_does_not_turn_the_venue_s_back() -> None:
    books = books_with(Opened("XNYS", {}, 50), ClockSet(100, 1_000, 1.0, RUNNING))
    books.through_ns = 400
    assert clock_of(books, Start(7), 10).now_ns(10) == 400


def test_new_books_begin_where_they_are_told_to() -> None:
    assert clock_of(books_with(), Start(7), 1).now_ns(1) == 7
    assert clock_of(books_with(), Start(7, 9, 2.0), 1).now_ns(2) == 11


def test_books_go_on_later_or_at_another_pace_but_never_before() -> None:
    two = 2 * SECOND_NS
    books = books_with(Opened("XNYS", {}, 50), ClockSet(two, 1_000, 60.0, STOPPED))
    clock = clock_of(books, Start(7, two + 100, 2.0), 1)
    assert (clock.now_ns(1), clock.now_ns(2)) == (two + 100, two + 102)
    assert clock_of(books, Start(7, 50), 1).now_ns(1) == two  # the same start again goes on
    with pytest.raises(UsageError, match="go up to 1970-01-01 00:00:02 UTC and cannot"):
        clock_of(books, Start(7, 99), 1)


def test_a_restart_shows_no_order_the_same_bar_twice() -> None:
    sim = Sim(participation="0.01")
    sim.place(order("a", 25))
    sim.to(minute(1))
    events = [event for step in sim.kept for event in step]
    again = Sim(participation="0.01", events=events)
    again.to(minute(1))
    assert again.fills() == [("a", 10, 100.0, 1)]
    again.to(minute(5))
    assert [fill[1] for fill in again.fills()] == [10, 10, 5]


def test_a_restart_goes_through_what_happened_meanwhile() -> None:
    sim = Sim([FLAT])
    sim.place(order("a", 10))
    again = sim.restarted()
    again.to(minute(3))
    assert again.fills() == [("a", 10, 100.0, 1)]
