"""Kills of a replay on their way into the stream: at once, or at a moment that was planned."""

from collections import deque
from collections.abc import Iterator

import numpy as np

from app.core.bars import Block
from app.core.messages import Bars, Command
from app.core.run_states import KILLED
from app.managers.execution_manager.orders.kill import kill_value
from app.services.blocks import cut_block
from app.threads.stream.commands import KILL


class KillInputs:
    """Each becomes a command between two instants; blocks are cut there."""

    def __init__(self) -> None:
        self._asked: deque[Command] = deque()  # any thread puts in
        self._planned: deque[tuple[int, Command]] = deque()  # in order
        self.reason_of_end = ""  # of a stream that ends when somebody has killed the run

    def ask(self, mode: str, reason: str) -> None:
        """Before the next block."""
        self._asked.append(Command(KILL, kill_value(mode, reason)))
        self.reason_of_end = KILLED

    def plan(self, at_ns: int, mode: str, reason: str) -> None:
        """When all is known up to then; later ones are planned later."""
        self._planned.append((at_ns, Command(KILL, kill_value(mode, reason))))

    def between(self, block: Block) -> Iterator[Bars | Command]:
        """The block, in parts where a kill comes amid it."""
        while self._asked:
            yield self._asked.popleft()
        while self._planned and self._planned[0][0] < block.through_ns:
            at_ns, command = self._planned.popleft()
            end = int(np.searchsorted(block.known_ns, at_ns, side="right"))
            part, block = cut_block(block, end, at_ns)
            yield Bars(part)
            yield command
        yield Bars(block)

    def last(self) -> Iterator[Command]:
        """What was asked for and has not come yet, as the stream ends."""
        yield from self._asked
        yield from (command for _, command in self._planned)
        self._asked.clear()
        self._planned.clear()
