"""The names of a run that limits speak of: rules know symbols by their numbers."""

from collections.abc import Mapping, Sequence

import msgspec


class Names(msgspec.Struct, frozen=True):
    """The run's symbols, in their order, and its groups of them."""

    symbols: Sequence[str] = ()
    groups: Mapping[str, Sequence[str]] = {}

    def numbers(self, symbols: Sequence[str]) -> frozenset[int]:
        """Which ones these are; others are of no account in this run."""
        return frozenset(self.symbols.index(one) for one in symbols if one in self.symbols)
