"""The fault menu: each fault fires where it should, as often as asked, and is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.practice_house import Sim, executions_of, items_of, minute, order, terms

from app.core.errors import UsageError
from app.core.money import UNITS
from app.core.venue import Execution, Heartbeat, VenueBar, VenueReport
from app.integrations.practice import wire
from app.integrations.practice.venue import faults
from app.integrations.practice.venue.checks import Refusal
from app.integrations.practice.venue.desk import Answer, Request
from app.integrations.practice.venue.faults import PLACES, FaultMenu
from app.integrations.practice.wire import MARKET_STREAM, ORDER_STREAM, Fault


def armed(kind: str, count: int | None = 1, **options: object) -> Sim:
    sim = Sim()
    sim.arm(Fault(kind, count=count, **options))  # type: ignore[arg-type]
    return sim


def starts(sim: Sim, until_ns: int) -> list[int]:
    """The minutes of the bars that the market stream brings."""
    items = items_of(sim.to(until_ns), MARKET_STREAM)
    return [(bar.start_ns - minute(0)) // 60_000_000_000 for bar in items]


# -- the menu ----------------------------------------------------------------------------------


def test_a_fault_fires_as_often_as_asked_and_is_counted() -> None:
    menu = FaultMenu()
    menu.arm([Fault("drop", count=2)])
    fired = [menu.fires("drop", "market") is not None for _ in range(4)]
    assert fired == [True, True, False, False]
    assert menu.told() == wire.FaultCounts([], {"drop": 2})
    menu.arm([Fault("drop", count=1)])
    assert menu.fires("drop", "orders")
    assert menu.told().fired == {"drop": 3}  # counts go on when others are armed


def test_a_fault_fires_only_where_it_is_asked_to() -> None:
    menu = FaultMenu()
    menu.arm([Fault("drop", where="orders"), Fault("http_status", where="place")])
    assert menu.fires("drop", "market") is None
    assert menu.fires("drop", "orders") is not None
    assert menu.fires("http_status", "cancel") is None
    assert menu.fires("http_status", "place", after=True) is None


@given(seed=st.integers(0, 1000), probability=st.floats(0.2, 0.8))
def test_the_same_seed_meets_the_same_faults(seed: int, probability: float) -> None:
    drawn = []
    for _ in range(2):
        menu = FaultMenu()
        menu.arm([Fault("drop", probability=probability, seed=seed)])
        drawn.append([menu.fires("drop") is not None for _ in range(200)])
    assert drawn[0] == drawn[1]
    assert 0 < sum(drawn[0]) < 200


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("dropp"), "There is no fault 'dropp'. Did you mean 'drop'"),
        (Fault("drop", where="place"), "one of market, orders"),
        (Fault("not_found", where="place"), "left out"),
        (Fault("http_status", where="plaice"), "one of about, time, place"),
        (Fault("drop", count=-1), "`count`"),
        (Fault("drop", probability=1.5), "`probability`"),
        (Fault("drop", seconds=-1.0), "`seconds`"),
        (Fault("http_status", status=200), "`status`"),
        (Fault("drop", seed=-1), "`seed`"),
        (Fault("drop", after_accept=True), "`after_accept`"),
    ],
    ids=str,
)
def test_a_fault_that_makes_no_sense_is_refused_and_changes_nothing(
    fault: Fault, reason: str
) -> None:
    menu = FaultMenu()
    menu.arm([Fault("delay", count=1)])
    with pytest.raises(UsageError, match=reason):
        menu.arm([fault])
    assert [one.kind for one in menu.told().armed] == ["delay"]


# -- on the streams ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("drop", [1, 2, 3]),
        ("duplicate", [0, 0, 1, 2, 3]),
        ("reorder", [1, 0, 2, 3]),
    ],
)
def test_items_are_lost_doubled_or_turned_round(kind: str, seen: list[int]) -> None:
    sim = armed(kind)
    assert starts(sim, minute(4)) == seen
    assert sim.fired() == {kind: 1}


def test_an_item_can_come_late() -> None:
    sim = armed("delay", seconds=90.0)
    assert starts(sim, minute(1)) == []
    assert starts(sim, minute(2)) == [1]
    assert sim.venue.next_ns() == minute(2, 30)
    assert starts(sim, minute(2, 30)) == [0]


def test_what_is_held_back_goes_with_the_next_heartbeat_at_the_latest() -> None:
    sim = armed("reorder")
    assert starts(sim, minute(1)) == []
    sim.venue.heartbeat(minute(1, 1))
    brought = items_of(sim.to(minute(1, 1)), MARKET_STREAM)
    assert [type(item) for item in brought] == [Heartbeat, VenueBar]


def test_a_silent_stream_says_nothing_at_all_for_a_while() -> None:
    sim = armed("silent", where="market", seconds=90.0)
    sim.venue.heartbeat(minute(1))
    brought = sim.to(minute(1))
    assert items_of(brought, MARKET_STREAM) == []
    assert [type(item) for item in items_of(brought, ORDER_STREAM)] == [Heartbeat]
    assert starts(sim, minute(2)) == []
    assert starts(sim, minute(3)) == [2]


def test_a_stream_can_be_cut() -> None:
    sim = armed("disconnect", where="market")
    assert items_of(sim.to(minute(1)), MARKET_STREAM) == [None]
    assert starts(sim, minute(2)) == [1]


def test_a_fill_can_be_lost_with_its_report_and_stand_in_the_snapshot_alone() -> None:
    sim = armed("fill_lost")
    sim.place(order("a", 10))
    sim.place(order("b", 10))
    sent = sim.to(minute(1))
    reports = [one for one in items_of(sent, ORDER_STREAM) if isinstance(one, VenueReport)]
    assert [one.client_id for one in executions_of(sent)] == ["b"]
    assert [(one.client_id, one.state) for one in reports][2:] == [("b", "FILLED")]
    assert [fill[0] for fill in sim.fills()] == ["a", "b"]
    assert sim.fired() == {"fill_lost": 1}


# -- at the venue ------------------------------------------------------------------------------


def test_an_order_can_stay_unknown_for_a_while_after_it_was_accepted() -> None:
    sim = armed("not_found", seconds=30.0)
    placed_ns = sim.now_ns
    sim.place(order("a", 10))
    sim.at(placed_ns + 29 * 10**9)
    with pytest.raises(Refusal, match="no order 'a'"):
        sim.venue.order("a", sim.now_ns)
    assert sim.venue.open_orders(sim.now_ns) == []
    with pytest.raises(Refusal, match="duplicate"):
        sim.place(order("a", 10))
    sim.at(placed_ns + 30 * 10**9)
    assert sim.state("a") == "ACCEPTED"


def test_an_order_can_be_rejected_after_it_was_accepted() -> None:
    sim = armed("reject_after_accept", seconds=10.0)
    assert sim.place(order("a", 10)).state == "ACCEPTED"
    sim.to(sim.now_ns + 10 * 10**9)
    assert sim.state("a") == "REJECTED"
    sim.to(minute(3))
    assert sim.fills() == []


def test_a_cancel_can_lose_to_a_fill() -> None:
    sim = armed("cancel_raced")
    sim.place(order("a", 10, "limit", limit=50.0))
    sim.to(minute(2))
    with pytest.raises(Refusal, match="'a' has filled meanwhile"):
        sim.venue.cancel("a", sim.now_ns)
    assert sim.fills() == [("a", 10, 50.0, 2)]
    assert sim.state("a") == "FILLED"


def test_an_amendment_can_lose_to_a_fill() -> None:
    sim = armed("amend_raced")
    sim.place(order("a", 10, "limit", limit=50.0))
    sim.to(minute(2))
    with pytest.raises(Refusal, match="'a' has filled meanwhile"):
        sim.venue.amend("a", terms(5, limit=60.0), sim.now_ns)
    assert sim.fills() == [("a", 10, 50.0, 2)]


def test_an_amendment_to_what_fills_before_it_is_refused() -> None:
    sim = armed("amend_raced")
    sim.venue.by_hand(wire.Manual(positions={"AAA": -5 * UNITS}), minute(1))
    sim.place(order("a", 10, "limit", limit=50.0, reduce_only=True))
    sim.to(minute(2))
    with pytest.raises(Refusal, match="5 have filled already"):
        sim.venue.amend("a", terms(5, limit=60.0), sim.now_ns)
    assert sim.state("a") == "PARTIAL"


def test_a_fill_can_come_after_the_cancel_was_acknowledged() -> None:
    sim = armed("fill_after_cancel", seconds=5.0)
    sim.place(order("a", 10, "stop", stop=150.0))
    sim.to(minute(2))
    assert sim.venue.cancel("a", sim.now_ns).state == "CANCELED"
    sent = sim.to(minute(2, 5))
    assert [one.price for one in executions_of(sent)] == [100.0]
    assert sim.state("a") == "FILLED"
    assert sim.venue.positions(sim.now_ns) == {"AAA": 10 * UNITS}


def test_a_fill_can_be_cut_in_two_and_the_streams_with_it() -> None:
    sim = armed("partial_then_disconnect")
    sim.place(order("a", 10))
    sent = sim.to(minute(1))
    assert [one.units for one in executions_of(sent)] == [5 * UNITS]
    assert [on for on, item in sent if item is None] == [MARKET_STREAM, ORDER_STREAM]
    sim.to(minute(2))
    assert [fill[1] for fill in sim.fills()] == [5, 5]


def test_the_ids_that_the_venue_gives_can_begin_again() -> None:
    sim = Sim()
    first = sim.place(order("a", 10))
    sim.to(minute(1))
    sim.arm(Fault("id_rollback", count=1))
    again = sim.place(order("b", 10))
    sim.to(minute(2))
    assert first.venue_id == again.venue_id == "V1"
    ids = [one.execution_id for one in sim.venue.executions(0, sim.now_ns)]
    assert ids == ["X1", "X1"]
    adapter = sim.in_process().adapter()
    assert len({one.execution_id for one in adapter.executions(0)}) == 2  # there they are unique


def test_what_is_done_by_hand_is_seen_like_anything_else() -> None:
    sim = Sim()
    sim.ask("POST", wire.MANUAL, wire.Manual(order=order("", 10)))
    sim.place(order("a", 10, "limit", limit=50.0))
    sim.ask("POST", wire.MANUAL, wire.Manual(cancel="a"))
    sent = sim.to(minute(1))
    assert [(one.client_id, one.venue_id) for one in executions_of(sent)] == [("", "V1")]
    assert sim.state("a") == "CANCELED"
    status, answer = sim.ask(
        "POST", wire.MANUAL, wire.Manual(positions={"AAA": 3 * UNITS}, cash={"EUR": 5})
    )
    assert (status, answer) == (200, {"units": {"AAA": 3 * UNITS}})
    assert sim.venue.cash(sim.now_ns)["EUR"] == 5


@pytest.mark.parametrize(
    ("manual", "reason"),
    [
        (wire.Manual(cancel="x"), "no order 'x'"),
        (wire.Manual(positions={"AAB": 1}), "'AAB' is not traded here"),
        (wire.Manual(cash={"USD": 1 << 63}), "too many"),
    ],
)
def test_what_cannot_be_done_by_hand_is_refused(manual: wire.Manual, reason: str) -> None:
    status, answer = Sim().ask("POST", wire.MANUAL, manual)
    assert status in (404, 422)
    assert reason in answer["error"]["message"]


# -- on the way --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "was_done"),
    [
        (Fault("http_status", count=1, status=429), 429, False),
        (Fault("http_status", count=1, status=500, after_accept=True), 500, True),
        (Fault("http_error_body", count=1), 200, False),
        (Fault("http_error_body", count=1, after_accept=True), 200, True),
    ],
    ids=str,
)
def test_an_answer_can_be_an_error_whether_or_not_the_order_was_taken(
    fault: Fault, status: int, was_done: bool
) -> None:
    sim = Sim()
    sim.arm(fault)
    answered, body = sim.ask("POST", wire.ORDERS, order("a", 10))
    assert (answered, body["error"]["code"]) == (status, "unavailable")
    assert ("a" in sim.books.by_client) == was_done
    assert sim.fired() == {fault.kind: 1}


@pytest.mark.parametrize(
    ("kind", "was_done"), [("timeout_before_accept", False), ("timeout_after_accept", True)]
)
def test_an_answer_can_stay_out(kind: str, was_done: bool) -> None:
    sim = armed(kind, where="place", seconds=7.0)
    asked = Request("POST", wire.ORDERS, {}, wire.encode(order("a", 1)))
    assert sim.desk.answer(asked, sim.now_ns) == Answer(0, b"", 7.0)
    assert ("a" in sim.books.by_client) == was_done


@pytest.mark.parametrize(
    ("kind", "was_done"), [("reset_before_accept", False), ("reset_after_accept", True)]
)
def test_a_connection_can_be_reset(kind: str, was_done: bool) -> None:
    sim = armed(kind, where="place")
    asked = Request("POST", wire.ORDERS, {}, wire.encode(order("a", 1)))
    assert sim.desk.answer(asked, sim.now_ns) == Answer(0, b"", is_reset=True)
    assert ("a" in sim.books.by_client) == was_done


def test_an_answer_can_come_late_and_by_half() -> None:
    sim = Sim()
    sim.arm(Fault("slow", 1, seconds=3.0), Fault("http_truncated", 1, where="cash"))
    cash = Request("GET", wire.CASH)
    late = sim.desk.answer(cash, sim.now_ns)
    whole = sim.desk.answer(cash, sim.now_ns)
    assert (late.late_seconds, whole.late_seconds) == (3.0, 0.0)
    assert late.body == whole.body[: len(whole.body) // 2]


def test_the_menu_itself_is_never_disturbed() -> None:
    sim = armed("http_status", count=None)
    assert sim.ask("GET", wire.POSITIONS)[0] == 503
    assert sim.ask("GET", wire.FAULTS)[0] == 200
    assert sim.ask("POST", wire.FAULTS, wire.FaultList([]))[0] == 200
    assert sim.ask("GET", wire.POSITIONS)[0] == 200
    assert sim.ask("GET", wire.FAULTS)[1] == {"armed": [], "fired": {"http_status": 1}}


# -- all of it ---------------------------------------------------------------------------------


def place_and_run(sim: Sim) -> None:
    """What gives each fault its chance."""
    for path in (wire.ORDERS, wire.POSITIONS):
        sim.ask("GET", path)
    sim.ask("POST", wire.ORDERS, order("a", 10, "limit", limit=50.0))
    sim.ask("POST", wire.ORDERS, order("b", 10))
    sim.to(minute(1))
    sim.ask("PATCH", f"{wire.ORDERS}/a", terms(8, limit=51.0))
    sim.ask("DELETE", f"{wire.ORDERS}/a")
    sim.to(minute(3))


@pytest.mark.parametrize("kind", PLACES)
def test_each_fault_of_the_menu_fires_once_and_is_counted(kind: str) -> None:
    sim = armed(kind, seconds=1.0)
    place_and_run(sim)
    assert sim.fired() == {kind: 1}


@pytest.mark.parametrize("kind", PLACES)
def test_whatever_goes_wrong_the_books_hold_what_was_executed(kind: str) -> None:
    sim = armed(kind, count=None, seconds=1.0)
    place_and_run(sim)
    executions: list[Execution] = sim.books.executions
    assert sim.books.positions.get("AAA", 0) == sum(one.units for one in executions)
    for entry in sim.books.entries.values():
        assert abs(entry.order.filled_units) <= abs(entry.order.units)


def test_every_kind_of_the_menu_is_named_in_its_module() -> None:
    words = [value for name, value in vars(faults).items() if name.isupper()]
    assert {word for word in words if isinstance(word, str)} == set(PLACES)
