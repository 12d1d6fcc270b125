"""The metrics of a run: each figure by its name, what they stand on, and the tables by key."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from app.core.errors import NotFoundError, did_you_mean
from app.services.metrics.breakdown import Month, Slice
from app.services.metrics.drawdown import Fall
from app.services.metrics.figures import Figure, Number

SHARE, MONEY, RATIO, COUNT = "share", "money", "ratio", "count"
DAYS, SECONDS = "days", "seconds"
GROUPS: Final = ("return", "risk", "drawdown", "trades", "costs", "activity", "benchmark")


class Metric(msgspec.Struct, frozen=True):
    """One figure. Where there is none, `value` is None and `reason` says why."""

    name: str
    group: str
    kind: str  # what it is measured in
    value: Number | None
    reason: str | None = None


class Basis(msgspec.Struct, frozen=True):
    """What the figures of a run stand on."""

    year: int  # trading days that make a year
    days: int  # trading days of the run
    risk_free_percent: float  # a year
    benchmark: str
    currency: str


class Metrics:
    """All metrics of one run: `metrics["win_rate"]` is a value, or None."""

    def __init__(
        self,
        basis: Basis,
        found: Sequence[Metric],
        slices: Mapping[str, Sequence[Slice]],
        months: Sequence[Month],
        falls: Sequence[Fall],
    ) -> None:
        self.basis = basis
        self.slices = slices  # by strategy, symbol, side, hour, weekday, month: closed trades
        self.months = months  # returns
        self.falls = falls  # the deepest stretches below a peak, deepest first
        self._found = {metric.name: metric for metric in found}

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, name: str) -> Number | None:
        return self.metric(name).value

    def metric(self, name: str) -> Metric:
        """One of them, with its reason."""
        if name not in self._found:
            raise NotFoundError(f"There is no metric '{name}'.{did_you_mean(name, self._found)}")
        return self._found[name]

    def of_group(self, group: str) -> list[Metric]:
        """The metrics of one group."""
        return [metric for metric in self if metric.group == group]

    def as_json(self) -> dict[str, Any]:
        """Plain values; `undefined` has the reasons for those that are null."""
        told: dict[str, Any] = {
            "basis": msgspec.to_builtins(self.basis),
            "metrics": {metric.name: metric.value for metric in self},
            "undefined": {one.name: one.reason for one in self if one.value is None},
            "slices": {name: msgspec.to_builtins(list(s)) for name, s in self.slices.items()},
            "months": msgspec.to_builtins(list(self.months)),
            "drawdowns": msgspec.to_builtins(list(self.falls)),
        }
        return told


def metric(group: str, kind: str, name: str, found: Figure) -> Metric:
    """A figure under its name."""
    return Metric(name, group, kind, found.value, found.reason)
