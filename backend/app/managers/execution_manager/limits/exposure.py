"""What an account, or a part of it, holds and may come to hold: what limits of risk are about.

Much is asked by several rules, and by the orders of one instant: it is worked out once.
"""

import datetime as dt
from collections.abc import Iterable

from app.core.money import amount_units
from app.core.orders import Order
from app.core.trading_state import Figures
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.limits.counted import Kept, Place, counted, kept_beside
from app.managers.execution_manager.limits.moment import Moment
from app.managers.execution_manager.limits.order_counts import OrderCounts
from app.managers.execution_manager.limits.reach import Reach
from app.managers.execution_manager.limits.risk_memory import Past
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.services.risk.facts import Ask

_NOTHING = 0, 0  # that works


class _Memo:
    """What has been worked out, and at which count of the moment."""

    __slots__ = (
        "added", "added_of", "certain", "far", "gross_units", "held", "held_gross_units", "kept",
        "long_units", "more", "net_units", "open", "orders", "short_units", "sides", "state",
        "valued", "works", "worth_at", "worth_units", "worths",
    )  # fmt: skip

    def __init__(self) -> None:
        self.state = self.works = self.worth_at = self.valued = -1
        # What is held of the symbols of which some strategy holds something.
        self.held: dict[int, int] = {}
        self.sides: dict[int, list[int]] = {}  # by symbol: what works to buy, and to sell
        self.kept: dict[Place, Kept] = {}
        # By symbol: how much further than that it may go up, and down; and that it surely may.
        self.far: dict[int, list[int]] = {}
        self.certain: dict[int, list[int]] = {}
        self.orders = self.open = 0
        self.worths: dict[int, int] = {}  # by symbol: what is held of it
        self.more: dict[int, int] = {}  # by symbol: what it is worth beyond what is held
        self.held_gross_units = self.net_units = self.worth_units = 0
        self.gross_units = self.long_units = self.short_units = 0
        self.added_of = (-1, -1, -1, 0, 0.0)
        self.added = 0


