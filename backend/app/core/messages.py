"""The immutable messages that pass through the stream; the sequencer numbers each at the head."""

import msgspec

from app.core.bars import Block, Table
from app.core.calendar import TradingSession
from app.core.instruments import Adjustment
from app.core.order_events import OrderEvent


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
    """Nothing follows; the reason is one of `core/run_states.py`."""

    reason: str
    sequence: int = 0


class BrokerNews(msgspec.Struct, frozen=True):
    """What a live broker told: an instant of its own, at what the session clock shows there."""

    events: tuple[OrderEvent, ...]
    sequence: int = 0


class LastNews(msgspec.Struct, frozen=True):
    """What a live broker told when the stream had ended: it is booked as of `at_ns`, and nobody is
    told. It does not pass through the stream.
    """

    events: tuple[OrderEvent, ...]
    at_ns: int
    sequence: int = 0


class Command(msgspec.Struct, frozen=True):
    """What somebody asked of the run, at its place in the order of inputs."""

    name: str
    value: str = ""
    sequence: int = 0


class Backfill(msgspec.Struct, frozen=True):
    """Bars that came after their instant had passed, by symbol index: they correct history and
    indicators, and nothing is decided or matched on them.
    """

    bars: dict[int, Table]
    sequence: int = 0


class GapFound(msgspec.Struct, frozen=True):
    """Bars that should lie between two moments have not come. It is no input of a run: it goes
    back to the feed, which asks for them.
    """

    symbol: int
    from_ns: int
    to_ns: int


Message = History | Bars | BrokerNews | LastNews | Command | Backfill | EndOfStream
