"""Books fees that a venue takes in coins: from those just bought, or from others of the account.

Strategies hold whole lots, which can be sold again. So a fee takes whole lots from a fill, and what
is left of the last one stays with the account as `loose` coins: the next fees are paid from them.
For a strategy it is a fee in money, at the fill's price.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from app.core.coins import paid_from
from app.core.money import amount_units
from app.core.order_events import Filled, GateFilled
from app.managers.execution_manager.books.account import Account

_Told = TypeVar("_Told", Filled, GateFilled)


class Coins(NamedTuple):
    """What an account trades."""

    symbols: Sequence[str]
    lot_units: Sequence[int]
    price_of: Callable[[int], float]  # a symbol's last one known now; 0 for none


class CoinFees:
    """The coin fees of one account."""

    def __init__(self, account: Account, coins: Coins) -> None:
        self._account = account
        self._coins = coins

    def taken(self, told: _Told, symbol: int) -> _Told:
        """An execution as a strategy is to book it: what it gets, and its fee in money."""
        account, currency = self._account, told.fee_currency
        if currency in ("", account.currencies[symbol]) or not told.fee_units:
            return told
        place = paid_from(self._coins.symbols, symbol, currency)
        if place == symbol:
            return self._from_the_fill(told, symbol)
        if place is not None:
            self._from_others(place, told.fee_units)
        elif currency in account.books:
            account.books[currency].pay_fee(told.fee_units)
        else:
            unbooked = account.unbooked_fees
            unbooked[currency] = unbooked.get(currency, 0) + told.fee_units
        return replace(told, fee_units=0)

    def _from_the_fill(self, told: _Told, symbol: int) -> _Told:
        """Cash moves by what was traded, to the unit, however the parts of it are rounded."""
        loose = self._account.loose_of(symbol)
        lot_units = self._coins.lot_units[symbol]
        lacking = max(told.fee_units - loose.units, 0)
        lots = min(-(-lacking // lot_units) * lot_units, max(told.units, 0))
        kept, spare = told.units - lots, lots - told.fee_units
        book, multiplier = self._account.by_symbol[symbol], loose.multiplier_units
        whole, own, rest = (
            amount_units(units, told.price, multiplier) for units in (told.units, kept, spare)
        )
        if spare:
            book.fill(loose, spare, told.price)
        return replace(told, units=kept, fee_units=whole - own - rest)

    def _from_others(self, symbol: int, units: int) -> None:
        """Coins of another symbol pay: their own book tells the fee."""
        loose, price = self._account.loose_of(symbol), self._coins.price_of(symbol)
        fee = amount_units(units, price, loose.multiplier_units)
        self._account.by_symbol[symbol].fill(loose, -units, price, fee)
