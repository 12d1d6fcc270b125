"""Why an order, or an amendment of one, may not leave: limits, cut-offs, what it would cost."""

from collections.abc import Callable, Mapping, Sequence

from app.core.calendar import TradingSession
from app.core.orders import Order, Terms
from app.managers.execution_manager.buying_power import BuyingPower
from app.managers.execution_manager.entries import Entries
from app.services.auctions import AUCTIONS, CutOffs, too_late
from app.services.risk import MOST_UNITS, Limits, refusal


class OrderChecks:
    """Of one account; `aim_units` are those of its strategies, `working` the broker's orders."""

    def __init__(
        self,
        limits: Limits,
        lot_units: Sequence[int],
        cut_offs: CutOffs,
        aim_units: Sequence[Sequence[int]],
        working: Mapping[int, Order],
        held_units_of: Callable[[int, int], int],
    ) -> None:
        self.power: BuyingPower | None = None  # not asked before there are prices
        self._limits = limits
        self._limited = limits != Limits()
        self._lot_units = lot_units
        self._cut_offs = cut_offs
        self._aim_units = aim_units
        self._working = working
        self.entries = Entries(working, held_units_of)
        self._refused: set[int] = set()  # or taken back, in the session under way
        self._session: TradingSession | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is more to look at than the usual."""
        return self._limited or bool(self.entries.closed)

    def open_session(self, session: TradingSession) -> None:
        """A session begins."""
        self._session = session
        self._refused.clear()

    def take_back(self, order: Order) -> None:
        """It never leaves, and what would wait for it neither."""
        self._refused.add(order.order_id)

    def refusal(self, order: Order, now_ns: int) -> str:
        """Why an order is refused, or ""."""
        reason = self._refusal(order, now_ns)
        if reason:
            self._refused.add(order.order_id)
        return reason

    def _refusal(self, order: Order, now_ns: int) -> str:
        if order.kind in AUCTIONS and self._session is not None:
            late = too_late(order.kind, now_ns, self._session, self._cut_offs)
            if late:
                return late
        if order.parent in self._refused:
            return f"entry_refused: order {order.parent}, which it would wait for, never left"
        reason = self.entries.refusal(order, order.units) if self.entries.closed else ""
        reason = reason or self._over_limits(order, order.units, order.units)
        if reason or order.reduce_only or self.power is None:
            return reason
        return self.power.refusal(order)

    def amend_refusal(self, order: Order, terms: Terms) -> str:
        """Why an order keeps its terms, or ""."""
        more = terms.units - order.units
        if abs(terms.units) <= abs(order.filled_units):
            return "already_filled: as much of it, or more, has filled"
        grows = more != 0 and (more > 0) == (order.units > 0)
        reason = ""
        if grows and self.entries.closed:
            reason = self.entries.refusal(order, terms.units - order.filled_units)
        if not reason and (grows or self._is_odd(order, more)):
            reason = self._over_limits(order, terms.units, more)
        if reason or not grows or order.reduce_only or self.power is None:
            return reason
        return self.power.fault(order.symbol_index, more, terms.limit)

    def _is_odd(self, order: Order, units: int) -> bool:
        return units % self._lot_units[order.symbol_index] != 0

    def _over_limits(self, order: Order, units: int, more_units: int) -> str:
        """What limit an order of `units` breaks that may fill so much more than it might have.

        One that only reduces breaks none of the position's.
        """
        symbol = order.symbol_index
        usual = -MOST_UNITS < units < MOST_UNITS and not self._is_odd(order, more_units)
        if usual and not self._limited:
            return ""
        at_most = 0
        if not order.reduce_only:
            at_most = self._aim_units[order.strategy][symbol] + more_units + self._besides(order)
        return refusal(units, at_most, self._lot_units[symbol], self._limits)

    def _besides(self, order: Order, linked: bool = True) -> int:
        """What may fill on an order's side and is in no aim: stops, and cancels that can lose."""
        return sum(
            other.units - other.filled_units
            for other in self._working.values()
            if (other.strategy, other.symbol_index) == (order.strategy, order.symbol_index)
            and (other.units > 0) == (order.units > 0)
            and not (other.aimed or other.reduce_only or other is order)
            and (linked or not order.group or other.group != order.group)
        )
