"""The simulated broker as a bench: the execution manager's own calls under a venue's names.

It is no venue, so this face keeps nothing but the orders by the names they are given here; what
becomes of them is the simulator's doing, stepped bar by bar as the engine steps it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from app.core.bars import SymbolRows, Table
from app.core.calendar import TradingSession
from app.core.instruments import Instrument
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS, from_units
from app.core.orders import REJECTED, Order, Terms, in_our_words
from app.core.venue import (
    Abilities,
    Execution,
    Venue,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueTime,
)
from app.managers.execution_manager.execution_manager import ExecutionManager
from app.managers.execution_manager.sim.bar_book import BarBook
from app.managers.execution_manager.sim.fill_rules import FillRules
from app.services.auctions import cut_offs_of
from app.services.risk.scopes import Limits
from tests.conformance import bench as given
from tests.conformance.bench import Facts, Row
from tests.practice_house import CASH, SESSIONS, minute, rows_of

_NO_CALL = "it is stepped inside the instant: no call is sent, and none can fail"


class SimBench:
    """One account in replay."""

    name: ClassVar[str] = "sim"
    lacks: ClassVar[Mapping[str, str]] = {
        given.FAULTS: _NO_CALL,
        given.ADDRESS: _NO_CALL,
        given.THREADS: _NO_CALL,
        given.SECRETS: _NO_CALL,
        given.STREAMS: "what becomes of an order is told by a call, in the instant",
        given.HISTORY: "bars come to it from the feed",
        given.BY_HAND: "nobody else trades its account",
        given.RESTART: "its state goes with the run's",
        given.MANY: "a run has one",
        given.CHECKS: "the strategy's desk has checked terms and symbols before",
        given.NAMES: "the run numbers its orders itself",
    }
    abilities: ClassVar[Abilities] = Abilities()
    facts: ClassVar[Facts] = Facts(("AAA", "BBB"), "USD", 0.01, UNITS, CASH)

    def __init__(self, rows: Sequence[Row]) -> None:
        bars = {minute(i): row for i, row in enumerate(rows)}
        bars |= {minute(i, day=1): row for i, row in enumerate(rows_of(()))}
        self._table = _table(bars, len(self.facts.symbols))
        self.now_ns = minute(-5)
        self.execution = ExecutionManager(
            strategies=["one"],
            instruments=[Instrument("XNYS", symbol) for symbol in self.facts.symbols],
            cash=from_units(CASH),
            limits=Limits(),
            rules=FillRules(Decimal(repr(self.facts.share)), cut_offs=cut_offs_of("XNYS")),
        )
        self.execution.load(BarBook(self._table, SymbolRows(self._table, 2)))
        self._moments = sorted(
            [(session.open_ns, 2, session) for session in SESSIONS]
            + [(session.close_ns, 1, session) for session in SESSIONS]
            + [(start_ns + MINUTE_NS, 0, SESSIONS[0]) for start_ns in bars],
            key=lambda moment: moment[:2],
        )

    def open(self) -> Venue:
        face: Any = _Face(self)
        return face  # type: ignore[no-any-return]

    def minute(self, number: int, seconds: int = 0) -> int:
        return minute(number, seconds)

    def to(self, number: int, seconds: int = 0) -> None:
        self._to(minute(number, seconds))

    def to_next_session(self) -> None:
        self._to(minute(1, day=1))

    def _to(self, now_ns: int) -> None:
        """As the engine goes through its instants: bars, then a close, then an open."""
        while self._moments and self._moments[0][0] <= now_ns:
            at_ns, what, session = self._moments.pop(0)
            (self._bars, self._close, self._open)[what](at_ns, session)
        self.now_ns = now_ns

    def _bars(self, now_ns: int, session: TradingSession) -> None:
        broker = self.execution.broker
        while broker.due_ns <= now_ns:
            due_ns = broker.due_ns
            self.execution.match(due_ns)
            if broker.spent or broker.pending:
                broker.settle(due_ns)

    def _close(self, now_ns: int, session: TradingSession) -> None:
        self.execution.broker.leave_instant(now_ns)
        self.execution.match_auction(now_ns, lambda symbol: self._last(symbol, now_ns))
        self.execution.expire(now_ns, now_ns - MINUTE_NS)

    def _open(self, now_ns: int, session: TradingSession) -> None:
        self.execution.open_session(session, session.close_ns, now_ns)

    def _last(self, symbol: int, now_ns: int) -> tuple[float, int]:
        table = self._table
        row = np.flatnonzero((table.symbol == symbol) & (table.known_ns <= now_ns))[-1]
        return float(table.close[row]), int(table.start_ns[row])

    def settle(self) -> None:
        """It has no streams."""

    def close(self) -> None:
        """It holds nothing."""

    def open_nowhere(self) -> Venue:
        raise NotImplementedError

    arm = by_hand = restart = open_nowhere


class _Face:
    """Words of a venue for those of the execution manager."""

    abilities = SimBench.abilities

    def __init__(self, bench: SimBench) -> None:
        self._bench = bench
        self._execution = bench.execution
        self._orders: dict[str, Order] = {}
        self._fills: list[Any] = []

    def time(self) -> VenueTime:
        return VenueTime(self._bench.now_ns)

    def place(self, asked: VenueOrder) -> VenueReport:
        symbol, terms = self._bench.facts.symbols.index(asked.symbol), asked.terms
        order = Order(
            len(self._orders) + 1, 0, asked.symbol, symbol, terms.units, 0,
            kind=asked.kind, tif=asked.tif, limit=terms.limit, stop=terms.stop, trail=terms.trail,
            trail_percent=terms.trail_percent, reduce_only=asked.reduce_only,
            aimed=terms.stop is None and not asked.reduce_only,
        )  # fmt: skip
        in_our_words(order)
        self._execution.submit(order, self._bench.now_ns)
        if order.state == REJECTED:
            raise VenueRefused(order.reason)
        self._orders[asked.client_id] = order
        return self._report(asked.client_id)

    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        if not self._orders[client_id].is_working:
            raise VenueRefused("One that has ended stays as it is.")
        self._execution.cancel(self._orders[client_id], self._bench.now_ns)
        return self._report(client_id)

    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        order = self._orders[client_id]
        if not self._execution.amend(order, terms, self._bench.now_ns):
            raise VenueRefused(order.reason)
        return self._report(client_id)

    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        return self._report(client_id) if client_id in self._orders else None

    def open_orders(self) -> Sequence[VenueReport]:
        working = self._execution.broker.working
        return [self._report(n) for n, one in self._orders.items() if one.order_id in working]

    def executions(self, since_ns: int) -> Sequence[Execution]:
        self._fills += self._execution.diary.take().fills
        names = {order.order_id: name for name, order in self._orders.items()}
        return [
            Execution(
                execution_id=str(number), client_id=names[order_id], venue_id=str(order_id),
                symbol=self._bench.facts.symbols[symbol], units=units, price=price, fee_units=fee,
                at_ns=at_ns,
            )
            for number, order_id, symbol, units, price, fee, _, at_ns, *_ in self._fills
            if at_ns >= since_ns
        ]  # fmt: skip

    def positions(self) -> dict[str, int]:
        return dict(zip(self._bench.facts.symbols, self._execution.held_units, strict=True))

    def sizes(self, symbol: str) -> None:
        return None

    def cash(self) -> dict[str, int]:
        return {"USD": self._execution.ledger.cash_units}

    def _report(self, client_id: str) -> VenueReport:
        order = self._orders[client_id]
        return VenueReport(
            client_id=client_id, venue_id=str(order.order_id), symbol=order.symbol,
            state=order.state, units=order.units, filled_units=order.filled_units,
            kind=order.kind, at_ns=self._bench.now_ns, limit=order.limit, stop=order.stop,
            reason=order.reason,
        )  # fmt: skip


def _table(bars: Mapping[int, Row], symbols: int) -> Table:
    """The same bars of every symbol."""
    start_ns = np.repeat(np.array(sorted(bars), np.int64), symbols)
    symbol = np.tile(np.arange(symbols, dtype=np.int32), len(bars))
    values = np.array([bars[start] for start in start_ns.tolist()], np.float64)
    columns = [np.ascontiguousarray(values[:, place]) for place in range(5)]
    return Table(symbol, start_ns, start_ns + MINUTE_NS, *columns)
