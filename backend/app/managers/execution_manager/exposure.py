"""What an account, or a part of it, holds and may come to hold: what limits of risk are about.

Much is asked by several rules, and by the orders of one instant: it is worked out once.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from app.core.money import amount_units
from app.core.orders import Order
from app.managers.execution_manager.account import Account
from app.managers.execution_manager.order_counts import OrderCounts
from app.managers.execution_manager.risk_memory import Past
from app.services.risk.facts import Market

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

    __slots__ = ("_books", "_fills", "_now_ns", "ask", "state")

    def __init__(self, books: Books) -> None:
        self._books = books
        self._fills = self._now_ns = -1
        self.ask = self.state = 0

    def turn(self, now_ns: int) -> None:
        """One more order is asked about."""
        self.ask += 1
        if now_ns != self._now_ns or self._books.fill_count != self._fills:
            self._now_ns, self._fills = now_ns, self._books.fill_count
            self.state += 1

    def forget(self) -> None:
        """See all anew."""
        self.ask += 1
        self.state += 1
        self._now_ns = -1


class _Memo:
    """What has been worked out, and when."""

    __slots__ = (
        "ask", "equity_at", "equity_units", "gross_units", "held", "long_units", "more",
        "net_units", "open", "orders", "short_units", "sides", "state", "value", "valued",
        "worth_at", "worth_units",
    )  # fmt: skip

    def __init__(self) -> None:
        self.state = self.ask = self.equity_at = self.worth_at = -1
        self.held: dict[int, tuple[int, float, int]] = {}  # by symbol: units, price, worth
        self.gross_units = self.net_units = self.equity_units = self.worth_units = 0
        self.open: set[int] = set()  # symbols of which some strategy holds something
        self.sides: dict[int, list[int]] = {}  # by symbol: what works to buy, and to sell
        self.more: dict[int, int] = {}  # by symbol: what it is worth beyond what is held
        self.long_units = self.short_units = self.orders = 0
        self.valued = (-1, 0, 0.0)
        self.value = 0


class Holdings:
    """Of an account, of one strategy, or of one symbol; of the account's equity there is one."""

    def __init__(
        self,
        account: Account,
        working: Working,
        market: Market,
        moment: Moment,
        counts: OrderCounts,
        strategy: int | None = None,
        symbol: int | None = None,
        day: Past | None = None,
    ) -> None:
        """`day` is the whole account's past; none: it is this one's."""
        self.past = Past(account.opening_units)
        self._day = day or self.past
        self._account = account
        self._working = working
        self._market = market
        self._moment = moment
        self._memo = _Memo()
        self._strategy = strategy
        self._symbol = symbol
        self._left = counts.tally(strategy, symbol)
        self.left_since, self.last_alike_ns = self._left.since, counts.last_alike_ns
        rows = account.positions if strategy is None else [account.positions[strategy]]
        symbols = range(len(account.currencies)) if symbol is None else (symbol,)
        self._positions = [(number, [row[number] for row in rows]) for number in symbols]
        self._rows = rows

    def left_today(self) -> int:
        return self._left.today

    def held_units(self, symbol: int) -> int:
        rows = self._rows
        if len(rows) == 1:
            return rows[0][symbol].units
        return sum(row[symbol].units for row in rows)

    def reach_units(self, symbol: int, units: int) -> int:
        sides = self._see_working().sides.get(symbol)
        held = self.held_units(symbol)
        return held if sides is None else held + sides[units < 0]

    def free_units(self, symbol: int, units: int) -> int:
        sides = self._see_working().sides.get(symbol, (0, 0))
        held = self.held_units(symbol)
        up, down = held + sides[0], held + sides[1]
        if units > 0:
            return min(units, max(-down - up, 0))  # no further up than it may go down
        return max(units, min(-up - down, 0))

    def value_units(self, symbol: int, units: int, price: float) -> int:
        memo, asked = self._memo, (symbol, units, price)
        if memo.valued != asked:
            account = self._account
            value = amount_units(units, price, account.positions[0][symbol].multiplier_units)
            rate = account.rate(account.currencies[symbol])
            memo.value = value if rate == 1.0 else amount_units(value, rate)
            memo.valued = asked
        return memo.value

    def equity_units(self) -> int:
        memo = self._memo
        if memo.equity_at != self._moment.state:
            memo.equity_units = self._account.equity_units(self._market.mark)
            memo.equity_at = self._moment.state
        return memo.equity_units

    def worth_units(self) -> int:
        if self._strategy is None and self._symbol is None:
            return self.equity_units()
        memo = self._memo
        if memo.worth_at != self._moment.state:
            memo.worth_units = self._account.opening_units + self._result_units()
            memo.worth_at = self._moment.state
        return memo.worth_units

    def peak_units(self) -> int:
        return self.past.peak_units

    def day_result_units(self) -> int:
        return self.worth_units() - self.past.day_units

    def day_equity_units(self) -> int:
        return self._day.day_units

    def _result_units(self) -> int:
        account, mark, units = self._account, self._market.mark, 0
        for symbol, positions in self._positions:
            for position in positions:
                result = position.result_units(mark(symbol) if position.units else 0.0)
                units += account.in_own_units(result, account.currencies[symbol])
        return units

    def gross_units(self, symbols: Iterable[int] | None = None) -> int:
        memo = self._see_working()
        if symbols is None:
            return memo.gross_units + sum(memo.more.values())
        held, more = memo.held, memo.more
        return sum(abs(held[s][2]) for s in symbols if s in held) + sum(
            more[s] for s in symbols if s in more
        )

    def net_units(self, units: int) -> int:
        memo = self._see_working()
        return memo.net_units + (memo.long_units if units > 0 else memo.short_units)

    def is_open(self, symbol: int) -> bool:
        memo = self._see_working()
        return symbol in memo.sides or symbol in memo.open

    def open_positions(self) -> int:
        memo = self._see_working()
        return len(memo.open.union(memo.sides)) if memo.sides else len(memo.open)

    def open_orders(self) -> int:
        return self._see_working().orders

    def _see_held(self) -> None:
        """Positions at their last closes, once for as long as nothing moves."""
        memo, mark = self._memo, self._market.mark
        memo.state = self._moment.state
        memo.held, memo.open, memo.gross_units, memo.net_units = {}, set(), 0, 0
        for symbol, positions in self._positions:
            units = sum(position.units for position in positions)
            if units:
                price = mark(symbol)
                worth = self.value_units(symbol, units, price)
                memo.held[symbol] = units, price, worth
                memo.gross_units += abs(worth)
                memo.net_units += worth
            if units or any(position.units for position in positions):
                memo.open.add(symbol)

    def _see_working(self) -> _Memo:
        """What works, and what positions may come to with it, once for all that is asked."""
        memo = self._memo
        if memo.ask == self._moment.ask:
            return memo
        if memo.state != self._moment.state:
            self._see_held()
        memo.ask = self._moment.ask
        memo.sides, memo.more = {}, {}
        memo.long_units = memo.short_units = memo.orders = 0
        for order in self._working.values():
            if (
                not order.reduce_only
                and self._strategy in (None, order.strategy)
                and self._symbol in (None, order.symbol_index)
            ):
                memo.orders += 1
                left = order.units - order.filled_units
                memo.sides.setdefault(order.symbol_index, [0, 0])[left < 0] += left
        for symbol, (buys, sells) in memo.sides.items():
            self._see_reach(symbol, buys, sells)
        return memo

    def _see_reach(self, symbol: int, buys: int, sells: int) -> None:
        memo = self._memo
        held, price, worth = memo.held.get(symbol) or (0, self._market.mark(symbol), 0)
        most = max(held + buys, -held - sells)
        memo.more[symbol] = self.value_units(symbol, most, price) - abs(worth)
        memo.long_units += self.value_units(symbol, buys, price)
        memo.short_units += self.value_units(symbol, sells, price)
