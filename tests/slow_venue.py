"""A venue of plain objects whose calls take real time, or hang until they are let go."""

import threading
import time
from collections.abc import Sequence

from app.core.bars import BarColumns
from app.core.orders import Terms
from app.core.venue import (
    Connected,
    Execution,
    OnItem,
    Stream,
    VenueOrder,
    VenueReport,
    VenueTime,
)  # fmt: skip


class SlowVenue:
    """Accepts everything; fills orders at the market. `hold` makes placements hang."""

    def __init__(self, call_seconds: float = 0.0002) -> None:
        self.call_seconds = call_seconds
        self.reports: dict[str, VenueReport] = {}
        self.filled: list[Execution] = []
        self.held: dict[str, int] = {}
        self.cancelled_ns: list[int] = []
        self.hang = threading.Event()  # set: placements wait for `let_go`
        self.hanging = threading.Event()
        self.let_go = threading.Event()
        self.on_item: OnItem = lambda item: None
        self.closed = False
        self._lock = threading.Lock()

    def time(self) -> VenueTime:
        return VenueTime(time.time_ns())

    def place(self, order: VenueOrder) -> VenueReport:
        if self.hang.is_set() and not order.reduce_only:
            self.hanging.set()
            assert self.let_go.wait(30)
        time.sleep(self.call_seconds)
        at_ns = time.time_ns()
        with self._lock:
            done = order.kind == "market"
            report = self.reports[order.client_id] = VenueReport(
                client_id=order.client_id, venue_id=f"v{len(self.reports)}", symbol=order.symbol,
                state="FILLED" if done else "ACCEPTED", units=order.terms.units,
                filled_units=order.terms.units if done else 0, kind=order.kind, at_ns=at_ns,
                limit=order.terms.limit, stop=order.terms.stop,
            )  # fmt: skip
            if done:
                execution = Execution(
                    execution_id=f"e{len(self.filled)}", client_id=order.client_id, venue_id="",
                    symbol=order.symbol, units=order.terms.units, price=10.0, fee_units=0,
                    at_ns=at_ns,
                )  # fmt: skip
                self.filled.append(execution)
                have = self.held.get(order.symbol, 0)
                self.held[order.symbol] = have + order.terms.units
        if done:
            self.on_item(execution)
        return report

    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        self.cancelled_ns.append(time.monotonic_ns())
        time.sleep(self.call_seconds)
        return self._change(client_id, state="CANCELED")

    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        return self._change(client_id, units=terms.units, limit=terms.limit, stop=terms.stop)

    def _change(self, client_id: str, **fields: object) -> VenueReport:
        with self._lock:
            fields = {**_fields(self.reports[client_id]), **fields, "at_ns": time.time_ns()}
            report = self.reports[client_id] = VenueReport(**fields)  # type: ignore[arg-type]
        return report

    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        return self.reports.get(client_id)

    def open_orders(self) -> Sequence[VenueReport]:
        with self._lock:
            return [one for one in self.reports.values() if one.state == "ACCEPTED"]

    def executions(self, since_ns: int) -> Sequence[Execution]:
        return [one for one in self.filled if one.at_ns >= since_ns]

    def positions(self) -> dict[str, int]:
        return dict(self.held)

    def cash(self) -> dict[str, int]:
        return {}

    def sizes(self, symbol: str) -> None:
        return None

    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        raise NotImplementedError

    def market_stream(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        raise NotImplementedError

    def order_stream(self, on_item: OnItem) -> Stream:
        self.on_item = on_item
        on_item(Connected(time.time_ns()))
        return self

    def close(self) -> None:
        self.closed = True


def _fields(report: VenueReport) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__struct_fields__}
