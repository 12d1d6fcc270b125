"""One trading session of a market: when it opens, breaks and closes, as UTC nanoseconds."""

import datetime as dt

import msgspec


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A stretch of uninterrupted trading; derived bars anchor at its start."""

    kind: str  # "pre", "regular" or "post"
    start_ns: int
    end_ns: int


class TradingSession(msgspec.Struct, frozen=True):
    """One session. `date` is its trade date, which for futures is not the day it opens on."""

    market: str
    date: dt.date
    open_ns: int
    close_ns: int
    breaks: tuple[tuple[int, int], ...] = ()
    pre_open_ns: int | None = None  # start of pre-market, where the market has one
    post_close_ns: int | None = None  # end of post-market
    early_close: bool = False

    def hours(self, extended_hours: bool = False) -> tuple[int, int]:
        """When its first bar may start, and when its last one ends."""
        if not extended_hours:
            return self.open_ns, self.close_ns
        parts = self.segments(extended_hours)
        return parts[0].start_ns, parts[-1].end_ns

    def segments(self, extended_hours: bool = False) -> tuple[Segment, ...]:
        """Its stretches of trading, in order; a break parts the regular hours."""
        if not extended_hours and not self.breaks:  # most often so
            return (Segment("regular", self.open_ns, self.close_ns),)
        parts: list[Segment] = []
        if extended_hours and self.pre_open_ns is not None and self.pre_open_ns < self.open_ns:
            parts.append(Segment("pre", self.pre_open_ns, self.open_ns))
        start_ns = self.open_ns
        for break_start_ns, break_end_ns in self.breaks:
            parts.append(Segment("regular", start_ns, break_start_ns))
            start_ns = break_end_ns
        parts.append(Segment("regular", start_ns, self.close_ns))
        if extended_hours and self.post_close_ns is not None and self.post_close_ns > self.close_ns:
            parts.append(Segment("post", self.close_ns, self.post_close_ns))
        return tuple(parts)
