"""Whether a run has the quotes its slippage asks for."""

from collections.abc import Sequence

import numpy as np

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import NotFoundError
from app.core.seams import BarSource


def need_quotes(
    config: SessionConfig, source: BarSource, sessions: Sequence[TradingSession]
) -> None:
    """Refuse slippage by the spread for a symbol without any quote in the run's sessions."""
    start_ns = sessions[0].segments(config.extended_hours)[0].start_ns
    end_ns = sessions[-1].segments(config.extended_hours)[-1].end_ns
    lacking = []
    for symbol in config.symbols:
        interval = config.base_interval
        _, spreads = source.spreads(config.market, symbol, interval, start_ns, end_ns)
        if np.isnan(spreads).all():
            lacking.append(symbol)
    if lacking:
        raise NotFoundError(
            f"There are no quotes of {', '.join(lacking)} beside the {config.base_interval} bars "
            f"on {config.market} from {config.replayed.start} to {config.replayed.end}, and "
            "slippage of kind 'spread' needs them. Import a file with bid_open and ask_open by "
            "'data import-csv', or choose another kind."
        )
