"""Whether a market stream is still alive: silence is found while it seems connected."""

from bisect import bisect_right
from collections.abc import Sequence

from app.core.calendar import TradingSession
from app.core.halts import ALL_SYMBOLS, FEED
from app.core.order_events import Halted, OrderEvent, Resumed

_LONGEST_SILENCES = 4  # so many of them without a connection, and it is opened anew


class LiveWatch:
    """Hears of every item, and gives halts and resumptions as they fall due."""

    def __init__(
        self,
        symbols: Sequence[str],
        sessions: Sequence[TradingSession],
        stale_ns: int,
        silent_ns: int,
        now_ns: int,
    ) -> None:
        self._symbols = tuple(symbols)
        parts = [part for session in sessions for part in session.segments()]
        self._starts = [part.start_ns for part in parts]
        self._ends = [part.end_ns for part in parts]
        self._stale_ns, self._silent_ns = stale_ns, silent_ns
        self._heard_ns = [now_ns] * len(symbols)
        self._fresh: set[int] = set()  # heard since the last marks
        self._halted: set[int] = set()
        self._gone: str | None = None  # why there is no connection
        self._opened_ns = now_ns
        self.last_ns = now_ns  # when anything was heard last

    def hear(self, symbol: int, now_ns: int) -> None:
        """An item of a symbol, or of none (`ALL_SYMBOLS`): a heartbeat."""
        self.last_ns = now_ns
        self._fresh.add(ALL_SYMBOLS)
        if symbol != ALL_SYMBOLS:
            self._heard_ns[symbol] = now_ns
            self._fresh.add(symbol)

    def connect(self, now_ns: int) -> None:
        """A stream stands: from here on something should come. What was heard of each symbol is
        no younger by that.
        """
        self._gone = None
        self.last_ns = self._opened_ns = now_ns

    def disconnect(self, reason: str) -> None:
        """A stream is gone."""
        self._gone = reason
        self._fresh.clear()

    def halts(self, now_ns: int) -> list[OrderEvent]:
        """Symbols whose data has become stale; asked before anything is let through."""
        start_ns = self._trading_since(now_ns)
        halts: list[OrderEvent] = []
        for symbol in range(ALL_SYMBOLS, len(self._symbols)):
            reason = self._reason(symbol, now_ns, start_ns)
            if reason and symbol not in self._halted:
                self._halted.add(symbol)
                halts.append(Halted(symbol, reason, FEED))
        return halts

    def resumptions(self, now_ns: int) -> list[OrderEvent]:
        """Symbols of which data flows again; asked after what is due has been let through."""
        start_ns = self._trading_since(now_ns)
        heard = sorted(self._halted & self._fresh)
        again = [symbol for symbol in heard if not self._reason(symbol, now_ns, start_ns)]
        self._halted.difference_update(again)
        self._fresh.clear()
        return [Resumed(symbol, "data flows again", FEED) for symbol in again]

    def wants_reopening(self, now_ns: int) -> bool:
        """Whether the stream is silent and should be opened anew; asked once per silence."""
        since_ns = max(self.last_ns, self._opened_ns)
        patience_ns = self._silent_ns * (_LONGEST_SILENCES if self._gone is not None else 1)
        if now_ns - since_ns <= patience_ns:
            return False
        self._opened_ns = now_ns
        return True

    def _reason(self, symbol: int, now_ns: int, start_ns: int | None) -> str:
        """Why a symbol, or all, takes no entries; `start_ns` is that of the hours under way."""
        if symbol == ALL_SYMBOLS:
            return self._silence(now_ns)
        if start_ns is None or now_ns - max(self._heard_ns[symbol], start_ns) <= self._stale_ns:
            return ""
        return f"no data of {self._symbols[symbol]} for {self._stale_ns / 1e9:g} s"

    def _silence(self, now_ns: int) -> str:
        if self._gone is not None:
            return f"the market stream is gone: {self._gone}"
        if now_ns - self.last_ns > self._silent_ns:
            seconds = self._silent_ns / 1e9
            return f"the market stream is silent, without a heartbeat for {seconds:g} s"
        return ""

    def _trading_since(self, now_ns: int) -> int | None:
        """When the stretch of regular hours under way began."""
        place = bisect_right(self._starts, now_ns) - 1
        return self._starts[place] if place >= 0 and now_ns < self._ends[place] else None
