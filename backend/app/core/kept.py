"""An object's state as some of its fields: taken from it by name, and put back."""

from collections.abc import Iterable, Mapping
from typing import Any

Fields = dict[str, Any]


def kept(owner: object, names: Iterable[str]) -> Fields:
    """The values of these fields."""
    return {name: getattr(owner, name) for name in names}


def put_back(owner: object, fields: Mapping[str, Any]) -> None:
    """Give the fields the values they had."""
    for name, value in fields.items():
        setattr(owner, name, value)
