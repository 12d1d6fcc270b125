"""A size: how much `entry_size` says to enter with; and whether a strategy asks for one at all."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

ASKED_BY = "entry_size"  # the method of `Strategy`


class Size(Decimal):
    """A quantity with its sign: negative sells. Of one that is 0, `reason` says why."""

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, quantity: Decimal, reason: str = "") -> "Size":
        """An exact quantity; what is worked out with it is a plain Decimal."""
        size = super().__new__(cls, quantity)
        size.reason = reason
        return size


def asks_for_sizes(sources: Iterable[str]) -> bool:
    """Whether files of a strategy name the method; what cannot be read might."""
    for source in sources:
        try:
            if ASKED_BY in Path(source).read_text(encoding="utf-8"):
                return True
        except (OSError, ValueError):
            return True
    return False
