"""What an account, or a part of it, holds and may come to hold: what limits of risk are about.

Much is asked by several rules, and by the orders of one instant: it is worked out once.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Protocol

from app.core.money import amount_units
from app.core.orders import Order
from app.core.trading_state import Figures
from app.managers.execution_manager.account import Account, Mark
from app.managers.execution_manager.order_counts import OrderCounts
from app.managers.execution_manager.risk_memory import Past

Working = Mapping[int, Order]


class Books(Protocol):
    """Who books executions."""

    @property
    def fill_count(self) -> int:
        """How many there are so far."""
        ...


class Moment:
    """How long what was worked out holds: `ask` counts what is asked, and `state` how often time
    or the books have gone on.
    """

    __slots__ = ("_books", "_fills", "_mark", "_marks", "_now_ns", "ask", "state", "values")

    def __init__(self, books: Books, mark: Mark) -> None:
        self._books = books
        self._mark = mark
        self._marks: dict[int, float] = {}
        self.values: dict[tuple[int, int, float], int] = {}  # by symbol, units and price
        self._fills = self._now_ns = -1
        self.ask = self.state = 0

    def turn(self, now_ns: int) -> bool:
        """One more order is asked about; whether time or the books have gone on."""
        self.ask += 1
        self.values.clear()
        fills = self._books.fill_count
        if now_ns == self._now_ns and fills == self._fills:
            return False
        self.forget()
        self._now_ns, self._fills = now_ns, fills
        return True

    def forget(self) -> None:
        """See all anew."""
        self.ask += 1
        self.state += 1
        self._now_ns = -1
        self._marks.clear()
        self.values.clear()

    def mark(self, symbol: int) -> float:
        """A symbol's last close."""
        price = self._marks.get(symbol)
        if price is None:
            price = self._marks[symbol] = self._mark(symbol)
        return price


class _Memo:
    """What has been worked out, and when."""

    __slots__ = (
        "added", "added_of", "ask", "gross_units", "held", "held_gross_units", "long_units", "more",
        "net_units", "open", "orders", "short_units", "sides", "state", "worth_at", "worth_units",
    )  # fmt: skip

    def __init__(self) -> None:
        self.state = self.ask = self.worth_at = -1
        self.held: dict[int, tuple[int, int]] = {}  # by symbol: units, and what they are worth
        self.open: set[int] = set()  # symbols of which some strategy holds something
        self.held_gross_units = self.net_units = self.worth_units = 0
        self.sides: dict[int, list[int]] = {}  # by symbol: what works to buy, and to sell
        self.more: dict[int, int] = {}  # by symbol: what it is worth beyond what is held
        self.gross_units = self.long_units = self.short_units = self.orders = 0
        self.added_of = (-1, -1, 0, 0.0)
        self.added = 0


