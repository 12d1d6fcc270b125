"""For whom a limit holds: the account, one strategy, or one symbol."""

from collections.abc import Iterator, Sequence

import msgspec

from app.core.account_limits import AccountLimits
from app.core.config_risk import RiskConfig, ScopedLimits
from app.core.trading_state import RiskPast
from app.services.risk.breaking import BreakerLimit, breakers_of
from app.services.risk.catalogue import Limit, limits_of
from app.services.risk.names import Names

ACCOUNT = "account"
ACCOUNT_FILE = "account file"


Place = tuple[int | None, int | None]  # a strategy and a symbol; None is for all
EVERYWHERE: Place = None, None


def holds_for(place: Place, strategy: int, symbol: int) -> bool:
    """Whether what a strategy orders in a symbol is in a place."""
    return place[0] in (None, strategy) and place[1] in (None, symbol)


class Scope(msgspec.Struct, frozen=True):
    """Limits, and whose they are; None is for all."""

    name: str
    limits: tuple[Limit, ...]
    strategy: int | None = None
    symbol: int | None = None

    @property
    def place(self) -> str:
        """Of whom it counts, whosever limits they are."""
        whole = self.strategy is None and self.symbol is None
        return ACCOUNT if whole else self.name.removeprefix(f"{ACCOUNT_FILE}, ")


class Limits(msgspec.Struct, frozen=True):
    """All that hold for a run, and whether an order that is too large is cut."""

    scopes: tuple[Scope, ...] = ()
    cuts: bool = False
    breakers: tuple[BreakerLimit, ...] = ()
    past: RiskPast | None = None  # what the account's last run left; none: nothing is kept of this

    @property
    def guards(self) -> bool:
        """Whether the account has a trading state."""
        return bool(self.breakers) or self.past is not None

    @property
    def looks(self) -> bool:
        """Whether there is anything to look at, or to keep."""
        return bool(self.scopes) or self.guards


def limits_of_run(
    config: RiskConfig,
    strategies: Sequence[str],
    symbols: Sequence[str],
    hard: AccountLimits | None = None,
    past: RiskPast | None = None,
) -> Limits:
    """As a config says, its account's first, and beside it the account file's.

    What that says of strategies and symbols of other runs holds for those. With `past` every
    strategy and symbol is a scope, if one without limits: figures of each are remembered.
    """
    found = [*_scopes_of(config, ACCOUNT, "", strategies, symbols)]
    breakers = [*breakers_of(config.breakers)]
    if hard is not None:
        found += _scopes_of(hard, ACCOUNT_FILE, f"{ACCOUNT_FILE}, ", strategies, symbols)
        breakers += breakers_of(hard.breakers, ACCOUNT_FILE)
    scopes = tuple(scope for scope in found if scope.limits)
    if past is not None:
        scopes += (*_unlimited(scopes, strategies, symbols),)
    return Limits(scopes, config.oversize == "cut", tuple(breakers), past)


def _unlimited(
    scopes: Sequence[Scope], strategies: Sequence[str], symbols: Sequence[str]
) -> Iterator[Scope]:
    """All other strategies and symbols: the account's next run may limit them, from the session's
    beginning on.
    """
    limited = {(scope.strategy, scope.symbol) for scope in scopes}
    for place, name in enumerate(strategies):
        if (place, None) not in limited:
            yield Scope(f"strategy {name}", (), strategy=place)
    for place, name in enumerate(symbols):
        if (None, place) not in limited:
            yield Scope(f"symbol {name}", (), symbol=place)


def _scopes_of(
    given: ScopedLimits,
    whole: str,
    before: str,
    strategies: Sequence[str],
    symbols: Sequence[str],
) -> Iterator[Scope]:
    known = Names(symbols, given.groups)
    yield Scope(whole, limits_of(given, known))
    for name, limits in given.strategies.items():
        if name in strategies:
            place = strategies.index(name)
            yield Scope(f"{before}strategy {name}", limits_of(limits, known), strategy=place)
    for name, limits in given.symbols.items():
        if name in symbols:
            place = symbols.index(name)
            yield Scope(f"{before}symbol {name}", limits_of(limits, known), symbol=place)
