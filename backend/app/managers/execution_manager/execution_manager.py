"""Proposals in, orders and fills out: risk, the fingerprint, the broker and the ledger."""

from decimal import Decimal
from operator import itemgetter

import msgspec

from app.core.fingerprint import Fingerprint
from app.core.instruments import Adjustment, Instrument
from app.core.money import to_units
from app.core.orders import (
    ACCEPTED,
    CANCELED,
    EXPIRED,
    FILLED,
    INSTANT,
    PARTIAL,
    REJECTED,
    FillRow,
    Order,
)
from app.managers.execution_manager.ledger import Ledger, Position
from app.managers.execution_manager.sim_broker import SimBroker
from app.services.risk import MOST_UNITS as MOST
from app.services.risk import Limits, refusal

Action = tuple[int, int, float]  # instant, symbol, price factor of its corporate actions


class Records(msgspec.Struct, frozen=True):
    """What has happened since the last time it was taken, in order.

    `changes` are those of the account: fills, and corporate actions in the form of a fill.
    """

    orders: list[Order]
    fills: list[FillRow]
    changes: list[FillRow]
    actions: list[Action]


class ExecutionManager:
    """One account, several strategies; positions are kept per strategy and symbol."""

    def __init__(
        self,
        *,
        strategies: list[str],
        instruments: list[Instrument],
        cash: Decimal,
        limits: Limits,
        participation: Decimal | None,
    ) -> None:
        self._names = strategies
        self._symbols = [instrument.symbol for instrument in instruments]
        self._lot_units = [to_units(instrument.lot) for instrument in instruments]
        self._limits = limits
        self._limited = limits != Limits()
        self.broker = SimBroker(self._lot_units, participation, self._fill)
        self.ledger = Ledger(to_units(cash))
        self.fingerprint = Fingerprint(strategies, self._symbols)
        self.positions = [
            [Position(item.symbol, to_units(item.multiplier)) for item in instruments]
            for _ in strategies
        ]
        # position and working orders together: what each strategy is on its way to hold
        self.aim_units = [[0] * len(instruments) for _ in strategies]
        self.held_units = [0] * len(instruments)  # over all strategies
        self.actions: list[Action] = []  # since the records were last taken
        self.order_count = 0
        self.fill_count = 0
        # Happenings since then, in order. What is made of them is made when they are taken: in
        # one go it costs half of what it would cost one by one.
        self._happened: list[Order | FillRow] = []
        self._ended: list[Order] = []
        self._adjusted: list[FillRow] = []
        self._filled: list[Order] = []  # in the instant under way

    def submit(self, strategy: int, symbol: int, units: int, now_ns: int) -> Order:
        """Turn a proposal into an order: refused by risk, or accepted by the broker."""
        self.order_count = number = self.order_count + 1
        order = Order(number, strategy, self._symbols[symbol], symbol, units, now_ns)
        self._happened.append(order)
        aims = self.aim_units[strategy]
        aimed = aims[symbol] + units
        if self._limited or units % self._lot_units[symbol] or not -MOST < units < MOST:
            reason = refusal(units, aimed, self._lot_units[symbol], self._limits)
            if reason:
                self._end(order, REJECTED, now_ns, reason)
                return order
        order.state = ACCEPTED  # it was new: no need to look whether that is legal
        aims[symbol] = aimed
        self.broker.accept(order)
        return order

    def match(self, now_ns: int) -> list[Order]:
        """Fill what can fill on the bars known now, and book it; the orders it happened to."""
        filled: list[Order] = []
        self._filled = filled
        self.broker.match(now_ns)
        return filled

    def _fill(self, order: Order, units: int, price: float, start_ns: int, now_ns: int) -> None:
        """Book an execution."""
        strategy, symbol, ledger = order.strategy, order.symbol_index, self.ledger
        ledger.fill(self.positions[strategy][symbol], units, price)
        self.held_units[symbol] = held = self.held_units[symbol] + units
        self.fill_count = number = self.fill_count + 1
        cash, order_id = ledger.cash_units, order.order_id
        self._happened.append(
            (number, order_id, symbol, units, price, 0, start_ns, now_ns, strategy, held, cash)
        )
        order.filled_units = done = order.filled_units + units
        if done == order.units:
            order.to(FILLED)
            order.ended_ns = now_ns
            self._ended.append(order)
        else:
            order.to(PARTIAL)
        self._filled.append(order)

    def expire(self, close_ns: int) -> list[Order]:
        """At a session's close its DAY orders end; those given at the close belong to the next."""
        late = [order for order in self.broker.working.values() if order.created_ns < close_ns]
        for order in late:
            self._give_up(order, EXPIRED, close_ns, "the session closed")
        return late

    def cancel_all(self, now_ns: int, reason: str) -> list[Order]:
        """End every working order."""
        working = list(self.broker.working.values())
        for order in working:
            self._give_up(order, CANCELED, now_ns, reason)
        return working

    def adjust(self, symbol: int, adjustment: Adjustment, now_ns: int) -> None:
        """Apply a session's corporate actions to what is held: splits first, then dividends."""
        for strategy, positions in enumerate(self.positions):
            position = positions[symbol]
            before = position.units
            if adjustment.split_ratio != 1:
                self.ledger.split(position, adjustment.split_ratio)
                self.aim_units[strategy][symbol] += position.units - before
                self.held_units[symbol] += position.units - before
            if adjustment.dividend and position.units:
                self.ledger.dividend(position, adjustment.dividend)
        held, cash = self.held_units[symbol], self.ledger.cash_units
        self._adjusted.append((0, 0, symbol, 0, 0.0, 0, now_ns, now_ns, 0, held, cash))
        self.actions.append((now_ns, symbol, adjustment.price_factor))

    def take_records(self) -> Records:
        """What has happened since the last call, in order."""
        self.fingerprint.add(self._happened)
        changes = fills = [entry for entry in self._happened if isinstance(entry, tuple)]
        if self._adjusted:  # fills come first in their instant
            changes = sorted(fills + self._adjusted, key=itemgetter(INSTANT))
        records = Records(self._ended, fills, changes, self.actions)
        self._happened, self._ended, self._adjusted, self.actions = [], [], [], []
        return records

    def trades(self) -> int:
        """Round trips closed, over all strategies."""
        return sum(position.trades for row in self.positions for position in row)

    def _give_up(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        self.aim_units[order.strategy][order.symbol_index] -= order.units - order.filled_units
        self.broker.remove(order)
        self._end(order, state, now_ns, reason)

    def _end(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        order.to(state)
        order.reason = reason
        order.ended_ns = now_ns
        self._ended.append(order)
