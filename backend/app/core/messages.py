"""The immutable messages that pass through the stream; the sequencer numbers each at the head."""

import msgspec

from app.core.bars import BarColumns, Block
from app.core.instruments import Adjustment


class History(msgspec.Struct, frozen=True):
    """What came before a run's first session, and the corporate actions of its whole span.

    `bars` holds raw bars per (symbol index, interval). `adjustments` are sorted by session date.
    """

    bars: dict[tuple[int, str], BarColumns]
    adjustments: tuple[Adjustment, ...]


class Bars(msgspec.Struct, frozen=True):
    """One block of base-interval bars, or none: then only `through_ns` moves."""

    block: Block


class EndOfStream(msgspec.Struct, frozen=True):
    """Nothing follows. `reason` is "finished", "stopped", "interrupted" or "timeout"."""

    reason: str


Message = History | Bars | EndOfStream
