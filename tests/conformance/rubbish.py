"""A loopback server that answers with the bytes it is given, whatever they are, and hangs up."""

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
