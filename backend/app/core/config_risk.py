"""The limits of a session config. Each field has a rule of its name in `services/risk/rules`."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from app.core.config_account import Part, Quantity, Symbol
from app.core.config_json import Fault
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


class RiskConfig(RiskLimits):
    """Limits of the account, and those of single strategies and symbols beside them."""

    oversize: Literal["refuse", "cut"] = Field(
        default="refuse", description="what is done with an order that is in part within them"
    )
    strategies: dict[str, RiskLimits] = Field(default_factory=dict)
    symbols: dict[Symbol, RiskLimits] = Field(default_factory=dict)

    def strangers(self, strategies: Iterable[str], symbols: Iterable[str]) -> list[Fault]:
        """Limits of strategies and symbols that the run has not."""
        faults: list[Fault] = []
        for part, given, has in (
            ("strategies", self.strategies, list(strategies)),
            ("symbols", self.symbols, list(symbols)),
        ):
            faults += [
                ((part, name), f"this run has {', '.join(has)}.{did_you_mean(name, has)}")
                for name in given
                if name not in has
            ]
        return faults
