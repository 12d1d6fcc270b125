"""A journal's header: all that a live run's decisions can depend on, besides its inputs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from app.core.account_limits import AccountLimits
from app.core.calendar import TradingSession
from app.core.config import SessionConfig
from app.core.errors import DataError
from app.core.instruments import Instrument
from app.core.order_events import OrderEvent
from app.core.trading_state import RiskPast
from app.core.venue import Abilities
from app.managers.system_manager.journal.program import made_with
from app.managers.system_manager.venue.holdings import Holdings
from app.strategies.base import Strategy
from app.strategies.loader import source_hash, source_of

if TYPE_CHECKING:
    from app.managers.system_manager.needs.market import Market

_FORMAT = 1


class RunHeader(msgspec.Struct, frozen=True):
    """As a part of the journal begins with it; history and actions are the first input."""

    format: int
    run_id: str
    config: dict[str, Any]
    sessions: list[TradingSession]
    sessions_before: list[TradingSession]  # oldest first
    instruments: list[Instrument]
    rates: dict[str, dict[str, float]]  # by session, of each foreign currency
    strategies: dict[str, str]  # the hash of the file each comes from, by name
    sources: dict[str, str]  # those files' text, by `use`
    versions: dict[str, str]
    platform: str
    hash_seed: str
    since_ns: int  # the venue's time when it began
    positions: dict[str, int]  # that the venue held then and the run left alone, in units
    started_at: str = ""  # the machine's time when it began, in the market's zone
    holdings: Holdings = Holdings()  # all that the venue held then
    hard_limits: dict[str, Any] | None = None  # of the account file, as it was then
    risk_past: RiskPast | None = None  # what the account's runs before had left
    abilities: Abilities = Abilities()  # the venue's
    program: str = ""  # the hash of all its modules

    @property
    def session_config(self) -> SessionConfig:
        """The config the run was started with."""
        return SessionConfig.model_validate(self.config)

    @property
    def account_limits(self) -> AccountLimits | None:
        """The hard limits the run was started with; a file of today changes nothing."""
        hard = self.hard_limits
        return None if hard is None else AccountLimits.model_validate(hard)

    @property
    def told_first(self) -> tuple[OrderEvent, ...]:
        """What the run must hear of those holdings; its journal may have ended before that."""
        config = self.session_config
        return self.holdings.told(config.symbols, config.lived.external, self.since_ns)

    def as_dict(self) -> dict[str, Any]:
        """In plain values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def header_of(
    run_id: str,
    config: SessionConfig,
    market: "Market",
    before: int,
    strategies: Mapping[str, type[Strategy]],
    since_ns: int,
    holdings: Holdings,
    started_at: str,
    abilities: Abilities,
) -> RunHeader:
    """What this run is about to depend on, with so many sessions before its first."""
    hard = market.hard_limits
    return RunHeader(
        format=_FORMAT,
        run_id=run_id,
        config=config.model_dump(mode="json"),
        sessions=list(market.sessions),
        sessions_before=list(market.sessions_before(before)),
        instruments=market.instruments,
        rates={str(date): dict(found) for date, found in market.rates.items()},
        strategies={name: source_hash(kind) for name, kind in strategies.items()},
        sources={
            item.use: source_of(strategies[item.label])
            for item in config.strategies
            if item.label in strategies
        },
        hash_seed=os.environ.get("PYTHONHASHSEED", "random"),
        since_ns=since_ns,
        positions=holdings.left_alone,
        started_at=started_at,
        holdings=holdings,
        hard_limits=None if hard is None else hard.as_json(),
        risk_past=market.risk_past,
        abilities=abilities,
        **made_with(),
    )


def read_header(content: Mapping[str, Any], where: Path) -> RunHeader:
    """The header a journal begins with."""
    if content.get("format") != _FORMAT:
        raise DataError(
            f"The journal in {where} has the form {content.get('format')!r}; this version reads "
            f"{_FORMAT}. The version that wrote it reads it."
        )
    try:
        return msgspec.convert(dict(content), RunHeader)
    except msgspec.ValidationError as error:
        raise DataError(f"The header of the journal in {where} is incomplete: {error}.") from error
