"""The peer's streams: who listens to what, and which frames come of what happens.

A connection lasts 24 hours of the peer's time, as at Binance.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from app.core.intervals import DAY_NS, MINUTE_NS
from app.core.venue import Execution, Tick, VenueBar, VenueReport, VenueTime
from app.integrations.binance.peer.faults import DAY_DISCONNECT, EXPIRED
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.market_words import market_of, unclosed_kline
from app.integrations.binance.peer.requests import Requests
from app.integrations.binance.peer.words import (
    MS,
    account_position,
    balance_update,
    events_of,
    symbol_text,
)
from app.integrations.practice.venue.hub import Frames
from app.integrations.practice.venue.process import FaceListener
from app.integrations.practice.venue.stream_faults import Sent
from app.integrations.practice.wire import StreamItem

REQUESTS_PATH: Final = "/ws-api/v3"
_COMBINED, _RAW = "/stream", "/ws"
_BEAT_NS: Final = 2_000 * MS  # so often an unclosed minute is told
_encode = msgspec.json.Encoder().encode


class Listener(Frames):
    """One connection."""

    def __init__(self, path: str, names: Collection[str], at_ns: int) -> None:
        super().__init__()
        self.path = path
        self.names = set(names)  # of market streams
        self.subscription: int | None = None  # to the account's events
        self.until_ns = at_ns + DAY_NS

    def tell(self, name: str, data: Any) -> None:
        """An item of a market stream, as this connection wants it."""
        if name in self.names:
            is_raw = self.path.startswith(_RAW)
            self.put(_encode(data if is_raw else {"stream": name, "data": data}))

    def tell_user(self, event: Any) -> None:
        if self.subscription is not None:
            self.put(_encode({"subscriptionId": self.subscription, "event": event}))


def listener_of(path: str, at_ns: int) -> Listener | None:
    """What a connection asks for by its path; None where it is nothing of Binance's."""
    parts = urlsplit(path)
    if parts.path == REQUESTS_PATH:
        return Listener(parts.path, (), at_ns)
    if parts.path == _COMBINED:
        names = parse_qs(parts.query).get("streams", [""])[0]
        return Listener(parts.path, [one for one in names.split("/") if one], at_ns)
    if parts.path == _RAW or parts.path.startswith(f"{_RAW}/"):
        names = parts.path.removeprefix(_RAW).strip("/")
        return Listener(_RAW, [one for one in names.split("/") if one], at_ns)
    return None


class Streams:
    """All who listen; stepped under the lock of whoever has them."""

    def __init__(self, ground: Ground, requests: Requests) -> None:
        self._ground = ground
        self._requests = requests
        self._listeners: list[Listener] = []
        self._beat_ns = 0
        self._held, self._adjusted_count = ground.held(), ground.books.adjusted_count

    def joined(self, path: str, at: VenueTime) -> Listener | None:
        listener = listener_of(path, at.venue_ns)
        if listener is not None:
            self._listeners.append(listener)
        return listener

    def heard(self, listener: FaceListener, frame: str | bytes, at: VenueTime) -> None:
        """A request that came over a connection; its answer is queued."""
        if isinstance(listener, Listener):
            is_api = listener.path == REQUESTS_PATH
            answered = self._requests.answered if is_api else self._requests.subscribed
            listener.put(_encode(answered(listener, frame, at)))

    def left(self, listener: FaceListener) -> None:
        self._listeners = [one for one in self._listeners if one is not listener]

    def publish(self, sent: Sequence[Sent], at: VenueTime) -> None:
        """Hand on what has happened; a day-old connection is ended before."""
        menu = self._ground.venue.menu
        self._end_old(at.venue_ns)
        if self._listeners and menu.is_armed(DAY_DISCONNECT) and menu.fires(DAY_DISCONNECT):
            self.cut_all()
        if menu.is_armed(EXPIRED) and any(one.subscription is not None for one in self._listeners):
            self._expire(at)
        for _, item in sent:
            if item is None:
                self.cut_all()
            else:
                self._tell(item, at.venue_ns)
        self._tell_what_came(at.venue_ns)

    def beat(self, at: VenueTime) -> None:
        """The minutes under way; a clock that stands still has none."""
        now_ns = at.venue_ns
        if at.rate == 0.0 or now_ns - self._beat_ns < _BEAT_NS:
            return
        self._beat_ns = now_ns
        for symbol in self._ground.sizes:
            name = f"{symbol_text(symbol).lower()}@kline_1m"
            if any(name in one.names for one in self._listeners):
                price = self._ground.last_price(symbol, now_ns)
                data = unclosed_kline(symbol, now_ns - now_ns % MINUTE_NS, price, now_ns)
                for listener in self._listeners:
                    listener.tell(name, data)

    def cut_all(self) -> None:
        for listener in self._listeners:
            listener.end()
        self._listeners = []

    def _end_old(self, now_ns: int) -> None:
        for listener in [one for one in self._listeners if one.until_ns <= now_ns]:
            listener.end()
            self._listeners.remove(listener)

    def _expire(self, at: VenueTime) -> None:
        if self._ground.venue.menu.fires(EXPIRED):
            event = {"e": "eventStreamTerminated", "E": at.venue_ns // MS}
            for listener in self._listeners:
                listener.tell_user(event)
                listener.subscription = None

    def _tell(self, item: StreamItem, now_ns: int) -> None:
        if isinstance(item, VenueBar | Tick):
            theirs = symbol_text(item.symbol).lower()
            for kind, data in market_of(item):
                for listener in self._listeners:
                    listener.tell(f"{theirs}@{kind}", data)
        elif isinstance(item, Execution | VenueReport):
            for event in self._events(item, now_ns):
                for listener in self._listeners:
                    listener.tell_user(event)

    def _tell_what_came(self, now_ns: int) -> None:
        """Coins that came or went by hand, since the last time."""
        books, held = self._ground.books, self._ground.held()
        if books.adjusted_count != self._adjusted_count:
            for asset in sorted(held | self._held):
                more = held.get(asset, 0) - self._held.get(asset, 0)
                if more:
                    for listener in self._listeners:
                        listener.tell_user(balance_update(asset, more, now_ns))
        self._held, self._adjusted_count = held, books.adjusted_count

    def _events(self, item: Execution | VenueReport, now_ns: int) -> list[dict[str, Any]]:
        """The order's own event, and after each change what the account has."""
        ground = self._ground
        fee = ground.fee_of(item) if isinstance(item, Execution) else None
        entry, filled_units = ground.entry(item.venue_id), ground.filled_by(item)
        events = events_of(item, fee, entry, filled_units, now_ns)
        if events:
            events.append(account_position(ground.balances(item.symbol), now_ns))
        return events
