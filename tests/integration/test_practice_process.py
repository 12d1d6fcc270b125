"""The practice venue as a process, over real sockets: orders, streams, faults, and its death."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.data_house import ns
from tests.practice_house import Heard, Practice, order, terms
from tests.processes import run
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.core.intervals import MINUTE_NS
from app.core.money import UNITS
from app.core.orders import Terms
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    Heartbeat,
    Tick,
    VenueBar,
    VenueRefused,
    VenueReport,
    VenueUnclear,
)
from app.integrations.practice import wire
from app.integrations.practice.adapter import PracticeAdapter
from app.integrations.practice.transport import HttpTransport
from app.integrations.practice.venue.faults import PLACES, ROUTES
from app.integrations.practice.wire import Fault

pytestmark = pytest.mark.live

AT = "2024-11-04T09:25"
OPENS_NS = ns("2024-11-04T09:30")
SYN1 = "SYN1"


def minute(number: int, seconds: int = 0) -> int:
    return OPENS_NS + number * MINUTE_NS + seconds * 10**9


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Practice]:
    """A venue before an open, its clock paused: it moves when a test says so."""
    made = Practice(tmp_path)
    made.start_here("SYN1,THIN", AT)
    made.pause_at(minute(-4))
    yield made
    made.close()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Practice]:
    """The same in a process of its own, that can be killed."""
    made = Practice(tmp_path, "--symbols", "SYN1,THIN", "--at", AT)
    made.start()
    made.pause_at(minute(-4))
    yield made
    made.close()


def arm(practice: Practice, *faults: Fault) -> None:
    practice.post(wire.FAULTS, wire.FaultList(list(faults)))


def fired(practice: Practice) -> dict[str, int]:
    found: dict[str, int] = practice.get(wire.FAULTS)["fired"]
    return found


def listening(practice: Practice) -> tuple[PracticeAdapter, Heard]:
    """The venue, and what its order stream brings from when it stands."""
    venue, heard = practice.adapter, Heard()
    assert venue is not None
    venue.order_stream(heard)
    heard.until(Connected)
    return venue, heard


def test_an_order_s_life_over_real_sockets(practice: Practice) -> None:
    venue = practice.adapter
    assert venue is not None
    told = venue.time()
    assert (told.venue_ns, told.rate) == (minute(-4), 0.0)
    heard = Heard()
    venue.order_stream(heard)
    assert heard.until(Connected) == Connected(minute(-4))
    placed = venue.place(order("a", 10, symbol=SYN1))
    assert (placed.state, placed.venue_id) == ("ACCEPTED", "V1")
    assert heard.until(VenueReport) == placed

    practice.pause_at(minute(1))
    (bar,) = [venue.bars(SYN1, "1m", OPENS_NS, minute(1))]
    filled = heard.until(Execution)
    assert (filled.client_id, filled.units, filled.price) == ("a", 10 * UNITS, bar.open[0])
    assert filled.at_ns == minute(1)
    assert heard.until(VenueReport).state == "FILLED"
    assert venue.executions(0) == [filled]
    assert venue.positions() == {SYN1: 10 * UNITS}
    assert venue.cash()["USD"] == 100_000 * UNITS - round(10 * UNITS * filled.price)

    venue.place(order("b", 10, "limit", limit=1.0, symbol=SYN1))
    assert venue.amend("b", terms(7, limit=1.5)).units == 7 * UNITS
    assert heard.until(VenueReport).client_id == "b"
    assert heard.until(VenueReport).limit == 1.5
    assert [one.client_id for one in venue.open_orders()] == ["b"]
    assert venue.cancel("b").state == "CANCELED"
    with pytest.raises(VenueRefused, match="Order 'b' is CANCELED"):
        venue.cancel("b")
    with pytest.raises(VenueRefused, match="duplicate"):
        venue.place(order("a", 10, symbol=SYN1))
    assert venue.order("c") is None


def test_a_large_order_fills_in_parts_and_a_day_order_expires(practice: Practice) -> None:
    venue = practice.adapter
    assert venue is not None
    venue.place(order("large", 1000, symbol=SYN1))
    venue.place(order("far", 10, "limit", limit=1.0, symbol=SYN1))
    practice.pause_at(minute(1))
    found = venue.order("large")
    assert found is not None
    volume = venue.bars(SYN1, "1m", OPENS_NS, minute(1)).volume[0]
    assert (found.state, found.filled_units) == ("PARTIAL", int(volume / 10) * UNITS)
    practice.pause_at(minute(390))
    states = {name: venue.order(name) for name in ("large", "far")}
    assert {name: one and one.state for name, one in states.items()} == {
        "large": "FILLED",
        "far": "EXPIRED",
    }
    assert sum(one.units for one in venue.executions(0)) == 1000 * UNITS


def test_the_market_stream_brings_the_stored_bars_of_the_symbols_asked_for(
    practice: Practice,
) -> None:
    venue = practice.adapter
    assert venue is not None
    heard = Heard()
    stream = venue.market_stream([SYN1], heard)
    heard.until(Connected)
    practice.pause_at(minute(30))
    brought = [heard.until(VenueBar) for _ in range(30)]
    stored = venue.bars(SYN1, "1m", OPENS_NS, minute(30))
    assert [bar.start_ns for bar in brought] == stored.start_ns.tolist()
    assert [bar.close for bar in brought] == stored.close.tolist()
    assert {bar.symbol for bar in brought} == {SYN1}
    assert heard.until(Heartbeat).at_ns == minute(30)  # each second of ours, also while it stands
    stream.close()


def test_ticks_come_at_the_venue_s_own_pace(tmp_path: Path) -> None:
    practice = Practice(tmp_path, "--symbols", SYN1, "--at", AT, "--rate", "600", "--ticks")
    try:
        venue = practice.start()
        heard = Heard()
        venue.market_stream([SYN1], heard)
        ticks = [heard.until(Tick) for _ in range(8)]
        assert [tick.at_ns for tick in ticks[:4]] == [minute(0, s) for s in (0, 20, 40, 59)]
        bar = next(item for item in heard.items if isinstance(item, VenueBar))
        prices = [tick.price for tick in ticks[:4]]
        assert (prices[0], prices[-1]) == (bar.open, bar.close)
        assert (max(prices), min(prices)) == (bar.high, bar.low)
        assert venue.time().rate == 600.0
    finally:
        practice.close()


# -- faults over real sockets --------------------------------------------------------------------


def test_an_order_that_was_taken_while_the_answer_stayed_out_is_found_by_its_id(
    practice: Practice,
) -> None:
    venue = practice.adapter
    assert venue is not None
    venue._transport = HttpTransport(practice.url, answer_seconds=0.5)
    arm(
        practice,
        Fault("timeout_after_accept", count=1, where="place", seconds=20.0),
        Fault("timeout_before_accept", count=0, where="place"),
    )
    with pytest.raises(VenueUnclear, match="ReadTimeout"):
        venue.place(order("a", 10, symbol=SYN1))
    assert venue.order("a") is not None
    arm(practice, Fault("timeout_before_accept", count=1, where="place", seconds=0.1))
    with pytest.raises(VenueUnclear, match="RemoteProtocolError"):
        venue.place(order("b", 10, symbol=SYN1))
    assert venue.order("b") is None
    assert fired(practice) == {"timeout_after_accept": 1, "timeout_before_accept": 1}


def test_an_answer_that_is_none_says_nothing_of_the_order(practice: Practice) -> None:
    venue = practice.adapter
    assert venue is not None
    for kind in ("http_status", "http_garbage", "http_error_body"):
        for after in (False, True):
            name = f"{kind}-{after}"
            arm(practice, Fault(kind, count=1, where="place", after_accept=after))
            with pytest.raises(VenueUnclear):
                venue.place(order(name, 10, symbol=SYN1))
            assert (venue.order(name) is not None) == after
        assert fired(practice)[kind] == 2


def test_a_cut_stream_comes_back_and_what_was_missed_is_in_the_snapshot(
    practice: Practice,
) -> None:
    venue, heard = listening(practice)
    venue.place(order("a", 10, symbol=SYN1))
    arm(practice, Fault("disconnect", count=1, where="orders"))
    practice.pause_at(minute(1))
    lost = heard.until(Disconnected)
    assert lost.at_ns >= minute(-4)
    assert heard.until(Connected).at_ns == minute(1)
    assert [type(item) for item in heard.items].count(Execution) == 0
    assert len(venue.executions(0)) == 1


def test_a_silent_stream_stays_up(practice: Practice) -> None:
    venue = practice.adapter
    assert venue is not None
    heard, other = Heard(), Heard()
    venue.market_stream([SYN1], heard)
    venue.order_stream(other)
    heard.until(Connected)
    other.until(Connected)
    arm(practice, Fault("silent", count=1, where="market", seconds=100.0))
    practice.pause_at(minute(0))
    other.until(Heartbeat)
    other.until(Heartbeat)  # a second of ours later the other one has said nothing
    said = len(heard.items) + heard._queue.qsize()
    practice.pause_at(minute(1))
    other.until(Heartbeat)
    other.until(Heartbeat)
    assert len(heard.items) + heard._queue.qsize() == said
    practice.pause_at(minute(2))
    assert heard.until(VenueBar).start_ns == minute(1)
    assert not any(isinstance(item, Disconnected) for item in heard.items)


def test_every_fault_of_the_menu_can_be_armed_and_is_told(practice: Practice) -> None:
    arm(practice, *(Fault(kind, count=1) for kind in PLACES))
    armed = [one["kind"] for one in practice.get(wire.FAULTS)["armed"]]
    assert armed == list(PLACES)
    arm(practice)
    assert practice.get(wire.FAULTS) == {"armed": [], "fired": {}}
    refused = httpx2.post(f"{practice.url}{wire.FAULTS}", content=b'{"faults":[{"kind":"drip"}]}')
    assert refused.status_code == 400
    assert "Did you mean 'drop'" in refused.json()["error"]["message"]


# -- restarts --------------------------------------------------------------------------------------


def test_a_killed_venue_has_its_books_and_has_lived_through_the_time_between(
    mortal: Practice,
) -> None:
    venue, heard = listening(mortal)
    venue.place(order("a", 10, symbol=SYN1))
    mortal.pause_at(minute(1, 30))
    venue.place(order("b", -4, symbol=SYN1))
    venue.place(order("c", 10, "limit", limit=1.0, tif="gtc", symbol=SYN1))
    before = (venue.executions(0), venue.positions(), venue.cash(), venue.open_orders())
    mortal.end(signal.SIGKILL)
    assert isinstance(heard.until(Disconnected), Disconnected)
    with pytest.raises(VenueUnclear):
        venue.time()

    again = mortal.start()
    assert again.time().venue_ns == minute(1, 30)  # it was paused
    assert (again.executions(0), again.positions(), again.cash(), again.open_orders()) == before
    with pytest.raises(VenueRefused, match="duplicate"):
        again.place(order("b", -4, symbol=SYN1))
    mortal.post(wire.CONTROL, wire.Control(pause=False, rate=6000.0))
    mortal.end(signal.SIGKILL)

    again = mortal.start()
    mortal.post(wire.CONTROL, wire.Control(pause=True))
    mortal.pause_at(max(again.time().venue_ns, minute(3)))
    assert [one.client_id for one in again.executions(0)] == ["a", "b"]
    assert again.positions() == {SYN1: 6 * UNITS}


def test_killed_again_and_again_it_loses_and_doubles_nothing(mortal: Practice) -> None:
    words = ("--symbols", SYN1, "--at", AT)
    venue = mortal.adapter
    assert venue is not None
    asked: list[str] = []
    for round_number in range(4):
        for number in range(6):
            name = f"{round_number}-{number}"
            assert venue.place(order(name, 3, symbol=SYN1)).state == "ACCEPTED"
            asked.append(name)
            mortal.post(wire.CONTROL, wire.Control(advance_to_ns=minute(len(asked) - 4, 30)))
        mortal.end(signal.SIGKILL)
        venue = mortal.start(*words)
    mortal.pause_at(minute(60))
    executions = venue.executions(0)
    by_order: dict[str, int] = {}
    for one in executions:
        by_order[one.client_id] = by_order.get(one.client_id, 0) + one.units
    assert by_order == dict.fromkeys(asked, 3 * UNITS)
    assert len({one.execution_id for one in executions}) == len(executions)
    assert venue.positions() == {SYN1: 3 * len(asked) * UNITS}


def test_what_was_answered_is_there_after_a_kill_in_the_midst_of_orders(mortal: Practice) -> None:
    venue = mortal.adapter
    assert venue is not None
    mortal.post(wire.CONTROL, wire.Control(pause=False, rate=600.0))
    answered: dict[str, str] = {}  # client id and venue id
    for kill in (1, 7, 19):
        enough = threading.Event()

        def place_until_it_dies(
            asked: PracticeAdapter = venue, kill: int = kill, enough: threading.Event = enough
        ) -> None:
            for number in range(10_000):
                try:
                    report = asked.place(order(f"{kill}-{number}", 1, symbol=SYN1))
                except VenueUnclear:
                    return
                answered[report.client_id] = report.venue_id
                if number >= kill:
                    enough.set()

        client = threading.Thread(target=place_until_it_dies)
        client.start()
        assert enough.wait(20.0)
        mortal.end(signal.SIGKILL)
        client.join(20.0)
        venue = mortal.start()
        for name, venue_id in answered.items():
            found = venue.order(name)
            assert found is not None
            assert found.venue_id == venue_id
    assert len(answered) >= 1 + 7 + 19
    executions = venue.executions(0)
    assert len({one.execution_id for one in executions}) == len(executions)
    assert len({one.client_id for one in executions}) == len(executions)  # of one share each
    assert {one.client_id for one in venue.open_orders()}.isdisjoint(
        one.client_id for one in executions
    )


def test_a_venue_that_is_stopped_in_order_goes_on_where_it_stood(tmp_path: Path) -> None:
    practice = Practice(tmp_path, "--symbols", SYN1, "--at", AT, "--rate", "60")
    try:
        venue = practice.start()
        before_ns = venue.time().venue_ns
        assert practice.end(signal.SIGTERM) == 0
        venue = practice.start("--symbols", SYN1)
        told = venue.time()
        assert told.rate == 60.0
        assert before_ns <= told.venue_ns < before_ns + 600 * 10**9
        assert practice.end(signal.SIGINT) == 0
    finally:
        practice.close()


# -- what the sockets refuse -----------------------------------------------------------------------


def test_requests_that_make_no_sense_are_answered_with_a_reason(practice: Practice) -> None:
    url = practice.url

    def asked(method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        reply = httpx2.request(method, f"{url}{path}", content=body, trust_env=False)
        return reply.status_code, reply.json()["error"]["code"]

    assert asked("GET", "/nowhere") == (404, "no_such_path")
    assert asked("DELETE", "/time") == (404, "no_such_path")
    assert asked("POST", "/orders", b"{") == (400, "malformed")
    assert asked("POST", "/orders", b"\xff\xfe") == (400, "malformed")
    assert asked("PATCH", "/orders/a", b"[]") == (400, "malformed")
    assert asked("GET", "/executions?since_ns=soon") == (400, "malformed")
    assert asked("GET", "/bars?symbol=SYN1&start_ns=99999999999999999999") == (400, "malformed")
    assert asked("GET", "/bars?symbol=SYN1&interval=2x") == (400, "malformed")
    assert asked("GET", "/bars?symbol=SYN9") == (422, "refused")
    assert asked("POST", "/control", b'{"rate":-1}') == (400, "malformed")
    assert asked("POST", "/orders", b" " * ((1 << 20) + 1)) == (413, "too_large")
    with (
        connect(practice_stream(practice, "nothing"), proxy=None) as connection,
        pytest.raises(ConnectionClosed, match="there is no stream 'nothing'"),
    ):
        connection.recv(timeout=10)
    assert practice.get("/time")["rate"] == 0.0  # it lives


def practice_stream(practice: Practice, name: str) -> str:
    return f"ws://127.0.0.1:{practice.get('/venue')['stream_port']}/{name}"


def test_it_listens_on_the_loopback_interface_alone(practice: Practice) -> None:
    ports = {int(practice.url.rsplit(":", 1)[1]), practice.get("/venue")["stream_port"]}
    listening = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        host, port = local.split(":")
        if state == "0A" and int(port, 16) in ports:
            listening.add((host, int(port, 16)))
    assert listening == {("0100007F", port) for port in ports}


def test_books_in_use_are_refused_to_a_second_venue(practice: Practice) -> None:
    words = ["practice", "start", "--port", "0", "--books", str(practice.folder / "books")]
    done = run([*words, "--symbols", SYN1], practice.folder)
    assert done.returncode == 1
    assert "in use by another practice venue" in done.stderr


def test_a_hundred_requests_on_one_connection_do_not_wait_for_each_other(
    practice: Practice,
) -> None:
    """A kept-alive answer in two writes waits 40 ms for the other side's word: 4 s here."""
    with httpx2.Client(base_url=practice.url, trust_env=False) as client:
        for _ in range(100):
            assert client.get("/time").elapsed.total_seconds() < 2.0
        total = sum(client.get("/time").elapsed.total_seconds() for _ in range(100))
    assert total < 2.0


def test_the_routes_that_faults_know_are_those_there_are(practice: Practice) -> None:
    venue = practice.adapter
    assert venue is not None
    acts = {
        "about": venue.about,
        "time": venue.time,
        "place": lambda: venue.place(order("x", 1, symbol=SYN1)),
        "cancel": lambda: venue.cancel("x"),
        "amend": lambda: venue.amend("x", Terms(UNITS, None, None, None, None)),
        "order": lambda: venue.order("x"),
        "open_orders": venue.open_orders,
        "executions": lambda: venue.executions(0),
        "positions": venue.positions,
        "cash": venue.cash,
        "bars": lambda: venue.bars(SYN1, "1m", 0, OPENS_NS),
    }
    assert set(acts) == set(ROUTES)
    for route, act in acts.items():
        arm(practice, Fault("http_status", count=1, where=route, status=429))
        with pytest.raises(VenueUnclear, match="429"):
            act()
