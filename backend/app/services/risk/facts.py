"""What rules look at. Money is in ledger units of the account's currency; sales are negative."""

from typing import Protocol

import msgspec

from app.core.calendar import TradingSession


class Ask(msgspec.Struct, gc=False):
    """An order that would open or increase a position, or what an amendment adds to one."""

    strategy: int
    symbol: int
    units: int  # so much more may fill
    whole_units: int  # and so much in all: of an order, the same
    kind: str
    limit: float | None
    now_ns: int


class Portfolio(Protocol):
    """The account, or one strategy's share of it: whatever the scope of a limit is."""

    def held_units(self, symbol: int) -> int:
        """What is held."""
        ...

    def reach_units(self, symbol: int, units: int) -> int:
        """What is held once all has filled that works on the side of `units`."""
        ...

    def value_units(self, symbol: int, units: int, price: float) -> int:
        """What so much of a symbol is worth at a price."""
        ...

    def equity_units(self) -> int:
        """All that the account is worth; also where the portfolio is a strategy's."""
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
