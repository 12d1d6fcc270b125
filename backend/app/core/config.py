"""A session config: everything one run needs, frozen; unknown keys are refused."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.core.config_account import AccountConfig, ExecutionConfig, Part, Symbol
from app.core.config_file import config_of, read_config
from app.core.config_json import Fault, PathParts, as_written
from app.core.config_live import LiveConfig
from app.core.config_problems import raise_if_any
from app.core.config_protection import ProtectionConfig, ProtectionFields, flat_fault
from app.core.config_risk import RiskConfig
from app.core.config_sizing import SizingConfig, sizing_faults
from app.core.errors import UsageError, did_you_mean
from app.core.intervals import DAILY, DAY_NS, interval_ns, is_multiple

# Name, params and inputs of an indicator to what is wrong with them.
IndicatorCheck = Callable[[str, Mapping[str, object], Sequence[str] | None], list[Fault]]

_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:(?P<name>[A-Za-z_]\w*)")
_FILE = re.compile(r"([\w-]+/)*(?P<file>[\w-]+)\.py(:(?P<name>[A-Za-z_]\w*))?")


def _checked_name(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("use printable characters, and no space at either end.")
    return name


def _checked_use(use: str) -> str:
    if not (_CLASS.fullmatch(use) or _FILE.fullmatch(use)):
        raise ValueError(
            f"found {json.dumps(use)}, allowed is 'package.module:Class', or a '.py' file of "
            "the strategies folder, as 'file.py' or 'file.py:Class'."
        )
    return use


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_checked_name)]


class ReplayConfig(Part):
    """Which sessions, and how fast: `max`, or a multiple of real time."""

    start: dt.date
    end: dt.date
    speed: Literal["max"] | Annotated[float, Field(gt=0, le=1_000_000)] = "max"

    @field_validator("end")
    @classmethod
    def _check_order(cls, end: dt.date, info: ValidationInfo) -> dt.date:
        start = info.data.get("start")  # not there when it is wrong itself
        if start is not None and end < start:
            raise ValueError(f"the end {end} is before the start {start}.")
        return end


class IndicatorConfig(Part):
    """An indicator computed for every symbol of the run, on one interval."""

    name: str
    interval: str | None = None  # the base interval
    params: dict[str, float | int | str] = Field(default_factory=dict)
    inputs: tuple[str, ...] | None = None  # the columns it reads; None: its usual ones

    @model_validator(mode="after")
    def _check_catalogue(self, info: ValidationInfo) -> Self:
        check: IndicatorCheck | None = (info.context or {}).get("check_indicator")
        if check is not None:
            raise_if_any(check(self.name, self.params, self.inputs))
        return self


class StrategyConfig(Part):
    """One strategy: `use` is `package.module:Class`, or a `.py` file of the strategies folder."""

    use: Annotated[str, AfterValidator(_checked_use)]
    name: Name | None = None  # the class name
    params: dict[str, Any] = Field(default_factory=dict)
    sizing: SizingConfig | None = None  # the run's

    @property
    def label(self) -> str:
        """Its name; unless given, that of the class or the file."""
        if self.name is not None:
            return self.name
        if match := _CLASS.fullmatch(self.use):
            return match["name"]
        match = _FILE.fullmatch(self.use)
        return (match["name"] or match["file"]) if match else self.use


SYMBOLS = "symbols"  # the benchmark that holds the run's symbols in equal parts


class ReportConfig(Part):
    """How finely the equity curve is recorded, what metrics compare a run with, and its page."""

    equity: Literal["instant", "session"] = "instant"
    risk_free_percent: Annotated[float, Field(gt=-100, le=1_000)] = 0.0  # a year
    benchmark: Annotated[str, Field(max_length=32)] = SYMBOLS  # of all of them, or a symbol
    html: bool = False  # write report.html of its folder when it has ended


class EngineConfig(Part):
    """How the stream runs; nothing here may change a result."""

    block_rows: Annotated[int, Field(ge=1, le=8192)] = 8192
    runner: Literal["pool", "inline"] = "pool"
    hook_seconds: Annotated[float, Field(gt=0, le=86_400)] = 30.0  # then a hook is interrupted
    # of the process; more, and the run ends. None: three quarters of what is free at the start
    memory_mb: Annotated[int, Field(ge=64, le=100_000_000)] | None = None


class SessionConfig(Part):
    """One run: what is traded, on which data, by which strategies, under which limits."""

    name: Name
    mode: Literal["replay", "live"] = "replay"
    market: Annotated[str, Field(min_length=1, max_length=32)] = "XNYS"
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1)]
    replay: Annotated[ReplayConfig | None, Field(validate_default=True)] = None
    live: LiveConfig | None = None
    base_interval: Literal["1m", "5m", "1h", "1d"] = "1m"
    derived_intervals: tuple[str, ...] = ()
    history: dict[str, Annotated[int, Field(ge=0, le=5000)] | Literal["all"]] = Field(
        default_factory=dict
    )
    extended_hours: bool = False
    indicators: tuple[IndicatorConfig, ...] = ()
    strategies: Annotated[tuple[StrategyConfig, ...], Field(min_length=1)]
    sizing: SizingConfig | None = None
    account: AccountConfig = AccountConfig()
    execution: ExecutionConfig = ExecutionConfig()
    risk: RiskConfig = RiskConfig()
    protection: ProtectionConfig = ProtectionConfig()
    report: ReportConfig = ReportConfig()
    engine: EngineConfig = EngineConfig()

    @field_validator("replay")
    @classmethod
    def _check_replay(
        cls, replay: ReplayConfig | None, info: ValidationInfo
    ) -> ReplayConfig | None:
        if replay is None and info.data.get("mode") == "replay":
            raise ValueError("it is missing; a replay needs an object {...} with start and end.")
        if replay is not None and info.data.get("mode") == "live":
            raise ValueError("a live run has no dates; leave it out.")
        return replay

    @field_validator("live")
    @classmethod
    def _check_live(cls, live: LiveConfig | None, info: ValidationInfo) -> LiveConfig | None:
        if live is not None and info.data.get("mode") == "replay":
            raise ValueError('only the mode "live" reads it; leave it out.')
        return live

    @field_validator("execution")
    @classmethod
    def _check_execution(cls, execution: ExecutionConfig, info: ValidationInfo) -> ExecutionConfig:
        live = info.data.get("live")
        if live is not None and live.goes_to_venue and execution != ExecutionConfig():
            raise ValueError("orders go to the venue, which fills and charges; leave it out.")
        return execution

    @field_validator("risk")
    @classmethod
    def _check_risk(cls, risk: RiskConfig, info: ValidationInfo) -> RiskConfig:
        if {"strategies", "symbols"} <= info.data.keys():
            names = [strategy.label for strategy in info.data["strategies"]]
            raise_if_any(risk.strangers(names, info.data["symbols"]))
        if "base_interval" in info.data:
            raise_if_any(risk.breakers.too_short(info.data["base_interval"]))
        return risk

    @field_validator("protection")
    @classmethod
    def _check_protection(
        cls, protection: ProtectionConfig, info: ValidationInfo
    ) -> ProtectionConfig:
        faults: list[Fault] = []
        if "strategies" in info.data:
            faults = protection.strangers([item.label for item in info.data["strategies"]])
        places: dict[PathParts, ProtectionFields] = {(): protection}
        places |= {("strategies", name): own for name, own in protection.strategies.items()}
        for place, fields in places.items() if "base_interval" in info.data else ():
            what = flat_fault(fields, info.data["base_interval"])
            faults += [((*place, "flat_before_close_minutes"), what)] if what else []
        raise_if_any(faults)
        return protection

    @field_validator("report")
    @classmethod
    def _check_report(cls, report: ReportConfig, info: ValidationInfo) -> ReportConfig:
        known = (SYMBOLS, *info.data.get("symbols", ()))
        if "symbols" in info.data and report.benchmark not in known:
            what = f"found '{report.benchmark}', allowed is {', '.join(known)}."
            raise_if_any([(("benchmark",), what + did_you_mean(report.benchmark, known))])
        return report

    @property
    def quoted(self) -> list[str]:
        """The symbols whose quotes the run needs beside their bars."""
        by_quotes = self.execution.slippage.by_quotes
        return list(self.symbols) if by_quotes else self.risk.quoted(self.symbols)

    @property
    def replayed(self) -> ReplayConfig:
        """The dates and the pace of a replay."""
        if self.replay is None:
            raise UsageError(f"Config '{self.name}' is no replay: it has no dates.")
        return self.replay

    @property
    def lived(self) -> LiveConfig:
        """What a live run reads; the usual, where it says nothing."""
        return self.live or LiveConfig()

    @field_validator("symbols")
    @classmethod
    def _check_symbols(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        raise_if_any(_repeated(symbols, "the symbol"))
        return symbols

    @field_validator("derived_intervals")
    @classmethod
    def _check_derived(cls, derived: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        base = info.data.get("base_interval")
        faults = _repeated(derived, "the interval")
        for index, word in enumerate(derived):
            what = _derived_fault(word, base)
            faults += [((index,), what)] if what else []
        raise_if_any(faults)
        return derived

    @field_validator("history")
    @classmethod
    def _check_history(cls, history: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        intervals = _intervals(info)
        if intervals:
            allowed = [*intervals, *({DAILY} - set(intervals))]
            what = f"allowed are the run's intervals: {', '.join(allowed)}."
            raise_if_any([((word,), what) for word in history if word not in allowed])
        return history

    @field_validator("indicators")
    @classmethod
    def _check_indicators(
        cls, indicators: tuple[IndicatorConfig, ...], info: ValidationInfo
    ) -> tuple[IndicatorConfig, ...]:
        intervals = _intervals(info)
        wrong = [
            ((i, "interval"), f"'{indicator.interval}' is not an interval of this run, allowed "
             f"are {', '.join(intervals)}; add it to derived_intervals.")
            for i, indicator in enumerate(indicators)
            if intervals and indicator.interval not in (None, *intervals)
        ]  # fmt: skip
        keys = [indicator.model_dump_json() for indicator in indicators]
        raise_if_any([*wrong, *_repeated(keys, "the indicator")])
        return indicators

    @field_validator("strategies")
    @classmethod
    def _check_strategies(
        cls, strategies: tuple[StrategyConfig, ...], info: ValidationInfo
    ) -> tuple[StrategyConfig, ...]:
        repeated = _repeated([strategy.label for strategy in strategies], "the strategy's name")
        faults = [(parts, f"{what} Give it a 'name' of its own.") for parts, what in repeated]
        for at, strategy in enumerate(strategies):
            found = sizing_faults(strategy.sizing, (), info.data.get("base_interval"))
            faults += [((at, "sizing", *parts), what) for parts, what in found]
        raise_if_any(faults)
        return strategies

    @field_validator("sizing")
    @classmethod
    def _check_sizing(
        cls, sizing: SizingConfig | None, info: ValidationInfo
    ) -> SizingConfig | None:
        of_strategies = [strategy.sizing for strategy in info.data.get("strategies", ())]
        raise_if_any(sizing_faults(sizing, of_strategies, info.data.get("base_interval")))
        return sizing

    def sizing_of(self, strategy: StrategyConfig) -> SizingConfig | None:
        """How a strategy sizes its entries: by its own sizing, else by the run's."""
        return strategy.sizing or self.sizing


