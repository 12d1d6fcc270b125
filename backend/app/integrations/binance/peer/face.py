"""The peer as a face of the practice venue's process: Binance's paths, the rest is the venue's."""

from collections.abc import Sequence
from typing import Final

from app.core.venue import VenueTime
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.requests import Requests
from app.integrations.binance.peer.routes import Routes
from app.integrations.binance.peer.signatures import Account
from app.integrations.binance.peer.streams import Streams
from app.integrations.practice.venue.exchange import Answer, Request
from app.integrations.practice.venue.process import FaceListener
from app.integrations.practice.venue.stream_faults import Sent

_PATHS: Final = ("/api/", "/sapi/")


class BinanceFace:
    """One account; whoever calls has a lock round it."""

    def __init__(self, ground: Ground, whose: Account) -> None:
        self.ground = ground
        self.routes = Routes(ground, whose)
        self.streams = Streams(ground, Requests(ground, whose))

    def serves(self, path: str) -> bool:
        return path.startswith(_PATHS)

    def answer(self, request: Request, at: VenueTime) -> Answer:
        return self.routes.answer(request, at)

    def joined(self, path: str, at: VenueTime) -> FaceListener | None:
        return self.streams.joined(path, at)

    def heard(self, listener: FaceListener, frame: str | bytes, at: VenueTime) -> None:
        self.streams.heard(listener, frame, at)

    def left(self, listener: FaceListener) -> None:
        self.streams.left(listener)

    def publish(self, sent: Sequence[Sent], at: VenueTime) -> None:
        self.streams.publish(sent, at)

    def beat(self, at: VenueTime) -> None:
        self.streams.beat(at)

    def cut_all(self) -> None:
        self.streams.cut_all()
