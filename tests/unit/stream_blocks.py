"""Blocks to test the stream with: a few short sessions of a market that opens at minute 1,000."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from app.core.bars import TABLE_FIELDS, Block, SessionSpan
from app.core.calendar import TradingSession
from app.core.intervals import DAY_NS, MINUTE_NS
from app.services.blocks import cut_block

Row = tuple[int, int]  # start_ns, symbol


def session(
    day: int = 0, minutes: int = 10, breaks: Sequence[tuple[int, int]] = ()
) -> TradingSession:
    """Session number `day`, so long; breaks in minutes after its open."""
    open_ns = day * DAY_NS + 1000 * MINUTE_NS
    return TradingSession(
        market="TEST",
        date=dt.date(2024, 1, 1) + dt.timedelta(days=day),
        open_ns=open_ns,
        close_ns=open_ns + minutes * MINUTE_NS,
        breaks=tuple((open_ns + a * MINUTE_NS, open_ns + b * MINUTE_NS) for a, b in breaks),
        post_close_ns=open_ns + (minutes + 5) * MINUTE_NS,
    )


def minute(of: TradingSession, number: int) -> int:
    """Start of a minute of a session, counted from its open."""
    return of.open_ns + number * MINUTE_NS


def all_rows(of: TradingSession, symbols: int = 1) -> list[Row]:
    """Every minute of a session without breaks, for so many symbols."""
    minutes = (of.close_ns - of.open_ns) // MINUTE_NS
    return [(minute(of, m), symbol) for m in range(minutes) for symbol in range(symbols)]


def block_of(
    parts: Sequence[tuple[TradingSession, Sequence[Row]]], through_ns: int | None = None
) -> Block:
    """One block of one-minute bars, all at a price of their own, known through its last session."""
    rows = [row for _, rows in parts for row in rows]
    spans, first = [], 0
    for of, part in parts:
        spans.append(SessionSpan(of, first, first + len(part)))
        first += len(part)
    start_ns = np.array([row[0] for row in rows], np.int64)
    price = 100.0 + np.arange(len(rows)) / 4
    return Block(
        symbol=np.array([row[1] for row in rows], np.int32),
        start_ns=start_ns,
        known_ns=start_ns + MINUTE_NS,
        open=price,
        high=price + 1,
        low=price - 1,
        close=price,
        volume=price * 10,
        spans=tuple(spans),
        through_ns=parts[-1][0].close_ns if through_ns is None else through_ns,
    )


def chop(block: Block, sizes: Sequence[int]) -> list[Block]:
    """The block in pieces of so many rows, also within an instant, and the rest."""
    pieces = []
    for size in sizes:
        if size >= len(block):
            break
        last_ns, next_ns = int(block.known_ns[size - 1]), int(block.known_ns[size])
        piece, block = cut_block(block, size, last_ns if next_ns > last_ns else last_ns - 1)
        pieces.append(piece)
    return [*pieces, block]


def columns_of(blocks: Sequence[Block]) -> dict[str, list[float]]:
    """All rows of some blocks, as plain lists."""
    return {name: [x for b in blocks for x in getattr(b, name).tolist()] for name in TABLE_FIELDS}


@st.composite
def blocks(draw: st.DrawFn, max_symbols: int = 3) -> Block:
    """Random sessions, symbols and missing minutes; sessions without a row among them."""
    symbols = draw(st.integers(1, max_symbols))
    parts = []
    for day in range(draw(st.integers(1, 3))):
        of = session(day, draw(st.integers(1, 6)))
        rows = all_rows(of, symbols)
        kept = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
        parts.append((of, [row for row, keep in zip(rows, kept, strict=True) if keep]))
    return block_of(parts)
