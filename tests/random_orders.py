"""Random orders of every kind, given, linked, amended and taken back as strategies do."""

from random import Random
from typing import Any

from app.core.money import UNITS
from app.core.orders import (
    CANCEL_PENDING,
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    MARKET_ON_OPEN,
    REJECTED,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    Order,
    Terms,
)
from app.core.transfers import Conversion
from app.services.trailing import trailed
from tests.reference import Book
from tests.watched_orders import Watched

CURRENCIES = ("USD", "EUR")


class Proposals:
    """Of all strategies of one life."""

    rng: Random
    execution: Watched
    strategies: int
    symbols: int
    marks: list[float]
    sizes: dict[int, int]
    books: dict[str, Book]

    def _act(self, now_ns: int) -> None:
        acts = (self._order,) * 4 + (self._bracket,) * 3 + (self._oco,) * 2 + (self._chain,)
        acts += (self._amend,) * 3 + (self._cancel,) * 2 + (self._convert,)
        self.rng.choice(acts)(now_ns)

    def _price(self, symbol: int) -> float:
        return max(round(self.marks[symbol] * 100) + self.rng.randint(-40, 40), 2) / 100

    def _terms(self, kind: str, symbol: int) -> dict[str, Any]:
        terms: dict[str, Any] = {"kind": kind}
        if kind in (LIMIT, STOP_LIMIT):
            terms["limit"] = self._price(symbol)
        if kind in (STOP, STOP_LIMIT):
            terms["stop"] = self._price(symbol)
        if kind == TRAILING_STOP:
            name = self.rng.choice(["trail", "trail_percent"])
            terms[name] = self.rng.choice([0.05, 0.2, 0.5])
        return terms

    def _kind(self, *others: str) -> str:
        return self.rng.choice((MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP, *others))

    def _give(
        self, strategy: int, symbol: int, units: int, now_ns: int, **terms: Any
    ) -> Order | None:
        if not self.marks[symbol] and terms["kind"] not in (
            MARKET,
            MARKET_ON_OPEN,
            MARKET_ON_CLOSE,
        ):
            return None
        execution = self.execution
        execution.order_count += 1
        order = Order(execution.order_count, strategy, f"S{symbol}", symbol, units, 0, **terms)
        if order.kind == TRAILING_STOP and not order.parent:
            trail, mark = (order.trail, order.trail_percent), self.marks[symbol]
            order.stop = trailed(mark, units > 0, *trail, execution.tick_units[symbol])
        waits = order.parent or order.group or order.reduce_only
        order.aimed = order.stop is None and order.kind != TRAILING_STOP and not waits
        self.sizes[order.order_id] = abs(units)
        execution.submit(order, now_ns)
        return order

    def _units(self) -> int:
        return self.rng.choice([1, 2, 5, 10, 30, 77]) * self.rng.choice([1, -1]) * UNITS

    def _place(self) -> tuple[int, int]:
        return self.rng.randrange(self.strategies), self.rng.randrange(self.symbols)

    def _order(self, now_ns: int, **more: Any) -> Order | None:
        strategy, symbol = self._place()
        kind = self._kind(MARKET, MARKET, MARKET_ON_OPEN, MARKET_ON_CLOSE)
        more = {"tif": self.rng.choice(["day", "day", "gtc", "ioc"]), **more}
        if kind in (MARKET_ON_OPEN, MARKET_ON_CLOSE):
            more["tif"] = "day"
        more["reduce_only"] = self.rng.random() < 0.15
        return self._give(
            strategy, symbol, self._units(), now_ns, **self._terms(kind, symbol), **more
        )

    def _bracket(self, now_ns: int) -> None:
        entry = self._order(now_ns)
        if entry is None:
            return
        group, reduces = self.execution.new_group(), self.rng.random() < 0.7
        kinds = [LIMIT, self.rng.choice([STOP, TRAILING_STOP, STOP_LIMIT])]
        for kind in self.rng.sample(kinds, self.rng.choice([1, 2, 2])):
            self._child(entry, now_ns, kind=kind, group=group, reduce_only=reduces)

    def _child(self, entry: Order, now_ns: int, **more: Any) -> Order | None:
        if not entry.is_working and not entry.filled_units and entry.state != REJECTED:
            return None  # the desk says so
        symbol, kind = entry.symbol_index, more.pop("kind")
        more = {"tif": self.rng.choice(["gtc", "day"]), **more, **self._terms(kind, symbol)}
        return self._give(
            entry.strategy, symbol, -entry.units, now_ns, parent=entry.order_id, **more
        )

    def _chain(self, now_ns: int) -> None:
        working = list(self.execution.broker.working.values())
        order = (
            self.rng.choice(working) if working and self.rng.random() < 0.5 else self._order(now_ns)
        )
        for _ in range(self.rng.randint(1, 3)):
            if order is not None:
                kind = self._kind(MARKET_ON_CLOSE, MARKET_ON_OPEN)
                order = self._child(order, now_ns, kind=kind)

    def _oco(self, now_ns: int) -> None:
        group, units, (strategy, symbol) = self.execution.new_group(), self._units(), self._place()
        equal, waits = self.rng.random() < 0.6, None
        if self.rng.random() < 0.2:  # an entry may be a leg itself
            waits = self._give(strategy, symbol, units, now_ns, group=group, kind=MARKET)
        for _ in range(self.rng.randint(2, 3)):
            size = abs(units if equal else self._units()) * self.rng.choice([1, 1, -1])
            more = self._terms(self._kind(MARKET_ON_CLOSE), symbol)
            if waits is not None and waits.is_working:
                more["parent"] = waits.order_id
            tif = self.rng.choice(["gtc", "day"])
            self._give(strategy, symbol, size, now_ns, group=group, tif=tif, **more)

    def _one(self) -> Order | None:
        working = [o for o in self.execution.broker.working.values() if o.state != CANCEL_PENDING]
        return self.rng.choice(working) if working else None

    def _cancel(self, now_ns: int) -> None:
        order = self._one()
        if order is not None:
            self.execution.cancel(order, now_ns)

    def _amend(self, now_ns: int) -> None:
        order = self._one()
        if order is None:
            return
        old = self.execution.broker.pending_terms(order) or Terms(
            order.units, order.limit, order.stop, order.trail, order.trail_percent
        )
        units, limit, stop = old.units, old.limit, old.stop
        if self.rng.random() < 0.4:
            units = abs(self._units()) * (1 if order.units > 0 else -1)
        if limit is not None and self.rng.random() < 0.7:
            limit = self._price(order.symbol_index)
        if stop is not None and self.rng.random() < 0.7:
            stop = self._price(order.symbol_index)
        self.execution.amend(order, Terms(units, limit, stop, old.trail, old.trail_percent), now_ns)

    def _convert(self, now_ns: int) -> None:
        if "EUR" in self.books:
            source, target = self.rng.sample(CURRENCIES, 2)
            units = self.rng.randint(1, 10**11)
            self.execution.convert(Conversion(0, source, target, units), now_ns)
