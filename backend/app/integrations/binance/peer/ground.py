"""What the peer's answers are made from: the practice venue, its books, and names both ways."""

from collections.abc import Mapping
from typing import Final

from app.core.intervals import DAY_NS
from app.core.money import UNITS, amount_units
from app.core.venue import Execution, VenueReport
from app.integrations.binance.peer.fees import BNB, Fees
from app.integrations.binance.peer.weights import Weights
from app.integrations.binance.peer.words import number_of
from app.integrations.binance.peer.wrong import Wrong, missing
from app.integrations.practice.venue.books import Books, CoinFee, Entry
from app.integrations.practice.venue.checks import Sizes
from app.integrations.practice.venue.tape import LoadBars
from app.integrations.practice.venue.venue import PracticeVenue

_AHEAD_NS: Final = 7 * DAY_NS  # as far as the first price is looked for


class Ground:
    """One account at one market of coins."""

    def __init__(
        self,
        venue: PracticeVenue,
        books: Books,
        sizes: Mapping[str, Sizes],
        load: LoadBars,
        fees: Fees,
    ) -> None:
        self.venue = venue
        self.books = books
        self.sizes = sizes
        self.load = load
        self.fees = fees
        self.ours = {name.replace("/", ""): name for name in sizes}
        self.min_notional_units = 5 * UNITS
        self.most_at_market_units = 9_000_000_000 * UNITS
        self.least_at_market_units = 0
        self.can_withdraw = False
        self.weights = Weights()

    def symbol(self, asked: Mapping[str, str]) -> str:
        """The symbol a request names, as we write it."""
        name = asked.get("symbol")
        if name is None:
            raise missing("symbol")
        if name not in self.ours:
            raise Wrong(400, -1121, "Invalid symbol.")
        return self.ours[name]

    def entry(self, venue_id: str) -> Entry:
        """Its ids never begin again, so an order's is its number in the books."""
        return self.books.entries[number_of(venue_id)]

    def fee_of(self, execution: Execution) -> CoinFee | None:
        return self.books.coin_fees[number_of(execution.execution_id) - 1]

    def filled_by(self, item: Execution | VenueReport) -> int:
        """What of an order had filled when this was told: more may have since."""
        filled_units = self.entry(item.venue_id).order.filled_units
        if isinstance(item, VenueReport):
            return filled_units
        later = self.books.executions[number_of(item.execution_id) :]
        return filled_units - sum(one.units for one in later if one.venue_id == item.venue_id)

    def locked(self) -> dict[str, int]:
        """What resting orders hold back, by coin."""
        locked: dict[str, int] = {}
        for entry in self.books.live.values():
            order = entry.order
            rest, (base, quote) = order.units - order.filled_units, order.symbol.split("/")
            asset, units = base, -rest
            if rest > 0:
                asset, units = quote, amount_units(rest, order.limit or order.stop or 0.0)
            locked[asset] = locked.get(asset, 0) + units
        return locked

    def held(self) -> dict[str, int]:
        """What the account has, by coin: what is held of a symbol is so much of its base."""
        held = dict(self.books.cash)
        for symbol, units in self.books.positions.items():
            base = symbol.partition("/")[0]
            held[base] = held.get(base, 0) + units
        return held

    def balances(self, symbol: str) -> dict[str, tuple[int, int]]:
        """Free and locked of the two coins of a symbol, and of what pays fees."""
        held, locked = self.held(), self.locked()
        assets = [one for one in (*symbol.split("/"), BNB) if one != BNB or BNB in held]
        return {one: (held.get(one, 0) - locked.get(one, 0), locked.get(one, 0)) for one in assets}

    def last_price(self, symbol: str, now_ns: int) -> float:
        """The close of the last bar, or the first price there will be."""
        known = self.venue.last_price(symbol, now_ns)
        if known is not None:
            return known
        ahead = self.load(symbol, now_ns, now_ns + _AHEAD_NS)
        if not len(ahead):
            raise Wrong(400, -2016, "No trading window could be found for the symbol.")
        return float(ahead.open[0])
