"""The other end of the control socket: what commands use to steer and watch a session."""

import itertools
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from app.core.errors import NotFoundError, StateError, UsageError, did_you_mean
from app.core.run_ids import runs_back
from app.core.session_data import SessionData
from app.managers.system_manager.control.messages import (
    LONGEST_TOLD_BYTES,
    PROTOCOL,
    UNKNOWN,
    Answer,
    Ask,
    Frames,
    Goodbye,
    Hello,
    Look,
    Told,
    View,
    Welcome,
    framed,
    told_of,
)
from app.managers.system_manager.control.sockets import (
    SUFFIX,
    connect_to,
    control_folder,
    is_own,
)

ANSWER_SECONDS = 10.0
_CHUNK_BYTES = 65_536


class SessionEnded(StateError):
    """The server hung up."""


class ControlClient:
    """One connection to a session, greeted."""

    def __init__(self, connection: socket.socket, protocol: int = PROTOCOL) -> None:
        self._socket = connection
        self._frames = Frames(LONGEST_TOLD_BYTES)
        self._told: deque[Told] = deque()
        self._numbers = itertools.count(1)
        self._view: View | None = None
        try:
            if not is_own(connection):  # in a folder that others write to; it could tell anything
                raise StateError(
                    "Another user listens at the session's socket; only the one who started a"
                    " session may steer it."
                )
            self.session = self._greeted(protocol)
        except BaseException:
            self.close()
            raise

    def ask(self, command: str, value: str = "") -> str:
        """Have something done; what was done, or the error that refused it."""
        number = next(self._numbers)
        self._send(framed(Ask(number, command, value)))
        while True:
            told = self._next()
            if isinstance(told, View):
                self._view = told
            elif isinstance(told, Answer) and told.id == number:
                if told.exit_code:
                    error = StateError(told.text)
                    error.exit_code = told.exit_code
                    raise error
                return told.text

    def view(self) -> View:
        """The session as it stands."""
        self._view = None
        self.ask("snapshot")
        if self._view is None:
            raise StateError("The session told nothing of itself; try again.")
        return self._view

    def session_data(self, look: Look) -> SessionData:
        """What is wanted of the session's data; as it stood last while a hook of it hangs."""
        try:
            told = self.ask("session_data", msgspec.json.encode(look).decode())
        except StateError as error:
            if not str(error).startswith(UNKNOWN):
                raise
            raise StateError(
                f"Run {self.session.run_id} was started with an older program, version "
                f"{self.session.program}, and cannot show its data to this one. Use that program, "
                "or start the session again; 'system attach' shows its account."
            ) from None
        found = msgspec.json.decode(told, type=SessionData | None)
        if found is None:
            raise StateError("The session has nothing to show yet; try again.")
        return found

    def views(self) -> Iterator[View]:
        """The session as it goes on, until it ends."""
        self.ask("subscribe")
        try:
            while True:
                told = self._next()
                if isinstance(told, View):
                    yield told
        except SessionEnded:
            return

    def wait_for_end(self, timeout_seconds: float) -> bool:
        """Wait until the session hangs up; False when it has not by then."""
        self._socket.settimeout(timeout_seconds)
        try:
            while True:
                self._next()
        except SessionEnded:
            return True
        except StateError:
            return False

    def patience(self, seconds: float) -> None:
        """How long an answer may take from now on."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Hang up; a thread that waits here learns of it at once."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _greeted(self, protocol: int) -> Welcome:
        self._send(framed(Hello(protocol)))
        first = self._next()
        if not isinstance(first, Welcome):
            raise StateError(f"The session greeted with {type(first).__name__}.")
        return first

    def _send(self, frame: bytes) -> None:
        try:
            self._socket.sendall(frame)
        except OSError:
            while True:  # why it has hung up can still be read
                self._next()

    def _next(self) -> Told:
        while not self._told:
            try:
                data = self._socket.recv(_CHUNK_BYTES)
            except TimeoutError:
                raise StateError(
                    "The session does not answer; its process may be stopped or overloaded."
                ) from None
            except OSError:
                data = b""
            if not data:
                raise SessionEnded("The session has ended.")
            self._told.extend(told_of(body) for body in self._frames.add(data))
        told = self._told.popleft()
        if isinstance(told, Goodbye):
            raise SessionEnded(told.reason) if told.ended else StateError(told.reason)
        return told


def running(data_folder: Path) -> list[str]:
    """The ids of the sessions that can be steered; files of dead ones are removed."""
    found = _connections(data_folder)
    for connection in found.values():
        connection.close()
    return list(found)


def connect(data_folder: Path, words: str | None = None) -> ControlClient:
    """The session of this id or beginning of one, or the newest that runs: `last`; without words
    the only one that runs.
    """
    found = _connections(data_folder)
    try:
        return ControlClient(found.pop(_chosen(list(found), words, data_folder / "runs")))
    finally:
        for connection in found.values():
            connection.close()


def _connections(data_folder: Path) -> dict[str, socket.socket]:
    """A connection to each session that listens, by its run's id."""
    found = {}
    for path in sorted(control_folder(data_folder).glob(f"*{SUFFIX}")):
        connection = connect_to(path, ANSWER_SECONDS)
        if connection is not None:
            found[path.stem] = connection
    return found


def _chosen(known: list[str], words: str | None, runs: Path) -> str:
    """Of the sessions that run. Who names a run that is over is given and offered no other, also
    where its id begins another's: what is asked for may be an emergency stop.
    """
    if words is None:
        if len(known) == 1:
            return known[0]
        if known:
            raise UsageError(f"{len(known)} sessions run; name one of: {', '.join(known)}.")
        raise NotFoundError("No session runs. 'system start CONFIG --detach' starts one.")
    back = runs_back(words)
    if back is not None and back < len(known):
        return known[-1 - back]
    past = [one.name for one in runs.glob("*") if words and one.name.startswith(words)]
    found = [one for one in known if one == words]
    if not found and words not in past:
        found = [one for one in known if one.startswith(words)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} running sessions begin with '{words}': {', '.join(found)}.")
    if past:
        which = f"{len(past)} past runs begin so"
        if words in past or len(past) == 1:
            which = f"run {min(past)} is over, or does not answer"
        raise NotFoundError(f"No session '{words}' runs: {which}. 'runs show' tells how one ended.")
    if not known:
        raise NotFoundError(
            f"No session '{words}' runs, and no other does. 'runs list' shows how runs ended."
        )
    hint = did_you_mean(words, known)
    raise NotFoundError(f"No session '{words}' runs.{hint} Running: {', '.join(known)}.")
