"""For whom a limit holds: the account, one strategy, or one symbol."""

from collections.abc import Sequence

import msgspec

from app.core.config_risk import RiskConfig
from app.services.risk.catalogue import Limit, limits_of
from app.services.risk.names import Names

ACCOUNT = "account"


class Scope(msgspec.Struct, frozen=True):
    """Limits, and whose they are; None is for all."""

    name: str
    limits: tuple[Limit, ...]
    strategy: int | None = None
    symbol: int | None = None


class Limits(msgspec.Struct, frozen=True):
    """All that hold for a run, and whether an order that is too large is cut."""

    scopes: tuple[Scope, ...] = ()
    cuts: bool = False


def limits_of_run(config: RiskConfig, strategies: Sequence[str], symbols: Sequence[str]) -> Limits:
    """As a config says, its account's first."""
    known = Names(symbols, config.groups)
    found = [
        Scope(ACCOUNT, limits_of(config, known)),
        *(
            Scope(f"strategy {name}", limits_of(limits, known), strategy=strategies.index(name))
            for name, limits in config.strategies.items()
        ),
        *(
            Scope(f"symbol {name}", limits_of(limits, known), symbol=symbols.index(name))
            for name, limits in config.symbols.items()
        ),
    ]
    return Limits(tuple(scope for scope in found if scope.limits), config.oversize == "cut")
