"""Buying power of an account as orders come: a cheap approval first, the exact check behind it.

The cheap one: while cash covers every working order, and twice what is short, at the highest price
each symbol has in the block in hand, the exact check cannot refuse. For what can come to be held is
at most what is held, long and short, and what works; and equity is cash and what is long, less what
is short. So it changes no decision, and where blocks end leaves no trace.

Cheaper still is `sure_units`: a market order for less passes while nothing works, as long as cash
stays above `floor_units` and nothing more is short. Beside a few that work, `covers` counts them.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from app.core.money import UNITS, to_units
from app.core.orders import Order
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.books.ledger import Position
from app.managers.execution_manager.limits.counted import counted
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.services.buying_power import (
    Line,
    added_units,
    left_units,
    order_price,
    refusal,
    short_refusal,
)
from app.services.risk.bounds import MARGIN
from app.services.risk.sizes import MOST_UNITS

UNKNOWN = math.inf  # more than any account has: the exact check decides, and finds out
_FEW = 16  # to count more takes longer than to add to what was counted


class Prices(Protocol):
    """What the engine knows of a symbol's prices."""

    def mark(self, symbol: int) -> float:
        """Its last close known now; 0 for none."""
        ...

    def highest(self, symbol: int) -> float:
        """No mark of it is higher until the block in hand ends, or its next corporate action."""
        ...


def working_sides(
    working: WorkingOrders, positions: Sequence[Sequence[Position]]
) -> dict[int, tuple[int, int]]:
    """By symbol, what working orders may still buy and sell, both unsigned."""
    sides: dict[int, tuple[int, int]] = {}
    for order, left in counted(working, positions):
        buys, sells = sides.get(order.symbol_index, (0, 0))
        sides[order.symbol_index] = (buys + max(left, 0), sells + max(-left, 0))
    return sides


