"""The limits of a session config. Each field has a rule of its name in `services/risk/rules`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field

from app.core.config_account import Part, Quantity, Symbol
from app.core.config_json import Fault, PathParts
from app.core.errors import did_you_mean


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
    restricted: tuple[Symbol, ...] = Field(default=(), description="symbols that take no entries")


class RiskConfig(RiskLimits):
    """Limits of the account, and those of single strategies and symbols beside them."""

    oversize: Literal["refuse", "cut"] = Field(
        default="refuse", description="what is done with an order that is in part within them"
    )
    strategies: dict[str, RiskLimits] = Field(default_factory=dict)
    symbols: dict[Symbol, RiskLimits] = Field(default_factory=dict)

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
        for part, scopes in (("strategies", self.strategies), ("symbols", self.symbols)):
            for name, limits in scopes.items():
                yield (part, name, "restricted"), limits.restricted
