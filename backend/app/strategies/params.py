"""Typed parameters of a strategy, with bounds: `fast = Param(10, low=2, high=50)`."""

import math
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, overload

from app.core.errors import ConfigError, did_you_mean

T = TypeVar("T", int, float, bool, str)

_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


class Param(Generic[T]):
    """One parameter. On an instance it reads as its plain value."""

    def __init__(
        self,
        default: T,
        *,
        low: float | None = None,
        high: float | None = None,
        choices: tuple[T, ...] = (),
    ) -> None:
        self.name = ""
        self.default: T = default
        self.low: float | None = None
        self.high: float | None = None
        self.choices: tuple[T, ...] = ()
        if type(default) not in _KINDS:
            raise ConfigError(f"A Param's default is a number, a truth or a text, not {default!r}.")
        if type(default) in (bool, str) and (low, high) != (None, None):
            raise ConfigError(f"A Param that is {self.allowed()} has no low or high; use choices.")
        self.choices = tuple(self.check(choice) for choice in choices)
        self.low, self.high = low, high
        self.check(default)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Param[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "Param[T] | T":
        return self if instance is None else self.default

    def check(self, value: object) -> T:
        """`value` as this parameter's type, or a ConfigError that says what is allowed."""
        wanted = type(self.default)
        if wanted is float and type(value) is int:
            value = _as_float(value)
        fits = type(value) is wanted and (not self.choices or value in self.choices)
        if fits and isinstance(value, (int, float)) and not isinstance(value, bool):
            below = self.low is not None and value < self.low
            above = self.high is not None and value > self.high
            fits = not (below or above) and abs(value) != math.inf and value == value
        if not fits:
            raise ConfigError(f"{value!r} is not {self.allowed()}.")
        return value  # type: ignore[return-value]

    def allowed(self) -> str:
        """What may be given, in words."""
        text = _KINDS[type(self.default)]
        if self.choices:
            return f"{text} out of {', '.join(map(repr, self.choices))}"
        if self.low is not None and self.high is not None:
            return f"{text} from {self.low} to {self.high}"
        if self.low is not None:
            return f"{text} of at least {self.low}"
        return f"{text} of at most {self.high}" if self.high is not None else text


def _as_float(number: int) -> float:
    """As a float; too large a one is infinite, and refused as such."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


class ParamsError(ConfigError):
    """Values that a strategy's parameters cannot have, by the parameter's name."""

    def __init__(self, strategy: str, faults: Mapping[str, str]) -> None:
        # each with its place in the strategy's part of a config
        self.problems = [(f"params.{name}", what) for name, what in faults.items()]
        lines = [f"{name}: {what}" for name, what in faults.items()]
        super().__init__("\n  ".join([f"Parameters of {strategy}:", *lines]))


def params_of(strategy: type) -> dict[str, Param[Any]]:
    """The parameters a strategy class has, inherited ones first.

    A subclass that sets one to a plain value has fixed it: it is no parameter any more.
    """
    found: dict[str, Param[Any]] = {}
    for base in reversed(strategy.__mro__):
        for name, item in vars(base).items():
            if isinstance(item, Param):
                found[name] = item
            else:
                found.pop(name, None)
    return found


def checked_params(strategy: type, given: Mapping[str, object]) -> dict[str, Any]:
    """Defaults and `given` together; every wrong one is named at once."""
    known = params_of(strategy)
    values = {name: item.default for name, item in known.items()}
    faults: dict[str, str] = {}
    for name, value in given.items():
        if name not in known:
            has = ", ".join(known) or "none"
            faults[name] = f"no such parameter; it has {has}.{did_you_mean(name, known)}"
            continue
        try:
            values[name] = known[name].check(value)
        except ConfigError as error:
            faults[name] = str(error)
    if faults:
        raise ParamsError(strategy.__name__, faults)
    return values
