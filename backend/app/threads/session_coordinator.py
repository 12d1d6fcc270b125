"""The sequencer at the head of the stream: numbers every input, and paces a replay.

At full speed blocks pass whole. Paced or stepped, a block is cut at its instants and each part is
let through when it is due. Time between sessions is not waited for: pacing starts anew at the
first bar of each. Every method but `step` may be called from any thread, and acts at once, also
in the middle of a wait.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from app.core.bars import Block
from app.core.calendar import TradingSession
from app.core.errors import StateError, UsageError
from app.core.messages import Bars, Command, EndOfStream, Message
from app.managers.execution_manager.orders.kill import kill_value
from app.services.blocks import cut_block, first_instant
from app.threads.machine.pacing import MonotonicClock, Pacer, Speed, Wait, checked_speed
from app.threads.stream.kill_inputs import KillInputs
from app.threads.stream.run_state import StateAsked, StateGiven
from app.threads.worker import Head

_Turn = Literal["all", "one", "none"]

_SHORTEST_WAIT, _LONGEST_WAIT = 1e-9, 3600.0  # seconds; the machine's waits have bounds


class SessionCoordinator(Head):
    """Takes the feed's messages; `speed` is "max" or a multiple of real time."""

    name = "session coordinator"

    def __init__(
        self,
        clock: MonotonicClock,
        speed: Speed = "max",
        paused: bool = False,
        wait: Wait = threading.Condition.wait,
        record: Callable[[Message], None] | None = None,
        asks_states: bool = False,
    ) -> None:
        """With `asks_states` the state of all is asked for before each session but the first."""
        super().__init__()
        self._clock = clock
        self._wait = wait
        self._record = record  # is given each input as it is numbered, before anybody acts on it
        self._speed = checked_speed(speed)
        self._pacer = Pacer(1.0 if speed == "max" else speed)
        self._paused = paused
        self._steps = 0
        self._session: TradingSession | None = None  # the one being paced
        self.asks_states = asks_states
        self._newest: TradingSession | None = None  # the session that began last
        self._passed = 0  # the number of the last input
        self._numbers = itertools.count(1)  # safe from any thread and signal handler
        self.commands: list[Command] = []
        self._kills = KillInputs()
        if paused:
            self._pacer.stand(clock.monotonic_ns())

    @property
    def speed(self) -> Speed:
        return self._speed

    @property
    def steps_left(self) -> int:
        """Instants that a paused replay is still to take."""
        return self._steps

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self) -> None:
        """Stand still before the next message."""
        with self._control:
            if not self._paused:
                self._paused = True
                self._pacer.stand(self._clock.monotonic_ns())
                self._command("pause")

    def resume(self) -> None:
        """Go on from where the pause began, or from where stepping led."""
        with self._control:
            if self._paused:
                self._paused, self._steps = False, 0
                self._pacer.go(self._clock.monotonic_ns())
                self._command("resume")

    def step_instants(self, count: int = 1) -> None:
        """Let the next `count` instants that have bars through, and stand still again."""
        if count < 1:
            raise UsageError(f"Cannot step {count} instants; step 1 or more.")
        with self._control:
            if not self._paused:
                raise StateError("Only a paused replay can be stepped; pause it first.")
            self._steps += count
            self._command("step", str(count))

    def set_speed(self, speed: Speed) -> None:
        """Change the pace from here on."""
        checked_speed(speed)
        with self._control:
            self._speed = speed
            if speed != "max":
                self._pacer.set_rate(speed, self._clock.monotonic_ns())
            self._command("speed", str(speed))

    def stop(self, reason: str) -> None:
        """End the stream before its next message; the first reason counts."""
        with self._control:
            if self.stop_reason is None:
                self._command("stop", reason)
            super().stop(reason)

    def kill(self, mode: str, reason: str) -> None:
        """Have a kill come next, as an input; no pace and no pause holds back what follows."""
        with self._control:
            self._kills.ask(mode, reason)
            self._speed, self._paused = "max", False
            self._command("kill", kill_value(mode, reason))

    def kill_at(self, at_ns: int, mode: str, reason: str) -> None:
        """Have a kill come when all is known up to a moment; asked for before the run."""
        self._kills.plan(at_ns, mode, reason)

    def step(self, message: Message | StateGiven) -> Iterator[Message | StateAsked | StateGiven]:
        """Number one message and let it through when it is due, a block in parts if need be."""
        if isinstance(message, StateGiven):
            self._numbers = itertools.count(message.sequence + 1)
            self._passed, self._newest = message.sequence, message.state.quality.newest
            yield message
            return
        for numbered in self._numbered(message):
            if self.asks_states and self._begins_a_session(numbered):
                yield StateAsked(self._passed)
            self._passed = numbered.sequence
            if self._record is not None:
                self._record(numbered)
            yield numbered

    def _begins_a_session(self, message: Message) -> bool:
        """Whether it is the first input of a session that is not the run's first."""
        if not (isinstance(message, Bars) and message.block.spans):
            return False
        before, self._newest = self._newest, message.block.spans[-1].session
        return before not in (None, self._newest)

    def _numbered(self, message: Message) -> Iterator[Message]:
        if message.sequence:
            self._numbers = itertools.count(message.sequence + 1)
        if isinstance(message, Bars) and not message.sequence:
            for block in self._parts(message.block):
                for part in self._kills.between(block):
                    yield msgspec.structs.replace(part, sequence=next(self._numbers))
        elif isinstance(message, EndOfStream):
            self._turn(None)
            for command in self._kills.last():
                yield msgspec.structs.replace(command, sequence=next(self._numbers))
            reason = self.stop_reason or self._kills.reason_of_end or message.reason
            yield EndOfStream(reason, next(self._numbers))
        elif message.sequence:  # it has its number already, from when it was recorded
            yield message
        else:
            yield msgspec.structs.replace(message, sequence=next(self._numbers))

    def _parts(self, block: Block) -> Iterator[Block]:
        while (turn := self._turn(block)) != "none":
            rows_end, instant_ns = first_instant(block)
            if turn == "all" or instant_ns >= block.through_ns:
                yield block  # beyond `through_ns` an instant is whole only with the next block
                return
            part, block = cut_block(block, rows_end, instant_ns)
            yield part

    def _turn(self, block: Block | None) -> _Turn:
        """Wait until all of a block may pass, or its first instant, or the stream is stopped.

        No block means the end of the stream, which a pause holds back too.
        """
        with self._control:
            while self.stop_reason is None:
                seconds: float | None = None
                if not self._paused:
                    seconds = self._seconds_until(block)
                    if seconds <= 0:
                        return "all" if self._speed == "max" else "one"
                    seconds = min(max(seconds, _SHORTEST_WAIT), _LONGEST_WAIT)
                elif self._steps:
                    self._session = None
                    self._steps -= _completes_an_instant(block)
                    return "one"
                self._wait(self._control, seconds)
            return "none"

    def _seconds_until(self, block: Block | None) -> float:
        if self._speed == "max" or block is None or not block.spans:
            self._session = None
            return 0.0
        now_ns = self._clock.monotonic_ns()
        if not len(block):
            session = block.spans[-1].session
            due_ns = min(block.through_ns, session.close_ns)
            return self._pacer.seconds_until(due_ns, now_ns) if session == self._session else 0.0
        session = next(span.session for span in block.spans if span.end)
        if session != self._session:
            self._session = session
            self._pacer.jump(int(block.start_ns[0]), now_ns)
        return self._pacer.seconds_until(int(block.known_ns[0]), now_ns)

    def _command(self, name: str, value: str = "") -> None:
        self.commands.append(Command(name, value, next(self._numbers)))
        self._control.notify_all()


def _completes_an_instant(block: Block | None) -> bool:
    """Whether there is an instant with bars in it that no later block adds to."""
    return block is not None and len(block) > 0 and int(block.known_ns[0]) <= block.through_ns
