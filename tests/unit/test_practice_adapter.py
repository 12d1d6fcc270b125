"""The practice adapter: what it translates, and that no error of the way is left out."""

import inspect
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.practice_house import FLAT, Heard, Sim, minute, order, terms

from app.core.errors import UsageError
from app.core.money import UNITS
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    VenueBar,
    VenueError,
    VenueRefused,
    VenueReport,
    VenueTime,
    VenueUnclear,
)
from app.integrations.lasting_stream import LONGEST_WAIT_SECONDS, wait_seconds
from app.integrations.practice import wire
from app.integrations.practice.adapter import PracticeAdapter
from app.integrations.practice.stream import PracticeStream
from app.integrations.practice.transport import HttpTransport, Reply, read
from app.integrations.practice.wire import Fault
from app.integrations.registry import open_venue

FOREIGN = [
    kind
    for _, kind in inspect.getmembers(httpx2, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__.startswith("httpx2")
]


def made(kind: type[Exception]) -> Exception:
    """An exception of a kind, whatever it wants to be made of."""
    request = httpx2.Request("GET", "http://127.0.0.1/")
    ways: list[Callable[[], Exception]] = [
        lambda: kind("no"),
        lambda: kind(),
        lambda: kind("no", request=request, response=httpx2.Response(500)),  # type: ignore[call-arg]
        lambda: kind("no", request=request),  # type: ignore[call-arg]
    ]
    for way in ways:
        try:
            return way()
        except TypeError:
            continue
    raise AssertionError(f"nothing makes a {kind}")


def transport_that(act: Callable[[httpx2.Request], httpx2.Response]) -> HttpTransport:
    transport = HttpTransport("http://127.0.0.1:9")
    transport._client = httpx2.Client(
        base_url="http://127.0.0.1:9", transport=httpx2.MockTransport(act), trust_env=False
    )
    return transport


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: str(kind.__name__))
def test_whatever_httpx2_raises_is_unclear(kind: type[Exception]) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise made(kind)

    adapter = PracticeAdapter(transport_that(fail), lambda *_: pytest.fail("no stream"))
    with pytest.raises(VenueUnclear, match=kind.__name__):
        adapter.place(order("a", 10))


def test_there_is_something_to_translate() -> None:
    assert len(FOREIGN) > 20
    assert httpx2.ReadTimeout in FOREIGN


def test_a_closed_client_is_unclear() -> None:
    transport = HttpTransport("http://127.0.0.1:9")
    transport.close()
    with pytest.raises(VenueUnclear, match="closed"):
        transport.request("GET", "/time", {}, b"")


def test_a_venue_that_is_not_there_is_unclear() -> None:
    with pytest.raises(VenueUnclear, match="ConnectError"):
        open_venue("practice", "http://127.0.0.1:9").time()


PROBLEM = wire.encode(wire.ErrorBody(wire.Problem("refused", "not today")))
GARBAGE = b"<html>"


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_means_one_thing(status: int) -> None:
    unclear = not 400 <= status < 500 or status in (408, 429)
    with pytest.raises(VenueUnclear if unclear else VenueRefused) as caught:
        read(Reply(status, PROBLEM), VenueTime)
    assert isinstance(caught.value, VenueError)
    with pytest.raises(VenueUnclear):
        read(Reply(status, GARBAGE), VenueTime)  # no reason is no refusal


@given(body=st.binary(max_size=60), status=st.sampled_from([200, 400, 404, 409, 422, 429, 500]))
def test_no_body_gets_past_the_translation(body: bytes, status: int) -> None:
    with pytest.raises(VenueUnclear):
        read(Reply(status, body), VenueReport)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("timeout_before_accept"),
        Fault("timeout_after_accept"),
        Fault("reset_before_accept"),
        Fault("reset_after_accept"),
        Fault("http_truncated"),
        Fault("http_garbage"),
        Fault("http_error_body"),
        Fault("http_status", status=500),
        Fault("http_status", status=503),
        Fault("http_status", status=429),
        Fault("http_status", status=408),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
@pytest.mark.parametrize("name", ["place", "cancel", "amend", "order", "time", "positions"])
def test_each_call_says_that_it_does_not_know(fault: Fault, name: str) -> None:
    sim = Sim()
    adapter = sim.in_process().adapter()
    adapter.place(order("a", 10, "limit", limit=50.0))
    sim.arm(fault)
    words: dict[str, tuple[Any, ...]] = {
        "place": (order("b", 10),),
        "cancel": ("a",),
        "amend": ("a", terms(5, limit=51.0)),
        "order": ("a",),
    }
    with pytest.raises(VenueUnclear):
        getattr(adapter, name)(*words.get(name, ()))


# -- what it says of a venue ---------------------------------------------------------------------


