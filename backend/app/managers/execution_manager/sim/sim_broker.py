"""The simulated broker: holds working orders, finds the bar each can match, and fills it.

It is stepped inside the instant: a fill is known when its bar is. An order belongs to the bars
that start when it was given, or later; cancels and amendments, too, so that they can lose to fills.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from operator import itemgetter

from app.core.bars import no_rows
from app.core.calendar import TradingSession
from app.core.order_events import Intent
from app.core.orders import (
    CANCELED,
    EXPIRED,
    IOC,
    MARKET,
    MARKET_ON_CLOSE,
    MARKET_ON_OPEN,
    Order,
    Terms,
)
from app.managers.execution_manager.orders.consequences import Consequences
from app.managers.execution_manager.orders.ends import BY_STRATEGY
from app.managers.execution_manager.orders.links import Links
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.managers.execution_manager.sim.bar_book import NEVER_NS, BarBook
from app.managers.execution_manager.sim.fill_rules import FillRules, Owner
from app.managers.execution_manager.sim.matcher import Matcher, Turn, turns
from app.services.auctions import belongs_to
from app.services.bar_fills import BarFill
from app.services.matching import Stand
from app.services.slippage import Slippage


class SimBroker:
    """Orders of one run, all symbols, in order of acceptance."""

    ends_orders = True

    def __init__(
        self, lot_units: list[int], tick_units: list[int], rules: FillRules, owner: Owner
    ) -> None:
        self._rules = rules
        # every order fills whole, at its bar's price
        self._plain = not (rules.participation or rules.this_close or rules.slippage != Slippage())
        self.latency_ns = rules.latency_ns
        self._owner = owner
        self._book = BarBook(no_rows(), None)
        self._session: TradingSession | None = None
        self._hours_ns = NEVER_NS, NEVER_NS  # of trading, pre- and post-market with them
        self.working = WorkingOrders()
        # The row that does something to each, next. Not in the order: it lies in the future.
        self._rows: dict[int, int] = {}
        self._termed: set[int] = set()  # orders that are not plainly at market
        self.reducing: set[int] = set()  # orders that only reduce
        self.links = Links(self.working)
        self._matcher = Matcher(lot_units, tick_units, rules, owner, self.links)
        self.spent: list[Order] = []  # that were for one bar only, and had it
        self.pending = self.working.pending
        self.consequences = Consequences(owner, self.links, self.working, self.reducing)
        self.closing: list[Order] = []  # that fill at the close of the instant under way
        self.closing_ns = -1  # that instant
        self._closed_ns = -1  # the last instant that such orders have filled at
        self._looks = True  # for what is due, with each order that ends or changes
        self.due_ns = NEVER_NS  # when the earliest bar that can fill something is known
        self.outbox: list[Intent] = []  # nobody else is to do anything

    # -- orders come and go ------------------------------------------------------------------------

    def load(self, book: BarBook) -> None:
        """Go on with the next block of bars."""
        self._book = book
        self._matcher.load(book)
        self._rows.update({n: self._next_row(order, 0) for n, order in self.working.items()})
        self._find_due(0)

    def open_session(self, session: TradingSession, end_ns: int, now_ns: int) -> list[Order]:
        """A session begins: orders for its open find their bar. Those that came too late for it."""
        self._session, self._hours_ns = session, (now_ns, end_ns)
        late: list[Order] = []
        if not self.working:  # most often so
            return late
        for order in self._of_kind(MARKET_ON_OPEN):
            if belongs_to(order, session, self._rules.cut_offs):
                self._rows[order.order_id] = self._next_row(order, session.open_ns)
            elif order.created_ns < session.open_ns:
                late.append(order)
        self._find_due(0)
        return late

    def accept(self, order: Order) -> None:
        """Take an order; it can fill from the first bar that starts at or after now."""
        self.working[order.order_id] = order
        book = self._book
        if order.kind is MARKET and order.aimed and order.guard is None:
            row = book.next_row(order.symbol_index, order.created_ns + self.latency_ns)
            if self._rules.this_close:
                self._close_with(order)
        else:
            self._termed.add(order.order_id)
            if order.parent or order.group:
                self.links.add(order)
            row = self._next_row(order, order.created_ns)
        if order.reduce_only:
            self._termed.add(order.order_id)
            self.reducing.add(order.order_id)
        self._rows[order.order_id] = row
        if row >= 0:
            known_ns = book.known_ns[row]
            if known_ns < self.due_ns:
                self.due_ns = known_ns

    def cancel(self, order: Order, now_ns: int) -> bool:
        """Take an order back. False while a bar under way can still fill it: it ends with that."""
        if not self._may_be_under_way(now_ns):
            self.remove(order)
            return True
        held_units = self._owner.held_units_of(order.strategy, order.symbol_index)
        self.links.yields.leave(order, held_units)
        self._defer(order, None, now_ns)
        return False

    def amend(self, order: Order, terms: Terms, now_ns: int) -> bool:
        """Change an order's terms. False while a bar under way finds it under its old ones."""
        if not self._may_be_under_way(now_ns):
            self._amend(order, terms, now_ns, now_ns)
            return True
        self._defer(order, terms, now_ns)
        return False

    def pending_terms(self, order: Order) -> Terms | None:
        """The terms that are to come into force."""
        return self.pending.get(order.order_id, (0, None))[1]

    def look_again(self, order: Order, now_ns: int) -> None:
        """An order's terms have changed: other bars may fill it, from now on."""
        self._rows[order.order_id] = self._next_row(order, now_ns)
        self._find_due(0)

    def split(self, symbol: int, ratio: Decimal, more_units: int, now_ns: int) -> None:
        """A symbol's shares are split; what becomes of its orders is said by `look_again`."""
        self._matcher.split(symbol, ratio, now_ns)

    def remove(self, order: Order) -> None:
        """Forget an order that ended without a fill."""
        row = self._rows[order.order_id]
        was_due = row >= 0 and self._book.known_ns[row] <= self.due_ns
        was_pending = order.order_id in self.pending
        self._forget(order)
        if was_due or was_pending:
            self._find_due(0)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Many orders end or change: look for the next bar that fills something after the last."""
        self._looks = False
        try:
            yield
        finally:
            self._looks = True
            self._find_due(0)

    def for_the_close(self) -> list[Order]:
        """The orders for the close of the session under way."""
        return [o for o in self._of_kind(MARKET_ON_CLOSE) if self.of_session(o)]

    def of_session(self, order: Order) -> bool:
        """Whether an auction order is for the session under way."""
        session = self._session
        return session is not None and belongs_to(order, session, self._rules.cut_offs)

    def _of_kind(self, kind: str) -> list[Order]:
        return [order for order in self.working.values() if order.kind == kind]

    def _may_be_under_way(self, now_ns: int) -> bool:
        """Whether a bar may have started before now and not ended yet."""
        start_ns, end_ns = self._hours_ns
        return start_ns < now_ns < end_ns and not self._book.ends_bars(now_ns)

    def _defer(self, order: Order, terms: Terms | None, now_ns: int) -> None:
        self.pending[order.order_id] = now_ns, terms
        self.due_ns = min(self.due_ns, self._book.next_known_ns(now_ns))

    def _amend(self, order: Order, terms: Terms, since_ns: int, now_ns: int) -> None:
        self._owner.amended(order, terms, since_ns, now_ns)
        if order.order_id in self.working:
            self.look_again(order, since_ns)

    def _forget(self, order: Order) -> None:
        del self.working[order.order_id], self._rows[order.order_id]
        self.pending.pop(order.order_id, None)
        if order.order_id in self._termed:
            self._termed.discard(order.order_id)
            self.reducing.discard(order.order_id)
            if order.group or order.parent:
                self.links.drop(order)

    # -- bars fill orders --------------------------------------------------------------------------

    def match(self, now_ns: int) -> None:
        """Fill what the bars known at `now_ns` fill: at the open first, then inside the bar; stops
        before limits, each by order sequence over all symbols.
        """
        if self._termed or self.pending:
            self._bring_into_force(now_ns, self._book)
            self._match_any(now_ns)
            return
        # The most frequent case: all there is are market orders.
        rows, book = self._rows, self._book
        if self._plain and len(rows) == 1 and now_ns == self.due_ns:  # and no more than one
            order_id, row = rows.popitem()
            order, self.due_ns = self.working.pop(order_id), NEVER_NS
            filled_units = order.filled_units  # most often none: then no new number is made
            units = order.units - filled_units if filled_units else order.units
            self._owner.filled(order, units, book.open[row], book.start_ns[row], now_ns)
            return
        for order_id, row in list(rows.items()):
            if row >= 0 and book.known_ns[row] == now_ns:
                if self._plain:  # each fills whole, at its bar's open
                    del rows[order_id]
                    order = self.working.pop(order_id)
                    units = order.units - order.filled_units
                    self._owner.filled(order, units, book.open[row], book.start_ns[row], now_ns)
                else:
                    self._fill_at_open(self.working[order_id], row, now_ns)
        self._find_due(now_ns)

    def _fill_at_open(self, order: Order, row: int, now_ns: int) -> None:
        """Fill a market order that nothing else depends on, as far as its bar has room for it."""
        book, matcher, symbol = self._book, self._matcher, order.symbol_index
        left = order.units - order.filled_units
        units = matcher.take(symbol, row, left)
        if units == left:
            del self._rows[order.order_id], self.working[order.order_id]
        else:
            self._rows[order.order_id] = book.next_row(symbol, book.start_ns[row] + 1)
            if order.tif == IOC:
                self.spent.append(order)
        if units:
            price = matcher.price_at_market(symbol, units, book.open[row], row)
            self._owner.filled(order, units, price, book.start_ns[row], now_ns)

    def _match_any(self, now_ns: int) -> None:
        due: dict[int, list[Order]] = {}  # by row: the bar of a symbol
        for order in list(self.working.values()):
            if self._is_due(order, now_ns):
                due.setdefault(self._rows[order.order_id], []).append(order)
        found: list[tuple[Turn, BarFill, int]] = []
        for row, orders in due.items():
            fills, left = self._matcher.match(row, orders)
            found += [(turn, fill, row) for turn, fill in zip(turns(fills), fills, strict=True)]
            self._keep(left, row, {fill.order.order_id for fill in fills})
        for _, fill, row in sorted(found, key=itemgetter(0)):
            price = self._matcher.price(fill, row)
            self._fill(fill, price, self._book.start_ns[row], now_ns)
        self.consequences.end_idle([fill for _, fill, _ in found], now_ns)
        had = [order for orders in due.values() for order in orders]
        self.spent = [o for o in had if o.tif == IOC or o.kind == MARKET_ON_OPEN]
        self._find_due(now_ns)

    def _is_due(self, order: Order, now_ns: int) -> bool:
        row, book = self._rows[order.order_id], self._book
        if row < 0 or book.known_ns[row] != now_ns:
            return False
        if order.guard is not None and self.links.waits(order):
            self._rows[order.order_id] = -1  # others have closed all that its entry had brought
            return False
        pending = self.pending.get(order.order_id)
        return pending is None or book.start_ns[row] < pending[0]

    def _keep(self, left: Mapping[int, Stand], row: int, filled: set[int]) -> None:
        """How a bar leaves the orders it met; those that it does not fill look further on."""
        for order_id, stand in left.items():
            order = self.working[order_id]
            order.triggered, order.stop = stand.triggered, stand.stop
            if order_id not in filled:
                self._rows[order_id] = self._next_row(order, self._book.start_ns[row] + 1)

    def _fill(self, fill: BarFill, price: float, start_ns: int, now_ns: int) -> None:
        """Book a fill, and carry out what it means for others."""
        order, units, links = fill.order, fill.units, self.links
        whole = units == order.units - order.filled_units
        children = links.children_of(order)
        waiting = [one for one in children if links.waits(one) or one.guard is not None]
        self._owner.filled(order, units, price, start_ns, now_ns)
        self.consequences.after_fill(order, units, now_ns, fill.yields)
        for child in waiting:
            if child.order_id in self.working:  # not one that its entry's fill has ended
                self._rows[child.order_id] = self._next_row(child, start_ns + 1)
        if not whole:
            self._rows[order.order_id] = self._next_row(order, start_ns + 1)
            return
        self._forget(order)
        if links:
            self.release(order, now_ns)

    def release(self, entry: Order, now_ns: int) -> None:
        """An entry has ended: what waits for it has no more to wait for."""
        self.consequences.release(entry, now_ns)

    # -- fills at a close --------------------------------------------------------------------------

    def _close_with(self, order: Order) -> None:
        """If a bar of its symbol ends as it is given, an order fills at that bar's close.

        Not so in answer to such a fill: that would have no end.
        """
        book, now_ns = self._book, order.created_ns
        row = book.last_row(order.symbol_index, now_ns)
        if row >= 0 and book.known_ns[row] == now_ns != self._closed_ns:
            self.closing.append(order)
            self.closing_ns = now_ns

    def match_close(self, now_ns: int) -> None:
        """At the end of an instant: fill the market orders that were given in it."""
        orders, self.closing = self.closing, []
        filled: list[BarFill] = []
        self._closed_ns = now_ns
        for order in orders:
            if order.order_id in self.working:
                row = self._book.last_row(order.symbol_index, now_ns)
                fills = self._matcher.match_at_close(row, order)
                for fill in fills:
                    price = self._matcher.price(fill, row)
                    self._fill(fill, price, self._book.start_ns[row], now_ns)
                filled += fills
        self.consequences.end_idle(filled, now_ns)
        self.spent = [order for order in orders if order.tif == IOC]
        self._find_due(now_ns)

    def leave_instant(self, now_ns: int) -> None:
        """What is given from now on in this instant cannot fill at its close any more."""
        self._closed_ns = now_ns

    def match_auction(self, symbol: int, price: float, start_ns: int, now_ns: int) -> None:
        """At a session's close: fill a symbol's orders for it, at the last close of its bars.

        What an auction trades is in no bar: they fill whole, and nothing slips.
        """
        orders = [order for order in self.for_the_close() if order.symbol_index == symbol]
        fills = self._matcher.match_at(price, orders)
        for fill in fills:
            self._fill(fill, price, start_ns, now_ns)
        self.consequences.end_idle(fills, now_ns)
        self._find_due(now_ns)

    # -- when --------------------------------------------------------------------------------------

    def settle(self, now_ns: int) -> None:
        """When the fills of an instant are told: end what was for its bars only; what waited for
        bars under way, comes into force.
        """
        for order in self.spent:
            if order.order_id in self.working:
                at_open = order.kind == MARKET_ON_OPEN
                reason = "no more at the open" if at_open else "ioc: no more at once"
                self._owner.lapsed(order, EXPIRED, now_ns, reason)
        self.spent = []
        self._bring_into_force(now_ns, None)
        self._find_due(now_ns)

    def _bring_into_force(self, now_ns: int, book: BarBook | None) -> None:
        """What waits for bars under way; with a book, only where no bar of it was under way."""
        for order_id, (since_ns, terms) in list(self.pending.items()):
            order = self.working.get(order_id)
            if order is None or since_ns >= now_ns:
                continue
            if book is not None and book.was_under_way(order.symbol_index, since_ns, now_ns):
                continue
            if terms is None:
                self._owner.lapsed(order, CANCELED, now_ns, order.reason or BY_STRATEGY)
            else:
                del self.pending[order_id]
                self._amend(order, terms, since_ns, now_ns)

    def _next_row(self, order: Order, from_ns: int) -> int:
        """The next row that may do something to an order; -1 when this block has none."""
        from_ns = max(from_ns, order.created_ns + self.latency_ns)
        if order.kind == MARKET_ON_CLOSE or self.links.waits(order):
            return -1
        if order.kind == MARKET_ON_OPEN:
            session = self._session if self.of_session(order) else None
            return self._book.row_at_open(order.symbol_index, from_ns, session)
        return self._book.row_for(order, from_ns)

    def _find_due(self, now_ns: int) -> None:
        """Recompute `due_ns` over the working orders."""
        if not self._looks:
            return
        known_ns, rows = self._book.known_ns, self._rows.values()
        self.due_ns = min([known_ns[row] for row in rows if row >= 0], default=NEVER_NS)
        if self.pending:
            since_ns = max(now_ns, min(since for since, _ in self.pending.values()))
            self.due_ns = min(self.due_ns, self._book.next_known_ns(since_ns))
