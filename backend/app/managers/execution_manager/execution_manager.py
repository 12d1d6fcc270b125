"""Proposals in, orders and fills out: risk, the fingerprint, the broker and the ledger."""

from decimal import Decimal

import msgspec

from app.core.fingerprint import Fingerprint
from app.core.instruments import Adjustment, Instrument
from app.core.money import to_units
from app.core.orders import (
    ACCEPTED,
    CANCELED,
    EXPIRED,
    FILLED,
    PARTIAL,
    REJECTED,
    SUBMITTED,
    Fill,
    Order,
)
from app.managers.execution_manager.ledger import Ledger, Position
from app.managers.execution_manager.sim_broker import BarBook, SimBroker
from app.services.risk import Limits, refusal


class Records(msgspec.Struct, frozen=True):
    """What ended since the last time it was asked for."""

    orders: list[Order]
    fills: list[Fill]


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
        self.broker = SimBroker(self._lot_units, participation)
        self.ledger = Ledger(to_units(cash))
        self.fingerprint = Fingerprint()
        self.positions = [
            [Position(item.symbol, to_units(item.multiplier)) for item in instruments]
            for _ in strategies
        ]
        # position and working orders together: what each strategy is on its way to hold
        self.aim_units = [[0] * len(instruments) for _ in strategies]
        self.held_units = [0] * len(instruments)  # over all strategies
        self.changes: list[tuple[int, int, int, int]] = []  # instant, symbol, held units, cash
        self.order_count = 0
        self.fill_count = 0
        self._ended: list[Order] = []
        self._fills: list[Fill] = []

    def submit(self, strategy: int, symbol: int, units: int, now_ns: int) -> Order:
        """Turn a proposal into an order: refused by risk, or accepted by the broker."""
        self.order_count += 1
        name = self._symbols[symbol]
        order = Order(self.order_count, strategy, name, symbol, units, now_ns)
        aims = self.aim_units[strategy]
        aimed = aims[symbol] + units
        reason = refusal(units, aimed, self._lot_units[symbol], self._limits)
        self.fingerprint.lines.append(
            f"order {now_ns} {self._names[strategy]} {name} market {units} {reason}\n"
        )
        if reason:
            self._end(order, REJECTED, now_ns, reason)
        else:
            order.to(SUBMITTED)
            order.to(ACCEPTED)
            aims[symbol] = aimed
            self.broker.accept(order)
        return order

    def match(self, now_ns: int) -> list[Fill]:
        """Fill what can fill on the bars known now, and book it."""
        fills: list[Fill] = []
        for order, units, price, start_ns in self.broker.match(now_ns):
            self.fill_count += 1
            strategy, symbol = order.strategy, order.symbol_index
            fill = Fill(
                self.fill_count, order.order_id, strategy, order.symbol, units, price, 0, start_ns, now_ns
            )
            self.ledger.fill(self.positions[strategy][symbol], units, price)
            held = self.held_units[symbol] = self.held_units[symbol] + units
            self.changes.append((now_ns, symbol, held, self.ledger.cash_units))
            self.fingerprint.lines.append(
                f"fill {now_ns} {start_ns} {self._names[strategy]} {order.symbol} {units} {price!r}\n"
            )
            order.filled_units += units
            if order.filled_units == order.units:
                order.to(FILLED)
                order.ended_ns = now_ns
                self._ended.append(order)
            else:
                order.to(PARTIAL)
            fills.append(fill)
        self._fills += fills
        return fills

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
        self.changes.append(
            (now_ns, symbol, self.held_units[symbol], self.ledger.cash_units)
        )

    def take_records(self) -> Records:
        """Orders that ended and fills since the last call, in order."""
        records = Records(self._ended, self._fills)
        self._ended, self._fills = [], []
        self.fingerprint.flush()
        return records

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self.broker.load(book)

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


