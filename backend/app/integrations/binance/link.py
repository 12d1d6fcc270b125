"""How Binance is asked: python-binance's client, its time, its weights, every error translated."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from binance.client import Client
from requests import Response
from requests.exceptions import ContentDecodingError

from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.seams import Wall
from app.core.venue import VenueRefused, VenueUnclear
from app.integrations.binance.endpoints import KEY_NAME, SECRET_NAME, Endpoints, Keys
from app.integrations.binance.limits import Limits, counted
from app.integrations.binance.problems import (
    FOREIGN,
    TOO_MUCH,
    ClockIsOff,
    TooManyRequests,
    translated,
)
from app.integrations.binance.wire import MILLISECOND_NS, time_ns

RECEIVE_WINDOW_MS: Final = 5_000
TIMEOUT_SECONDS: Final = (2.0, 12.0)  # to connect; to answer, as Binance itself gives up after 10
MOST_BYTES: Final = 64 << 20  # of an answer
_CHUNK_BYTES: Final = 65_536
_FASTEST: Final = 1e6  # that a peer's time runs
_USUAL_WAIT_SECONDS: Final = 60  # where Binance does not say how long
_LONGEST_WAIT_SECONDS: Final = 3 * 86_400  # that it bans anybody

_Read = TypeVar("_Read")


class _Clock(NamedTuple):
    """Binance's, as it was told at a moment of ours; by the monotonic clock, which nobody sets."""

    ahead_ns: int
    asked_ns: int
    rate: float

    def now_ns(self, here_ns: int) -> int:
        more_ns = (here_ns - self.asked_ns) * (self.rate - 1.0) if self.rate != 1.0 else 0
        return here_ns + self.ahead_ns + int(more_ns)


