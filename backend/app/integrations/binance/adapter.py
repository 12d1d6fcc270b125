"""Binance spot as the house sees any venue.

Binance knows an order by its symbol and its id, and tells trades symbol by symbol: so the adapter
is of the symbols it was opened for. What is held of them are their base coins, its cash is what
their quote coins come to.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence, Set
from functools import partial
from typing import Any, Final

from app.core.bars import BarColumns
from app.core.errors import ConfigError
from app.core.intervals import MINUTE_NS, interval_ns
from app.core.money import to_units
from app.core.orders import Terms
from app.core.seams import Wall
from app.core.venue import (
    Abilities,
    Execution,
    OnItem,
    Sizes,
    Stream,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueTime,
    VenueUnclear,
)
from app.integrations.binance.endpoints import Keys, endpoints_of
from app.integrations.binance.key_rights import judged_rights
from app.integrations.binance.link import Link
from app.integrations.binance.places import INTERVALS
from app.integrations.binance.problems import UnknownOrder
from app.integrations.binance.streams import market_stream, order_stream
from app.integrations.binance.wire import (
    KINDS,
    MILLISECOND_NS,
    TIFS,
    Filters,
    bars_of,
    execution_of,
    filters_of,
    order_words,
    our_id,
    report_of,
    their_symbol,
    time_ns,
)
from app.integrations.lasting_stream import Chance

PAGE: Final = 1_000  # rows of one answer, at most
_LATE_MS: Final = 60_000  # that a trade may be told behind later ones
_FEW: Final = 5  # orders that are asked for one by one, which weighs 4 each


class BinanceAdapter:
    """One spot account, for these symbols."""

    # A day is no time in force of a market that never closes; market orders may name it.
    abilities = Abilities(
        kinds=frozenset(KINDS),
        tifs=frozenset(TIFS),
        amends=False,
        goes_short=False,
        exits_twice=False,
        remembers_ids=False,
    )

    def __init__(
        self, link: Link, symbols: Sequence[str], chance: Chance, page_rows: int = PAGE
    ) -> None:
        self._link = link
        self._page_rows = page_rows
        self._by_theirs = {their_symbol(name): name for name in symbols}
        self._chance = chance
        self._filters: dict[str, Filters] = {}
        self._listed_ns = 0  # when these were told
        self._symbol_of: dict[str, str] = {}  # by client id, theirs
        self._client_id_of: dict[tuple[str, str], str] = {}  # by their symbol and order number
        self._known_trades: dict[str, list[Mapping[str, Any]]] = {}
        self._is_checked = False
        self._streams: list[Stream] = []

    def time(self) -> VenueTime:
        return VenueTime(self._link.sync(), self._link.rate)

    def filters(self, symbol: str) -> Filters:
        """What a symbol's orders must respect; all symbols are asked for at once, and once."""
        if not self._filters:
            self._filters = self._link.call("exchangeInfo", 20, self._listed)
            self._listed_ns = self._link.now_ns()
        if symbol not in self._filters:
            raise VenueRefused(f"'{symbol}' is not traded at Binance.")
        return self._filters[symbol]

    # -- orders ----------------------------------------------------------------------------------

    def place(self, order: VenueOrder) -> VenueReport:
        words = order_words(order)
        self._theirs(order.symbol)
        self._check_key()
        self._symbol_of[order.client_id] = words["symbol"]

        def place(client: Any) -> VenueReport:
            return self._report(client.create_order(**words))

        closes = order.reduce_only
        return self._link.signed("a new order", 1, place, orders=1, yields=not closes)

    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        theirs = self._theirs(symbol) if symbol else self._find(client_id)

        def cancel(client: Any) -> VenueReport:
            return self._report(client.cancel_order(symbol=theirs, origClientOrderId=client_id))

        return self._link.read("a cancel", 1, cancel, yields=False)

    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        """Refused: what Binance offers is a cancel and another order, under another id."""
        raise VenueRefused(
            f"Binance spot cannot change order '{client_id}'; cancel it and give another."
        )

    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        known = self._theirs(symbol) if symbol else self._symbol_of.get(client_id)
        for theirs in list(self._by_theirs) if known is None else [known]:
            found = self._order(theirs, client_id)
            if found is not None:
                self._symbol_of[client_id] = theirs
                return found
        return None

    def open_orders(self) -> Sequence[VenueReport]:
        def ask(client: Any) -> list[VenueReport]:
            return [
                self._report(told)
                for told in _rows(client.get_open_orders())
                if told["symbol"] in self._by_theirs
            ]

        return self._link.read("the open orders", 80, ask)

    def executions(self, since_ns: int) -> Sequence[Execution]:
        found: list[Execution] = []
        for theirs, symbol in self._by_theirs.items():
            filters = self.filters(symbol)
            trades = [one for one in self._trades(theirs) if time_ns(one["time"]) >= since_ns]
            self._learn_names(theirs, {str(told["orderId"]) for told in trades})
            for told in trades:
                name = self._name_of(theirs, str(told["orderId"]))
                found.append(execution_of(told, filters, name))
        return sorted(found, key=lambda one: one.at_ns)

    # -- the account -----------------------------------------------------------------------------

    def positions(self) -> dict[str, int]:
        held = self._balances()
        bases = {name: self.filters(name).base for name in self._by_theirs.values()}
        return {name: held[base] for name, base in bases.items() if held.get(base)}

    def cash(self) -> dict[str, int]:
        """All that is no symbol's coins; what these are quoted in also where there is none."""
        held = self._balances()
        known = [self.filters(name) for name in self._by_theirs.values()]
        quotes, coins = {one.quote for one in known}, {one.base for one in known}
        return dict.fromkeys(sorted(quotes), 0) | {
            name: units for name, units in held.items() if name in quotes or name not in coins
        }

    def sizes(self, symbol: str) -> Sizes | None:
        """As they are by now: Binance changes them."""
        found, theirs = self.filters(symbol), self._theirs(symbol)
        if self._link.now_ns() - self._listed_ns > MINUTE_NS:
            found = self._link.call("exchangeInfo", 20, partial(_filters_now, theirs))
        most, least = found.most or None, found.least or None
        return Sizes(found.tick, found.lot, found.min_notional or None, most, least)

    # -- market data -----------------------------------------------------------------------------

    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        """Closed bars, page by page; they wait where the weight is nearly used up."""
        theirs = their_symbol(symbol)
        if interval not in INTERVALS:
            raise VenueRefused(f"Binance has no bars of {interval}; it has {', '.join(INTERVALS)}.")
        length_ns = interval_ns(interval)
        open_ns = self._now_ns() - length_ns + 1  # from there on, none has closed
        try:
            rows = self._bar_rows(symbol, interval, start_ns, end_ns)
            return bars_of([row for row in rows if time_ns(row[0]) < open_ns])
        except (ValueError, IndexError, TypeError) as error:
            raise VenueUnclear(f"The bars of {theirs} cannot be read: {error}.") from error

    def market_stream(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        for symbol in symbols:
            self._theirs(symbol)
        return self._kept(market_stream(self._link, symbols, on_item, self._chance))

    def order_stream(self, on_item: OnItem) -> Stream:
        def filters() -> dict[str, Filters]:
            return {theirs: self.filters(name) for theirs, name in self._by_theirs.items()}

        return self._kept(order_stream(self._link, filters, on_item, self._chance))

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        self._link.close()

    # -- small things ----------------------------------------------------------------------------

    def _listed(self, client: Any) -> dict[str, Filters]:
        """The symbols that are trading; the limits of requests are told beside."""
        told = client.get_exchange_info()
        self._link.limits.learn(told["rateLimits"])
        return {
            self._by_theirs[one["symbol"]]: filters_of(one)
            for one in told["symbols"]
            if one["symbol"] in self._by_theirs and one["status"] == "TRADING"
        }

    def _kept(self, stream: Stream) -> Stream:
        self._streams.append(stream)
        return stream

    def _theirs(self, symbol: str) -> str:
        name = their_symbol(symbol)
        if name not in self._by_theirs:
            raise VenueRefused(f"This way to Binance was not opened for '{symbol}'.")
        return name

    def _now_ns(self) -> int:
        return self._link.sync()

    def _report(self, told: Mapping[str, Any]) -> VenueReport:
        """What REST tells of an order; its number is remembered, as trades name that alone."""
        at = told.get("transactTime") or told.get("updateTime") or told.get("time")
        at_ns = self._link.now_ns() if at is None else time_ns(at)
        report = report_of(told, self._by_theirs[told["symbol"]], at_ns)
        self._client_id_of[told["symbol"], report.venue_id] = report.client_id
        return report

    def _find(self, client_id: str) -> str:
        if client_id not in self._symbol_of and self.order(client_id) is None:
            raise UnknownOrder(f"Binance knows no order '{client_id}'.")
        return self._symbol_of[client_id]

    def _order(self, theirs: str, client_id: str) -> VenueReport | None:
        def ask(client: Any) -> VenueReport:
            return self._report(client.get_order(symbol=theirs, origClientOrderId=client_id))

        try:
            return self._link.read("an order", 4, ask)
        except UnknownOrder:
            return None

    def _trades(self, theirs: str) -> list[Mapping[str, Any]]:
        """All trades of a symbol. By time Binance tells a day at most, so they are read on by
        their numbers, and those that were told once are kept; but not the latest, as one may be
        told late."""
        known = self._known_trades.get(theirs, [])
        late_ms = int(known[-1]["time"]) - _LATE_MS if known else 0
        known = known[: bisect_left(known, late_ms, key=lambda told: int(told["time"]))]
        while True:
            first = int(known[-1]["id"]) + 1 if known else 0
            words = {"symbol": theirs, "limit": self._page_rows, "fromId": first}
            page = self._trade_page(words)
            known += page
            self._known_trades[theirs] = known
            if len(page) < self._page_rows:
                return known

    def _trade_page(self, words: Mapping[str, Any]) -> list[Any]:
        return self._link.read(
            "the trades", 20, lambda client: _rows(client.get_my_trades(**words))
        )

    def _bar_rows(
        self, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> list[Sequence[Any]]:
        rows: list[Sequence[Any]] = []
        next_ns, length_ns = start_ns, interval_ns(interval)
        while next_ns < end_ns:
            words = {
                "symbol": their_symbol(symbol),
                "interval": interval,
                "startTime": -(-next_ns // MILLISECOND_NS),
                "endTime": (end_ns - 1) // MILLISECOND_NS,
                "limit": self._page_rows,
            }
            page = self._page(f"the bars of {symbol}", words)
            rows += page
            if len(page) < self._page_rows:
                break
            next_ns = time_ns(page[-1][0]) + length_ns
        return rows

    def _page(self, what: str, words: Mapping[str, Any]) -> list[Any]:
        def ask(client: Any) -> list[Any]:
            return _rows(client.get_klines(**words))

        return self._link.call(what, 2, ask, bulk=True)

    def _learn_names(self, theirs: str, numbers: Set[str]) -> None:
        """Many at once: one by one, a start after a long day would use up the minute's weight."""
        while True:
            new = [int(one) for one in numbers if (theirs, one) not in self._client_id_of]
            if len(new) <= _FEW:
                return
            page = self._orders_from(theirs, min(new))
            told = {(theirs, str(one["orderId"])): our_id(one["clientOrderId"]) for one in page}
            if (theirs, str(min(new))) not in told:
                return  # it tells nothing of them: they are asked for one by one
            self._client_id_of |= told

    def _orders_from(self, theirs: str, number: int) -> list[Any]:
        words = {"symbol": theirs, "orderId": number, "limit": self._page_rows}
        return self._link.read("orders", 20, lambda client: _rows(client.get_all_orders(**words)))

    def _name_of(self, theirs: str, number: str) -> str:
        """The client id of an order that Binance tells by its number."""
        key = (theirs, number)
        if key not in self._client_id_of:

            def ask(client: Any) -> str:
                return our_id(client.get_order(symbol=theirs, orderId=number)["clientOrderId"])

            self._client_id_of[key] = self._link.read("an order", 4, ask)
        return self._client_id_of[key]

    def _balances(self) -> dict[str, int]:
        def ask(client: Any) -> dict[str, int]:
            told = client.get_account(omitZeroBalances="true")["balances"]
            return {one["asset"]: to_units(one["free"]) + to_units(one["locked"]) for one in told}

        return self._link.read("the account", 20, ask)

    def check_key(self) -> Sequence[str]:
        """Refuse a key that may do too much or too little; the testnet does not tell."""
        if not self._link.endpoints.wallet:
            return ()
        warnings = self._link.read(
            "the key's rights",
            1,
            lambda client: judged_rights(client.get_account_api_permissions()),
        )
        self._is_checked = True
        return warnings

    def _check_key(self) -> None:
        """Before the first order, whoever gives it."""
        if not self._is_checked:
            self.check_key()


def open_binance(
    url: str | None,
    keys: Keys,
    symbols: Sequence[str],
    wall: Wall,
    chance: Chance,
    real_money: bool = False,
) -> BinanceAdapter:
    """The adapter for these symbols; nothing is asked of Binance yet."""
    try:
        return BinanceAdapter(Link(endpoints_of(url, real_money), keys, wall), symbols, chance)
    except VenueRefused as error:
        raise ConfigError(str(error)) from error


def _filters_now(theirs: str, client: Any) -> Filters:
    """Those of one symbol: all together are megabytes."""
    (told,) = client._get("exchangeInfo", data={"symbol": theirs})["symbols"]
    return filters_of(told)


def _rows(told: Any) -> list[Any]:
    if not isinstance(told, list):
        raise TypeError("a list was asked for")
    return told
