"""The limits of a session config. Each field has a rule of its name in `services/risk/rules`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.core.config_account import Part, Quantity, Symbol
from app.core.config_breakers import Breakers, Count, Percent, Seconds
from app.core.config_json import Fault, PathParts
from app.core.config_problems import raise_if_any
from app.core.errors import did_you_mean

Minutes = Annotated[int, Field(ge=1, le=1_440)]
GroupName = Annotated[str, Field(min_length=1, max_length=64)]

_NEEDS_GROUPS = 'it needs groups beside {}, such as "groups": {{"tech": ["AAPL", "MSFT"]}}.'


class RiskLimits(Part):
    """What an order that opens or increases a position must stay within; null leaves a limit off.

    Of several that hold for an order the tightest wins.
    """

    allow_short: bool = Field(default=True, description="false: nothing is sold that is not held")
    max_order_quantity: Quantity | None = Field(default=None, description="of one order")
    max_order_value: Quantity | None = Field(default=None, description="of one order, in money")
    max_position_quantity: Quantity | None = Field(
        default=None, description="of one symbol, with all that works on its side filled"
    )
    max_position_value: Quantity | None = Field(default=None, description="the same in money")
    max_position_percent: Quantity | None = Field(default=None, description="the same, of equity")
    max_gross_value: Quantity | None = Field(
        default=None, description="of all positions, long and short, with all that works filled"
    )
    max_net_value: Quantity | None = Field(
        default=None, description="of all that is held less what is short, either way"
    )
    max_leverage: Quantity | None = Field(
        default=None, description="gross value, as so many times equity"
    )
    max_group_percent: Quantity | None = Field(
        default=None, description="gross value of each group, of equity"
    )
    max_open_positions: Count | None = Field(
        default=None, description="symbols held, or that orders work for"
    )
    max_open_orders: Count | None = Field(
        default=None, description="that work at a time, but for those that only reduce"
    )
    max_daily_loss: Quantity | None = Field(
        default=None, description="in money, since the session began"
    )
    max_daily_loss_percent: Percent | None = Field(
        default=None, description="the same, of equity as the session began"
    )
    max_drawdown_percent: Percent | None = Field(
        default=None, description="lost since the peak of equity in the run, of that peak"
    )
    restricted: tuple[Symbol, ...] = Field(default=(), description="symbols that take no entries")
    max_orders_per_second: Count | None = Field(default=None, description="entries that left")
    max_orders_per_minute: Count | None = Field(default=None, description="entries that left")
    max_orders_per_day: Count | None = Field(default=None, description="entries of a session")
    duplicate_seconds: Seconds | None = Field(
        default=None, description="within which no equal entry leaves again"
    )
    price_collar_percent: Quantity | None = Field(
        default=None, description="how much worse than the last price a limit or a stop may be"
    )
    max_data_age_seconds: Seconds | None = Field(
        default=None, description="since the symbol's last bar of the session ended"
    )
    min_data_quality_percent: Percent | None = Field(
        default=None, description="of the session's bars so far, those lost in holes left out"
    )
    max_volatility_percent: Quantity | None = Field(
        default=None, description="the mean true range of the last 14 base bars, of the last close"
    )
    max_spread_bps: Quantity | None = Field(
        default=None, description="between bid and ask at the open of the last bar"
    )
    no_entries_first_minutes: Minutes | None = Field(
        default=None, description="of the session's regular hours"
    )
    no_entries_last_minutes: Minutes | None = Field(
        default=None, description="of the session's regular hours"
    )


class ScopedLimits(RiskLimits):
    """Limits of the account, and those of single strategies and symbols beside them."""

    groups: dict[GroupName, Annotated[tuple[Symbol, ...], Field(min_length=1)]] = Field(
        default_factory=dict, description="symbols that max_group_percent takes together"
    )
    strategies: dict[str, RiskLimits] = Field(default_factory=dict)
    symbols: dict[Symbol, RiskLimits] = Field(default_factory=dict)
    breakers: Breakers = Field(
        default=Breakers(), description="what takes the account out of trading until it is cleared"
    )

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        """A limit of groups limits nothing where there are none."""
        scopes: list[tuple[PathParts, RiskLimits]] = [((), self)]
        for part, given in (("strategies", self.strategies), ("symbols", self.symbols)):
            scopes += [((part, name), limits) for name, limits in given.items()]
        faults: list[Fault] = [
            ((*place, "max_group_percent"), _NEEDS_GROUPS.format(place[0] if place else "it"))
            for place, limits in scopes
            if limits.max_group_percent is not None and not self.groups
        ]
        raise_if_any(faults)
        return self

    def quoted(self, symbols: Iterable[str]) -> list[str]:
        """The symbols of the run whose quotes a limit needs."""
        parts = (self, *self.strategies.values())
        every = any(part.max_spread_bps is not None for part in parts)
        own = {name for name, part in self.symbols.items() if part.max_spread_bps is not None}
        return [name for name in symbols if every or name in own]


class RiskConfig(ScopedLimits):
    """The limits of a run."""

    oversize: Literal["refuse", "cut"] = Field(
        default="refuse", description="what is done with an order that is in part within them"
    )

    def strangers(self, strategies: Sequence[str], symbols: Sequence[str]) -> list[Fault]:
        """Limits of strategies and symbols that the run has not."""
        faults: list[Fault] = []
        scopes: tuple[tuple[str, Mapping[str, RiskLimits], Sequence[str]], ...] = (
            ("strategies", self.strategies, strategies),
            ("symbols", self.symbols, symbols),
        )
        for part, given, has in scopes:
            faults += [
                ((part, name), f"this run has {', '.join(has)}.{did_you_mean(name, has)}")
                for name in given
                if name not in has
            ]
        for place, named in self._named_symbols():
            faults += [
                ((*place, at), f"this run has {', '.join(symbols)}.{did_you_mean(name, symbols)}")
                for at, name in enumerate(named)
                if name not in symbols
            ]
        return faults

    def _named_symbols(self) -> Iterator[tuple[PathParts, tuple[str, ...]]]:
        """Every list of symbols, and where it stands."""
        yield ("restricted",), self.restricted
        for name, symbols in self.groups.items():
            yield ("groups", name), symbols
        for part, scopes in (("strategies", self.strategies), ("symbols", self.symbols)):
            for name, limits in scopes.items():
                yield (part, name, "restricted"), limits.restricted