class Link:
    """One account's way to Binance; callable from any thread, each on a connection of its own."""

    def __init__(self, endpoints: Endpoints, keys: Keys, wall: Wall) -> None:
        self.endpoints = endpoints
        self._keys = keys
        self._wall = wall
        self._clock: _Clock | None = None
        self._here = threading.local()
        self._lock = threading.Lock()
        self._clients: list[Client] = []
        self._closing = threading.Event()
        self._quiet_until_ns = 0  # by the monotonic clock
        self.limits = Limits()

    # -- time ------------------------------------------------------------------------------------

    def now_ns(self) -> int:
        """Binance's time, as far as is known here."""
        if self._clock is None:
            return self._wall.now_ns()
        return self._clock.now_ns(self._wall.monotonic_ns())

    @property
    def rate(self) -> float:
        """How fast its time runs: as ours does, but that of a peer on this machine."""
        return 1.0 if self._clock is None else self._clock.rate

    def sync(self) -> int:
        """Ask for its time, and keep to it."""
        began_ns = self._wall.monotonic_ns()
        told_ns, rate = self.call("time", 1, self._told_time)
        between_ns = (began_ns + self._wall.monotonic_ns()) // 2
        self._clock = _Clock(told_ns - between_ns, between_ns, rate)
        return told_ns

    def _told_time(self, client: Client) -> tuple[int, float]:
        """Binance's own time runs as ours does; a peer here may say how fast its does."""
        told = client.get_server_time()
        rate = float(told.get("rate", 1.0)) if self.endpoints.tells_rate else 1.0
        if not 0.0 <= rate <= _FASTEST:
            raise ValueError(f"the rate {rate} is none")
        return time_ns(told["serverTime"]), rate

    def _ahead_ms(self) -> int:
        """Of the wall clock, by which the library stamps requests."""
        return (self.now_ns() - self._wall.now_ns()) // MILLISECOND_NS

    # -- requests --------------------------------------------------------------------------------

    def call(
        self,
        what: str,
        weight: int,
        ask: Callable[[Client], _Read],
        *,
        bulk: bool = False,
        orders: int = 0,
        yields: bool = False,
    ) -> _Read:
        """Ask without a signature. What comes in `bulk` waits where the weight is nearly used;
        `orders` are counted too, and those that yield leave some to others.
        """
        self._make_room(what, weight, orders, bulk=bulk, yields=yields)
        client = self._client()
        client.timestamp_offset = self._ahead_ms()
        try:
            return ask(client)
        except FOREIGN as error:
            no = translated(error, what, self.endpoints.host)
            if isinstance(no, TooManyRequests):
                self._note_counts(client)  # the answer says for how long
                no.wait_seconds = self._quiet_venue_seconds()
            raise no from error
        finally:
            self._note_counts(client)

    def signed(
        self, what: str, weight: int, ask: Callable[[Client], _Read], **counted: Any
    ) -> _Read:
        """Ask with a signature; once more where its clock says that ours was off."""
        if not self._keys.key or not self._keys.secret:
            raise VenueRefused(f"Binance's keys are missing: set {KEY_NAME} and {SECRET_NAME}.")
        if self._clock is None:
            self.sync()
        try:
            return self.call(what, weight, ask, **counted)
        except ClockIsOff:  # it was not looked at, so it may be sent again
            self.sync()
            return self.call(what, weight, ask, **counted)

    def read(
        self, what: str, weight: int, ask: Callable[[Client], _Read], *, yields: bool = True
    ) -> _Read:
        """The same where being turned away is no answer: it will be asked again. Questions leave
        some weight to cancels and exits.
        """
        try:
            return self.signed(what, weight, ask, yields=yields)
        except TooManyRequests as error:
            raise VenueUnclear(str(error)) from error

    def signed_words(self) -> dict[str, Any]:
        """A request of the websocket API, signed."""
        if self._clock is None:
            self.sync()
        client = self._client()
        client.timestamp_offset = self._ahead_ms()
        asked = {"recvWindow": RECEIVE_WINDOW_MS}
        return dict(client._sign_ws_params(asked, client._generate_ws_api_signature))

    def quiet_seconds(self) -> float:
        """For how long Binance wants no requests from here."""
        return max(self._quiet_until_ns - self._wall.monotonic_ns(), 0) / SECOND_NS

    def _quiet_venue_seconds(self) -> float:
        """The same by its clock."""
        return self.quiet_seconds() * (self.rate or 1.0)

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            for client in self._clients:
                client.session.close()
            self._clients.clear()

    # -- limits ----------------------------------------------------------------------------------

    def _make_room(self, what: str, weight: int, orders: int, *, bulk: bool, yields: bool) -> None:
        """Refuse what would go over a limit; nothing has been sent then."""
        while True:
            if self._closing.is_set():
                raise VenueUnclear(f"The way to Binance is closed: {what} was not asked.")
            now_ns, seconds = self.now_ns(), self._quiet_venue_seconds()
            if seconds:
                raise TooManyRequests(
                    f"Binance wants no requests for another {seconds:.0f} s: {what} was not sent.",
                    seconds,
                )
            full = self.limits.take(weight, orders, now_ns, yields=bulk or yields)
            if not full:
                return
            if not bulk:
                raise TooManyRequests(f"At Binance {full} would be exceeded: {what} was not sent.")
            rest_ns = MINUTE_NS - now_ns % MINUTE_NS
            self._wall.wait(self._closing, rest_ns / SECOND_NS / (self.rate or 1.0))

    def _note_counts(self, client: Client) -> None:
        response = client.response
        if response is None:
            return
        client.response = None
        self.limits.note(response.headers, self.now_ns())
        if response.status_code in TOO_MUCH:
            told = counted(response.headers.get("Retry-After", ""))
            seconds = _USUAL_WAIT_SECONDS if told is None else min(told, _LONGEST_WAIT_SECONDS)
            wait_ns = int(seconds * SECOND_NS / (self.rate or 1.0))
            self._quiet_until_ns = max(self._quiet_until_ns, self._wall.monotonic_ns() + wait_ns)

    def _client(self) -> Client:
        found: Client | None = getattr(self._here, "client", None)
        if found is None:
            found = _client(self.endpoints, self._keys)
            self._here.client = found
            with self._lock:
                self._clients.append(found)
        return found


def _client(endpoints: Endpoints, keys: Keys) -> Client:
    """A client of the library for these addresses; it asks nothing by itself."""

    class _Here(Client):  # type: ignore[misc]
        API_URL = endpoints.rest
        MARGIN_API_URL = endpoints.wallet
        REQUEST_RECVWINDOW = RECEIVE_WINDOW_MS
        REQUEST_TIMEOUT = TIMEOUT_SECONDS

    before = _loop_of_this_thread()
    loop = asyncio.new_event_loop()  # the library wants one; nothing here runs on it
    asyncio.set_event_loop(loop)
    try:
        client = _Here(
            keys.key or None, keys.secret or None, {"allow_redirects": False}, ping=False
        )  # an order that is sent elsewhere would be a second one
    finally:
        asyncio.set_event_loop(before)
        loop.close()
    client.session.trust_env = False
    client.session.hooks["response"].append(_read_bounded)
    client.session.stream = True  # so that a body is first read there
    return client


def _read_bounded(response: Response, **asked: Any) -> None:
    """Read its body: a small one may unpack to more than the machine has."""
    body = bytearray()
    for part in response.iter_content(_CHUNK_BYTES):
        body += part
        if len(body) > MOST_BYTES:
            response.close()
            raise ContentDecodingError(f"its body is larger than {MOST_BYTES} bytes")
    response._content = bytes(body)


def _loop_of_this_thread() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
