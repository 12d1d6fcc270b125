"""Witnesses of a run that is told again: they keep what was asked for, and nothing else."""

from typing import Final

import msgspec

from app.core.bars import Bar
from app.core.orders import CANCELED, FillRow, Order, OrderChange, Terms
from app.managers.execution_manager.watched_execution import Heard
from app.managers.system_manager.why.sights import (
    Proposed,
    Sight,
    asked_of,
    sight_of,
    weighed_of,
)
from app.threads.engines.watched_engine import Onlooker, WatchedEngine
from app.threads.hooks.seats import Seat
from app.threads.stream.results import Results

PROTECTION: Final = "protection"  # stands where a hook does: no strategy gave these orders


class Tracer(Onlooker):
    """Keeps the proposals that `wants` says yes to."""

    def __init__(self) -> None:
        self.proposed: list[Proposed] = []
        self.orders_seen = 0  # the number of the last one
        self._kept: Proposed | None = None  # the one that is being weighed

    def wants(self, order: Order, now_ns: int) -> bool:
        raise NotImplementedError

    def proposes(self, order: Order, terms: Terms | None, now_ns: int) -> None:
        self.orders_seen = max(self.orders_seen, order.order_id)
        self._kept = None
        if self.wants(order, now_ns):
            seat = self._engine.seats[order.strategy]
            seen = sight_of(self._engine, seat, order.symbol_index)
            if order.guard is not None:
                seen = msgspec.structs.replace(seen, hook=PROTECTION)
            is_amendment, asked = terms is not None, asked_of(order, terms)
            self._kept = Proposed(order.order_id, order.symbol, is_amendment, seen, asked)

    def decided(self, order: Order, heard: list[Heard], reason: str, *, has_limits: bool) -> None:
        kept = self._kept
        if kept is None:
            return
        kept.limits = [weighed_of(one) for one in heard]
        kept.has_limits = has_limits
        kept.reason = reason
        if reason:
            kept.decision = "taken back" if order.state == CANCELED else "refused"
        elif order.reason.startswith("cut from") and not kept.is_amendment:
            kept.decision, kept.reason = "cut", order.reason
        else:
            kept.decision = "accepted" if order.guard is None else "given by protection"
        self.proposed.append(kept)


class OrderTracer(Tracer):
    """Traces one order: its proposal and its amendments, its changes, its fills and its end."""

    def __init__(self, order_id: int) -> None:
        super().__init__()
        self._order_id = order_id
        self.order: Order | None = None
        self.changes: list[OrderChange] = []
        self.fills: list[FillRow] = []

    def wants(self, order: Order, now_ns: int) -> bool:
        if order.order_id != self._order_id:
            return False
        self.order = order
        return True

    def took(self, results: Results) -> None:
        records = results.records
        self.changes += [one for one in records.order_changes if one[0] == self._order_id]
        self.fills += [one for one in records.fills if one[1] == self._order_id]


class InstantTracer(Tracer):
    """Traces one symbol at one instant: what each strategy saw, and what it proposed."""

    def __init__(self, symbol: str, at_ns: int) -> None:
        super().__init__()
        self._symbol = symbol
        self._at_ns = at_ns
        self.seen: list[Sight] = []
        self.before_ns: int | None = None  # the instants next to it at which the symbol was shown
        self.after_ns: int | None = None

    def begin(self, engine: WatchedEngine) -> None:
        super().begin(engine)
        self._place = engine.plan.symbols.index(self._symbol)

    def wants(self, order: Order, now_ns: int) -> bool:
        return now_ns == self._at_ns and order.symbol_index == self._place

    def sees(self, bar: Bar) -> None:
        if bar.symbol != self._symbol:
            return
        now_ns = self._engine.now_ns
        if now_ns == self._at_ns:
            self.seen += [
                sight_of(self._engine, seat, self._place)
                for seat in self._engine.seats
                if bar.interval in seat.intervals
            ]
        elif now_ns < self._at_ns:
            self.before_ns = now_ns
        elif self.after_ns is None:
            self.after_ns = now_ns

    def called(self, seat: Seat) -> None:
        engine = self._engine
        if engine.now_ns == self._at_ns and engine.symbol_in_hand in (-1, self._place):
            self.seen.append(sight_of(engine, seat, self._place))
