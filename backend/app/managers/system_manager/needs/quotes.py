"""Whether a run has the quotes that its slippage or its limits ask for."""

from collections.abc import Sequence

import numpy as np

from app.core.account_limits import AccountLimits
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import NotFoundError
from app.core.seams import BarSource

_SLIPPAGE = "slippage of kind 'spread' needs them."
_LIMIT = "the limit max_spread_bps needs them."


def quoted(config: SessionConfig, hard: AccountLimits | None) -> list[str]:
    """The symbols whose quotes a run needs, for its config or for the account file."""
    found = {*config.quoted, *(() if hard is None else hard.quoted(config.symbols))}
    return [symbol for symbol in config.symbols if symbol in found]


def need_quotes(
    config: SessionConfig,
    source: BarSource,
    sessions: Sequence[TradingSession],
    hard: AccountLimits | None,
) -> None:
    """Refuse what is about spreads for a symbol without any quote in the run's sessions."""
    start_ns = sessions[0].hours(config.extended_hours)[0]
    end_ns = sessions[-1].hours(config.extended_hours)[1]
    lacking = []
    for symbol in quoted(config, hard):
        interval = config.base_interval
        _, spreads = source.spreads(config.market, symbol, interval, start_ns, end_ns)
        if np.isnan(spreads).all():
            lacking.append(symbol)
    if lacking:
        by_slippage = config.execution.slippage.by_quotes
        raise NotFoundError(
            f"There are no quotes of {', '.join(lacking)} beside the {config.base_interval} bars "
            f"on {config.market} from {config.replayed.start} to {config.replayed.end}, and "
            f"{_SLIPPAGE if by_slippage else _LIMIT} Import a file with bid_open and ask_open by "
            f"'data import-csv', or {'choose another kind' if by_slippage else 'leave it out'}."
        )
