"""What a rule says where it does not approve: how much of an order it lets through, and why."""

import msgspec

from app.core.money import from_units


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """No more than `units` may leave, 0 being a refusal; `why` has the rule's name before it when
    it is told.
    """

    units: int
    why: str


def over(figure_units: int, most_units: int, units: int = 0) -> Verdict:
    """A figure would be over its limit; both are told without their sign."""
    return Verdict(units, f"{text(figure_units)} is over {text(most_units)}")


def room(reach_units: int, units: int, most_units: int) -> int:
    """How much of `units` a position may still take that can come to `reach_units` without it."""
    if units > 0:
        return min(units, max(most_units - reach_units, 0))
    return max(units, min(-most_units - reach_units, 0))


def comes_down(reach_units: int, would_be: int) -> bool:
    """Whether a position only becomes smaller: no limit keeps it from that."""
    return 0 <= would_be <= reach_units or reach_units <= would_be <= 0


def text(units: int) -> str:
    """A quantity or an amount without its sign, and never as 1E-8."""
    return f"{from_units(abs(units)):f}"
