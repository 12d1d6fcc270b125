"""What a portfolio may come to at most: for approvals that are sure, and quick to find.

To count all that works takes the longer, the more does. So it is counted once; each order that
comes is added, and a fill takes away only what is certain. No figure here is ever less than the
true one: where it is too much, all is counted anew.

Figures are floats, which take a fraction of the time of integers as large as units are; whoever
holds them against a bound leaves room for what they can be off by.
"""

from collections.abc import Callable, Collection, Iterable

from app.core.money import UNITS
from app.managers.execution_manager.books.account import Account
from app.managers.execution_manager.limits.counted import counted, kept_beside
from app.managers.execution_manager.limits.moment import Moment
from app.managers.execution_manager.orders.working_orders import WorkingOrders
from app.services.risk.bounds import MARGIN

# The last closes of symbols.
Marks = Callable[[Collection[int]], Iterable[float]]
_UNSURE = 4e-9  # of all that is summed up: by more than that no sum of floats is off


class Line:
    """One symbol: with all that works filled, its position lies between `-down` and `up`; where
    exits take out what it is then, it may go as `far` to one of the sides. Which does not matter,
    as only what it may be worth counts that.
    """

    __slots__ = (
        "down", "far", "held", "held_units", "price", "reduces", "unit_value", "up", "value",
    )  # fmt: skip

    def __init__(self, held_units: int, multiplier_units: int) -> None:
        self.held_units = held_units
        self.held = self.up = float(held_units)
        self.down = -self.up  # so much is short, then; held, where it is less than 0
        # What one unit is worth at a price of 1, a trifle more; and at the last close.
        self.unit_value = multiplier_units / UNITS * MARGIN
        self.value = self.price = self.far = 0.0
        self.reduces = False  # whether orders may work that count nothing, but fill


