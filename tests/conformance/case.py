"""A case of the suite: its number, what it demands, and what it needs for that."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from app.core.orders import KINDS, TIFS
from app.core.venue import Abilities
from tests.conformance.bench import Bench, Row, rows

Play = Callable[[Bench], None]


class Need(NamedTuple):
    """An ability of the venue that a case is about."""

    says: str  # what an adapter declares where it is missing
    has: Callable[[Abilities], bool]
    refused: Play  # what is demanded then


class Case(NamedTuple):
    """Played on a bench that has seen nothing yet."""

    number: int
    says: str
    play: Play
    rows: Sequence[Row]
    powers: frozenset[str]  # of the bench
    need: Need | None

    @property
    def name(self) -> str:
        return f"C{self.number:02}"


CASES: Final[list[Case]] = []


def case(
    number: int, *powers: str, bars: Sequence[Row] = (), need: Need | None = None
) -> Callable[[Play], Play]:
    """A case; what it demands is its docstring's one sentence."""

    def taken(play: Play) -> Play:
        says = " ".join((play.__doc__ or "").split())
        CASES.append(Case(number, says, play, rows(*bars), frozenset(powers), need))
        return play

    return taken


def kind_of(play: Play, kind: str) -> Need:
    assert kind in KINDS
    return Need(f"no {kind} orders", lambda able: kind in able.kinds, play)


def tif_of(play: Play, tif: str) -> Need:
    assert tif in TIFS
    return Need(f"no {tif} orders", lambda able: tif in able.tifs, play)
