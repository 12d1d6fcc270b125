"""Round trips out of fills: from flat to flat, or through it, exactly as the ledger books them.

A trade is of one strategy and one symbol. From flat to flat the order in which lots are closed
makes no difference, so there is no convention to argue about: first in, first out and total cost
come to the same profit.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from app.core.money import UNITS, amount_units, divide_half_even


class Fill(msgspec.Struct, frozen=True, gc=False):
    """One fill of one strategy; `units` are signed, a sale is negative."""

    fill_id: int
    order_id: int
    strategy: int
    symbol: int
    units: int
    price: float
    fee_units: int
    instant_ns: int


class Action(msgspec.Struct, frozen=True, gc=False):
    """What a symbol's corporate actions did to whoever held it, at a session's start."""

    at_ns: int
    symbol: int
    split_ratio: Decimal
    dividend: Decimal  # a share, after the split
    lot_units: int = 1
    part_price: float = 0.0  # at what parts of lots were paid out; 0: there were none


class Stake(NamedTuple):
    """A change of what is held."""

    instant_ns: int
    symbol: int
    positions: int  # more of them, or fewer
    cost_units: int  # more that they cost, long and short alike


class Trade(msgspec.Struct, gc=False):
    """One round trip. All money is in the symbol's currency, in units of 1e-8."""

    strategy: int
    symbol: int
    side: int  # 1 long, -1 short
    entry_ns: int
    entry_order_id: int
    first_fill_id: int
    exit_ns: int = 0  # of its last closing fill; of an open trade 0
    exit_order_id: int = 0
    last_fill_id: int = 0
    fills: int = 0
    is_open: bool = True
    most_units: int = 0  # the largest quantity held, unsigned
    held_units: int = 0  # signed, what is held now
    cost_units: int = 0  # of that
    entry_units: int = 0  # unsigned, all that opened or added
    entry_value_units: int = 0  # paid or received for it, unsigned
    exit_units: int = 0
    exit_value_units: int = 0
    realised_units: int = 0
    income_units: int = 0
    fee_units: int = 0

    @property
    def profit_units(self) -> int:
        """What it brought so far, after fees."""
        return self.realised_units + self.income_units - self.fee_units


