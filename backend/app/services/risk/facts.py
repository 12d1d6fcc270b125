"""What rules look at. Money is in ledger units of the account's currency; sales are negative."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from app.core.calendar import TradingSession
from app.core.orders import Order
from app.services.quality import Quality


class Ask(msgspec.Struct, gc=False):
    """An order that would open or increase a position, or what an amendment adds to one."""

    strategy: int
    symbol: int
    units: int  # so much more may fill
    whole_units: int  # and so much in all: of an order, the same
    kind: str
    limit: float | None
    now_ns: int
    stop: float | None = None
    price: float | None = None  # what it is valued at, once that was asked

    @property
    def amends(self) -> bool:
        """Whether it is an amendment."""
        return self.units != self.whole_units


def ask_for(order: Order, now_ns: int) -> Ask:
    """A whole order."""
    units = order.units
    return Ask(
        order.strategy, order.symbol_index, units, units, order.kind, order.limit, now_ns,
        order.stop,
    )  # fmt: skip


class Portfolio(Protocol):
    """The account, or one strategy's share of it: whatever the scope of a limit is."""

    def reach_units(self, ask: Ask) -> int:
        """What is held once all has filled that works on the side of an order; what others than
        its strategy have working, as far as was promised.
        """
        ...

    def free_units(self, ask: Ask) -> int:
        """How much of an order lets its symbol's position become no larger, either way."""
        ...

    def gross_units(self) -> int:
        """What positions are worth, short ones too; each with what works filled the worse way, as
        far as was promised.
        """
        ...

    def group_units(self, symbols: Iterable[int]) -> int:
        """The same of some symbols."""
        ...

    def added_units(self, ask: Ask, price: float) -> int:
        """By how much an order that works would make it more, at a price."""
        ...

    def net_units(self, ask: Ask) -> int:
        """The same less what is short, once all has filled that works on the side of an order."""
        ...

    def is_open(self, symbol: int) -> bool:
        """Whether some of a symbol is held, or an order for it works."""
        ...

    def open_positions(self) -> int:
        """How many symbols that is so of."""
        ...

    def open_orders(self) -> int:
        """How many orders work, but for those that only reduce."""
        ...

    def value_units(self, symbol: int, units: int, price: float) -> int:
        """What so much of a symbol is worth at a price."""
        ...

    def equity_units(self) -> int:
        """All that the account is worth; also where the portfolio is a strategy's."""
        ...

    def worth_units(self) -> int:
        """The account's equity; of a part of it, what that would be had it traded alone."""
        ...

    def peak_units(self) -> int:
        """The most that has been, as far as it was seen."""
        ...

    def day_result_units(self) -> int:
        """What has come of it since the session began: taken or not, less costs."""
        ...

    def day_equity_units(self) -> int:
        """All that the account was worth when the session began; also of a part of it."""
        ...

    def left_since(self, since_ns: int) -> int:
        """How many entries of the scope have left after a moment, at most a minute ago."""
        ...

    def left_today(self) -> int:
        """How many in the session under way."""
        ...

    def last_alike_ns(self, ask: Ask) -> int | None:
        """When an entry equal to this one left last."""
        ...


class Market(Protocol):
    """What is known of a symbol now."""

    def mark(self, symbol: int) -> float:
        """Its last close; 0 before the first."""
        ...

    @property
    def session(self) -> TradingSession:
        """The one under way, or the last."""
        ...

    @property
    def end_ns(self) -> int:
        """When all trading of that session ends."""
        ...

    def last_known_ns(self, symbol: int) -> int:
        """When its last bar in that session was complete; -1 before the first."""
        ...

    def quality(self, symbol: int) -> Quality:
        """How complete its bars in that session are."""
        ...

    def coverage(self, symbol: int) -> float:
        """A share of 1 that the score of its quality is not below, told at once."""
        ...

    def volatility_units(self, symbol: int) -> int:
        """The mean true range of its last bars in percent, in units; -1 while there is none."""
        ...

    def calm_until_ns(self, symbol: int, most_units: int) -> int:
        """Until when that is surely no more than so much, as far as can be told at once; before
        now where it cannot.
        """
        ...

    def spread_units(self, symbol: int) -> int:
        """The last bar's spread in basis points of its close, in units; 0 where none is known,
        or bid is not below ask.
        """
        ...