def load_session_config(
    path: Path | str, check_indicator: IndicatorCheck | None = None
) -> SessionConfig:
    """The session config of a JSON file; one InvalidConfigError lists all that is wrong with it.

    `check_indicator` is `faults` of the catalogue of indicators, which lies above this module.
    """
    context = {"check_indicator": check_indicator}
    return read_config(
        Path(path), SessionConfig, context, ignored=("$schema",)
    )  # that is for editors


def session_config(
    words: Mapping[str, Any], check_indicator: IndicatorCheck | None = None
) -> SessionConfig:
    """The same of a dict with a file's keys."""
    context = {"check_indicator": check_indicator}
    return config_of(None, as_written(words), SessionConfig, context, ignored=("$schema",))


def export_schema() -> dict[str, Any]:
    """The JSON schema of a session config, for editors."""
    schema = SessionConfig.model_json_schema()
    schema["properties"] = {"$schema": {"type": "string"}, **schema["properties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _intervals(info: ValidationInfo) -> tuple[str, ...]:
    """The base and derived intervals; none when one of them is wrong itself."""
    if not {"base_interval", "derived_intervals"} <= info.data.keys():
        return ()
    return (info.data["base_interval"], *info.data["derived_intervals"])


def _derived_fault(word: str, base: str | None) -> str | None:
    try:
        length_ns = interval_ns(word)
    except UsageError as error:
        return str(error)
    if length_ns > DAY_NS or (length_ns == DAY_NS and word != DAILY):
        return f"'{word}' is longer than a session; use 1d."
    if base is not None and not is_multiple(word, base):
        return f"'{word}' is not a longer multiple of the base interval {base}."
    return None


def _repeated(items: Iterable[str], what: str) -> list[Fault]:
    """A problem at each item that was there before."""
    first: dict[str, int] = {}
    return [
        ((index,), f"{what} is the same as at [{first[item]}].")
        for index, item in enumerate(items)
        if first.setdefault(item, index) != index
    ]
