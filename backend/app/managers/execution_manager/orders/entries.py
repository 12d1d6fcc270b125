"""Which orders may open or increase a position: those that a pause, a halt or a kill keeps in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from app.core.halts import ALL_SYMBOLS
from app.core.orders import CANCEL_PENDING, MARKET, Order
from app.managers.execution_manager.orders.kill import FLATTEN, KillLatch
from app.managers.execution_manager.orders.working_orders import WorkingOrders


class Entries:
    """Knows the working orders of an account; `held_units_of` is asked by strategy and symbol."""

    def __init__(self, working: WorkingOrders, held_units_of: Callable[[int, int], int]) -> None:
        self._working = working
        self._held_units_of = held_units_of
        self.closed: dict[tuple[int, str], str] = {}  # by symbol and source: why no entries
        self.blocked: dict[str, str] = {}  # by source: why nothing of strategies leaves at all
        self.kill = KillLatch()  # of a simulated broker; a gate has its own
        self.own: set[int] = set()  # orders that close for it, and that no strategy sees

    def close(self, symbol: int, reason: str, source: str) -> None:
        """No entries of a symbol, or of `ALL_SYMBOLS`, from now on; without a reason, again.

        Each source opens only what it has closed.
        """
        if reason:
            self.closed[symbol, source] = reason
        else:
            self.closed.pop((symbol, source), None)

    def block(self, order: Order) -> str:
        """Why nothing of strategies may leave, nor have other terms, or ""."""
        if order.order_id in self.own:
            return ""
        if self.kill.mode == FLATTEN:
            return self.kill.against(opens=True)
        reason = "" if order.guard is not None else next(iter(self.blocked.values()), "")
        return f"halted: {reason}; nothing leaves but cancels" if reason else ""

    @contextmanager
    def let_out(self) -> Iterator[None]:
        """What a person asks for, and what protects, leaves all the same."""
        before, self.blocked = self.blocked, {}
        try:
            yield
        finally:
            self.blocked = before

    def is_closed(self, symbol: int) -> bool:
        """Whether a symbol, or `ALL_SYMBOLS`, is closed, by whomever."""
        return any(of == symbol for of, _ in list(self.closed))

    def theirs(self) -> list[Order]:
        """The working orders that strategies gave."""
        working, own = self._working.values(), self.own
        return [order for order in working if order.order_id not in own] if own else [*working]

    def refusal(self, order: Order, units: int) -> str:
        """Why `units` of an order may not leave, or ""."""
        reason = "" if order.order_id in self.own else self.against(order.symbol_index)
        held_units = self._held_units_of(order.strategy, order.symbol_index)
        return reason if reason and opens(order, units, self._working, held_units) else ""

    def takes_out_too(self, order: Order, aim_units: Sequence[Sequence[int]]) -> bool:
        """Whether an order at market does nothing but take out what exits that work would, too:
        whichever fills first, nobody wants it twice. `aim_units` is what strategies hold once all
        has filled that is on its way, without the order.
        """
        strategy, symbol, units = order.strategy, order.symbol_index, order.units
        aim, working = aim_units[strategy][symbol], self._working.values()
        if units * aim >= 0 or abs(units) > abs(aim):
            return False  # as most orders: no need to look at what works
        if not order.aimed or order.limit is not None:
            return False
        held_units = self._held_units_of(strategy, symbol) + coming_units(order, working)
        if units * held_units >= 0 or abs(units) > abs(held_units):
            return False
        place = strategy, symbol
        return any(one.reduce_only and (one.strategy, one.symbol_index) == place for one in working)

    def against(self, symbol: int) -> str:
        """Why nothing may open or increase a position in a symbol, or ""."""
        closed = list(self.closed.items())  # a replay is halted from other threads
        places = (ALL_SYMBOLS, symbol)
        reason = next((why for (of, _), why in closed if of in places), "")
        return f"no_entries: {reason}; only what reduces a position passes" if reason else ""


def opens(order: Order, units: int, working: WorkingOrders, held_units: int) -> bool:
    """Whether so many units of an order may open or increase what its strategy holds."""
    if order.reduce_only:
        return False
    if held_units * units >= 0 or abs(units) > abs(held_units):
        return True
    return closing_units(order, units, working, held_units) < abs(units)


def closing_units(order: Order, units: int, working: WorkingOrders, held_units: int) -> int:
    """How many of so many units of an order only take out what its strategy holds.

    What else may fill on its side has the first claim on that; not exits that rest, nor what is to
    be cancelled, or ends with it.
    """
    if held_units * units >= 0:
        return 0
    beside = sum(
        abs(working.left_of(other))
        for other in working.values()
        if other is not order
        and other.state is not CANCEL_PENDING
        and counts(other, working)
        and not (order.group and other.group == order.group)
        and (other.strategy, other.symbol_index) == (order.strategy, order.symbol_index)
        and (other.units > 0) == (units > 0)
    )
    return min(abs(units), max(abs(held_units) - beside, 0))


def counts(order: Order, working: Mapping[int, Order]) -> bool:
    """Whether all that is weighed beside an order sees it as filled: not so an exit that rests for
    a price, or waits for another order.
    """
    return not order.reduce_only or (order.kind == MARKET and order.parent not in working)


def taking_out(orders: Iterable[Order], held_units: int) -> list[Order]:
    """Of working orders those at market that, together, do nothing but take out what is held.

    Who closes leaves them alone: cancelled, one may fill all the same, and another beside it.
    """
    found, left = [], held_units
    for order in orders:
        units = order.units - order.filled_units
        if order.kind == MARKET and order.aimed and units * left < 0 and abs(units) <= abs(left):
            found.append(order)
            left += units
    return found


def coming_units(order: Order, working: Iterable[Order]) -> int:
    """What orders at market are about to bring that an order would take out."""
    return sum(
        other.units - other.filled_units
        for other in working
        if other.kind == MARKET
        and other.aimed
        and other.units * order.units < 0
        and (other.strategy, other.symbol_index) == (order.strategy, order.symbol_index)
    )
