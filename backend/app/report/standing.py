"""Whether the store still has the bars that a run stood on, those of before its dates among them:
asked when its report is written.
"""

from typing import TYPE_CHECKING, Final

from app.core.errors import AppError
from app.report.indicators import ready_again

if TYPE_CHECKING:
    from app.results.run import Run
    from app.results.sources import Sources

SAME: Final = "the same"
CHANGED: Final = "changed"
GONE: Final = "gone"
OTHER_HISTORY: Final = "other history"


def bars_now(run: "Run", sources: "Sources") -> dict[str, str]:
    """By symbol, as its passport has it; nothing where that cannot be said, as of a live run."""
    from pydantic import ValidationError

    from app.core.account_limits import AccountLimits
    from app.core.config import SessionConfig
    from app.managers.system_manager.needs.quotes import quoted

    if not run.passport:
        return {}
    try:
        config = SessionConfig.model_validate(run.config)
        told = run.facts.get("hard_limits")
        hard = None if told is None else AccountLimits.model_validate(told)
        dates = config.replayed
        sessions = sources.time.sessions_between(dates.start, dates.end, config.market)
        found = sources.data.passport(
            config.market, config.symbols, config.base_interval, sessions,
            extended_hours=config.extended_hours, quotes=bool(quoted(config, hard)),
        )  # fmt: skip
    except (AppError, ValidationError):
        return {}
    now = {one.symbol: (one.bars, one.source_hash) for one in found}
    words = {row["symbol"]: _word(row, *now.get(row["symbol"], (0, ""))) for row in run.passport}
    others = dict.fromkeys(_with_other_history(run, sources), OTHER_HISTORY)
    return {
        symbol: others.get(symbol, SAME) if word == SAME else word for symbol, word in words.items()
    }


def _with_other_history(run: "Run", sources: "Sources") -> set[str]:
    """The symbols whose bars of before its dates are not those that it began with; none where that
    cannot be said, as its strategies are others or its bars are gone.
    """
    from app.managers.system_manager.why.retelling import unlogged

    then = run.facts.get("history") or {}
    if not then:
        return set()
    try:
        with unlogged(), ready_again(run, sources) as again:
            next(iter(again.feed.messages()))  # the first is its history
    except AppError:
        return set()
    now = again.feed.history_sources
    return {
        name.rpartition(" ")[0]
        for name, row in then.items()
        if row["source_hash"] != now.get(name, {}).get("source_hash")
    }


def _word(row: dict[str, object], bars: int, source_hash: str) -> str:
    if source_hash == row["source_hash"]:
        return SAME
    return CHANGED if bars else GONE
