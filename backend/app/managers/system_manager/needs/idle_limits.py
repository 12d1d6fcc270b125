"""Limits that limit nothing, or let nothing in at all: whoever wrote them meant something else."""

from collections.abc import Iterator, Sequence

from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.intervals import MINUTE_NS


def idle_limits(config: SessionConfig, sessions: Sequence[TradingSession]) -> tuple[str, ...]:
    """What is odd about a config's limits, in words; the account file's are another's."""
    return (*_unlimited_groups(config), *_no_time_left(config, sessions), *_no_symbol_left(config))


def _unlimited_groups(config: SessionConfig) -> Iterator[str]:
    risk = config.risk
    limits = (risk, *risk.strategies.values(), *risk.symbols.values())
    if risk.groups and all(one.max_group_percent is None for one in limits):
        yield "risk.groups: nothing limits them; give max_group_percent beside them, such as 25."


def _no_time_left(config: SessionConfig, sessions: Sequence[TradingSession]) -> Iterator[str]:
    """The minutes kept free of entries are all that any session has."""
    given = {
        "risk.no_entries_first_minutes": config.risk.no_entries_first_minutes or 0,
        "risk.no_entries_last_minutes": config.risk.no_entries_last_minutes or 0,
        "protection.flat_before_close_minutes": config.protection.flat_before_close_minutes or 0,
    }
    first, *last = given.values()
    longest = max(one.close_ns - one.open_ns for one in sessions) // MINUTE_NS
    if not config.extended_hours and first + max(last) >= longest:
        told = ", ".join(f"{name}: {minutes}" for name, minutes in given.items() if minutes)
        yield f"{told}: no minute is left for entries, the longest session has {longest}."


def _no_symbol_left(config: SessionConfig) -> Iterator[str]:
    if set(config.symbols) <= set(config.risk.restricted):
        yield "risk.restricted: it has every symbol of the run; nothing is ever entered."
