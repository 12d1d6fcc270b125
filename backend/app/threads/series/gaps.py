"""Gaps in a live stream: found when a bar comes and the one before it has not."""

from collections.abc import Callable

from app.core.bars import Block, Table
from app.core.calendar import TradingSession
from app.core.messages import GapFound

OnGap = Callable[[GapFound], None]


class Gaps:
    """Tells each gap once; a session's first bars are missed too."""

    def __init__(self, extended_hours: bool, on_gap: OnGap) -> None:
        self._extended_hours = extended_hours
        self._on_gap = on_gap
        self.reached_ns: dict[int, int] = {}  # by symbol, the end of its latest bar

    def follow(self, block: Block) -> None:
        """Find what is missing before each bar of a block."""
        for span in block.spans:
            for row in range(span.first, span.end):
                symbol, start_ns = int(block.symbol[row]), int(block.start_ns[row])
                expected_ns = self._expected_ns(symbol, span.session)
                if start_ns > expected_ns:
                    self._on_gap(GapFound(symbol, expected_ns, start_ns))
                self.reached_ns[symbol] = int(block.known_ns[row])

    def fill(self, symbol: int, late: Table) -> None:
        """Bars that came late are there, also those later than any in a block."""
        if len(late):
            reached_ns = self.reached_ns.get(symbol, -1)
            self.reached_ns[symbol] = max(reached_ns, int(late.known_ns[-1]))

    def _expected_ns(self, symbol: int, session: TradingSession) -> int:
        """When the symbol's next bar should start."""
        reached_ns = self.reached_ns.get(symbol, -1)
        parts = session.segments(self._extended_hours)
        open_parts = (part for part in parts if part.end_ns > reached_ns)
        return max(next(open_parts, parts[-1]).start_ns, reached_ns)
