"""The venue's HTTP: a server of kept connections, each request handed to whoever answers."""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from app.integrations.practice import wire
from app.integrations.practice.venue.desk import problem_answer
from app.integrations.practice.venue.exchange import Answer, Request

_BODY_BOUND: Final = 1 << 20
_RESET: Final = struct.pack("ii", 1, 0)  # linger for no time: what is not sent yet is thrown away

Serve = Callable[[Request], Answer]
Hold = Callable[[float], None]  # says nothing for so many seconds


class HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], serve: Serve, hold: Hold) -> None:
        self.serve, self.hold = serve, hold
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

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
    server: HttpServer

    def _do(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _BODY_BOUND:
            self.close_connection = True
            message = f"A body has at most {_BODY_BOUND} bytes."
            self._reply(problem_answer(wire.STATUS[wire.TOO_LARGE], wire.TOO_LARGE, message))
            return
        parts = urlsplit(self.path)
        body = self.rfile.read(int(length))
        query = dict(parse_qsl(parts.query))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, parts.path, query, body, parts.query, headers)
        answer = self.server.serve(asked)
        if answer.silent_seconds:
            self.server.hold(answer.silent_seconds)
        if answer.late_seconds:
            self.server.hold(answer.late_seconds)
        if answer.is_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()
        if answer.silent_seconds or answer.is_reset:
            self.close_connection = True
            return
        self._reply(answer)

    def _reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: standard output is for whoever started the venue."""

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _do
