"""Bounds within which rules surely approve: for a check that asks only those that might not."""

from math import inf
from typing import Final

import msgspec

from app.services.risk.sizes import MOST_UNITS

# Figures are floats, taken higher by this: far more than sums of them can be off by.
MARGIN: Final = 1 + 1e-9
# Until when something is sure, at the least within the session under way.
NOT_SURE_NS: Final = -1
ALWAYS_NS: Final = 2**63 - 1


class Bounds(msgspec.Struct):
    """The most that a portfolio may come to with an order: what is held, works and is asked for.

    A rule may have `narrow`, which makes them so narrow that it approves of every order that stays
    within them; or `narrow_now`, where that depends on the session and on what the account is
    worth. A rule that looks at a symbol alone may have `sure_until_ns`: until when it approves of
    every order in that. A rule that has none of them is asked each time. Money is in ledger units.
    """

    order_units: float = MOST_UNITS
    order_value_units: float = inf
    position_units: float = inf  # of a long one
    short_units: float = inf
    position_value_units: float = inf
    gross_units: float = inf  # that of a group, and what is held less what is short, are no more
    means_units: float = inf  # as gross_units: within that, buying power is not to be asked
    open_orders: float = inf  # without it
    open_positions: float = inf
    left_in_minute: float = inf
    left_today: float = inf
    from_ns: float = -inf
    until_ns: float = inf

    def copy(self) -> "Bounds":
        """The same, to be narrowed further."""
        return msgspec.structs.replace(self)

    def close(self) -> None:
        """Nothing is sure at this moment."""
        self.until_ns = -inf


class Worth(msgspec.Struct, frozen=True):
    """What a portfolio is worth at least, of which bounds are made: they hold while it is."""

    equity_units: int  # of the whole account
    own_units: int  # the same; of a part of it, what that would be had it traded alone
    peak_units: int
    day_units: int  # its own, as the session began
    day_equity_units: int
