"""What protects a position: how far from the entry's price its exits are, exact and on the tick."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from app.core.config_protection import ProtectionFields
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS, to_units
from app.core.orders import LIMIT, Guard, Order

Span = tuple[int, int]  # of time: its start and its end


class Cover(msgspec.Struct, frozen=True):
    """What a strategy's entries get; what is None or 0 they do not."""

    stop_loss: Guard | None = None
    take_profit: Guard | None = None
    trail: float | None = None
    trail_percent: float | None = None
    time_stop_ns: int = 0
    flat_ns: int = 0  # before the close

    @property
    def has_exits(self) -> bool:
        """Whether orders rest beside what is held."""
        trails = self.trail is not None or self.trail_percent is not None
        return trails or self.stop_loss is not None or self.take_profit is not None

    @property
    def follows_trades(self) -> bool:
        """Whether it matters what each entry has opened."""
        return self.has_exits or self.time_stop_ns > 0


def cover_by(fields: ProtectionFields) -> Cover | None:
    """The same in exact terms; None where nothing is declared."""
    found = Cover(
        _guard(fields.stop_loss_percent, fields.stop_loss_amount),
        _guard(fields.take_profit_percent, fields.take_profit_amount),
        None if fields.trailing_amount is None else float(fields.trailing_amount),
        None if fields.trailing_percent is None else float(fields.trailing_percent),
        (fields.time_stop_minutes or 0) * MINUTE_NS,
        (fields.flat_before_close_minutes or 0) * MINUTE_NS,
    )
    return None if found == Cover() else found


def _guard(percent: Decimal | None, amount: Decimal | None) -> Guard | None:
    given = amount if percent is None else percent
    return None if given is None else Guard(to_units(given), percent is not None)


def guard_prices(order: Order, price: float, tick_units: int) -> tuple[float | None, float | None]:
    """Limit and stop of an exit whose entry filled at one price."""
    return guard_prices_of(order, to_units(price), 1, tick_units)


def guard_prices_of(
    order: Order, over: int, under: int, tick_units: int
) -> tuple[float | None, float | None]:
    """The same for an entry that filled at `over / under` units of price on average.

    A stop is never further away than declared, and a limit never worse; each is a tick from the
    entry at least.
    """
    guard, sells = order.guard, order.units < 0
    assert guard is not None, "only what protects is measured from its entry"
    gains = order.kind == LIMIT
    above = sells == gains  # than its entry
    away_over, away_under = guard.units * under, 1
    if guard.of_percent:
        away_over, away_under = over * guard.units, 100 * UNITS
    goal = over * away_under + (away_over if above else -away_over)
    step = under * away_under * tick_units
    ticks = -(-goal // step) if sells else goal // step
    own = under * tick_units
    ticks = max(ticks, over // own + 1) if above else min(ticks, -(-over // own) - 1)
    price = max(ticks, 1) * tick_units / UNITS
    return (price, None) if gains else (None, price)


def traded_until_ns(since_ns: int, length_ns: int, breaks: Sequence[Span]) -> int:
    """When so much time has been traded from a moment on; what a session's breaks take comes on
    top.
    """
    for start_ns, end_ns in breaks:
        if since_ns < end_ns and since_ns + length_ns > start_ns:
            length_ns -= max(start_ns - since_ns, 0)
            since_ns = end_ns
    return since_ns + length_ns
