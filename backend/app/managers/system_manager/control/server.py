"""Serves a session on its control socket: a thread for the clients, one for what they watch.

Neither ever waits for a client, and the session waits for neither.
"""

import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from loguru import logger

from app.managers.system_manager.control.messages import Ask, framed
from app.managers.system_manager.control.peer import SESSION_DATA, Peer, Session, answer_of
from app.managers.system_manager.control.sockets import is_own, listen_at
from app.managers.time_manager import WallClock

MOST_CLIENTS = 64
VIEWS_A_SECOND = 20
_SAME_NS = 1_000_000_000  # after which a view is sent though nothing has changed
_TICK_SECONDS = 0.5
_CHUNK_BYTES = 65_536
_RETRY_SECONDS = 0.1
_FAREWELL_SECONDS = 1.0


class ControlServer:
    """Runs from its making until `close`."""

    def __init__(
        self,
        path: Path,
        session: Session,
        view: Callable[[], bytes],
        clock: WallClock,
        tell: Callable[[str], str] = str,
    ) -> None:
        """`view` makes a framed view of the session, `tell` what somebody wants of its data; both
        may take their time.
        """
        self.path = path
        self._session = session
        self._view, self._tell = view, tell
        self._clock = clock
        self._listener = listen_at(path)
        self._peers: dict[socket.socket, Peer] = {}
        self._views: deque[tuple[bytes, int]] = deque(maxlen=1)  # and when its making began
        self._wanted: deque[tuple[socket.socket, Ask]] = deque()
        self._told: deque[tuple[socket.socket, bytes]] = deque()
        self._watched = threading.Event()
        self._ended = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._waking = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._threads = [
            threading.Thread(target=self._serve, name="control", daemon=True),
            threading.Thread(target=self._publish, name="control views", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Tell the clients goodbye and end; the file is gone."""
        if self._ended.is_set():
            return
        self.path.unlink(missing_ok=True)
        self._ended.set()
        self._watched.set()
        self._wake()
        for thread in self._threads:
            thread.join(_FAREWELL_SECONDS)
        with self._waking:
            os.close(self._wake_write)
            self._wake_write = -1

    # -- the clients' thread -----------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            while not self._ended.is_set():
                self._turn()
            self._part()
        except Exception as error:  # the session goes on without
            logger.opt(exception=error).critical("The control socket failed; the session goes on.")
        finally:
            for client in list(self._peers):
                self._drop(client)
            self._listener.close()
            self._selector.close()
            os.close(self._wake_read)

    def _turn(self) -> None:
        """One round: what came in, what goes out, who is lost."""
        for key, _ in self._selector.select(_TICK_SECONDS):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj == self._wake_read:
                os.read(self._wake_read, _CHUNK_BYTES)
            elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._peers:
                self._read(key.fileobj)
        now_ns = self._clock.monotonic_ns()
        if self._views:
            view, begun_ns = self._views.popleft()
            for peer in self._peers.values():
                peer.show(view, begun_ns, now_ns)
        while self._told:
            client, frame = self._told.popleft()
            if client in self._peers:
                self._peers[client].answer(frame, now_ns)
        for client, peer in list(self._peers.items()):
            self._wanted.extend((client, ask) for ask in peer.wanted)
            peer.wanted.clear()
            self._write(client, peer)
            if peer.is_lost(now_ns) or (peer.closing and not peer.outgoing):
                self._drop(client)
        if self._wanted or any(peer.watches for peer in self._peers.values()):
            self._watched.set()
        else:
            self._watched.clear()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # it has gone again, or there are too many files open
            self._clock.wait(self._ended, _RETRY_SECONDS)
            return
        client.setblocking(False)
        peer = Peer(self._session, self._clock.monotonic_ns())
        if not is_own(client):
            peer.hang_up("Only the user who started the session may steer it.")
            logger.warning("Another user was refused at the control socket.")
        elif len(self._peers) >= MOST_CLIENTS:
            peer.hang_up(f"{MOST_CLIENTS} clients are connected already; end one of them first.")
        self._peers[client] = peer
        self._selector.register(client, selectors.EVENT_READ)
        if peer.closing:
            self._write(client, peer)
            self._drop(client)

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._peers[client].receive(data, self._clock.monotonic_ns())
        else:
            self._drop(client)

    def _write(self, client: socket.socket, peer: Peer) -> None:
        count = 0
        if peer.outgoing and client in self._peers:
            try:
                count = client.send(peer.outgoing)
            except BlockingIOError:
                pass
            except OSError:
                self._drop(client)
                return
        peer.sent(count, self._clock.monotonic_ns())
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.outgoing else 0)
        if client in self._peers and self._selector.get_key(client).events != wanted:
            self._selector.modify(client, wanted)

    def _drop(self, client: socket.socket) -> None:
        if self._peers.pop(client, None) is not None:
            self._selector.unregister(client)
            client.close()

    def _part(self) -> None:
        """Say goodbye to all, without waiting for those who do not read."""
        for client, peer in list(self._peers.items()):
            peer.hang_up("The session has ended.", ended=True)
            self._write(client, peer)

    # -- the thread of the views -------------------------------------------------------------------

    def _publish(self) -> None:
        """Make a view while somebody watches, at most so many a second."""
        last, told_ns = b"", 0
        while not self._ended.is_set():
            if not self._watched.wait(_TICK_SECONDS):
                continue
            self._tell_all()
            if not any(peer.watches for peer in list(self._peers.values())):
                self._clock.wait(self._ended, 1 / VIEWS_A_SECOND)
                continue
            begun_ns = self._clock.monotonic_ns()
            try:
                view = self._view()
            except Exception as error:
                logger.opt(exception=error).critical("A view of the session could not be made.")
                self._clock.wait(self._ended, 1.0)
                continue
            now_ns = self._clock.monotonic_ns()
            asked = any(peer.asked for peer in list(self._peers.values()))
            if asked or view != last or now_ns - told_ns >= _SAME_NS:
                last, told_ns = view, now_ns
                self._views.append((view, begun_ns))
                self._wake()
            self._clock.wait(self._ended, 1 / VIEWS_A_SECOND)

    def _tell_all(self) -> None:
        """Answer what may have to wait for the run."""
        while self._wanted and not self._ended.is_set():
            client, ask = self._wanted.popleft()
            answer = answer_of(ask, self._done)
            if answer is not None:
                self._told.append((client, framed(answer)))
                self._wake()

    def _done(self, ask: Ask) -> str:
        if ask.command == SESSION_DATA:
            return self._tell(ask.value)
        return self._session.obey(ask.command, ask.value)

    def _wake(self) -> None:
        with self._waking, suppress(OSError):  # full: it will wake anyway; closed: it has ended
            os.write(self._wake_write, b"\0")
