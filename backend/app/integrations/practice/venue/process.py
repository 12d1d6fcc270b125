"""The venue as a process: threads and sockets round the desk, one lock round every step.

HTTP for requests, websockets for streams, a thread that moves the venue on with its clock. All of
it is on the loopback interface.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as WebsocketRequest
from websockets.sync.server import Server, ServerConnection, serve

from app.core.errors import UsageError
from app.core.intervals import SECOND_NS
from app.core.seams import Wall
from app.core.venue import Connected, VenueTime
from app.integrations.practice import wire
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.desk import Desk
from app.integrations.practice.venue.exchange import Answer, Request
from app.integrations.practice.venue.http import HttpServer
from app.integrations.practice.venue.hub import Hub, Listener
from app.integrations.practice.venue.stream_faults import Sent
from app.integrations.practice.venue.venue import PracticeVenue

HOST: Final = "127.0.0.1"
_HEARTBEAT_NS: Final = SECOND_NS
_LOOK_SECONDS: Final = 0.1
_SHUTDOWN_SECONDS: Final = 0.02  # that the HTTP takes to see that it is to end
_JOIN_SECONDS: Final = 5.0
_SHORTEST_WAIT_SECONDS: Final = 0.001


class FaceListener(Protocol):
    """Who listens to a face; what it says is heard, what is queued is sent."""

    def take(self) -> bytes | None: ...
    def cut(self) -> None: ...


class Face(Protocol):
    """Another venue's words for the same books, at the same address; called under the lock."""

    def serves(self, path: str) -> bool: ...
    def answer(self, request: Request, at: VenueTime) -> Answer: ...
    def joined(self, path: str, at: VenueTime) -> FaceListener | None: ...
    def heard(self, listener: FaceListener, frame: str | bytes, at: VenueTime) -> None: ...
    def left(self, listener: FaceListener) -> None: ...
    def publish(self, sent: Sequence[Sent], at: VenueTime) -> None: ...
    def beat(self, at: VenueTime) -> None: ...
    def cut_all(self) -> None: ...


