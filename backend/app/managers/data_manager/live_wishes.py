"""What a live run still wants of its venue's history: at most one question per symbol at a time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.core.inbox import Past
from app.core.intervals import SECOND_NS

_RETRY_NS = 5 * SECOND_NS


class Wish(NamedTuple):
    """Bars of a symbol between two moments."""

    symbol: str
    start_ns: int
    end_ns: int


class Wishes:
    """Empty when all that was wanted has been answered."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)
        self._wanted: dict[str, tuple[int, int]] = {}
        self._asked: dict[str, tuple[int, int]] = {}
        self._not_before_ns: dict[str, int] = {}
        self.retry_ns = 0  # when a question that failed last may be asked again

    def __bool__(self) -> bool:
        return bool(self._wanted or self._asked)

    def add(self, symbol: int, start_ns: int, end_ns: int) -> None:
        """Want more; what is wanted of one symbol is asked for together."""
        name = self._symbols[symbol]
        start, end = self._wanted.get(name, (start_ns, end_ns))
        self._wanted[name] = min(start, start_ns), max(end, end_ns)

    def take(self, now_ns: int) -> Iterator[Wish]:
        """What may be asked now; a failed question is asked again after a while."""
        for name, (start_ns, end_ns) in list(self._wanted.items()):
            if name not in self._asked and self._not_before_ns.get(name, 0) <= now_ns:
                self._asked[name] = self._wanted.pop(name)
                yield Wish(name, start_ns, end_ns)

    def answered(self, past: Past, now_ns: int) -> None:
        """An answer, or none: then the same is wanted still."""
        asked = self._asked.pop(past.symbol, None)
        if past.bars is None and asked is not None:
            self.add(self._symbols.index(past.symbol), *asked)
            self.retry_ns = now_ns + _RETRY_NS
            self._not_before_ns[past.symbol] = self.retry_ns
