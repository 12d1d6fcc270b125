"""What a session's corporate actions do to an account: to positions, to cash, to working orders."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from app.core.instruments import Adjustment
from app.core.orders import CANCELED
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.books.diary import Diary
from app.managers.execution_manager.books.splits import split_order
from app.managers.execution_manager.brokers import Broker
from app.managers.execution_manager.sim.fill_rules import Owner


class CorporateActions:
    """Applies them to one account; `sizes` are the lots and ticks of its symbols, in units.

    `aim_units` and `held_units` are kept up to date with what a split makes of them.
    """

    def __init__(
        self,
        account: Account,
        broker: Broker,
        diary: Diary,
        sizes: tuple[Sequence[int], Sequence[int]],
        aim_units: list[list[int]],
        held_units: list[int],
        owner: Owner,
    ) -> None:
        self._account = account
        self._broker = broker
        self._diary = diary
        self._lot_units, self._tick_units = sizes
        self._aim_units = aim_units
        self._held_units = held_units
        self._lapsed: Callable[..., None] = owner.lapsed

    def apply(self, symbol: int, adjustment: Adjustment, last: float, now_ns: int) -> None:
        """Splits first, then dividends.

        What a split leaves of a lot is paid out at the `last` price before it, in its new terms.
        """
        ledger, had_units = self._account.by_symbol[symbol], self._held_units[symbol]
        for strategy, positions in enumerate(self._account.positions):
            position = positions[symbol]
            before = position.units
            if adjustment.split_ratio != 1:
                ledger.split(position, adjustment.split_ratio)
                fraction = abs(position.units) % self._lot_units[symbol]
                if fraction and last:
                    units = -fraction if position.units > 0 else fraction
                    price = last / float(adjustment.split_ratio)
                    ledger.fill(position, units, price)
                    self._account.part_prices[symbol, adjustment.session_date] = price
                self._aim_units[strategy][symbol] += position.units - before
                self._held_units[symbol] += position.units - before
            if adjustment.dividend and position.units:
                ledger.dividend(position, adjustment.dividend)
        if adjustment.split_ratio != 1:
            with self._broker.at_once():
                more_units = self._held_units[symbol] - had_units
                self._split_orders(symbol, adjustment.split_ratio, more_units, now_ns)
        self._diary.actions.append((now_ns, symbol, adjustment.price_factor))

    def _split_orders(self, symbol: int, ratio: Decimal, more_units: int, now_ns: int) -> None:
        """Working orders in the terms of the new shares: whole lots, prices on the tick."""
        self._broker.split(symbol, ratio, more_units, now_ns)
        lot_units, tick_units = self._lot_units[symbol], self._tick_units[symbol]
        self._broker.links.split(symbol, ratio, lot_units)
        too_small = []
        for order in [o for o in self._broker.working.values() if o.symbol_index == symbol]:
            left = order.units - order.filled_units
            more = split_order(order, ratio, lot_units, tick_units)
            if not left + more:
                too_small.append(order)
                continue
            if order.aimed:
                self._aim_units[order.strategy][symbol] += more
            self._broker.look_again(order, now_ns)
        for order in too_small:  # behind all: those that wait for it are in new shares by then
            self._lapsed(order, CANCELED, now_ns, f"a split by {ratio} left no whole lot")
