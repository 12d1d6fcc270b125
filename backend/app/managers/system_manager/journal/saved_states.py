"""The state records of a live run's journal: a run's state, and the chapter of it that led there.

A chapter is what the run has told since the state before: what it decided, its rows, its equity,
and what its gate must know again. So a run that goes on from the last state has all of it, and
reads only the beginning of each part of the journal.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from loguru import logger

from app.core.bars import Floats, Ints
from app.core.message_codec import decode, decode_message, encode, encode_message
from app.core.messages import BrokerNews, Command, Message
from app.core.order_events import Intent
from app.core.orders import INSTANT, Order, OrderChange, RecordedFill
from app.managers.execution_manager.books.diary import Records
from app.managers.execution_manager.sim.fill_rules import Ambiguity
from app.managers.system_manager.journal.program import Program
from app.threads.stream.reloading import ReloadOutcome
from app.threads.stream.results import Results
from app.threads.stream.run_state import RunState

_MOST_BYTES: Final = 64 << 20  # more is not saved: the run goes on from an earlier state


class Chapter(msgspec.Struct):
    """What came of the inputs since the state before; columns where there are many."""

    entries: list[bytes] = []
    orders: list[Order] = []
    changes: list[OrderChange] = []
    fills: list[RecordedFill] = []
    uncertain: list[Ambiguity] = []
    equity_ns: list[Ints] = []
    equity: list[Floats] = []
    bars: int = 0
    told: list[bytes] = []  # news and commands, with their numbers
    intents: list[tuple[int, tuple[Intent, ...]]] = []
    reloads: list[ReloadOutcome] = []

    def take(self, results: Results) -> None:
        """What came of one more input."""
        records = results.records
        self.entries.append(records.entries)
        self.orders += [msgspec.structs.replace(order) for order in records.orders]
        self.changes += records.order_changes
        own: list[Any] = [fill[: INSTANT + 1] for fill in records.fills]
        self.fills += own
        self.uncertain += records.uncertain
        self.bars += results.bars
        if len(results.equity):
            self.equity_ns.append(results.equity_ns)
            self.equity.append(results.equity)
        if results.reload is not None:
            self.reloads.append(results.reload)
        if results.intents:
            self.intents.append((results.sequence, results.intents))

    def whole(self) -> "Chapter":
        """The same with its entries and its curve in one piece."""
        times, values = np.empty(0, np.int64), np.empty(0)
        return msgspec.structs.replace(
            self,
            entries=[b"".join(self.entries)],
            equity_ns=[np.concatenate([times, *self.equity_ns])],
            equity=[np.concatenate([values, *self.equity])],
        )

    def plain(self) -> "Chapter":
        """The same, whatever blocks its intents came of, and wherever strategies' files lie."""
        return msgspec.structs.replace(
            self,
            intents=[(0, tuple(one for _, own in self.intents for one in own))],
            reloads=[
                msgspec.structs.replace(one, refused="refused" if one.refused else "")
                for one in self.reloads
            ],
        )

    def results(self) -> Results:
        """As one input's, for a record."""
        fills: list[Any] = self.fills
        entries = b"".join(self.entries)
        records = Records(self.orders, self.changes, fills, [], [], self.uncertain, [], entries)
        return Results(records, self.equity_ns[0], self.equity[0], self.bars, 0)

    def messages(self) -> Iterator[tuple[Message | None, tuple[Intent, ...]]]:
        """News and commands, and intents, in the order of the inputs."""
        intents = deque(self.intents)
        for message in map(decode_message, self.told):
            while intents and intents[0][0] < message.sequence:
                yield None, intents.popleft()[1]
            yield message, ()
        for _, own in intents:
            yield None, own


class SavedState(msgspec.Struct, frozen=True):
    """What a state record holds."""

    program: Program
    state: msgspec.Raw  # a RunState
    chapter: msgspec.Raw

    def run_state(self) -> RunState:
        """The state itself."""
        return decode(self.state, RunState)

    def read_chapter(self) -> Chapter:
        """The chapter that led to it."""
        return decode(self.chapter, Chapter)


