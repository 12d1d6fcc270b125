"""What a strategy may save: plain values, that a journal gives back as they were."""

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.core.errors import StrategyError

State = dict[str, Any]

_DEEPEST: Final = 32
_LARGEST: Final = 1 << 63
_MOST_BYTES: Final = 10_000_000
_ALLOWED: Final = "None, true or false, numbers, text, and lists or dicts of these"


def plain_state(given: object) -> State:
    """A copy in plain values, tuples as lists; StrategyError names the place of what is none."""
    if not isinstance(given, Mapping):
        raise StrategyError(
            f"save_state gave {_kind(given)}; give a dict, as {{'entries': self.entries}}."
        )
    plain: State = _plain(given, "", 0)
    size_bytes = len(msgspec.json.encode(plain))
    if size_bytes > _MOST_BYTES:
        raise StrategyError(
            f"save_state gave {size_bytes:,} bytes, and {_MOST_BYTES:,} are the most: it is kept "
            "after each session. What can be computed again, as from bars(), need not be saved."
        )
    return plain


def _plain(value: object, place: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise StrategyError(
            f"save_state gave values more than {_DEEPEST} deep, at {place[:60]}...; keep it flat."
        )
    if isinstance(value, Mapping):
        for key in value:
            if type(key) is not str:
                where = f"'{place}'" if place else "the top"
                raise StrategyError(
                    f"save_state gave a dict with the key {key!r} at {where}; keys are text."
                )
        return {
            key: _plain(one, f"{place}.{key}" if place else key, depth + 1)
            for key, one in value.items()
        }
    if type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        return [_plain(one, f"{place}[{i}]", depth + 1) for i, one in enumerate(value)]
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int and -_LARGEST <= value < _LARGEST:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    raise StrategyError(
        f"save_state gave {_kind(value)} at '{place}'. What can be saved is {_ALLOWED}."
    )


def _kind(value: object) -> str:
    """What a value is, for people; with what to do about those that are met most."""
    kind = type(value)
    if kind is float:
        return f"{value}, which is no finite number,"
    if kind is int:
        return "a whole number of more than 64 bits"
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    hints = {"numpy": "float() or int() or .tolist() makes it plain", "decimal": "str() keeps it",
             "datetime": ".isoformat() makes it text"}  # fmt: skip
    hint = hints.get(kind.__module__.partition(".")[0])
    return f"a {name}" + (f" ({hint})" if hint else "")
