"""What the gate closes where the venue has less, takes less at once, or trades by other sizes."""

from decimal import Decimal

import pytest
from tests.gate_desk import RUN, SHARE, START_NS, Desk, name, place

from app.core.order_events import GateActed, GateGave, Halted
from app.core.venue import Sizes, VenueRefused, VenueUnclear, client_id
from app.managers.execution_manager.gate.calls import PlaceCall, SizesCall
from app.managers.execution_manager.gate.gate_book import GateBook

NO = VenueRefused("insufficient balance")


def holding(sign: int = 1) -> Desk:
    """100 shares are held, or sold short."""
    lots, ticks = [SHARE, SHARE], [SHARE // 100] * 2
    desk = Desk(GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS, lot_units=lots, tick_units=ticks))
    desk.send(place(1, sign * 100))
    desk.answer(PlaceCall, desk.report(units=sign * 100 * SHARE))
    desk.stream(desk.fill(shares=sign * 100))
    desk.events.clear()
    return desk


def says(desk: Desk, tick: str = "0.01", lot: str = "1", most: str | None = None) -> None:
    """The venue tells its sizes, as it is asked for them."""
    desk.answer(
        SizesCall, Sizes(Decimal(tick), Decimal(lot), None, Decimal(most) if most else None)
    )


def gave(desk: Desk) -> list[int]:
    return [one.units // SHARE for one in desk.events if isinstance(one, GateGave)]


def told(desk: Desk, what: str) -> list[str]:
    return [alarm.details for alarm in desk.alarms if alarm.what == what]


def refused_flatten(desk: Desk) -> None:
    """A kill whose first order to close the venue does not take."""
    desk.kill("flatten")
    desk.wait(0.1)
    desk.answer(PlaceCall, NO)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_the_venue_lacks_is_not_closed_and_told_once(sign: int) -> None:
    desk = holding(sign)
    desk.positions = {"AAA": sign * 40 * SHARE}
    desk.kill("flatten")
    desk.wait(0.1)
    for _ in range(2):  # it has to say so twice
        desk.answer(PlaceCall, NO)
        desk.wait(2)
    desk.wait(2)
    given = [sign * -100, sign * -100, sign * -40]
    assert gave(desk) == given
    desk.positions = {"AAA": 0}
    own = desk.call(PlaceCall).order.client_id
    desk.stream(desk.fill("g", sign * -40, client_id=own))
    desk.answer(PlaceCall, desk.report("FILLED", sign * -40, client_id=own))
    desk.wait(120)
    assert gave(desk) == given
    assert told(desk, "not there to close") == [
        "Of 100 of AAA that the run holds the venue lacks 60: no order closes these. See where "
        "they went."
    ]
    assert desk.events[-1] == GateActed("flattened", "a test")
    status = desk.book.status()
    assert (status.positions, status.left) == ({}, {"AAA": sign * 60 * SHARE})


def test_a_position_that_is_late_at_the_venue_is_closed_as_a_whole() -> None:
    desk = holding()
    desk.positions = {}
    desk.kill("flatten")
    desk.wait(10)
    assert gave(desk) == [-100], "nothing was refused yet"
    desk.answer(PlaceCall, NO)
    desk.wait(3)
    desk.positions = {"AAA": 100 * SHARE}
    desk.wait(60)
    assert gave(desk) == [-100, -100]


def test_what_no_order_takes_out_at_once_is_told_once_and_closed_in_several() -> None:
    desk = holding()
    desk.book.recover(desk.now_ns)
    desk.wait(0)
    says(desk, most="30")
    assert told(desk, "too large to close") == [
        "100 of AAA are held, and one order may be 30 at most: an exit of all is refused, close it "
        "in parts. A flatten does."
    ]
    desk.kill("flatten")
    for shares in (30, 30, 30, 10):
        desk.wait(0.1)
        own = desk.call(PlaceCall).order.client_id
        desk.stream(desk.fill(own, -shares, client_id=own))
        desk.answer(PlaceCall, desk.report("FILLED", -shares, client_id=own))
    desk.wait(1)
    assert gave(desk) == [-30, -30, -30, -10]
    assert len(told(desk, "too large to close")) == 1
    assert desk.events[-1] == GateActed("flattened", "a test")


@pytest.mark.parametrize(("lot", "tick", "halts"), [("0.1", "0.001", 0), ("1", "0.02", 1)])
def test_finer_sizes_fit_what_the_run_trades_by_and_coarser_ones_halt(
    lot: str, tick: str, halts: int
) -> None:
    desk = holding()
    refused_flatten(desk)
    says(desk, tick, lot)
    assert sum(isinstance(one, Halted) for one in desk.events) == halts
    desk.wait(2)
    assert gave(desk) == [-100, -100]


@pytest.mark.parametrize("said", [None, VenueRefused("no"), VenueUnclear("lost"), "nothing"])
def test_a_venue_that_does_not_say_its_sizes_is_closed_at_by_those_of_the_run(
    said: VenueRefused | VenueUnclear | str | None,
) -> None:
    desk = holding()
    refused_flatten(desk)
    if said != "nothing":
        desk.answer(SizesCall, said)  # type: ignore[arg-type]
    desk.wait(20)
    assert gave(desk) == [-100, -100]
    assert client_id(RUN, 2, "g") == desk.call(PlaceCall).order.client_id != name(2)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_others_have_taken_of_it_is_not_closed_though_the_positions_agree(sign: int) -> None:
    desk = holding(sign)
    desk.stream(desk.fill("theirs", sign * -30, client_id="web_somebody"))
    desk.positions = {"AAA": sign * 70 * SHARE}
    refused_flatten(desk)
    desk.wait(2)
    assert gave(desk) == [sign * -100, sign * -70]
    (lacking,) = told(desk, "not there to close")
    assert "the venue lacks 30" in lacking
    assert desk.book.status().halted == {}


@pytest.mark.parametrize("sign", [1, -1])
def test_what_others_hold_beside_it_is_left_to_them(sign: int) -> None:
    desk = holding(sign)
    desk.stream(desk.fill("theirs", sign * 30, client_id="web_somebody"))
    desk.positions = {"AAA": sign * 130 * SHARE}
    refused_flatten(desk)
    desk.wait(2)
    assert gave(desk) == [sign * -100, sign * -100]
    assert told(desk, "not there to close") == []
