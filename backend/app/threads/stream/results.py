"""What the analysis engine says of each input: for the record, the journal and who watches."""

import msgspec

from app.core.bars import Floats, Ints
from app.core.order_events import Intent
from app.core.trading_state import RiskReport
from app.managers.execution_manager.books.diary import Records
from app.threads.stream.reloading import ReloadOutcome


class Results(msgspec.Struct, frozen=True):
    """What one input came to."""

    records: Records
    equity_ns: Ints
    equity: Floats
    bars: int
    through_ns: int
    sequence: int = 0  # of the input it came of
    intents: tuple[Intent, ...] = ()
    risk: RiskReport | None = None  # of the trading state, where something is to be remembered
    reload: ReloadOutcome | None = None  # where the input asked for one
