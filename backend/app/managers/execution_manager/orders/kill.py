"""What a kill means, in one place: the gate before a venue and the simulated broker both ask here.

`freeze` takes back what may open and keeps what protects; `flatten` takes back everything, and then
closes what is held. Flattening is never taken back to freezing.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

FREEZE: Final = "freeze"
FLATTEN: Final = "flatten"
KILL_MODES: Final = (FREEZE, FLATTEN)
_PARTS = ": "  # between the mode and the reason, in one line


class Standing(msgspec.Struct, frozen=True):
    """What works and what is held, as a kill finds or leaves it; positions in units."""

    orders: int
    opening: int  # of them, those that may open or increase a position
    positions: dict[str, int]  # by symbol, without the flat ones


class KillLatch:
    """`mode` is "", "freeze" or "flatten", and `reason` that of the kill which brought it there."""

    def __init__(self, mode: str = "", reason: str = "") -> None:
        self.mode = mode
        self.reason = reason
        # Of simulated orders: how things stood when it fell, and when what it asks for was done.
        self.found: Standing | None = None
        self.left: Standing | None = None
        self.at_ns = self.done_ns = 0

    def fall(self, mode: str, reason: str) -> bool:
        """Whether this changed anything; asked for once more, or for less, it does not."""
        if mode not in KILL_MODES:
            raise ValueError(f"'{mode}' is no way to kill; use one of {', '.join(KILL_MODES)}.")
        if self.mode in (FLATTEN, mode):
            return False
        self.mode, self.reason = mode, reason
        return True

    def stands_against(self, opens: bool) -> bool:
        """Whether an order may not leave, and may not work any longer."""
        return self.mode == FLATTEN or (bool(self.mode) and opens)

    def against(self, opens: bool) -> str:
        """Why an order of a strategy may not leave; "" if it may."""
        return f"killed ({self.mode}): {self.reason}" if self.stands_against(opens) else ""


def closable_units(held_units: int, resting: Iterable[int]) -> int:
    """What is to be closed of a position, less what may still fill against it."""
    for rest_units in resting:
        if held_units > 0 > rest_units:
            held_units = max(held_units + rest_units, 0)
        elif held_units < 0 < rest_units:
            held_units = min(held_units + rest_units, 0)
    return held_units


def kill_value(mode: str, reason: str) -> str:
    """Mode and reason in a line, as they travel in a command."""
    return f"{mode}{_PARTS}{reason}" if reason else mode


def kill_of(value: str) -> tuple[str, str]:
    """Mode and reason of such a line."""
    mode, _, reason = value.partition(_PARTS)
    return mode, reason
