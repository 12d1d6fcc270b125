"""The entries that have left: what limits of their rate, and of entries that repeat, remember.

An entry is counted once it has passed all that could refuse it. Limits of scopes that hold for the
same orders share a count.
"""

from bisect import bisect_right
from collections.abc import Iterable

import msgspec

from app.core.intervals import MINUTE_NS, SECOND_NS
from app.services.risk.facts import Ask
from app.services.risk.scopes import EVERYWHERE, Scope, holds_for

# Strategy, symbol, signed units, kind, limit and stop: what an equal entry has in common.
Alike = tuple[int, int, int, str, float | None, float | None]


class Tally(msgspec.Struct):
    """Counts the entries of one strategy, one symbol, or all."""

    instants: list[int] = msgspec.field(default_factory=list)  # of the last minute
    today: int = 0  # in the session under way, or the last one

    def roll(self, now_ns: int) -> None:
        """What left a minute ago or earlier is out of it."""
        instants = self.instants
        if instants and instants[0] <= now_ns - MINUTE_NS:
            del instants[: bisect_right(instants, now_ns - MINUTE_NS)]

    def since(self, since_ns: int) -> int:
        """How many have left after a moment, which is no more than a minute ago."""
        return len(self.instants) - bisect_right(self.instants, since_ns)


class OrderCountsState(msgspec.Struct, frozen=True):
    """What the next session begins with."""

    tallies: list[Tally]  # the account's, then in the order of the scopes
    latest: list[tuple[Alike, int]]


class OrderCounts:
    """The tallies of one account, one for each scope of its limits."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        scopes = tuple(scopes)
        limits = [limit for scope in scopes for limit in scope.limits]
        longest = max((one.most for one in limits if one.name == "duplicate_seconds"), default=0)
        places = dict.fromkeys([EVERYWHERE, *((one.strategy, one.symbol) for one in scopes)])
        self._tallies = {place: Tally() for place in places}
        self.keeps_ns = longest * SECOND_NS  # 0: no limit asks what repeats
        self._rolled_ns = -1  # when the last one left
        self._latest: dict[Alike, int] = {}  # when one of each kind left last, in that order

    def tally(self, strategy: int | None, symbol: int | None) -> Tally:
        """The count of one scope."""
        return self._tallies.setdefault((strategy, symbol), Tally())

    def last_alike_ns(self, ask: Ask) -> int | None:
        """When an entry equal to this one left last, as far as any limit looks back."""
        return self._latest.get(_alike(ask))

    def repeats(self, alike: Alike, now_ns: int) -> bool:
        """Whether an equal entry left since any limit looks back."""
        before_ns = self._latest.get(alike)
        return before_ns is not None and now_ns - before_ns < self.keeps_ns

    def open_session(self) -> None:
        """A day begins."""
        for tally in self._tallies.values():
            tally.today = 0

    def note(self, ask: Ask) -> None:
        """An entry leaves; what an amendment adds to one counts as one."""
        alike = None if not self.keeps_ns or ask.amends else _alike(ask)
        if alike is not None:
            self._latest.pop(alike, None)  # the latest stands last
        self.enter(self.tallies_of(ask.strategy, ask.symbol), alike, ask.now_ns)

    def enter(self, tallies: Iterable[Tally], alike: Alike | None, now_ns: int) -> None:
        """The same of one that these count, and that repeats none."""
        if now_ns != self._rolled_ns:
            self._roll(now_ns)
        for tally in tallies:
            tally.instants.append(now_ns)
            tally.today += 1
        if alike is not None:
            self._latest[alike] = now_ns

    def _roll(self, now_ns: int) -> None:
        """Another instant: forget what no limit looks back at any more."""
        self._rolled_ns = now_ns
        for tally in self._tallies.values():
            tally.roll(now_ns)
        latest, until_ns = self._latest, now_ns - self.keeps_ns
        if latest and next(reversed(latest.values())) <= until_ns:
            latest.clear()
        while latest and latest[first := next(iter(latest))] <= until_ns:
            del latest[first]

    def tallies_of(self, strategy: int, symbol: int) -> list[Tally]:
        """The counts that an entry of a strategy in a symbol is in."""
        tallies = self._tallies.items()
        return [tally for place, tally in tallies if holds_for(place, strategy, symbol)]

    def state(self) -> OrderCountsState:
        """As it stands."""
        tallies = [Tally(list(one.instants), one.today) for one in self._tallies.values()]
        return OrderCountsState(tallies, list(self._latest.items()))

    def restore(self, state: OrderCountsState) -> None:
        """As it stood."""
        for own, kept in zip(self._tallies.values(), state.tallies, strict=True):
            own.instants[:], own.today = kept.instants, kept.today
        self._latest = dict(state.latest)
        self._rolled_ns = -1


def _alike(ask: Ask) -> Alike:
    return ask.strategy, ask.symbol, ask.whole_units, ask.kind, ask.limit, ask.stop
