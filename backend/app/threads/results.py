"""What the analysis engine hands to the recorder."""

import msgspec

from app.core.bars import Floats, Ints
from app.managers.execution_manager.diary import Records


class Results(msgspec.Struct, frozen=True):
    """What one block came to, for the recorder."""

    records: Records
    equity_ns: Ints
    equity: Floats
    bars: int
    through_ns: int
