"""A session config: everything one run needs, frozen; unknown keys are refused."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Symbol = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Z0-9][A-Z0-9./:_-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReplayConfig(_Part):
    """Which sessions, and how fast: `max`, or a multiple of real time."""

    start: dt.date
    end: dt.date
    speed: Literal["max"] | Annotated[float, Field(gt=0, le=1_000_000)] = "max"


class IndicatorConfig(_Part):
    """An indicator computed for every symbol of the run, on one interval."""

    name: str
    interval: str | None = None  # the base interval
    params: dict[str, float | int | str] = Field(default_factory=dict)


class StrategyConfig(_Part):
    """One strategy: `use` is `package.module:Class`, or a `.py` file of the strategies folder."""

    use: str
    name: str | None = None  # the class name
    params: dict[str, Any] = Field(default_factory=dict)


class AccountConfig(_Part):
    """What the run starts with."""

    currency: str = "USD"
    cash: Annotated[Decimal, Field(gt=0)] = Decimal(100_000)


class ExecutionConfig(_Part):
    """How the simulated broker fills."""

    market_fill: Literal["next_open"] = "next_open"
    participation: Annotated[float, Field(gt=0, le=1)] | None = 0.1  # None: no limit


class RiskConfig(_Part):
    """Limits every order passes; None leaves a limit off."""

    allow_short: bool = True
    max_order_quantity: Annotated[Decimal, Field(gt=0)] | None = None
    max_position_quantity: Annotated[Decimal, Field(gt=0)] | None = None


class ReportConfig(_Part):
    """How finely the equity curve is recorded."""

    equity: Literal["instant", "session"] = "instant"


class EngineConfig(_Part):
    """How the stream runs; nothing here may change a result."""

    block_rows: Annotated[int, Field(ge=1, le=8192)] = 8192
    runner: Literal["pool", "inline"] = "pool"


class SessionConfig(_Part):
    """One run: what is traded, on which data, by which strategies, under which limits."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    mode: Literal["replay", "live"] = "replay"
    market: str = "XNYS"
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1)]
    replay: ReplayConfig
    base_interval: Literal["1m", "5m", "1h", "1d"] = "1m"
    derived_intervals: tuple[str, ...] = ()
    history: dict[str, Annotated[int, Field(ge=0, le=5000)] | Literal["all"]] = Field(default_factory=dict)
    extended_hours: bool = False
    indicators: tuple[IndicatorConfig, ...] = ()
    strategies: Annotated[tuple[StrategyConfig, ...], Field(min_length=1)]
    account: AccountConfig = AccountConfig()
    execution: ExecutionConfig = ExecutionConfig()
    risk: RiskConfig = RiskConfig()
    report: ReportConfig = ReportConfig()
    engine: EngineConfig = EngineConfig()
