"""An ExecutionManager whose strategies' positions are protected; a run without that has none."""

from collections.abc import Sequence
from typing import Any

from app.core.calendar import TradingSession
from app.core.fingerprint import amendment, refusal
from app.core.instruments import Adjustment, Instrument
from app.core.orders import REJECTED, Order, Terms
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.exits.protection import Protection
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.open_orders import call_off
from app.managers.execution_manager.orders.parts import terms_of
from app.managers.execution_manager.sim.sim_broker import SimBroker
from app.managers.execution_manager.watched_execution import Heard, WatchedExecution
from app.services.protection import Cover


class ProtectedExecution(ExecutionManager):
    """Orders, fills and sessions pass through `protection`, which gives orders of its own."""

    protection: Protection

    def __init__(
        self, *, covers: Sequence[Cover | None], instruments: list[Instrument], **parts: Any
    ) -> None:
        super().__init__(instruments=instruments, **parts)
        broker = self.broker
        assert isinstance(broker, SimBroker | LiveBroker)
        symbols = [instrument.symbol for instrument in instruments]
        self.protection = Protection(
            covers, broker, broker.consequences, symbols, self.tick_units, self
        )

    # -- what passes through -----------------------------------------------------------------------

    def submit(self, order: Order, now_ns: int) -> None:
        reason = self.protection.refusal(order, order.units, now_ns)
        if reason:
            order.created_ns = now_ns
            self._checks.refused(order)
            self._refuse(order, reason, now_ns)
            return
        super().submit(order, now_ns)
        if order.state is not REJECTED:
            self.protection.entered(order, now_ns)

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        more = terms.units - order.units
        grows = order.is_working and more != 0 and (more > 0) == (order.units > 0)
        units = terms.units - order.filled_units
        reason = self.protection.refusal(order, units, now_ns) if grows else ""
        if not reason:
            return super().amend(order, terms, now_ns)
        self._happened.append(amendment(order, terms, now_ns) + refusal(order, now_ns, reason))
        self.diary.note("amend refused", order, now_ns, reason)
        order.reason = reason
        return False

    def amended(self, order: Order, terms: Terms, since_ns: int, now_ns: int) -> None:
        before = order.units
        super().amended(order, terms, since_ns, now_ns)
        if order.units != before:
            self.protection.resized(order, now_ns)

    def filled(
        self, order: Order, units: int, price: float, start_ns: int, now_ns: int, fee: int = 0
    ) -> None:
        held_units = self.held_units_of(order.strategy, order.symbol_index)
        super().filled(order, units, price, start_ns, now_ns, fee)
        self.protection.filled(order, units, price, held_units, now_ns)

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> None:
        super().open_session(session, end_ns, now_ns)
        self.protection.open_session(session, end_ns, now_ns)

    def expire(self, close_ns: int, last_start_ns: int) -> None:
        self.protection.end_session()
        super().expire(close_ns, last_start_ns)

    def cancel_all(self, now_ns: int, reason: str) -> None:
        self.protection.end_session()
        super().cancel_all(now_ns, reason)

    def _finish(self, order: Order, state: str, now_ns: int, reason: str) -> None:
        super()._finish(order, state, now_ns, reason)
        self.protection.ended(order, now_ns)

    def adjust(self, symbol: int, adjustment: Adjustment, last: float, now_ns: int) -> None:
        if adjustment.split_ratio != 1:
            ratio, lot_units = adjustment.split_ratio, self.lot_units[symbol]
            self.protection.before_split(symbol, ratio, lot_units, now_ns)
        super().adjust(symbol, adjustment, last, now_ns)
        if adjustment.split_ratio != 1:
            self.protection.split(symbol, adjustment.split_ratio)

    # -- what protection asks for ------------------------------------------------------------------

    def give(self, order: Order, now_ns: int) -> None:
        """An order that no strategy has proposed."""
        self.order_count = order.order_id = self.order_count + 1
        ExecutionManager.submit(self, order, now_ns)
        if order.state is REJECTED:  # risk said no, and no hook gave it that could see
            self.untold.append(order)

    def priced(self, order: Order, limit: float | None, stop: float | None, now_ns: int) -> None:
        """An exit's prices follow from what its entry has paid."""
        order.limit, order.stop = limit, stop
        self._happened.append(amendment(order, terms_of(order), now_ns))
        self.diary.note("priced", order, now_ns)

    def call_off(self, order: Order, now_ns: int, why: str) -> None:
        """End an order that its strategy did not take back."""
        call_off(self, order, now_ns, why)


class WatchedProtectedExecution(WatchedExecution, ProtectedExecution):
    """The same in a run that is told again: what protection gives is told behind its cause."""

    def __init__(self, *parts: Any, **named: Any) -> None:
        self._given: list[Order] = []
        self._is_weighing = False
        super().__init__(*parts, **named)

    def submit(self, order: Order, now_ns: int) -> None:
        self._is_weighing = True
        super().submit(order, now_ns)
        self._tell_given(now_ns)

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        self._is_weighing = True
        is_done = super().amend(order, terms, now_ns)
        self._tell_given(now_ns)
        return is_done

    def weigh(self, order: Order, now_ns: int) -> tuple[str, list[Heard], bool]:
        reason = self.protection.refusal(order, order.units, now_ns)
        if reason:  # limits are asked nothing
            return reason, [], self._checks.has_limits(order)
        return super().weigh(order, now_ns)

    def give(self, order: Order, now_ns: int) -> None:
        super().give(order, now_ns)
        self._given.append(order)
        if not self._is_weighing:
            self._tell_given(now_ns)

    def _tell_given(self, now_ns: int) -> None:
        self._is_weighing = False
        given, self._given = self._given, []
        for order in given:
            self._begin(order, None, now_ns)
            self._tell(order, order.reason if order.state == REJECTED else "")
