"""A loopback server that answers with the bytes it is given, and answers that are none."""

import gzip
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def answering(*answers: bytes | None) -> Iterator[str]:
    """Its address; each connection gets the next answer, then none. None: it is reset."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, answers))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5.0)


def _serve(server: socket.socket, answers: Sequence[bytes | None]) -> None:
    with suppress(OSError):  # it was shut down
        for answer in answers:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                if answer is None:  # unread or unsent, it is gone at once
                    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                else:
                    connection.sendall(answer)


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def nested(good: bytes) -> bytes:
    """A JSON object with one more value, deeper than any reader goes."""
    return b'{"zz":' + b"[" * 100_000 + b"]" * 100_000 + b"," + good[1:]


def rubbish_like(good: bytes) -> dict[str, bytes | None]:
    """What any HTTP server may send by mistake, where `good` is the JSON object that was due."""
    return {
        "a reset": None,
        "nothing": b"",
        "no HTTP": b"220 mail.example.com ESMTP\r\n",
        "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
        "half a body": http(good)[:-10],
        "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}",
        "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000,
        "gzip that is none": http(good, "200 OK", "Content-Encoding: gzip"),
        "little that unpacks to too much": http(
            gzip.compress(b" " * (65 << 20) + good, 1), "200 OK", "Content-Encoding: gzip"
        ),
        "a way elsewhere": http(b"", "302 Found", "Location: http://127.0.0.1:9/"),
        "no content": http(b"", "204 No Content"),
        "empty": http(b""),
        "null": http(b"null"),
        "a list": http(b"[]"),
        "a page": http(b"<html>Bad gateway</html>"),
        "two answers": http(good + good),
        "half an answer": http(good[:-1]),
        "nested without end": http(nested(good)),
    }
