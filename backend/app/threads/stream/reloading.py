"""A strategy's code is replaced while a run goes on: what asks for it, and what passes for it.

The command carries the code, so that the journal has it. It passes through the workers in order,
each doing its part: the data processor computes what the new code declares, the engine gives it the
seat, or leaves the old code there. Whoever makes a seat of the code brings a `Workshop`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from app.core.messages import BrokerNews, Command
from app.strategies.loader import text_hash
from app.threads.stream.plan import Declared, Plan

if TYPE_CHECKING:
    from app.threads.data_processor import SessionPart
    from app.threads.hooks.seats import Seat

RELOAD: Final = "reload"


class Reload(msgspec.Struct, frozen=True):
    """What a command of this kind carries."""

    strategy: str  # the name of its seat
    use: str
    text: str
    params: dict[str, Any]
    fresh: bool = False  # nothing is carried over from the code before
    in_force: dict[str, int] = {}  # the inputs that brought the code of now, where one did

    @property
    def hash(self) -> str:
        """The hash of the text."""
        return text_hash(self.text)

    def command(self) -> Command:
        """As an input of a run."""
        return Command(RELOAD, msgspec.json.encode(self).decode())


def reload_of(command: Command) -> Reload:
    """What such a command carries."""
    return msgspec.json.decode(command.value, type=Reload)


class Candidate(msgspec.Struct, frozen=True):
    """A seat with the new code, or why there can be none."""

    seat: "Seat | None" = None
    declared: tuple[Declared, ...] = ()  # what its indicators read
    problem: str = ""


class Reloading(msgspec.Struct, frozen=True):
    """The command as it reaches the engine, with the plan from here on, and the session in hand."""

    command: Command
    reload: Reload
    candidate: Candidate
    plan: Plan
    part: "SessionPart | None" = None

    @property
    def sequence(self) -> int:
        """The input's."""
        return self.command.sequence


News = BrokerNews | Command | Reloading  # instants of their own


class ReloadOutcome(msgspec.Struct, frozen=True):
    """What came of it."""

    sequence: int
    at_ns: int
    strategy: str
    use: str
    hash: str
    params: dict[str, Any]
    fresh: bool
    refused: str = ""  # why the code before went on; "": it was replaced


class Workshop(Protocol):
    """Makes seats of code, for the workers and whoever checks it before them."""

    def candidate(self, reload: Reload) -> Candidate:
        """The seat, set up on an idle desk; the same one for whoever asks next."""
        ...

    def bounded(self) -> AbstractContextManager[None]:
        """Ends what takes too long within it."""
        ...

    @property
    def shared(self) -> tuple[Declared, ...]:
        """What the config declares."""
        ...

    @property
    def first(self) -> Mapping[str, tuple[Declared, ...]]:
        """What the code declares that the run began with, by its seats' names."""
        ...


class Declarations:
    """What is computed for whom: the code in force, and of a seat that which is to replace it.

    Nobody tells the data processor whether the engine took it: the next reload says.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._shared = workshop.shared
        self._first = dict(workshop.first)
        self._later: dict[tuple[str, int], tuple[Declared, ...]] = {}

    def add(self, reload: Reload, declared: tuple[Declared, ...], sequence: int) -> None:
        """One more candidate; of others only those in force stay."""
        kept = reload.in_force.items()
        self._later = {place: one for place, one in self._later.items() if place in kept}
        for name in self._first.keys() & reload.in_force.keys():
            self._first[name] = ()
        self._later[reload.strategy, sequence] = declared

    def all(self) -> tuple[Declared, ...]:
        """Each once."""
        own = [*self._first.values(), *self._later.values()]
        return tuple(dict.fromkeys([*self._shared, *(one for part in own for one in part)]))
