"""The rules an order passes before it leaves: approve, or refuse with a typed reason."""

from decimal import Decimal

import msgspec

from app.core.money import UNITS, from_units, to_units

MOST_UNITS = 10**10 * UNITS  # ten billion: no order of a sane strategy, and it fits 64 bits


class Limits(msgspec.Struct, frozen=True):
    """The config's limits in units; None is off."""

    allow_short: bool = True
    max_order_units: int | None = None
    max_position_units: int | None = None

    @classmethod
    def of(
        cls,
        allow_short: bool,
        max_order_quantity: Decimal | None,
        max_position_quantity: Decimal | None,
    ) -> "Limits":
        """Limits from the config's quantities."""
        return cls(
            allow_short,
            None if max_order_quantity is None else to_units(max_order_quantity),
            None if max_position_quantity is None else to_units(max_position_quantity),
        )


def refusal(units: int, aimed_units: int, lot_units: int, limits: Limits) -> str:
    """Why an order of `units` is refused, or "". `aimed_units` is the position with it filled."""
    if not -MOST_UNITS <= units <= MOST_UNITS:
        return f"too_large: {_text(units)} is over {_text(MOST_UNITS)}"
    if units % lot_units:
        return f"not_whole_lots: {_text(units)} is no multiple of {_text(lot_units)}"
    most = limits.max_order_units
    if most is not None and abs(units) > most:
        return f"max_order_quantity: {_text(units)} is over {_text(most)}"
    most = limits.max_position_units
    if most is not None and abs(aimed_units) > most and abs(aimed_units) > abs(aimed_units - units):
        return f"max_position_quantity: {_text(aimed_units)} is over {_text(most)}"
    if not limits.allow_short and aimed_units < 0 and units < 0:
        return f"short_not_allowed: it would leave -{_text(aimed_units)}"
    return ""


def _text(units: int) -> str:
    """A quantity without its sign, and never as 1E-8."""
    return f"{from_units(abs(units)):f}"
