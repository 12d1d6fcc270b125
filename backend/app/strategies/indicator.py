"""What `self.indicator(...)` returns: an output of an indicator, never read past the clock."""

from collections.abc import Sequence
from typing import Protocol, overload

from app.core.errors import LookaheadError, NotReadyError, StrategyError, UsageError, did_you_mean
from app.services.indicators import Computation

BETWEEN_BARS = 1 << 62  # a step no block has: reads leave the prepared columns
Cross = bool | None  # True: it has just come above, False: below, None: neither


class Cursor:
    """Where the engine stands; every read of every indicator goes through it.

    While a bar is in hand only `step` moves, and the time follows from it.
    """

    __slots__ = ("known_ns", "span", "step", "stood_ns", "symbol")

    def __init__(self) -> None:
        self.step = BETWEEN_BARS  # row of the block's agenda
        self.known_ns: Sequence[int] = ()  # when the bar of each step is known
        self.symbol = -1  # the symbol in hand
        self.span = -1  # which session of the block
        self.stood_ns = 0  # the instant, while no bar is in hand

    @property
    def now_ns(self) -> int:
        """The instant being processed."""
        try:
            return self.known_ns[self.step]
        except IndexError:
            return self.stood_ns

    def stand(self, now_ns: int) -> None:
        """Be at an instant with no bar in hand."""
        self.stood_ns = now_ns
        self.step = BETWEEN_BARS


class View(Protocol):
    """The engine's side of a read, used when no prepared column answers it."""

    def value(self, indicator: "Indicator", back: int) -> float: ...
    def sign(self, left: "Indicator", right: "Indicator | float") -> int: ...
    def cross(self, left: "Indicator", right: "Indicator | float") -> Cross: ...


class _NoView:
    """Until the run begins there is nothing to read."""

    def value(self, indicator: "Indicator", back: int) -> float:
        raise StrategyError(f"{indicator} was read in setup(): there is no bar yet.")

    def sign(self, left: "Indicator", right: "Indicator | float") -> int:
        raise StrategyError(f"{left} was read in setup(): there is no bar yet.")

    def cross(self, left: "Indicator", right: "Indicator | float") -> Cross:
        raise StrategyError(f"{left} was read in setup(): there is no bar yet.")


class Indicator:
    """One output of an indicator. Without a symbol it reads that of the bar in hand."""

    __slots__ = (
        "column", "computation", "crosses", "cursor", "interval", "output", "outputs", "rival",
        "symbol", "view",
    )  # fmt: skip

    def __init__(
        self,
        computation: Computation,
        output: int,
        interval: str,
        symbol: int | None,
        cursor: Cursor,
    ) -> None:
        self.computation = computation
        self.output = output
        self.interval = interval
        self.symbol = symbol
        self.cursor = cursor
        self.view: View = _NoView()
        self.outputs: dict[str, Indicator] = {}
        self.column: list[float] = []  # prepared by the view for the block, by step
        # crosses by step, for what it was last compared with
        self.rival: Indicator | float | None = None
        self.crosses: list[Cross] = []

    @property
    def value(self) -> float:
        """The value now; an error while it is not `ready`."""
        try:
            value = self.column[self.cursor.step]
        except IndexError:
            value = self.view.value(self, 0)
        if value != value:
            raise NotReadyError(
                f"{self} has no value yet; ask `.ready` first, or declare more history."
            )
        return value

    @property
    def ready(self) -> bool:
        """Whether there is a value now."""
        try:
            value = self.column[self.cursor.step]
        except IndexError:
            value = self.view.value(self, 0)
        return value == value

    @overload
    def __getitem__(self, key: str) -> "Indicator": ...
    @overload
    def __getitem__(self, key: int) -> float: ...
    def __getitem__(self, key: int | str) -> "Indicator | float":
        """`ind[0]` is the value now, `ind[-1]` the one a bar earlier in today's anchored series;
        `ind["upperband"]` is another output of the same indicator.
        """
        if isinstance(key, str):
            return self._output(key)
        if key > 0:
            raise LookaheadError(f"{self}[{key}] asks for the future; use [0], [-1], [-2], ...")
        value = self.view.value(self, -key)
        if value != value:
            raise NotReadyError(f"{self}[{key}] has no value; ask `.ready` first.")
        return value

    def crossed_above(self, other: "Indicator | float") -> bool:
        """It was at or below `other` a bar ago, and is above it now."""
        if other is self.rival:
            try:
                return self.crosses[self.cursor.step] is True
            except IndexError:
                pass
        return self.view.cross(self, other) is True

    def crossed_below(self, other: "Indicator | float") -> bool:
        """It was at or above `other` a bar ago, and is below it now."""
        if other is self.rival:
            try:
                return self.crosses[self.cursor.step] is False
            except IndexError:
                pass
        return self.view.cross(self, other) is False

    def above(self, other: "Indicator | float") -> bool:
        """Whether it is above `other` now (a tie is not)."""
        return self.view.sign(self, other) > 0

    def below(self, other: "Indicator | float") -> bool:
        """Whether it is below `other` now (a tie is not)."""
        return self.view.sign(self, other) < 0

    def _output(self, name: str) -> "Indicator":
        if name not in self.outputs:
            has = ", ".join(self.outputs)
            raise UsageError(
                f"{self} has no '{name}'; its outputs are {has}.{did_you_mean(name, self.outputs)}"
            )
        return self.outputs[name]

    def __str__(self) -> str:
        name = self.computation.outputs[self.output]
        suffix = f".{name}" if len(self.computation.outputs) > 1 else ""
        return f"{self.computation.label}{suffix} on {self.interval}"

    __repr__ = __str__


def outputs_of(
    computation: Computation, interval: str, symbol: int | None, cursor: Cursor
) -> list[Indicator]:
    """One handle per output; each knows the others by name, the first is the indicator itself."""
    handles = [
        Indicator(computation, number, interval, symbol, cursor)
        for number in range(len(computation.outputs))
    ]
    names = dict(zip(computation.outputs, handles, strict=True))
    for handle in handles:
        handle.outputs = names
    return handles
