"""The peer's streams: who listens to what, and which frames come of what happens."""

import json
import queue
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from app.core.venue import Execution, Tick, VenueBar, VenueReport, VenueTime
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account, check_websocket
from app.integrations.binance.peer.words import MS, events_of, market_of
from app.integrations.binance.peer.wrong import Wrong
from app.integrations.practice.wire import StreamItem

_REQUESTS: Final = "/ws-api/v3"
_SUBSCRIBE: Final = "userDataStream.subscribe.signature"


class Listener:
    """One connection's frames; None ends it."""

    def __init__(self, streams: Collection[str], *, is_user: bool) -> None:
        self.streams = frozenset(streams)
        self.is_user = is_user
        self.frames: queue.Queue[str | None] = queue.Queue()


def listener_of(path: str) -> Listener:
    """What a connection asks for by its path."""
    parts = urlsplit(path)
    names = parse_qs(parts.query).get("streams", [""])[0].split("/")
    return Listener(names, is_user=parts.path == _REQUESTS)


class Streams:
    """All who listen; stepped under the lock of whoever has them."""

    def __init__(self, ground: Ground, whose: Account) -> None:
        self._ground = ground
        self._account = whose
        self._listeners: list[Listener] = []

    def join(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    def subscribe(self, listener: Listener, frame: str | bytes, at: VenueTime) -> tuple[bool, str]:
        """Whether a listener may hear of the account, and what it is told."""
        asked = json.loads(frame)
        answer = {"id": asked["id"], "status": 200, "result": {"subscriptionId": 0}}
        try:
            if asked["method"] != _SUBSCRIBE:
                raise Wrong(400, -1020, "This operation is not supported.")
            check_websocket(self._account, asked["params"], at)
        except Wrong as wrong:
            answer = {"id": asked["id"], "status": wrong.status, "error": wrong.told()}
            return False, json.dumps(answer)
        self.join(listener)
        return True, json.dumps(answer)

    def publish(self, item: StreamItem | None, now_ns: int) -> None:
        """Hand on what has happened; None cuts all."""
        if item is None:
            self.cut_all()
            return
        for listener in self._listeners:
            for frame in self._frames(item, listener, now_ns):
                listener.frames.put(json.dumps(frame))

    def cut_all(self) -> None:
        for listener in self._listeners:
            listener.frames.put(None)

    def beat(self, now_ns: int) -> None:
        """What Binance tells every two seconds of a minute under way, and of the coins."""
        at = now_ns // MS
        user = {"e": "outboundAccountPosition", "E": at, "u": at, "B": []}
        for listener in self._listeners:
            if listener.is_user:
                listener.frames.put(json.dumps(_told_user(user)))
            for name in [] if listener.is_user else self._ground.ours:
                stream = f"{name.lower()}@kline_1m"
                data = {"e": "kline", "E": at, "s": name, "k": {"x": False}}
                if stream in listener.streams:
                    listener.frames.put(json.dumps({"stream": stream, "data": data}))

    def _frames(self, item: StreamItem, listener: Listener, now_ns: int) -> list[Any]:
        if isinstance(item, Execution | VenueReport) and listener.is_user:
            entry = self._ground.entry(item.venue_id)
            fee = self._ground.fee_of(item) if isinstance(item, Execution) else None
            return [_told_user(event) for event in events_of(item, fee, entry, now_ns)]
        if isinstance(item, VenueBar | Tick) and not listener.is_user:
            theirs = item.symbol.replace("/", "").lower()
            told = [{"stream": f"{theirs}@{kind}", "data": data} for kind, data in market_of(item)]
            return [one for one in told if one["stream"] in listener.streams]
        return []


def _told_user(event: dict[str, Any]) -> dict[str, Any]:
    return {"subscriptionId": 0, "event": event}