class VenueProcess:
    """A venue that can be asked and listened to over sockets.

    With a face its streams are one port above its HTTP.
    """

    def __init__(
        self,
        venue: PracticeVenue,
        clock: VenueClock,
        about: wire.About,
        wall: Wall,
        port: int,
        face: Face | None = None,
    ) -> None:
        self._venue = venue
        self._face = face
        self._wall = wall
        self._lock = threading.Lock()
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._is_asked_to_stop = False
        self._failure: Exception | None = None
        self._hub = Hub()
        self._at_the_face: dict[ServerConnection, FaceListener] = {}  # before they are served
        self._origin_ns = wall.now_ns() - wall.monotonic_ns()
        self._http, self._streams = self._opened(port)
        stream_port = int(self._streams.socket.getsockname()[1])
        about = wire.About(about.market, about.symbols, stream_port, about.ticks)
        self._desk = Desk(venue, clock, about)
        self.url = f"http://{HOST}:{self._http.server_port}"
        self._threads = [
            threading.Thread(
                target=self._http.serve_forever,
                args=(_SHUTDOWN_SECONDS,),
                name="venue http",
                daemon=True,
            ),
            threading.Thread(target=self._streams.serve_forever, name="venue streams", daemon=True),
            threading.Thread(target=self._move_on, name="venue clock", daemon=True),
        ]

    def _opened(self, port: int) -> tuple[HttpServer, Server]:
        """Both servers; a free port is tried until the one above it is free too."""
        while True:
            try:
                http = HttpServer((HOST, port), self.serve, self.hold)
            except OSError as error:
                raise UsageError(_no_port(port, error)) from error
            above = 0 if self._face is None else http.server_port + 1
            try:
                return http, serve(
                    self._listen,
                    HOST,
                    above,
                    compression=None,
                    close_timeout=1,
                    ping_interval=None,
                    process_request=self._greet,
                )
            except (OSError, OverflowError) as error:
                http.server_close()
                if port:
                    raise UsageError(_no_port(above, error)) from error

    def start(self) -> None:
        """Open for business."""
        with self._lock:
            self._desk.remember_clock(self._wall_ns())
        for thread in self._threads:
            thread.start()

    def time(self) -> VenueTime:
        """Its time now."""
        with self._lock:
            return self._desk.clock.told(self._wall_ns())

    def wait(self) -> None:
        """Until it is told to stop; raises what has gone wrong with it meanwhile."""
        while not (self._is_asked_to_stop or self._wall.wait(self._stopping, _LOOK_SECONDS)):
            pass
        if self._failure is not None:
            raise self._failure

    def ask_to_stop(self) -> None:
        """Safe in a signal handler: no lock is taken."""
        self._is_asked_to_stop = True

    def close(self) -> None:
        """End in order; the venue's time stands still until it is started again."""
        self._stopping.set()
        self._wake.set()
        self._http.shutdown()
        self._http.hang_up()
        self._hub.cut_all()
        if self._face is not None:
            with self._lock:
                self._face.cut_all()
        self._streams.shutdown()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        self._http.server_close()
        if self._failure is None:
            self._desk.remember_clock(self._wall_ns(), stopped=True)

    def serve(self, request: Request) -> Answer:
        """One request, from any thread."""
        with self._lock, self._ended_by_failure():
            if self._face is not None and self._face.serves(request.path):
                answer = self._face.answer(request, self._desk.clock.told(self._wall_ns()))
            else:
                answer = self._desk.answer(request, self._wall_ns())
            self._publish(self._wall_ns())
        self._wake.set()
        return answer

    def hold(self, seconds: float) -> None:
        """Say nothing for so long."""
        self._wall.wait(self._stopping, seconds)

    def _publish(self, wall_ns: int) -> None:
        sent = self._desk.advance(wall_ns)
        self._hub.publish(sent)
        if self._face is not None:
            self._face.publish(sent, self._desk.clock.told(wall_ns))

    def _wall_ns(self) -> int:
        """The machine's time as it was at the start, and steady from there on."""
        return self._origin_ns + self._wall.monotonic_ns()

    @contextmanager
    def _ended_by_failure(self) -> Iterator[None]:
        """What cannot be kept in the books must not be told: the venue ends there."""
        try:
            yield
        except Exception as error:
            self._failure = self._failure or error
            self._stopping.set()
            raise

    def _move_on(self) -> None:
        """Move the venue on with its clock; what fails here is raised by `wait`."""
        beat_ns = self._wall_ns()
        with suppress(Exception):
            while not self._stopping.is_set():
                with self._lock, self._ended_by_failure():
                    beat_ns, wait_ns = self._step(beat_ns)
                self._wall.wait(self._wake, max(wait_ns / SECOND_NS, _SHORTEST_WAIT_SECONDS))
                self._wake.clear()

    def _step(self, beat_ns: int) -> tuple[int, int]:
        """When the next heartbeat is due, and how long nothing is."""
        wall_ns = self._wall_ns()
        if wall_ns >= beat_ns:
            self._venue.heartbeat(self._desk.clock.now_ns(wall_ns))
            beat_ns = wall_ns + _HEARTBEAT_NS
            if self._face is not None:
                self._face.beat(self._desk.clock.told(wall_ns))
        self._publish(wall_ns)
        next_ns = self._venue.next_ns()
        until_ns = None
        if next_ns is not None:
            until_ns = self._desk.clock.wall_ns_until(next_ns, wall_ns)
        wait_ns = beat_ns - wall_ns
        return beat_ns, wait_ns if until_ns is None else min(wait_ns, until_ns)

    def _greet(self, connection: ServerConnection, request: WebsocketRequest) -> None:
        """Before the handshake is answered: a face's listener misses nothing from then on."""
        if self._face is not None:
            with self._lock:
                found = self._face.joined(request.path, self._desk.clock.told(self._wall_ns()))
            if found is not None:
                self._at_the_face[connection] = found

    def _listen(self, connection: ServerConnection) -> None:
        """Serve one listener until either side ends it."""
        at_the_face = self._at_the_face.pop(connection, None)
        if at_the_face is not None:
            self._serve_face(connection, at_the_face)
            return
        request = connection.request
        parts = urlsplit(request.path if request is not None else "")
        stream = parts.path.strip("/")
        if stream not in wire.STREAMS:
            connection.close(1008, f"there is no stream '{stream[:40]}'")
            return
        symbols = [s for s in dict(parse_qsl(parts.query)).get("symbols", "").split(",") if s]
        listener = Listener(stream, symbols)
        with self._lock:
            now_ns = self._desk.clock.now_ns(self._wall_ns())
            self._hub.join(listener, lambda: Connected(now_ns))
        try:
            while (frame := listener.take()) is not None:
                connection.send(frame, text=True)
            connection.close_socket()
        except (ConnectionClosed, OSError):
            pass  # it will come back when it wants to
        finally:
            self._hub.leave(listener)

    def _serve_face(self, connection: ServerConnection, listener: FaceListener) -> None:
        """What it asks is heard on this thread, what it is told goes out on another."""
        assert self._face is not None
        sender = threading.Thread(target=_send, args=(connection, listener), daemon=True)
        sender.start()
        try:
            for frame in connection:
                with self._lock:
                    at = self._desk.clock.told(self._wall_ns())
                    self._face.heard(listener, frame, at)
        except (ConnectionClosed, OSError):
            pass  # it will come back when it wants to
        finally:
            listener.cut()
            with self._lock:
                self._face.left(listener)
            sender.join(_JOIN_SECONDS)


def _send(connection: ServerConnection, listener: FaceListener) -> None:
    with suppress(ConnectionClosed, OSError):
        while (frame := listener.take()) is not None:
            connection.send(frame, text=True)
        connection.close(1001, "the end of this connection")


def _no_port(port: int, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or error
    return f"Port {port} cannot be used: {reason}. '--port 0' takes one that is free."
