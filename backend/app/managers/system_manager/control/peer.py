"""One client of the control socket, without the socket: bytes in, bytes out, and when to hang up.

Nothing here waits or reads a clock, so every course of a conversation can be stepped through.
"""

from collections.abc import Callable
from typing import Protocol

from loguru import logger

from app.core.errors import AppError, DataError, UsageError, did_you_mean
from app.managers.system_manager.control.messages import (
    LONGEST_ASK_BYTES,
    PROTOCOL,
    UNKNOWN,
    Answer,
    Ask,
    Frames,
    Goodbye,
    Hello,
    Told,
    Welcome,
    ask_of,
    framed,
    hello_of,
)

MOST_WAITING_BYTES = 4 * 1024 * 1024  # that a client has not read; then it is dropped
GREETING_NS = 5_000_000_000  # until a client has to have said hello
STALLED_NS = 5_000_000_000  # that a client may read nothing of what waits for it
MOST_ASKED = 16  # snapshots that a client may wait for at once

COMMANDS = (
    *("pause", "resume", "stop", "halt", "release", "released", "kill", "killed"),
    *("reload", "reloaded"),
    *("step", "speed", "risk_status", "risk_halt", "risk_resume"),
)
SESSION_DATA = "session_data"
PATIENT = (SESSION_DATA, "risk_status", "risk_resume")  # may have to wait for the run
_WATCHING = ("ping", "snapshot", "subscribe", "unsubscribe", SESSION_DATA)


class Session(Protocol):
    """What a client steers; `obey` refuses with an AppError, and is quick but for PATIENT."""

    def welcome(self) -> Welcome: ...

    def obey(self, command: str, value: str) -> str:
        """Do one of COMMANDS; what was done."""
        ...


def answer_of(ask: Ask, do: Callable[[Ask], str | None]) -> Answer | None:
    """What came of it; None when that comes later."""
    try:
        text = do(ask)
    except AppError as error:
        return Answer(ask.id, str(error), error.exit_code)
    except Exception as error:  # a defect: it costs this command, and nobody their connection
        logger.opt(exception=error).critical("The command '{}' failed.", ask.command)
        what = f"The command '{ask.command}' failed; the session's log says why."
        return Answer(ask.id, what, AppError.exit_code)
    return None if text is None else Answer(ask.id, text)


class Peer:
    """A conversation. `outgoing` is for the socket to send; `closing` ends it when that is sent."""

    def __init__(self, session: Session, now_ns: int) -> None:
        self.outgoing = bytearray()
        self.closing = False
        self.subscribed = False
        self.asked: list[tuple[int, int]] = []  # views it waits for: since when, and the ask's id
        self.wanted: list[Ask] = []  # PATIENT ones: for the server to take and `answer`
        self._owed = 0  # of them
        self._session = session
        self._frames = Frames(LONGEST_ASK_BYTES)
        self._greeted = False
        self._now_ns = now_ns
        self._moved_ns = now_ns  # when it last read something, or had nothing to read

    def receive(self, data: bytes, now_ns: int) -> None:
        """Take what came in, whatever it is."""
        self._now_ns = now_ns
        try:
            for body in self._frames.add(data):
                if self.closing:
                    return
                if self._greeted:
                    self._take(ask_of(body))
                else:
                    self._greet(hello_of(body))
        except DataError as error:
            self.hang_up(f"{error} Use the commands of this program to steer a session.")

    def sent(self, count: int, now_ns: int) -> None:
        """So many bytes of `outgoing` are on their way."""
        del self.outgoing[:count]
        if count or not self.outgoing:
            self._moved_ns = now_ns

    def show(self, view: bytes, begun_ns: int, now_ns: int) -> None:
        """A framed view, for whoever asked before its making began; else for a subscriber, which
        misses it when it is behind.
        """
        self._now_ns = now_ns
        answered = [number for since_ns, number in self.asked if since_ns <= begun_ns]
        if answered:
            self._put(view)
            for number in answered:
                self._tell(Answer(number, ""))
            self.asked = [one for one in self.asked if one[0] > begun_ns]
        elif self.subscribed and not self.outgoing:
            self._put(view)

    def answer(self, frame: bytes, now_ns: int) -> None:
        """A framed answer to what was `wanted`."""
        self._now_ns = now_ns
        self._owed -= 1
        self._put(frame)

    def hang_up(self, reason: str, ended: bool = False) -> None:
        """Say why, and end; `ended` when the session has."""
        self._tell(Goodbye(reason, ended))
        self.closing = True

    def is_lost(self, now_ns: int) -> bool:
        """Whether to drop it: it never greets, or does not read what it is told."""
        if len(self.outgoing) > MOST_WAITING_BYTES:
            return True
        if self.outgoing:
            return now_ns - self._moved_ns > STALLED_NS
        return not self._greeted and now_ns - self._moved_ns > GREETING_NS

    @property
    def watches(self) -> bool:
        """Whether it waits for a view."""
        return bool(self.subscribed or self.asked) and not self.closing

    def _greet(self, hello: Hello) -> None:
        mine = self._session.welcome()
        if hello.protocol != PROTOCOL:
            self.hang_up(
                f"The session speaks version {PROTOCOL} of the control protocol (program "
                f"{mine.program}), this command version {hello.protocol} (program "
                f"{hello.program}). Use the program the session was started with, or send its "
                f"process {mine.pid} a SIGTERM to stop it."
            )
            return
        self._greeted = True
        self._tell(mine)

    def _take(self, ask: Ask) -> None:
        answer = answer_of(ask, self._done)
        if answer is not None:
            self._tell(answer)

    def _done(self, ask: Ask) -> str | None:
        """What was done; None when the answer comes later."""
        if ask.command == "snapshot":
            if len(self.asked) == MOST_ASKED:
                raise UsageError(f"{MOST_ASKED} snapshots are asked for already; read those first.")
            self.asked.append((self._now_ns, ask.id))
            return None
        if ask.command in PATIENT:
            if self._owed == MOST_ASKED:
                raise UsageError(f"{MOST_ASKED} looks are asked for already; read those first.")
            self._owed += 1
            self.wanted.append(ask)
            return None
        if ask.command in COMMANDS:
            return self._session.obey(ask.command, ask.value)
        if ask.command in ("subscribe", "unsubscribe"):
            self.subscribed = ask.command == "subscribe"
        elif ask.command != "ping":
            known = (*COMMANDS, *_WATCHING)
            raise UsageError(f"{UNKNOWN} '{ask.command}'.{did_you_mean(ask.command, known)}")
        return ask.command

    def _tell(self, message: Told) -> None:
        self._put(framed(message))

    def _put(self, frame: bytes) -> None:
        if not self.outgoing:
            self._moved_ns = self._now_ns
        self.outgoing += frame
