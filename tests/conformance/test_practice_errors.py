"""The practice adapter's map of foreign errors: rubbish over real sockets, at calls and on streams.

That each exception of its HTTP library and each status is in the map is in test_practice_adapter.
"""

import inspect
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import numpy as np
import pytest
import websockets.exceptions
from websockets.sync.server import ServerConnection, serve

from app.core.venue import (
    Connected,
    Disconnected,
    VenueOrder,
    VenueReport,
    VenueUnclear,
)
from app.integrations.practice import stream as practice_stream
from app.integrations.practice import wire
from app.integrations.practice.adapter import open_practice
from app.integrations.practice.stream import PracticeStream
from app.integrations.practice.venue.desk import Request
from tests.conformance.rubbish import answering, http, nested, rubbish_like
from tests.practice_house import Sim, minute, order

REPORT = VenueReport(
    client_id="a", venue_id="V1", symbol="AAA", state="ACCEPTED", units=1, filled_units=0,
    kind="market", at_ns=1,
)  # fmt: skip
GOOD = wire.encode(REPORT)
DEEP = nested(GOOD)
RUBBISH: dict[str, bytes | None] = {
    **rubbish_like(GOOD),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "no letters": http(GOOD.replace(b'"V1"', b'"\xff\xfe"')),
    "half a letter": http(GOOD.replace(b'"V1"', b'"\\ud800"')),
    "a number without end": http(GOOD.replace(b'"units":1', b'"units":' + b"9" * 5000)),
    "a part of a unit": http(GOOD.replace(b'"units":1', b'"units":1.5')),
    "a quantity in words": http(GOOD.replace(b'"units":1', b'"units":"1"')),
    "no quantity": http(GOOD.replace(b'"units":1,', b"")),
    "a state there is not": http(GOOD.replace(b"ACCEPTED", b"PENDING_NEW")),
    "a refusal without words": http(b"", "422 Unprocessable"),
    "a refusal of no letters": http(
        b'{"error":{"code":"refused","message":"\xff"}}', "422 Unprocessable"
    ),
}


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_over_a_real_socket_is_unclear(rubbish: bytes | None) -> None:
    with answering(rubbish, rubbish) as url:
        adapter = open_practice(url, np.random.default_rng(1))
        with pytest.raises(VenueUnclear):
            adapter.place(order("a", 1))
        with pytest.raises(VenueUnclear):
            adapter.order("a")
        adapter.close()


def test_the_same_answer_unspoilt_is_read() -> None:
    with answering(http(GOOD)) as url:
        adapter = open_practice(url, np.random.default_rng(1))
        assert adapter.place(order("a", 1)) == REPORT
        adapter.close()


# -- streams -------------------------------------------------------------------------------------

HELLO = wire.encode(Connected(1))
FRAMES: dict[str, bytes | str] = {
    "no JSON": "<html>",
    "binary": b"\x00\x01",
    "empty": "",
    "no type": "{}",
    "an unknown type": '{"type":"dividend"}',
    "nested without end": (b'{"type":' + DEEP[1:]).decode(),
    "no letters": b'{"type":"report","client_id":"\xff"}',
    "a state there is not": GOOD.replace(b"ACCEPTED", b"PENDING_NEW").decode(),
}


@contextmanager
def streaming(*frames: bytes | str) -> Iterator[str]:
    """A stream whose first connection brings these frames; those after it only stand."""
    turns = iter([frames])

    def bring(connection: ServerConnection) -> None:
        connection.send(HELLO, text=True)
        for frame in next(turns, ()):
            connection.send(frame)
        for _ in connection:  # until the other side ends it
            pass

    with serve(bring, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/orders"
        server.shutdown()
        thread.join(5.0)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_of_rubbish_ends_the_connection_and_not_the_stream(frame: bytes | str) -> None:
    heard: queue.Queue[Any] = queue.Queue()
    with streaming(frame) as url:
        stream = PracticeStream(lambda: url, heard.put, np.random.default_rng(1)).start()
        kinds = [type(heard.get(timeout=10.0)) for _ in range(3)]
        stream.close()
    assert kinds == [Connected, Disconnected, Connected]


FOREIGN = [
    kind
    for kind in vars(websockets.exceptions).values()  # without those it has by other names
    if inspect.isclass(kind) and issubclass(kind, Exception)
]


def test_whatever_the_streams_library_raises_is_caught() -> None:
    assert len(FOREIGN) > 15
    assert all(issubclass(kind, practice_stream.FOREIGN) for kind in FOREIGN)


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 503 No\r\n\r\n", b"\xff\xff\r\n\r\n"],
    ids=["a reset", "nothing", "no upgrade", "503", "no HTTP"],
)
def test_a_stream_that_is_answered_with_rubbish_tries_again(answer: bytes | None) -> None:
    heard: queue.Queue[Any] = queue.Queue()
    with answering(answer) as url, streaming() as good:
        addresses = iter([url.replace("http", "ws")])
        stream = PracticeStream(
            lambda: next(addresses, good), heard.put, np.random.default_rng(1)
        ).start()
        assert isinstance(heard.get(timeout=10.0), Connected)
        stream.close()


def test_a_stream_that_nobody_answers_tries_again() -> None:
    heard: queue.Queue[Any] = queue.Queue()
    with streaming() as good:
        addresses = iter(["ws://127.0.0.1:9/orders"])
        stream = PracticeStream(
            lambda: next(addresses, good), heard.put, np.random.default_rng(1)
        ).start()
        assert isinstance(heard.get(timeout=10.0), Connected)
        stream.close()


def test_a_body_of_no_letters_is_refused_by_the_venue_and_does_not_end_it() -> None:
    sim = Sim()
    asked: VenueOrder = order("spoilt", 10)
    for body in (wire.encode(asked).replace(b"spoilt", b"\xff\xfe"), DEEP):
        answer = sim.desk.answer(Request("POST", wire.ORDERS, {}, body), minute(0))
        assert answer.status == wire.STATUS[wire.MALFORMED]
