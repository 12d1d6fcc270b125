"""What is asked over a websocket: the account's events by a signature, market streams by name."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from app.core.venue import VenueTime
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account, check_websocket
from app.integrations.binance.peer.words import MS
from app.integrations.binance.peer.wrong import Wrong

_KINDS: Final = ("trade", "aggTrade", "bookTicker", "kline_1m")


class Asking(Protocol):
    """Who asks."""

    names: set[str]
    subscription: int | None


class Requests:
    """Answers one account's connections."""

    def __init__(self, ground: Ground, whose: Account) -> None:
        self._ground = ground
        self._account = whose
        self._given = 0

    def answered(self, asking: Asking, frame: str | bytes, at: VenueTime) -> dict[str, Any]:
        """A request of the websocket API."""
        number: Any = None
        try:
            asked = _read(frame)
            number = asked.get("id")
            return {"id": number, "status": 200, "result": self._act(asking, asked, at)}
        except Wrong as wrong:
            return {"id": number, "status": wrong.status, "error": wrong.told()}

    def subscribed(self, asking: Asking, frame: str | bytes, at: VenueTime) -> dict[str, Any]:
        """A request at the market's streams."""
        number: Any = None
        try:
            asked = _read(frame)
            number = asked.get("id")
            names = _names(asked)
            if asked.get("method") == "SUBSCRIBE":
                asking.names.update(self._known(names))
            elif asked.get("method") == "UNSUBSCRIBE":
                asking.names.difference_update(names)
            elif asked.get("method") == "LIST_SUBSCRIPTIONS":
                return {"result": sorted(asking.names), "id": number}
            else:
                raise Wrong(400, 2, "Invalid request: unknown method")
            return {"result": None, "id": number}
        except Wrong as wrong:
            return {"error": wrong.told(), "id": number}

    def _act(self, asking: Asking, asked: Mapping[str, Any], at: VenueTime) -> dict[str, Any]:
        method, words = asked.get("method"), asked.get("params")
        words = words if isinstance(words, dict) else {}
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": at.venue_ns // MS}
        if method == "userDataStream.subscribe.signature":
            check_websocket(self._account, words, at)
            self._given, asking.subscription = self._given + 1, self._given
            return {"subscriptionId": asking.subscription}
        if method == "userDataStream.unsubscribe":
            asking.subscription = None
            return {}
        raise Wrong(400, -1020, "This operation is not supported.")

    def _known(self, names: list[str]) -> list[str]:
        for name in names:
            symbol, _, kind = name.partition("@")
            if symbol.upper() not in self._ground.ours or kind not in _KINDS:
                raise Wrong(400, 2, f"Invalid request: no stream '{name[:40]}'")
        return names


def _names(asked: Mapping[str, Any]) -> list[str]:
    """The streams that are named."""
    names = asked.get("params") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Wrong(400, 2, "Invalid request: params is a list of streams")
    return names


def _read(frame: str | bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(frame, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong(400, -1000, "A request is one JSON object.") from error