class BuyingPower:
    """Asked with every order, before it works."""

    __slots__ = (
        "_account", "_base", "_held_units", "_highest", "_last_id", "_leverage_units",
        "_pledged", "_prices", "_working", "floor_units", "sure_units",
    )  # fmt: skip

    def __init__(
        self,
        account: Account,
        held_units: list[int],
        working: WorkingOrders,
        prices: Prices,
    ) -> None:
        self._account = account
        self._held_units = held_units
        self._working = working
        self._prices = prices
        terms = account.terms
        self._leverage_units = UNITS if terms.holds_cash_only else to_units(terms.leverage)
        self.sure_units = [0] * len(held_units)  # by symbol
        self.floor_units = 0
        self._highest = [UNKNOWN] * len(held_units)  # price times multiplier, by symbol
        # At those prices, in ledger units: what is short, twice, and that with working orders.
        self._base = self._pledged = UNKNOWN
        self._last_id = 0  # of the orders that are in it

    def forget(self) -> None:
        """Other bars are in hand, or other shares: see prices and all else anew."""
        self._highest = [UNKNOWN] * len(self._held_units)
        self.forget_orders()

    def forget_orders(self) -> None:
        """More is short, or works, or less cash is left than was counted on: see it anew."""
        self.sure_units[:] = [0] * len(self._held_units)
        self._base = self._pledged = UNKNOWN

    def covers(self, symbol: int, units: int) -> bool:
        """The cheap approval of a market order beside a few others, counted as they are now."""
        working, highest = self._working, self._highest
        if len(working) > _FEW or working.pending:
            return False
        pledged = self._base + abs(units) * highest[symbol]
        for other in working.values():
            pledged += abs(other.units - other.filled_units) * highest[other.symbol_index]
        return pledged <= self._account.own.cash_units

    def refusal(self, order: Order) -> str:
        """Why an order is refused, or ""."""
        if self._clears(order):
            return ""
        return self.fault(order.symbol_index, order.units, order.limit)

    def _clears(self, order: Order) -> bool:
        """The cheap approval; each order that comes here is pledged for."""
        working, symbol = self._working, order.symbol_index
        price = self._price_of(order)
        known = self._base != UNKNOWN and self._highest[symbol] != UNKNOWN
        if known and not working:
            self._pledged = self._base + abs(order.units) * price
        elif known and order.order_id == self._last_id + 1:
            self._pledged += abs(order.units) * price
        else:  # an order was sure, and is not in it
            self._see(order, working)
        if self._pledged > self._account.own.cash_units and working:
            self._see(order, working)  # some of them may have filled
        self._last_id = order.order_id
        if self._pledged > self._account.own.cash_units:
            return False
        if self._highest[symbol]:
            sure = (self.floor_units - self._base) / self._highest[symbol] / MARGIN
            self.sure_units[symbol] = max(0, min(MOST_UNITS, int(sure)))
        return True

    def fault(self, symbol: int, units: int, limit: float | None) -> str:
        """Why an order for so many units, or so many more, is refused, or "": the exact check."""
        working = self._working
        sides = working_sides(working, self._account.positions)
        line = self._line(symbol, sides)
        cash_only = self._account.terms.holds_cash_only
        if cash_only and (reason := short_refusal(line, units)):
            return reason
        added = added_units(line, units)
        price = order_price(line, units, limit)
        if not added or not price:
            return ""
        if cash_only:
            return self._beyond_cash(symbol, sides, line.value_units(added, price))
        lines = [
            self._line(s, sides) for s in range(len(self._held_units)) if self._counts(s, sides)
        ]
        left = left_units(lines, self._account.cash_units(), self._leverage_units)
        return refusal(line.value_units(added, price), left)

    def _beyond_cash(self, symbol: int, sides: dict[int, tuple[int, int]], need: int) -> str:
        """A cash account pays from the book of the symbol's own currency."""
        account = self._account
        currency, book = account.currencies[symbol], account.by_symbol[symbol]
        lines = [
            self._line(other, sides)
            for other, its in enumerate(account.currencies)
            if its == currency and self._counts(other, sides)
        ]
        cash_units = account.in_own_units(book.cash_units, currency)
        return refusal(need, left_units(lines, cash_units, self._leverage_units))

    def _counts(self, symbol: int, sides: dict[int, tuple[int, int]]) -> bool:
        return symbol in sides or self._held_units[symbol] != 0

    def _line(self, symbol: int, sides: dict[int, tuple[int, int]]) -> Line:
        account = self._account
        return Line(
            self._held_units[symbol],
            *sides.get(symbol, (0, 0)),
            price=self._prices.mark(symbol),
            multiplier_units=account.positions[0][symbol].multiplier_units,
            rate=account.rate(account.currencies[symbol]),
        )

    def _see(self, order: Order, working: WorkingOrders) -> None:
        """Find out what the cheap approval needs, where there can be one."""
        account, held_units = self._account, self._held_units
        if not account.is_single or account.terms.holds_cash_only:
            return
        # What rounding makes of each line counts too: the cheap approval is never the bolder one.
        base = 2.0 * (len(held_units) + 1)
        if min(held_units) < 0:
            shorts = ((at, -held) for at, held in enumerate(held_units) if held < 0)
            base += sum(2 * short * self._price(at) for at, short in shorts)
        pledged = base + abs(order.units) * self._price_of(order)
        for other in working.values():
            pledged += abs(working.left_of(other)) * self._price(other.symbol_index)
        if base != self._base:
            self.sure_units[:] = [0] * len(held_units)
            cash_units = account.own.cash_units
            self.floor_units = min(cash_units // 2, 2 * cash_units)
        self._base, self._pledged = base, pledged

    def _price_of(self, order: Order) -> float:
        """The most an order can be valued at: its limit, where that is higher."""
        price = self._price(order.symbol_index)
        if order.limit is None:
            return price
        multiplier = self._account.positions[0][order.symbol_index].multiplier_units / UNITS
        return max(price, order.limit * multiplier * MARGIN)

    def _price(self, symbol: int) -> float:
        """The highest price in the block of one whole share or contract."""
        if self._highest[symbol] == UNKNOWN:
            multiplier = self._account.positions[0][symbol].multiplier_units / UNITS
            self._highest[symbol] = self._prices.highest(symbol) * multiplier * MARGIN
        return self._highest[symbol]
