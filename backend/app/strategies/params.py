"""Typed parameters of a strategy, with bounds: `fast = Param(10, low=2, high=50)`."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, overload

from app.core.errors import ConfigError, did_you_mean

T = TypeVar("T", int, float, bool, str)


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
        self.default: T = default
        self.low = low
        self.high = high
        self.choices: tuple[T, ...] = choices
        self.name = ""
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
            value = float(value)
        if type(value) is not wanted:
            raise ConfigError(f"{self.name or 'parameter'}: {value!r} is not {self.allowed()}.")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            below = self.low is not None and value < self.low
            above = self.high is not None and value > self.high
            if value != value or below or above:
                raise ConfigError(f"{self.name or 'parameter'}: {value!r} is not {self.allowed()}.")
        if self.choices and value not in self.choices:
            raise ConfigError(f"{self.name or 'parameter'}: {value!r} is not {self.allowed()}.")
        return value

    def allowed(self) -> str:
        """What may be given, in words."""
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        text = words[type(self.default)]
        if self.choices:
            return f"{text} out of {', '.join(map(repr, self.choices))}"
        if self.low is not None and self.high is not None:
            return f"{text} from {self.low} to {self.high}"
        if self.low is not None:
            return f"{text} of at least {self.low}"
        return f"{text} of at most {self.high}" if self.high is not None else text


def params_of(strategy: type) -> dict[str, Param[Any]]:
    """The parameters a strategy class declares, inherited ones first."""
    found: dict[str, Param[Any]] = {}
    for base in reversed(strategy.__mro__):
        found.update({name: item for name, item in vars(base).items() if isinstance(item, Param)})
    return found


def checked_params(strategy: type, given: Mapping[str, object]) -> dict[str, Any]:
    """Defaults and `given` together; every wrong one is named at once."""
    known = params_of(strategy)
    values = {name: item.default for name, item in known.items()}
    problems: list[str] = []
    for name, value in given.items():
        if name not in known:
            has = ", ".join(known) or "none"
            problems.append(f"{name}: no such parameter; it has {has}.{did_you_mean(name, known)}")
            continue
        try:
            values[name] = known[name].check(value)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError(f"Parameters of {strategy.__name__}:\n  " + "\n  ".join(problems))
    return values
