"""One numeric parameter of an indicator: its default, its bounds, and what may be given for it."""

from collections.abc import Mapping, Sequence
from numbers import Real

import msgspec

from app.core.config_json import Fault
from app.core.errors import did_you_mean

Number = int | float


class Parameter(msgspec.Struct, frozen=True):
    """A whole number when `default` is one, else any real one; `words` may stand for numbers."""

    name: str
    default: Number
    low: Number
    high: Number
    words: tuple[str, ...] = ()  # the word at index k stands for k; "" for none

    @property
    def allowed(self) -> str:
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        words = [word for word in self.words if word]
        names = f", or one of {', '.join(words)}" if words else ""
        return f"{kind} from {self.low} to {self.high}{names}"

    def read(self, value: object) -> Number | None:
        """The number that `value` stands for, None when it is not allowed."""
        if isinstance(value, str):
            return self.words.index(value) if value and value in self.words else None
        if isinstance(value, bool) or not isinstance(value, Real):
            return None
        number: Number
        if isinstance(self.default, float):
            number = float(value)
        elif float(value).is_integer():
            number = int(float(value))
        else:
            return None
        return number if self.low <= number <= self.high else None


def read_all(
    name: str,
    parameters: Sequence[Parameter],
    given: Mapping[str, object],
    faults: list[Fault],
) -> dict[str, Number]:
    """Every parameter of indicator `name` with its value; what is wrong goes to `faults`."""
    known = [parameter.name for parameter in parameters]
    for word in given:
        if word not in known:
            has = f"its parameters: {', '.join(known)}." if known else "it has none."
            text = f"{name} has no parameter '{word}'; {has}{did_you_mean(word, known)}"
            faults.append((("params", word), text))
    values: dict[str, Number] = {}
    for parameter in parameters:
        value = given.get(parameter.name, parameter.default)
        number = parameter.read(value)
        if number is None:
            hint = did_you_mean(value, parameter.words) if isinstance(value, str) else ""
            text = f"found {value!r}, allowed is {parameter.allowed}.{hint}"
            faults.append((("params", parameter.name), text))
        else:
            values[parameter.name] = number
    return values