class Holdings:
    """What an account, a strategy or a symbol holds; equity is always the whole account's."""

    def __init__(
        self,
        account: Account,
        working: WorkingOrders,
        moment: Moment,
        counts: OrderCounts,
        strategy: int | None = None,
        symbol: int | None = None,
        whole: "Holdings | None" = None,
        reach: Reach | None = None,
    ) -> None:
        """`whole` is the account's; none: this is it, and `reach` knows about what it is worth."""
        self.past = Past(account.opening_units)
        self._reach = reach
        self._whole = whole or self
        self._account = account
        self._working = working
        self._moment = moment
        self._memo = _Memo()
        self._strategy = strategy
        self._symbol = symbol
        self._is_whole_account = strategy is None and symbol is None
        self.left = counts.tally(strategy, symbol)
        self.left_since, self.last_alike_ns = self.left.since, counts.last_alike_ns
        self._rows = account.positions if strategy is None else [account.positions[strategy]]
        symbols = range(len(account.currencies)) if symbol is None else (symbol,)
        self._positions = [(number, [row[number] for row in self._rows]) for number in symbols]
        self._multipliers = [position.multiplier_units for position in account.positions[0]]
        self._is_own = [one == account.terms.currency for one in account.currencies]

    def left_today(self) -> int:
        return self.left.today

    def figures(self, session: dt.date) -> Figures:
        """What another run is to remember of it."""
        below = max(self.past.peak_units - self.worth_units(), 0)
        return Figures(session, self.day_result_units(), below, self.left.today)

    def go_on_from(self, figures: Figures, session: dt.date) -> None:
        """A session begins, in which or before which a run left these figures."""
        worth_units = self.worth_units()
        self.past.peak_units = worth_units + figures.below_peak_units
        if figures.session == session:
            self.past.day_units = worth_units - figures.result_units
            self.left.today = figures.entries

    def _held_units(self, symbol: int) -> int:
        rows = self._rows
        if len(rows) == 1:
            return rows[0][symbol].units
        return sum(row[symbol].units for row in rows)

    def reach_units(self, ask: Ask) -> int:
        symbol, side = ask.symbol, ask.units < 0
        reach, memo = self._ends(symbol)[side], self._memo
        if symbol in memo.far:
            own = memo.kept.get((ask.strategy, symbol))
            reach += memo.far[symbol][side]
            if own is not None and own.sells == side:
                reach += own.further if side else -own.further
        return reach

    def free_units(self, ask: Ask) -> int:
        symbol, memo = ask.symbol, self._memo
        up, down = self._ends(symbol)
        high, low = up, -down
        if symbol in memo.far:
            far, certain = memo.far[symbol], memo.certain[symbol]
            high, low = up + certain[0], -down - certain[1]
            up, down = up + far[0], down + far[1]
        own, most = self._own_free_units(ask), max(high, low)  # no further up than it may go down
        if ask.units > 0:
            return min(ask.units, max(most - up, 0) + own)
        return max(ask.units, min(-most - down, 0) + own)

    def value_units(self, symbol: int, units: int, price: float) -> int:
        value = amount_units(units, price, self._multipliers[symbol])
        if self._is_own[symbol]:
            return value
        account = self._account
        return amount_units(value, account.rate(account.currencies[symbol]))

    # -- what it is worth --------------------------------------------------------------------------

    def equity_units(self) -> int:
        return self._whole.worth_units()

    def worth_units(self) -> int:
        memo = self._memo
        if memo.worth_at != self._moment.state:
            memo.worth_at = self._moment.state
            if self._whole is not self:
                memo.worth_units = self._account.opening_units + self._result_units()
            elif len(self._rows) == 1 and not self._account.loose:
                if memo.state != self._moment.state:
                    self._see_held()
                memo.worth_units = self._account.cash_units() + memo.net_units
            else:  # each position is rounded by itself; of coins, also what no strategy holds
                memo.worth_units = self._account.equity_units(self._moment.mark)
        return memo.worth_units

    def may_be_above(self, units: int) -> bool:
        """Whether it may be worth more than so much: where that is told at once, not sure."""
        reach = self._reach
        if reach is None:
            return True
        reach.turn()
        return reach.worth_most > units

    def peak_units(self) -> int:
        return self.past.peak_units

    def day_result_units(self) -> int:
        return self.worth_units() - self.past.day_units

    def day_equity_units(self) -> int:
        return self._whole.past.day_units

    def _result_units(self) -> int:
        account, mark, units = self._account, self._moment.mark, 0
        for symbol, positions in self._positions:
            for position in positions:
                result = position.result_units(mark(symbol) if position.units else 0.0)
                units += account.in_own_units(result, account.currencies[symbol])
        return units

    # -- what it may come to be --------------------------------------------------------------------

    def gross_units(self) -> int:
        self._value()
        return self._memo.gross_units

    def group_units(self, symbols: Iterable[int]) -> int:
        self._value()
        worths, more = self._memo.worths, self._memo.more
        return sum(abs(worths.get(symbol, 0)) + more.get(symbol, 0) for symbol in symbols)

    def added_units(self, ask: Ask, price: float) -> int:
        memo = self._memo
        asked = self._moment.works, ask.strategy, ask.symbol, ask.units, price
        if memo.added_of != asked:
            more = ask.units - self.free_units(ask)
            memo.added = abs(self.value_units(ask.symbol, more, price)) if more else 0
            memo.added_of = asked
        return memo.added

    def net_units(self, ask: Ask) -> int:
        self._value()
        memo, free = self._memo, self._own_free_units(ask)
        net = memo.net_units + (memo.long_units if ask.units > 0 else memo.short_units)
        return net - self.value_units(ask.symbol, free, self._moment.mark(ask.symbol))

    def is_open(self, symbol: int) -> bool:
        memo = self._memo
        if memo.works != self._moment.works:
            self._see()
        return symbol in memo.held or symbol in memo.sides

    def open_positions(self) -> int:
        memo = self._memo
        if memo.works != self._moment.works:
            self._see()
        return memo.open

    def open_orders(self) -> int:
        memo = self._memo
        if memo.works != self._moment.works:
            self._see()
        return memo.orders

    def _see(self) -> None:
        """What is held and works; where one order was added, with that one."""
        memo, moment = self._memo, self._moment
        added, follows = moment.added, memo.works == moment.works - 1
        if memo.state != moment.state:
            self._see_held()
        elif follows and added is not None and not self._may_change_kept(added):
            memo.works = moment.works
            if self._is_own_order(added):
                self._add(added)
            return
        memo.works = moment.works
        self._see_working()

    def _see_held(self) -> None:
        """Positions at their last closes, once for as long as nothing moves."""
        memo, mark = self._memo, self._moment.mark
        memo.state = self._moment.state
        memo.held, memo.worths = held, worths = {}, {}
        gross = net = 0
        for symbol, positions in self._positions:
            units = positions[0].units
            if len(positions) > 1:
                units = sum(position.units for position in positions)
                if not units and any(position.units for position in positions):
                    held[symbol] = 0
            if units:
                held[symbol] = units
                worths[symbol] = worth = self.value_units(symbol, units, mark(symbol))
                net += worth
                gross += abs(worth)
        memo.held_gross_units, memo.net_units = gross, net

    def _see_working(self) -> None:
        memo = self._memo
        held, sides, orders = memo.held, dict[int, list[int]](), 0
        for order, left in counted(self._working, self._account.positions):
            if self._is_whole_account or self._is_own_order(order):
                orders += not order.reduce_only
                symbol = order.symbol_index
                if symbol not in sides:
                    sides[symbol] = [0, 0]
                sides[symbol][left < 0] += left
        memo.sides, memo.orders, memo.open = sides, orders, len(held.keys() | sides.keys())
        memo.kept, memo.far, memo.certain = {}, {}, {}
        for place, kept in kept_beside(self._working, self._account.positions).items():
            if self._is_of(*place):
                memo.kept[place] = kept
                sign = -1 if kept.sells else 1
                memo.far.setdefault(place[1], [0, 0])[kept.sells] += sign * kept.further
                memo.certain.setdefault(place[1], [0, 0])[kept.sells] += sign * kept.certain

    def _may_change_kept(self, order: Order) -> bool:
        """Whether it only reduces, or is for the other side of its strategy's position, where
        something was promised.
        """
        held_units = self._account.positions[order.strategy][order.symbol_index].units
        promised = self._working.promised
        return order.reduce_only or (bool(promised) and order.units * held_units < 0)

    def _ends(self, symbol: int) -> tuple[int, int]:
        """What is held once all has filled that works to buy, and all that works to sell."""
        memo = self._memo
        if memo.works != self._moment.works:
            self._see()
        held = self._held_units(symbol)
        buys, sells = memo.sides.get(symbol, _NOTHING)
        return held + buys, held + sells

    def _own_free_units(self, ask: Ask) -> int:
        """How much of an order its strategy's others would give way to, as far as they may go."""
        kept = self._memo.kept.get((ask.strategy, ask.symbol))
        if kept is None or kept.sells != (ask.units < 0):
            return 0
        return -kept.free if kept.sells else kept.free

    def _is_own_order(self, order: Order) -> bool:
        return self._is_of(order.strategy, order.symbol_index)

    def _is_of(self, strategy: int, symbol: int) -> bool:
        return self._strategy in (None, strategy) and self._symbol in (None, symbol)

    def _add(self, order: Order) -> None:
        """One more works."""
        memo, symbol = self._memo, order.symbol_index
        memo.orders += 1
        sides = memo.sides.get(symbol)
        if sides is None:
            sides = memo.sides[symbol] = [0, 0]
            if symbol not in memo.held:
                memo.open += 1
        left = order.units - order.filled_units
        sides[left < 0] += left

    # -- what that is worth ------------------------------------------------------------------------

    def _value(self) -> None:
        """What may come to be, at last closes, once for all that is asked."""
        memo = self._memo
        if memo.works != self._moment.works:
            self._see()
        if memo.valued == memo.works:
            return
        memo.valued, memo.more = memo.works, {}
        memo.gross_units = memo.held_gross_units
        memo.long_units = memo.short_units = 0
        for symbol, (buys, sells) in memo.sides.items():
            self._value_side(symbol, buys, sells)

    def _value_side(self, symbol: int, buys: int, sells: int) -> None:
        memo, price = self._memo, self._moment.mark(symbol)
        held, worth = memo.held.get(symbol, 0), memo.worths.get(symbol, 0)
        if symbol in memo.far:
            more_up, more_down = memo.far[symbol]
            buys, sells = buys + more_up, sells + more_down
        most = max(held + buys, -held - sells)
        more = self.value_units(symbol, most, price) - abs(worth)
        memo.more[symbol] = more
        memo.gross_units += more
        memo.long_units += self.value_units(symbol, buys, price)
        memo.short_units += self.value_units(symbol, sells, price)
