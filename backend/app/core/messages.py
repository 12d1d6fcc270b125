"""The immutable messages that pass through the stream; the sequencer numbers each at the head."""

import msgspec

from app.core.bars import Block, Table
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment


class History(msgspec.Struct, frozen=True):
    """What came before a run's first session, and the corporate actions of its whole span.

    `sessions` are those before the run's first, oldest first; `bars` holds their raw bars per
    (symbol index, interval). `adjustments` are sorted by session date.
    """

    sessions: tuple[TradingSession, ...]
    bars: dict[tuple[int, str], Table]
    adjustments: tuple[Adjustment, ...]
    sequence: int = 0


class Bars(msgspec.Struct, frozen=True):
    """One block of base-interval bars, or none: then only `through_ns` moves."""

    block: Block
    sequence: int = 0


class EndOfStream(msgspec.Struct, frozen=True):
    """Nothing follows. `reason` is "finished", "stopped", "interrupted", "timeout" or "failed"."""

    reason: str
    sequence: int = 0


Message = History | Bars | EndOfStream
