"""The Binance adapter's map of foreign errors: rubbish over real sockets, at calls and on streams.

What its codes and statuses mean is in test_binance.
"""

import inspect
import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import binance.exceptions
import numpy as np
import pytest
import requests.exceptions
import urllib3.exceptions
import websockets.exceptions
from websockets.sync.server import ServerConnection, serve

from app.core.orders import GTC, LIMIT, Terms
from app.core.venue import Connected, Disconnected, VenueOrder, VenueReport, VenueUnclear
from app.integrations.binance import streams
from app.integrations.binance.adapter import BinanceAdapter
from app.integrations.binance.endpoints import Endpoints, Keys
from app.integrations.binance.link import Link
from app.integrations.binance.problems import FOREIGN, TooManyRequests
from app.managers.time_manager.clock import WallClock
from tests.binance_house import KEY, SECRET
from tests.conformance.rubbish import answering, http, nested, rubbish_like

BTC = "BTC/USDT"
TOLD = {
    "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "a-1", "price": "100.00", "status": "NEW",
    "origQty": "1.00", "executedQty": "0.00", "type": "LIMIT", "side": "BUY",
    "stopPrice": "0.00", "transactTime": 1_730_000_000_000,
}  # fmt: skip
GOOD = json.dumps(TOLD).encode()
DEEP = nested(GOOD)
RUBBISH: dict[str, bytes | None] = {
    **rubbish_like(GOOD),
    "no letters": http(GOOD.replace(b'"NEW"', b'"\xff\xfe"')),
    "a number without end": http(GOOD.replace(b'"1.00"', b"9" * 5_000)),
    "a quantity in words": http(GOOD.replace(b'"1.00"', b'"one"')),
    "no number at all": http(GOOD.replace(b'"1.00"', b'"NaN"')),
    "no quantity": http(GOOD.replace(b'"origQty": "1.00", ', b"")),
    "another's symbol": http(GOOD.replace(b"BTCUSDT", b"ABCUSDT")),
    "a state there is not": http(GOOD.replace(b'"NEW"', b'"HALF_NEW"')),
    "a refusal without words": http(b"", "400 Bad Request"),
    "a refusal of no letters": http(b'{"code":-2010,"msg":"\xff', "400 Bad Request"),
    "a refusal without a code": http(b'{"code":0,"msg":"?"}', "400 Bad Request"),
    "more counted than a number holds": http(
        GOOD[:-1], "200 OK", "X-MBX-USED-WEIGHT-1M: " + "9" * 5_000
    ),
    "too late an answer": http(b'{"code":-2010,"msg":"?"}', "408 Request Timeout"),
}


def opened(rest: str, stream: str = "ws://127.0.0.1:9") -> BinanceAdapter:
    """An adapter that knows the time already, and no key's rights are told."""
    link = Link(Endpoints(f"{rest}/api", "", stream, stream), Keys(KEY, SECRET), WallClock())
    link._told_time = lambda client: (WallClock().now_ns(), 1.0)  # type: ignore[method-assign]
    link.sync()
    return BinanceAdapter(link, [BTC], np.random.default_rng(1))


ORDER = VenueOrder(
    client_id="a-1", symbol=BTC, kind=LIMIT, tif=GTC,
    terms=Terms(100_000_000, 100.0, None, None, None),
)  # fmt: skip


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_over_a_real_socket_is_unclear(rubbish: bytes | None) -> None:
    with answering(rubbish, rubbish) as url:
        adapter = opened(url)
        with pytest.raises(VenueUnclear):
            adapter.place(ORDER)
        with pytest.raises(VenueUnclear):
            adapter.order("a-1", BTC)
        adapter.close()


def test_the_same_answer_unspoilt_is_read() -> None:
    with answering(http(GOOD)) as url:
        adapter = opened(url)
        assert adapter.place(ORDER).venue_id == "7"
        adapter.close()


@pytest.mark.parametrize(
    ("told", "seconds"), [("30", 30), ("9" * 400, 60), ("9" * 9, 3 * 86_400), ("-1", 60)]
)
def test_no_wait_that_is_told_is_longer_than_binance_bans_anybody(told: str, seconds: int) -> None:
    turned_away = http(b'{"code":-1003,"msg":"?"}', "418 Banned", f"Retry-After: {told}")
    with answering(turned_away) as url:
        adapter = opened(url)
        with pytest.raises(TooManyRequests) as caught:
            adapter.place(ORDER)
        assert seconds - 5 < caught.value.wait_seconds <= seconds
        adapter.close()


