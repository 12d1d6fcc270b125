"""The breakers of a config. Each field has one of its name in `services/risk/breakers`."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from app.core.config_account import Part, Quantity
from app.core.config_json import Fault
from app.core.intervals import SECOND_NS, interval_ns

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Percent = Annotated[Decimal, Field(gt=0, le=100)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]


class Breaker(Part):
    """What an account comes to once a figure is reached: exits only, or nothing at all."""

    then: Literal["reducing", "halted"] = "reducing"


class MoneyBreaker(Breaker):
    """Trips at an amount of money."""

    at: Quantity


class PercentBreaker(Breaker):
    """Trips at a share."""

    at: Percent


class CountBreaker(Breaker):
    """Trips at a count."""

    at: Count


class SecondsBreaker(Breaker):
    """Trips at a length of time."""

    at: Seconds


class Breakers(Part):
    """What takes an account out of trading until a person clears it; null leaves one off."""

    daily_loss: MoneyBreaker | None = Field(
        default=None, description="in money, since the session began"
    )
    daily_loss_percent: PercentBreaker | None = Field(
        default=None, description="the same, of equity as the session began"
    )
    drawdown_percent: PercentBreaker | None = Field(
        default=None, description="lost since the peak of equity, of that peak"
    )
    rejects_per_minute: CountBreaker | None = Field(
        default=None, description="orders and amendments refused by limits or by the venue"
    )
    stale_feed_seconds: SecondsBreaker | None = Field(
        default=None, description="without a bar of any symbol, in regular hours"
    )
    clock_skew_seconds: SecondsBreaker | None = Field(
        default=None, description="between the venue's clock and the run's; live"
    )
    broker_errors: CountBreaker | None = Field(
        default=None,
        description="orders in turn that the venue refused or lost; live",
    )

    def too_short(self, base_interval: str) -> list[Fault]:
        """What would trip between any two bars of this interval."""
        stale, seconds = self.stale_feed_seconds, interval_ns(base_interval) // SECOND_NS
        if stale is None or stale.at > seconds:
            return []
        place = ("breakers", "stale_feed_seconds", "at")
        return [(place, f"a bar of {base_interval} takes {seconds} s; give more than that.")]
