"""What the peer keeps of a fill: of the coin that is received, or of BNB.

Binance rounds a commission down to eight decimals, and takes a quarter less in BNB.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from app.core.money import UNITS, amount_units, price_ratio, to_units
from app.core.orders import LIMIT, STOP_LIMIT, Order
from app.core.venue import Execution
from app.integrations.practice.venue.books import Books, CoinFee

BNB: Final = "BNB"
_BNB_SHARE: Final = 75  # percent of the commission
LastPrice = Callable[[str, int], float | None]  # of a symbol, at a moment


class Fees:
    """One account's rates; `last_price` tells what a BNB costs, where it is paid in BNB."""

    def __init__(
        self,
        maker: Decimal = Decimal("0.001"),
        taker: Decimal = Decimal("0.001"),
        last_price: LastPrice | None = None,
    ) -> None:
        self.maker, self.taker = maker, taker
        self._maker_units, self._taker_units = to_units(maker), to_units(taker)
        self._last_price = last_price

    def of(self, order: Order, execution: Execution, books: Books) -> CoinFee | None:
        """The fee of one fill; paid in BNB as long as there is enough of it."""
        is_maker = _is_maker(order, execution)
        rate_units = self._maker_units if is_maker else self._taker_units
        base, quote = execution.symbol.split("/")
        paid = abs(amount_units(execution.units, execution.price))
        bnb = self._in_bnb(paid * rate_units // UNITS, quote, execution.at_ns, books)
        if bnb is not None:
            return CoinFee(BNB, bnb, is_maker)
        if execution.units > 0:
            return CoinFee(base, execution.units * rate_units // UNITS, is_maker)
        return CoinFee(quote, paid * rate_units // UNITS, is_maker)

    def _in_bnb(self, fee_units: int, quote: str, at_ns: int, books: Books) -> int | None:
        if self._last_price is None:
            return None
        price = self._last_price(f"{BNB}/{quote}", at_ns)
        if price is None:
            return None
        over, under = price_ratio(price)
        units = fee_units * _BNB_SHARE * under // (100 * over)
        return units if 0 < units <= books.cash.get(BNB, 0) else None


def _is_maker(order: Order, execution: Execution) -> bool:
    """A limit that is met at its own price rested there; one that got a better one took it."""
    return order.kind in (LIMIT, STOP_LIMIT) and execution.price == order.limit