class TradeBook:
    """Takes fills and corporate actions in the order they happened."""

    def __init__(self, multiplier_units: Sequence[int]) -> None:
        """`multiplier_units` are those of the symbols."""
        self._multipliers = multiplier_units
        self._open: dict[tuple[int, int], Trade] = {}
        self._last: dict[tuple[int, int], Trade] = {}  # open or not
        self.trades: list[Trade] = []  # in the order they began
        self.stakes: list[Stake] = []

    def take(self, fill: Fill) -> None:
        """Book a fill; one that goes through flat ends a trade and begins the next.

        Of one whose coins all went into its fee, the fee is that of the trade before.
        """
        key = fill.strategy, fill.symbol
        before = self._open.get(key)
        if not fill.units:
            if key in self._last:
                self._last[key].fee_units += fill.fee_units
            return
        cost = 0 if before is None else abs(before.cost_units)
        self._book(fill, before)
        after = self._open.get(key)
        more = (0 if after is None else abs(after.cost_units)) - cost
        positions = (after is not None) - (before is not None)
        self.stakes.append(Stake(fill.instant_ns, fill.symbol, positions, more))

    def _book(self, fill: Fill, trade: Trade | None) -> None:
        amount = amount_units(fill.units, fill.price, self._multipliers[fill.symbol])
        if trade is None:
            self._begin(fill, fill.units, amount, fill.fee_units)
            return
        held, units = trade.held_units, fill.units
        if (held > 0) == (units > 0):
            _add(trade, fill, units, amount, fill.fee_units)
        elif abs(units) <= abs(held):
            self._close(trade, fill, units, amount, fill.fee_units)
        else:
            closing = divide_half_even(amount * abs(held), abs(units))
            fee = divide_half_even(fill.fee_units * abs(held), abs(units))
            self._close(trade, fill, -held, closing, fee)
            self._begin(fill, units + held, amount - closing, fill.fee_units - fee)

    def act(self, action: Action) -> None:
        """Splits first, then dividends, for every strategy that holds the symbol."""
        for (strategy, symbol), trade in [*self._open.items()]:
            if symbol != action.symbol:
                continue
            cost = trade.cost_units
            self._split(trade, action)
            numerator, denominator = action.dividend.as_integer_ratio()
            each = trade.held_units * self._multipliers[symbol] * numerator
            trade.income_units += divide_half_even(each, denominator * UNITS)
            if not trade.held_units:  # the split left nothing
                trade.exit_ns, trade.is_open = action.at_ns, False
                del self._open[strategy, symbol]
            if trade.cost_units != cost:
                less = abs(trade.cost_units) - abs(cost)
                self.stakes.append(Stake(action.at_ns, symbol, trade.is_open - 1, less))

    def _split(self, trade: Trade, action: Action) -> None:
        """More shares, or fewer, for the same cost; a part of a lot is paid out."""
        numerator, denominator = action.split_ratio.as_integer_ratio()
        if numerator == denominator:
            return
        trade.held_units = held = divide_half_even(trade.held_units * numerator, denominator)
        trade.most_units = max(trade.most_units, abs(held))
        part = abs(held) % action.lot_units if action.part_price else 0
        if not held:
            _take_out(trade, 0, 0)
        elif part:
            units = -part if held > 0 else part
            multiplier_units = self._multipliers[trade.symbol]
            _take_out(trade, units, amount_units(units, action.part_price, multiplier_units))

    def _begin(self, fill: Fill, units: int, amount: int, fee_units: int) -> None:
        side = 1 if units > 0 else -1
        trade = Trade(
            fill.strategy, fill.symbol, side, fill.instant_ns, fill.order_id, fill.fill_id
        )
        self.trades.append(trade)
        self._open[fill.strategy, fill.symbol] = trade
        self._last[fill.strategy, fill.symbol] = trade
        _add(trade, fill, units, amount, fee_units)

    def _close(self, trade: Trade, fill: Fill, units: int, amount: int, fee_units: int) -> None:
        _take_out(trade, units, amount)
        _note(trade, fill, fee_units)
        if not trade.held_units:
            trade.exit_ns, trade.exit_order_id = fill.instant_ns, fill.order_id
            trade.is_open = False
            del self._open[fill.strategy, fill.symbol]


def booked(
    fills: Iterable[Fill], actions: Iterable[Action], multiplier_units: Sequence[int]
) -> TradeBook:
    """The trades of a run. An action comes behind fills of its instant, as a session begins in the
    very one in which that before it ends where a market never closes.
    """
    book = TradeBook(multiplier_units)
    waiting = sorted(actions, key=lambda action: action.at_ns)
    place = 0
    for fill in fills:
        while place < len(waiting) and waiting[place].at_ns < fill.instant_ns:
            book.act(waiting[place])
            place += 1
        book.take(fill)
    for action in waiting[place:]:
        book.act(action)
    return book


def trades_of(
    fills: Iterable[Fill], actions: Iterable[Action], multiplier_units: Sequence[int]
) -> list[Trade]:
    """The same, in the order they began."""
    return booked(fills, actions, multiplier_units).trades


def _add(trade: Trade, fill: Fill, units: int, amount: int, fee_units: int) -> None:
    trade.held_units += units
    trade.cost_units += amount
    trade.entry_units += abs(units)
    trade.entry_value_units += abs(amount)
    trade.most_units = max(trade.most_units, abs(trade.held_units))
    _note(trade, fill, fee_units)


def _take_out(trade: Trade, units: int, amount: int) -> None:
    held, cost = trade.held_units, trade.cost_units
    is_all = units == -held
    closed_cost = cost if is_all else divide_half_even(cost * abs(units), abs(held))
    trade.realised_units += -amount - closed_cost
    trade.cost_units = cost - closed_cost
    trade.held_units = held + units
    trade.exit_units += abs(units)
    trade.exit_value_units += abs(amount)


def _note(trade: Trade, fill: Fill, fee_units: int) -> None:
    trade.fee_units += fee_units
    trade.fills += fill.fill_id > 0  # else it was held before the run
    trade.last_fill_id = fill.fill_id