class Reach:
    """How far an account of one currency may go, or one of its strategies, or one symbol."""

    __slots__ = (
        "_account", "_is_counted", "_marks", "_moment", "_rows", "_state", "_strategy", "_symbol",
        "_working", "is_new", "lines", "most_units", "orders", "slack", "worth_least", "worth_most",
    )  # fmt: skip

    def __init__(
        self,
        account: Account,
        working: WorkingOrders,
        moment: Moment,
        marks: Marks,
        strategy: int | None = None,
        symbol: int | None = None,
    ) -> None:
        self._account = account
        self._working = working
        self._moment = moment
        self._marks = marks
        self._strategy = strategy
        self._symbol = symbol
        self._rows = account.positions if strategy is None else [account.positions[strategy]]
        self.slack = len(account.currencies) + 2.0  # of all that is rounded
        self.lines: dict[int, Line] = {}  # of what is held, or was worked for
        self._is_counted = False
        self.is_new = False  # nothing has come since it was counted
        self._state = -1
        self.orders = 0  # that count
        self.most_units = 0.0  # no less than gross value
        self.worth_least = self.worth_most = 0.0  # of the account, with these positions

    def part(self, strategy: int | None, symbol: int | None) -> "Reach":
        """That of a part of the account."""
        known = self._account, self._working, self._moment, self._marks
        return Reach(*known, strategy, symbol)

    def forget(self) -> None:
        """Something has changed beside orders that come, and their fills."""
        self._is_counted = False
        self._state = -1

    def add(self, strategy: int, symbol: int, units: int) -> None:
        """One more order works, or may."""
        if not self._is_counted or not self._is_own(strategy, symbol):
            return
        line = self.lines.get(symbol) or self.begin(symbol)
        self.is_new = False
        self.orders += 1
        self.most_units += abs(units) * line.value
        if units > 0:
            line.up += units
        else:
            line.down -= units

    def expect_exit(self, strategy: int, symbol: int) -> None:
        """One more works that only reduces: it counts nothing, but fills."""
        if self._is_counted and self._is_own(strategy, symbol):
            line = self.lines.get(symbol) or self.begin(symbol)
            line.reduces, self.is_new = True, False

    def turn(self) -> None:
        """See it at the moment in hand."""
        if self._state == self._moment.state:
            return
        self._state = self._moment.state
        if not self._is_counted or not self._see():
            self._count()
            self._see()

    def count_anew(self) -> bool:
        """Leave out all that works no more; whether there can be any."""
        if self.is_new:
            return False
        self._count()
        self._see()
        return True

    def begin(self, symbol: int) -> Line:
        """A symbol is asked about, or worked for."""
        multiplier_units = self._rows[0][symbol].multiplier_units
        line = self.lines[symbol] = Line(self._held_units(symbol), multiplier_units)
        (line.price,) = self._marks((symbol,))
        line.value = line.price * line.unit_value
        return line

    # -- counting ----------------------------------------------------------------------------------

    def _see(self) -> bool:
        """What is held, and what that is worth; False where it has to be counted."""
        lines, most, worth = self.lines, 0.0, 0.0
        only = self._rows[0] if len(self._rows) == 1 else None
        for (symbol, line), price in zip(lines.items(), self._marks(lines), strict=True):
            units = self._held_units(symbol) if only is None else only[symbol].units
            if units != line.held_units:
                if line.reduces:
                    return False  # none knows by which orders
                line.held_units, before, line.held = units, line.held, float(units)
                # What has filled has not come to be less to fill. The other side comes nearer;
                # but what works on it may go as far as it could, by exits to come.
                if line.held < before:
                    if line.up == before:
                        line.up = line.held
                    else:
                        if line.up > line.far:
                            line.far = line.up
                        if only is not None:  # else it may be another strategy's
                            line.up += line.held - before
                elif line.down == -before:
                    line.down = -line.held
                else:
                    if line.down > line.far:
                        line.far = line.down
                    if only is not None:
                        line.down += before - line.held
            line.price = price
            line.value = value = price * line.unit_value
            worth += line.held * value
            up, down, far = line.up, line.down, line.far
            if far > up:
                up = far
            most += (up if up > down else down) * value
        self.most_units = most
        self.orders = min(self.orders, len(self._working))
        account = self._account
        cash = float(account.own.cash_units)
        unsure = (most + abs(cash)) * _UNSURE + self.slack
        if account.loose:
            unsure += self._loose_worth()
        self.worth_least = cash + worth - unsure
        self.worth_most = cash + worth + unsure
        return True

    def _loose_worth(self) -> float:
        """What coins that no strategy holds, or that are owed, are worth: they are in no line."""
        loose = self._account.loose
        prices = zip(loose.values(), self._marks(loose), strict=True)
        return float(sum(abs(coins.value_units(price)) for coins, price in prices))

    def _count(self) -> None:
        """What is held and works, from nothing."""
        self._is_counted = self.is_new = True
        self.lines.clear()
        self.orders = 0
        for symbol in range(len(self._account.currencies)):
            if self._symbol in (None, symbol) and any(row[symbol].units for row in self._rows):
                self.begin(symbol)
        for order in self._working.values():
            symbol = order.symbol_index
            if order.reduce_only and self._is_own(order.strategy, symbol):
                line = self.lines.get(symbol) or self.begin(symbol)
                line.reduces = True
        for order, left in counted(self._working, self._account.positions):
            symbol = order.symbol_index
            if self._is_own(order.strategy, symbol):
                line = self.lines.get(symbol) or self.begin(symbol)
                self.orders += not order.reduce_only
                if left > 0:
                    line.up += left
                else:
                    line.down -= left
        for (strategy, symbol), kept in kept_beside(self._working, self._account.positions).items():
            if self._is_own(strategy, symbol):
                line = self.lines[symbol]
                line.far = max(line.far, kept.promised)
                if len(self._rows) > 1 and kept.sells:
                    line.down += kept.further
                elif len(self._rows) > 1:
                    line.up += kept.further

    def _is_own(self, strategy: int, symbol: int) -> bool:
        return self._strategy in (None, strategy) and self._symbol in (None, symbol)

    def _held_units(self, symbol: int) -> int:
        return sum(row[symbol].units for row in self._rows)
