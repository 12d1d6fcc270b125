"""The venue as a process: threads and sockets round the desk, one lock round every step.

HTTP for requests, websockets for streams, a thread that moves the venue on with its clock. All of
it is on the loopback interface.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from app.core.errors import UsageError
from app.core.intervals import SECOND_NS
from app.core.venue import Connected, VenueTime
from app.integrations.practice import wire
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.desk import Answer, Desk, Request, problem_answer
from app.integrations.practice.venue.hub import Hub, Listener
from app.integrations.practice.venue.venue import PracticeVenue

HOST: Final = "127.0.0.1"
_HEARTBEAT_NS: Final = SECOND_NS
_LOOK_SECONDS: Final = 0.1
_BODY_BOUND: Final = 1 << 20
_SHORTEST_WAIT_SECONDS: Final = 0.001


class Wall(Protocol):
    """The machine's clock, and waiting by it."""

    def now_ns(self) -> int: ...
    def monotonic_ns(self) -> int: ...
    def wait(self, event: threading.Event, seconds: float) -> bool: ...


class VenueProcess:
    """A venue that can be asked and listened to over sockets."""

    def __init__(
        self, venue: PracticeVenue, clock: VenueClock, about: wire.About, wall: Wall, port: int
    ) -> None:
        self._venue = venue
        self._wall = wall
        self._lock = threading.Lock()
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._is_asked_to_stop = False
        self._failure: Exception | None = None
        self._hub = Hub()
        self._origin_ns = wall.now_ns() - wall.monotonic_ns()
        try:
            self._http = _HttpServer((HOST, port), self._handler())
        except OSError as error:
            raise UsageError(f"Port {port} cannot be used: {error}. Take another one.") from error
        self._streams: Server = serve(
            self._listen, HOST, 0, compression=None, close_timeout=1, ping_interval=None
        )
        stream_port = int(self._streams.socket.getsockname()[1])
        about = wire.About(about.market, about.symbols, stream_port, about.ticks)
        self._desk = Desk(venue, clock, about)
        self.url = f"http://{HOST}:{self._http.server_port}"
        self._threads = [
            threading.Thread(
                target=self._http.serve_forever,
                args=(_LOOK_SECONDS,),
                name="venue http",
                daemon=True,
            ),
            threading.Thread(target=self._streams.serve_forever, name="venue streams", daemon=True),
            threading.Thread(target=self._move_on, name="venue clock", daemon=True),
        ]

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
        self._streams.shutdown()
        for thread in self._threads:
            thread.join(5.0)
        self._http.server_close()
        if self._failure is None:
            self._desk.remember_clock(self._wall_ns(), stopped=True)

    def serve(self, request: Request) -> Answer:
        """One request, from any thread."""
        with self._lock, self._ended_by_failure():
            answer = self._desk.answer(request, self._wall_ns())
            self._hub.publish(self._desk.advance(self._wall_ns()))
        self._wake.set()
        return answer

    def hold(self, seconds: float) -> None:
        """Say nothing for so long."""
        self._wall.wait(self._stopping, seconds)

    def _serve_http(self) -> None:
        self._http.serve_forever(_LOOK_SECONDS)

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
        self._hub.publish(self._desk.advance(wall_ns))
        next_ns = self._venue.next_ns()
        until_ns = None
        if next_ns is not None:
            until_ns = self._desk.clock.wall_ns_until(next_ns, wall_ns)
        wait_ns = beat_ns - wall_ns
        return beat_ns, wait_ns if until_ns is None else min(wait_ns, until_ns)

    def _listen(self, connection: ServerConnection) -> None:
        """Serve one listener until either side ends it."""
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

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        process = self

        class Handler(_Handler):
            def serve(self, request: Request) -> Answer:
                return process.serve(request)

            def hold(self, seconds: float) -> None:
                process.hold(seconds)

        return Handler


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """What is under way gets its answer; a connection that is kept is read no further."""
        for connection in tuple(self._connections):
            with suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: object, client_address: object) -> None:
        """A lost connection is no news, and what ends the venue is told by `wait`."""


class _Handler(BaseHTTPRequestHandler):
    """One connection; kept alive between requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one write,
    disable_nagle_algorithm = True  # else a kept-alive answer waits 40 ms for the other's word
    timeout = 60.0

    def serve(self, request: Request) -> Answer:
        raise NotImplementedError

    def hold(self, seconds: float) -> None:
        raise NotImplementedError

    def _do(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _BODY_BOUND:
            self.close_connection = True
            message = f"A body has at most {_BODY_BOUND} bytes."
            self._reply(problem_answer(wire.STATUS[wire.TOO_LARGE], wire.TOO_LARGE, message))
            return
        parts = urlsplit(self.path)
        body = self.rfile.read(int(length))
        answer = self.serve(Request(self.command, parts.path, dict(parse_qsl(parts.query)), body))
        if answer.silent_seconds:
            self.hold(answer.silent_seconds)
            self.close_connection = True
            return
        self._reply(answer)

    def _reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: standard output is for whoever started the venue."""

    do_GET = do_POST = do_PATCH = do_DELETE = _do