def test_an_order_s_life_through_the_adapter() -> None:
    sim = Sim([FLAT, FLAT])
    adapter = sim.in_process().adapter()
    assert adapter.time() == VenueTime(sim.now_ns, 1.0)
    assert adapter.place(order("x/1 ü", 10)).state == "ACCEPTED"
    adapter.place(order("b", 5, "limit", limit=50.0))
    assert [one.client_id for one in adapter.open_orders()] == ["x/1 ü", "b"]
    sim.at(minute(1))
    found = adapter.order("x/1 ü")
    assert found is not None
    assert found.state == "FILLED"
    assert adapter.positions() == {"AAA": 10 * UNITS}
    assert adapter.cash() == {"USD": 99_000 * UNITS}
    assert adapter.amend("b", terms(6, limit=51.0)).units == 6 * UNITS
    assert adapter.cancel("b").state == "CANCELED"
    assert adapter.order("nobody's") is None
    assert adapter.executions(minute(2)) == []
    assert len(adapter.executions(0)) == 1
    bars = adapter.bars("AAA", "1m", 0, minute(10))
    assert (bars.start_ns.tolist(), bars.open.tolist()) == ([minute(0)], [100.0])
    assert adapter.about().symbols == ["AAA"]


def test_a_refusal_says_why() -> None:
    adapter = Sim().in_process().adapter()
    with pytest.raises(VenueRefused, match=r"422: 'ABA' is not traded here\. Did you mean 'AAA'"):
        adapter.place(order("a", 10, symbol="ABA"))
    adapter.place(order("a", 10))
    with pytest.raises(VenueRefused, match="409: duplicate"):
        adapter.place(order("a", 10))
    with pytest.raises(VenueRefused, match="404: There is no order 'b'"):
        adapter.cancel("b")


def test_the_streams_in_one_thread_bring_what_the_sockets_would() -> None:
    sim = Sim(symbols=("AAA", "BBB"))
    house = sim.in_process()
    adapter = house.adapter()
    market: list[Any] = []
    orders: list[Any] = []
    stream = adapter.market_stream(["BBB"], market.append)
    adapter.order_stream(orders.append)
    adapter.place(order("a", 10))
    sim.arm(Fault("disconnect", count=1, where="orders"))
    sim.at(minute(1))
    house.pump()
    assert [type(one) for one in market] == [Connected, VenueBar]
    assert market[1].symbol == "BBB"
    kinds = [type(one) for one in orders]
    assert kinds == [Connected, Disconnected, Connected, Execution, VenueReport]
    assert orders[3].execution_id == f"a/X1/{minute(1)}"
    stream.close()
    sim.at(minute(2))
    house.pump()
    assert len(market) == 2


# -- streams -------------------------------------------------------------------------------------


class Fixed:
    def __init__(self, drawn: float) -> None:
        self.drawn = drawn

    def random(self) -> float:
        return self.drawn


@given(failures=st.integers(0, 10_000), drawn=st.floats(0, 1, exclude_max=True))
def test_the_wait_for_the_next_try_is_bounded_and_spread(failures: int, drawn: float) -> None:
    waited = wait_seconds(failures, Fixed(drawn))
    assert 0.05 <= waited <= LONGEST_WAIT_SECONDS
    assert waited <= wait_seconds(failures + 1, Fixed(drawn))
    assert wait_seconds(failures, Fixed(0.0)) < wait_seconds(failures, Fixed(0.9))


def test_a_stream_that_finds_nothing_goes_on_trying_until_it_is_closed() -> None:
    tried, enough = [0], threading.Event()

    def find_url() -> str:
        tried[0] += 1
        if tried[0] == 3:
            enough.set()
        raise VenueUnclear("not there")

    heard = Heard()
    stream = PracticeStream(find_url, heard, Fixed(0.0)).start()
    assert enough.wait(10.0)
    stream.close()
    assert not stream._thread.is_alive()
    assert heard.items == []  # it never stood, so nothing was lost


@pytest.mark.parametrize(
    ("name", "url", "reason"),
    [
        ("practise", "http://127.0.0.1:1", "no venue 'practise'.*Did you mean 'practice'"),
        ("practice", "127.0.0.1:1", "no address of a venue"),
        ("practice", "", "no address of a venue"),
        ("practice", "ftp://me:canary@127.0.0.1:1", "^'127.0.0.1:1' is no address of a venue"),
        (
            "practice",
            "http://127.0.0.1:8790:",
            "^'http://127.0.0.1:8790:' is no address of a venue",
        ),
        ("practice", "http://127.0.0.1:port", "is no address of a venue"),
    ],
)
def test_a_venue_nobody_knows_is_refused(name: str, url: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        open_venue(name, url)
