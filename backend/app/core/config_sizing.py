"""The sizing of a session config: how `entry_size` works out how much a strategy enters with."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from app.core.config_account import Part, Quantity
from app.core.config_json import Fault
from app.core.config_problems import raise_if_any
from app.core.errors import UsageError
from app.core.intervals import DAILY, DAY_NS, interval_ns, is_multiple

Method = Literal["fixed", "percent_equity", "percent_risk", "volatility_target", "equal_weight"]

_RISK_METHODS: Final = ("percent_risk", "volatility_target")
_NEEDS: Final = {
    "fixed": ("quantity", "how much to enter with, such as 100"),
    "percent_equity": ("percent", "what an entry is worth, of equity, such as 10"),
    "percent_risk": ("percent", "what is lost at the stop, of equity, such as 1"),
    "volatility_target": ("percent", "what a usual bar moves, of equity, such as 1"),
}
_READS: Final = {
    "fixed": ("quantity",),
    "percent_equity": ("percent",),
    "percent_risk": ("percent",),
    "volatility_target": ("percent", "bars", "interval"),
    "equal_weight": ("count",),
}


class SizingConfig(Part):
    """One way to size entries; each method reads what is its own, and refuses the rest."""

    method: Method
    quantity: Quantity | None = Field(default=None, description="of each entry: fixed")
    percent: Annotated[Decimal, Field(gt=0, le=10_000)] | None = Field(
        default=None, description="of equity: percent_equity, percent_risk, volatility_target"
    )
    bars: Annotated[int, Field(ge=2, le=1_000)] | None = Field(
        default=None, description="whose average true range is usual, 14: volatility_target"
    )
    interval: str | None = Field(default=None, description='of those bars, "1d": volatility_target')
    count: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="of equal parts, the number of symbols: equal_weight"
    )

    @model_validator(mode="after")
    def _check_method(self) -> Self:
        """What a method needs is there, and nothing that it does not read."""
        faults: list[Fault] = []
        reads = _READS[self.method]
        needed, what = _NEEDS.get(self.method, ("", ""))
        if needed and getattr(self, needed) is None:
            faults.append(((needed,), f"it is missing; '{self.method}' needs it: {what}."))
        for name in dict.fromkeys(name for names in _READS.values() for name in names):
            if name not in reads and getattr(self, name) is not None:
                said = f"'{self.method}' does not read it, but {', '.join(reads)}; leave it out."
                faults.append(((name,), said))
        if self.method in _RISK_METHODS and self.percent is not None and self.percent > 100:
            faults.append((("percent",), f"'{self.method}' risks at most 100 percent of equity."))
        raise_if_any(faults)
        return self

    @property
    def range_bars(self) -> int:
        """How many bars say what is usual."""
        return self.bars or 14

    @property
    def range_interval(self) -> str:
        """Which bars those are."""
        return self.interval or DAILY

    def interval_faults(self, base: str | None) -> list[Fault]:
        """What is wrong with its interval in a run of these base bars."""
        if self.interval is None:
            return []
        try:
            length_ns = interval_ns(self.interval)
        except UsageError as error:
            return [(("interval",), str(error))]
        if length_ns >= DAY_NS and self.interval != DAILY:
            return [(("interval",), f"'{self.interval}' is no shorter than a day; use 1d.")]
        if base not in (None, self.interval) and not is_multiple(self.interval, base):
            what = f"'{self.interval}' is not a multiple of the base interval {base}."
            return [(("interval",), what)]
        return []


def sizing_faults(
    sizing: SizingConfig | None, of_strategies: Sequence[SizingConfig | None], base: str | None
) -> list[Fault]:
    """What is wrong with the run's own sizing, beside those of its strategies."""
    if sizing is None:
        return []
    faults = sizing.interval_faults(base)
    if of_strategies and None not in of_strategies:
        faults.append(((), "every strategy has a sizing of its own; leave this one out."))
    return faults