class Holdings:
    """Of an account, of one strategy, or of one symbol; of the account's equity there is one."""

    def __init__(
        self,
        account: Account,
        working: Working,
        moment: Moment,
        counts: OrderCounts,
        strategy: int | None = None,
        symbol: int | None = None,
        whole: "Holdings | None" = None,
    ) -> None:
        """`whole` is the account's; none: this is it."""
        self.past = Past(account.opening_units)
        self._whole = whole or self
        self._account = account
        self._working = working
        self._moment = moment
        self._memo = _Memo()
        self._strategy = strategy
        self._symbol = symbol
        self._left = counts.tally(strategy, symbol)
        self.left_since, self.last_alike_ns = self._left.since, counts.last_alike_ns
        self._rows = account.positions if strategy is None else [account.positions[strategy]]
        symbols = range(len(account.currencies)) if symbol is None else (symbol,)
        self._positions = [(number, [row[number] for row in self._rows]) for number in symbols]

    def left_today(self) -> int:
        return self._left.today

    def figures(self, session: dt.date) -> Figures:
        """What another run is to remember of it."""
        below = max(self.past.peak_units - self.worth_units(), 0)
        return Figures(session, self.day_result_units(), below, self._left.today)

    def go_on_from(self, figures: Figures, session: dt.date) -> None:
        """A session begins, in which or before which a run left these figures."""
        worth_units = self.worth_units()
        self.past.peak_units = worth_units + figures.below_peak_units
        if figures.session == session:
            self.past.day_units = worth_units - figures.result_units
            self._left.today = figures.entries

    def held_units(self, symbol: int) -> int:
        rows = self._rows
        if len(rows) == 1:
            return rows[0][symbol].units
        return sum(row[symbol].units for row in rows)

    def reach_units(self, symbol: int, units: int) -> int:
        memo = self._memo
        if memo.ask != self._moment.ask:
            self._see_working()
        held = self.held_units(symbol)
        return held + memo.sides[symbol][units < 0] if symbol in memo.sides else held

    def free_units(self, symbol: int, units: int) -> int:
        up, down = self.reach_units(symbol, 1), self.reach_units(symbol, -1)
        if units > 0:
            return min(units, max(-down - up, 0))  # no further up than it may go down
        return max(units, min(-up - down, 0))

    def value_units(self, symbol: int, units: int, price: float) -> int:
        values, asked = self._moment.values, (symbol, units, price)
        value = values.get(asked)
        if value is None:
            account = self._account
            value = amount_units(units, price, account.positions[0][symbol].multiplier_units)
            rate = account.rate(account.currencies[symbol])
            values[asked] = value = value if rate == 1.0 else amount_units(value, rate)
        return value

    # -- what it is worth --------------------------------------------------------------------------

    def equity_units(self) -> int:
        return self._whole.worth_units()

    def worth_units(self) -> int:
        memo = self._memo
        if memo.worth_at != self._moment.state:
            memo.worth_at = self._moment.state
            if self._whole is self:
                memo.worth_units = self._account.equity_units(self._moment.mark)
            else:
                memo.worth_units = self._account.opening_units + self._result_units()
        return memo.worth_units

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
        memo = self._memo
        if memo.ask != self._moment.ask:
            self._see_working()
        return memo.gross_units

    def group_units(self, symbols: Iterable[int]) -> int:
        memo = self._memo
        if memo.ask != self._moment.ask:
            self._see_working()
        units, held, more = 0, memo.held, memo.more
        for symbol in symbols:
            if symbol in held:
                units += abs(held[symbol][1])
            if symbol in more:
                units += more[symbol]
        return units

    def added_units(self, symbol: int, units: int, price: float) -> int:
        memo, asked = self._memo, (self._moment.ask, symbol, units, price)
        if memo.added_of != asked:
            more = units - self.free_units(symbol, units)
            memo.added = abs(self.value_units(symbol, more, price)) if more else 0
            memo.added_of = asked
        return memo.added

    def net_units(self, units: int) -> int:
        memo = self._memo
        if memo.ask != self._moment.ask:
            self._see_working()
        return memo.net_units + (memo.long_units if units > 0 else memo.short_units)

    def is_open(self, symbol: int) -> bool:
        memo = self._memo
        if memo.ask != self._moment.ask:
            self._see_working()
        return symbol in memo.open or symbol in memo.sides

    def open_positions(self) -> int:
        memo = self._memo
        if memo.ask != self._moment.ask:
            self._see_working()
        return len(memo.open.union(memo.sides)) if memo.sides else len(memo.open)

    def open_orders(self) -> int:
        memo = self._memo
        if memo.ask != self._moment.ask:
            self._see_working()
        return memo.orders

    def _see_held(self) -> None:
        """Positions at their last closes, once for as long as nothing moves."""
        memo, mark = self._memo, self._moment.mark
        memo.state = self._moment.state
        memo.held, memo.open = {}, set()
        gross = net = 0
        for symbol, positions in self._positions:
            units = positions[0].units
            if len(positions) > 1:
                units = sum(position.units for position in positions)
            if units:
                worth = self.value_units(symbol, units, mark(symbol))
                memo.held[symbol] = units, worth
                gross += abs(worth)
                net += worth
            if units or any(position.units for position in positions):
                memo.open.add(symbol)
        memo.held_gross_units, memo.net_units = gross, net

    def _see_working(self) -> None:
        """What works, and what positions may come to with it, once for all that is asked."""
        memo, strategy, symbol = self._memo, self._strategy, self._symbol
        if memo.state != self._moment.state:
            self._see_held()
        memo.ask = self._moment.ask
        memo.sides, memo.more = {}, {}
        memo.gross_units = memo.held_gross_units
        memo.long_units = memo.short_units = memo.orders = 0
        for order in self._working.values():
            if (
                not order.reduce_only
                and strategy in (None, order.strategy)
                and symbol in (None, order.symbol_index)
            ):
                memo.orders += 1
                left = order.units - order.filled_units
                memo.sides.setdefault(order.symbol_index, [0, 0])[left < 0] += left
        for number, (buys, sells) in memo.sides.items():
            self._see_reach(number, buys, sells)

    def _see_reach(self, symbol: int, buys: int, sells: int) -> None:
        memo, price = self._memo, self._moment.mark(symbol)
        held, worth = memo.held.get(symbol, (0, 0))
        most = max(held + buys, -held - sells)
        more = self.value_units(symbol, most, price) - abs(worth)
        memo.more[symbol] = more
        memo.gross_units += more
        memo.long_units += self.value_units(symbol, buys, price)
        memo.short_units += self.value_units(symbol, sells, price)
