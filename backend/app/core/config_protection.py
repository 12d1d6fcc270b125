"""What protects positions by itself, as a config or a strategy's class declares it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, model_validator

from app.core.config_account import Part
from app.core.config_json import Fault
from app.core.config_problems import explain, raise_if_any
from app.core.errors import StrategyError, did_you_mean
from app.core.intervals import DAILY, MINUTE_NS, interval_ns

Percent = Annotated[Decimal, Field(ge=0, lt=100, decimal_places=8)]
Gain = Annotated[Decimal, Field(ge=0, le=1_000, decimal_places=8)]
Distance = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=8)]
Minutes = Annotated[int, Field(ge=0, le=1_440)]
TradingMinutes = Annotated[int, Field(ge=0, le=100_000)]

_ALIKE: Final = (
    ("stop_loss_percent", "stop_loss_amount"),
    ("take_profit_percent", "take_profit_amount"),
    ("trailing_percent", "trailing_amount"),
    ("time_stop_minutes",),
    ("flat_before_close_minutes",),
)


class ProtectionFields(Part):
    """What every entry of a strategy gets that has no exits of its own.

    Null says nothing; 0 says that there is none, whatever is declared elsewhere.
    """

    off: bool = Field(default=False, description="true: nothing, whatever the strategy declares")
    stop_loss_percent: Percent | None = Field(default=None, description="of the entry's price")
    stop_loss_amount: Distance | None = Field(default=None, description="the same as a price")
    take_profit_percent: Gain | None = Field(default=None, description="of the entry's price")
    take_profit_amount: Distance | None = Field(default=None, description="the same as a price")
    trailing_percent: Percent | None = Field(
        default=None, description="distance of a stop that follows the price"
    )
    trailing_amount: Distance | None = Field(default=None, description="the same as a price")
    time_stop_minutes: TradingMinutes | None = Field(
        default=None, description="of trading, after which what an entry has opened is closed"
    )
    flat_before_close_minutes: Minutes | None = Field(
        default=None, description="before each close, when all is closed and nothing enters"
    )

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        given = {name for name in ProtectionFields.model_fields if getattr(self, name)}
        faults: list[Fault] = [
            ((pair[1],), f"{pair[0]} is given as well; one of the two is enough.")
            for pair in _ALIKE
            if given.issuperset(pair) and len(pair) > 1
        ]
        if "off" in given and len(given) > 1:
            faults.append((("off",), "it is true, and there is more beside it; leave one out."))
        raise_if_any(faults)
        return self


class ProtectionConfig(ProtectionFields):
    """What holds for all strategies of a run; a strategy's own fields come before."""

    strategies: dict[str, ProtectionFields] = Field(
        default_factory=dict, description="the same fields for one strategy, by its name"
    )

    def strangers(self, names: Sequence[str]) -> list[Fault]:
        """What is said of strategies that the run has not."""
        return [
            (("strategies", name), f"this run has {', '.join(names)}.{did_you_mean(name, names)}")
            for name in self.strategies
            if name not in names
        ]


def merged(layers: Iterable[ProtectionFields]) -> ProtectionFields:
    """Of layers, the first that says something of a kind of exit decides it."""
    found: dict[str, Any] = {}
    decided: set[str] = set()
    for layer in layers:
        for pair in _ALIKE:
            said = {name: value for name in pair if (value := getattr(layer, name)) is not None}
            if said and pair[0] not in decided:
                decided.add(pair[0])
                found |= {name: value for name, value in said.items() if value}
        if layer.off:
            break
    return ProtectionFields(**found)


def declared_in_code(label: str, declared: object) -> ProtectionFields:
    """What a strategy's class attribute `protection` says."""
    if not isinstance(declared, Mapping):
        raise StrategyError(
            f"{label}.protection is {declared!r}; write a dict, as {{'stop_loss_percent': 1}}."
        )
    try:
        return ProtectionFields.model_validate(dict(declared))
    except ValidationError as error:
        where, what = explain(error, ProtectionFields, dict(declared), ())[0]
        raise StrategyError(f"{label}.protection cannot be used: {where}: {what}") from None


def flat_fault(fields: ProtectionFields, base_interval: str) -> str:
    """Why bars of this length cannot bring a strategy home before a close, or ""."""
    minutes = fields.flat_before_close_minutes
    if not minutes:
        return ""
    if base_interval == DAILY:
        return "bars of a day fill nothing before their close; leave it out."
    least = interval_ns(base_interval) // MINUTE_NS
    if minutes >= least:
        return ""
    return f"found {minutes}, allowed are at least {least} with bars of {base_interval}."