class StateKeeper:
    """Writes a run's chapters, and closes one with each state; of states that are on record
    already, it tells where they differ.

    `accepts` is asked whether a state may be recorded; `save` records it, unless that has changed.
    """

    def __init__(
        self,
        program: Program,
        accepts: Callable[[int], bool],
        save: Callable[[int, bytes], bool],
        known: Mapping[int, SavedState],
        on_difference: Callable[[int, str, str], None],
        since: int = 0,
    ) -> None:
        """`since` is the input behind which the run goes on, from the state on record."""
        self._program = program
        self._accepts = accepts
        self._save = save
        self._known = known
        self._on_difference = on_difference
        self._since = since
        self._chapter = Chapter()
        self._heard: deque[tuple[int, bytes]] = deque()  # not come of anything yet
        self.missed = list(known)  # those on record that were not compared yet

    @property
    def is_of_another_program(self) -> bool:
        """Whether states are on record that cannot be compared."""
        return any(saved.program != self._program for saved in self._known.values())

    def hear(self, message: Message) -> None:
        """An input, before any worker sees it."""
        if isinstance(message, BrokerNews | Command):
            self._heard.append((message.sequence, encode_message(message)))

    def take(self, results: Results) -> None:
        """What came of an input."""
        while self._heard and self._heard[0][0] <= results.sequence:
            self._chapter.told.append(self._heard.popleft()[1])
        self._chapter.take(results)

    def take_state(self, sequence: int, state: RunState) -> None:
        """The state behind an input, when all that came before has been taken."""
        known = self._known.get(sequence)
        if known is not None:
            self._compare(sequence, known, state)
        elif self._accepts(sequence):
            payload = self._payload(sequence, state)
            if payload is None or not self._save(sequence, payload):
                return
        else:
            return
        self._chapter = Chapter()

    def _payload(self, sequence: int, state: RunState) -> bytes | None:
        """The record; none where there can be none, which is no reason to end a run."""
        try:
            saved = SavedState(self._program, _raw(state), _raw(self._chapter.whole()))
            payload = encode(saved)
        except Exception as error:
            logger.opt(exception=error).error("The state at input {} is not saved", sequence)
            return None
        if len(payload) <= _MOST_BYTES:
            return payload
        logger.warning("The state at input {} is too large to be saved", sequence)
        return None

    def _compare(self, sequence: int, known: SavedState, state: RunState) -> None:
        if known.program != self._program:
            return
        self.missed.remove(sequence)
        pairs = [(known.state, _raw(state))]
        if sequence != self._since:
            chapters = known.read_chapter(), self._chapter.whole()
            pairs.append((_raw(chapters[0].plain()), _raw(chapters[1].plain())))
        for recorded, again in pairs:
            if bytes(again) != bytes(recorded):
                place = first_difference(decode(recorded, dict), decode(again, dict))
                self._on_difference(sequence, *place)
                return


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode(value))


def first_difference(recorded: object, repeated: object, place: str = "") -> tuple[str, str]:
    """The first place where two plain values differ, with what stands there in each."""
    if isinstance(recorded, dict) and isinstance(repeated, dict):
        for key in {**recorded, **repeated}:
            one, other = recorded.get(key), repeated.get(key)
            if not _same(one, other):
                return first_difference(one, other, f"{place}.{key}" if place else str(key))
    elif isinstance(recorded, list) and isinstance(repeated, list):
        for number, (one, other) in enumerate(zip(recorded, repeated, strict=False)):
            if not _same(one, other):
                return first_difference(one, other, f"{place}[{number}]")
    return f"{place}: {recorded}", f"{place}: {repeated}"


def _same(one: object, other: object) -> bool:
    return encode(one) == encode(other)
