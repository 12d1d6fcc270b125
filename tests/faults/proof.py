"""Proofs from a recorded run: it repeats, also with other blocks, and a changed byte is found."""

from collections.abc import Iterator

import numpy as np

from app.core.bars import Block, SessionSpan, fields_of
from app.core.messages import Bars, Message
from app.managers.system_manager.journal_feed import RunJournal
from app.managers.system_manager.verification import Repetition, Verdict
from app.strategies.failure import HookInterrupted
from tests.faults.life import FOLDER, Times
from tests.faults.simulation import Simulation
from tests.memory_disk import MemoryDisk

RUNNERS = ("inline", "pool")


class MergedJournal(RunJournal):
    """A journal whose blocks between two other inputs come as one, of at most so many."""

    def __init__(self, disk: MemoryDisk, most: int) -> None:
        super().__init__(FOLDER, disk)
        self._most = most

    def inputs(self) -> Iterator[Message]:
        waiting: list[Bars] = []
        last = self.last_sequence()
        for message in super().inputs():
            if last is not None and message.sequence > last:
                break  # the engine never came to these
            if isinstance(message, Bars):
                waiting.append(message)
            if waiting and (not isinstance(message, Bars) or len(waiting) == self._most):
                yield _merged(waiting)
                waiting = []
            if not isinstance(message, Bars):
                yield message
        if waiting:
            yield _merged(waiting)


def _merged(messages: list[Bars]) -> Bars:
    blocks = [message.block for message in messages]
    columns = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in fields_of(blocks[0])
    }
    spans: list[SessionSpan] = []
    first = 0
    for block in blocks:
        for span in block.spans:
            end = first + span.end
            if spans and spans[-1].session == span.session:
                spans[-1] = SessionSpan(span.session, spans[-1].first, end)
            else:
                spans.append(SessionSpan(span.session, first + span.first, end))
        first += len(block)
    merged = Block(**columns, spans=tuple(spans), through_ns=blocks[-1].through_ns)
    return Bars(merged, messages[-1].sequence)


def verdict_of(sim: Simulation, runner: str = "inline", most: int = 1) -> Verdict:
    """What `verify` says of a simulated run; `most` blocks are given as one."""
    journal = MergedJournal(sim.disk, most) if most > 1 else RunJournal(FOLDER, sim.disk)
    source = sim.day.market().source
    return Repetition(journal, Times(), source, runner).verdict()  # type: ignore[arg-type]


def trouble_of(sim: Simulation, runner: str, most: int) -> str:
    """Why a run does not repeat, or ""."""
    try:
        verdict = verdict_of(sim, runner, most)
    except (Exception, HookInterrupted) as error:
        failed = sim.outcome.reason == "failed"  # then it fails again, in the same place
        return "" if failed else f"{type(error).__name__}: {error}"
    return "" if verdict.equal else str(verdict.difference)