def test_an_order_is_never_sent_to_where_an_answer_points() -> None:
    with answering(http(GOOD)) as other:
        elsewhere = http(b"", "307 Temporary Redirect", f"Location: {other}/api/v3/order")
        with answering(elsewhere, http(GOOD)) as url:
            adapter = opened(url)
            with pytest.raises(VenueUnclear):
                adapter.place(ORDER)
            assert adapter.order("a-1", BTC) is not None  # by the second answer, of the first
            adapter.close()


_NEVER = {"BinanceWebsocketUnableToConnect", "BinanceWebsocketQueueOverflow",
          "BinanceWebsocketClosed", "ReadLoopClosed"}  # fmt: skip
MODULES = (binance.exceptions, requests.exceptions, urllib3.exceptions)
RAISED = [
    kind
    for module in MODULES
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, Exception) and not issubclass(kind, Warning)
]


def test_whatever_the_libraries_raise_is_caught() -> None:
    """But for what only the streams of python-binance raise, which are not used."""
    assert len(RAISED) > 50
    assert {kind.__name__ for kind in RAISED if not issubclass(kind, FOREIGN)} == _NEVER
    ours = [kind for kind in vars(websockets.exceptions).values() if inspect.isclass(kind)]
    raised = [kind for kind in ours if issubclass(kind, Exception)]
    assert len(raised) > 15
    assert all(issubclass(kind, streams.FOREIGN) for kind in raised)


# -- streams -------------------------------------------------------------------------------------

EVENT = {
    "e": "executionReport", "E": 1_730_000_000_000, "s": "BTCUSDT", "c": "a-1", "C": "",
    "S": "BUY", "o": "LIMIT", "q": "1.00", "p": "100.00", "P": "0.00", "r": "NONE", "i": 7,
    "x": "NEW", "X": "NEW", "z": "0.00", "T": 1_730_000_000_000,
}  # fmt: skip
TOLD_USER = json.dumps({"subscriptionId": 0, "event": EVENT})
FRAMES: dict[str, bytes | str] = {
    "no JSON": "<html>",
    "binary": b"\x00\x01",
    "empty": "",
    "a list": "[]",
    "an event that is none": '{"event": 7}',
    "no kind": '{"event": {}}',
    "nested without end": (b'{"event":' + DEEP[1:]).decode(),
    "no number": TOLD_USER.replace('"1.00"', '"one"'),
    "a moment that is none": TOLD_USER.replace("1730000000000", '"soon"'),
    "a state there is not": TOLD_USER.replace('"X": "NEW"', '"X": "HALF_NEW"'),
    "its end": '{"event": {"e": "serverShutdown", "E": 1}}',
}


@contextmanager
def streaming(frame: bytes | str) -> Iterator[str]:
    """A websocket API whose first connection brings this frame, and all of them a good one."""
    turns = iter([frame])

    def bring(connection: ServerConnection) -> None:
        asked = json.loads(connection.recv())
        connection.send(json.dumps({"id": asked["id"], "status": 200, "result": {}}))
        for one in turns:
            connection.send(one)
        connection.send(TOLD_USER)
        for _ in connection:  # until the other side ends it
            pass

    with serve(bring, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws-api/v3"
        server.shutdown()
        thread.join(5.0)


INFO = {
    "rateLimits": [],
    "symbols": [{
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
            {
                "filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000",
                "stepSize": "0.00001",
            },
        ],
    }],
}  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_of_rubbish_ends_the_connection_and_not_the_stream(frame: bytes | str) -> None:
    heard: queue.Queue[Any] = queue.Queue()
    with answering(http(json.dumps(INFO).encode())) as rest, streaming(frame) as url:
        adapter = opened(rest, url)
        adapter.order_stream(heard.put)
        kinds = [type(heard.get(timeout=10.0)) for _ in range(4)]
        adapter.close()
    assert kinds == [Connected, Disconnected, Connected, VenueReport]
