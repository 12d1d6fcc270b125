"""What a venue says of orders, in whatever order and however often, as events told once each."""

from collections import defaultdict
from collections.abc import Sequence
from struct import Struct

from app.core import orders as states
from app.core.coins import paid_from
from app.core.money import from_units
from app.core.order_events import (
    NEVER_HAD,
    REACHED,
    TOO_SMALL,
    Acknowledged,
    Amended,
    ChangeRefused,
    Ended,
    Filled,
    GateFilled,
    OrderEvent,
    Refused,
    Split,
)  # fmt: skip
from app.core.orders import Terms
from app.core.venue import (
    LIVE_STATES,
    Execution,
    StopReached,
    TooSmall,
    TurnedAway,
    VenueRefused,
    VenueReport,
)
from app.managers.execution_manager.gate.calls import Output
from app.managers.execution_manager.gate.closable import Closable
from app.managers.execution_manager.gate.exit_warnings import ExitWarnings, comes_again
from app.managers.execution_manager.gate.gate_order import GATE, NAMELESS, RUN, GateOrder
from app.managers.execution_manager.gate.gate_orders import GateOrders
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.gate.strangers import Strangers
from app.managers.execution_manager.orders.parts import order_of

HAS_FILLED = "it has filled"
_WHAT = Struct("<qiqqd").pack
_CAUSES = {StopReached: REACHED, TooSmall: TOO_SMALL, TurnedAway: NEVER_HAD}
_SAYS_NOTHING = frozenset({states.NEW, states.SUBMITTED, states.UNKNOWN})


class Tracker:
    """The orders by their names, what they hold together, and what is still missing.

    An execution is the same one only if all of it is: a venue that restarts may give an id again.
    """

    def __init__(
        self,
        run_id: str,
        symbols: Sequence[str],
        positions: dict[int, int],
        strangers: Strangers,
        latch: Latch,
        output: Output,
        lot_units: Sequence[int],
    ) -> None:
        self.symbols = tuple(symbols)
        self.index = {symbol: place for place, symbol in enumerate(symbols)}
        self.net: defaultdict[int, int] = defaultdict(int, positions)
        self._before: defaultdict[int, int] = defaultdict(int, positions)  # part of that
        self.beside: defaultdict[int, int] = defaultdict(int)  # by others' orders, ignored
        self.orders = GateOrders(run_id)
        self.open: dict[str, GateOrder] = {}
        self.behind: dict[str, GateOrder] = {}  # their executions are missing
        self.applied = 0  # executions, in this life
        self._strangers = strangers
        self._latch = latch
        self._output = output
        self.closable = Closable(
            self.symbols, self.net, self._before, self.beside, lot_units, output
        )
        self._exits = ExitWarnings(self.symbols, self.closable.units, output)
        self._small_stops: dict[int, str] = {}  # by their order: why they were not taken
        self._seen: set[bytes] = set()
        self._ids: set[str] = set()
        self._nameless: set[bytes] = set()  # told before a restart, order unknown

    def add(self, order: GateOrder) -> None:
        """From here on the order is known."""
        self.orders.add(order)
        self.open[order.client_id] = order

    def split(self, split: Split) -> None:
        """The run holds more, and what was there beside its own is split too."""
        self.net[split.symbol] += split.units
        for units in (self._before, self.beside):
            had_units = units[split.symbol]
            left_units = abs(had_units) * split.new // split.old
            units[split.symbol] = left_units if had_units > 0 else -left_units
            if units is self._before:
                self.net[split.symbol] += units[split.symbol] - had_units

    def held_units(self, symbol: int) -> int:
        """What the account should hold, with what others' orders did where they are ignored."""
        return self.net[symbol] + self.beside[symbol]

    def unanswered(self) -> int:
        """Of how many orders the venue has yet to say something."""
        asked = {order.client_id for order in self.open.values() if order.is_asked_for}
        return len(asked.union(order.client_id for order in self.behind.values()))

    def _pay(
        self, units: dict[int, int], symbol: int, fill: Execution | Filled | GateFilled
    ) -> None:
        """The coins that a fill's fee was taken in are gone: of those that were there before, and
        then of those that others have brought since, what the run itself had not.
        """
        place = paid_from(self.symbols, symbol, fill.fee_currency)
        if place is not None:
            units[place] -= fill.fee_units
            lacking_units = min(self._before[place] - self.net[place], fill.fee_units)
            if units is self.net and lacking_units > 0:
                old_units = min(lacking_units, max(self._before[place], 0))
                self._before[place] -= old_units
                self.net[place] += lacking_units - old_units
                self.beside[place] -= lacking_units - old_units

    def tell(self, order: GateOrder, event: OrderEvent) -> None:
        """Report what became of an order, if the stream knows it and thinks it open."""
        if order.owner == RUN and not order.told_end:
            self._output.events.append(event)

    def end(self, order: GateOrder, state: str, event: OrderEvent | None) -> None:
        """The order works no more."""
        if state == states.FILLED and order.wanted is not None:
            self.tell(order, ChangeRefused(order.order_id, HAS_FILLED))
        if event is not None:
            self.tell(order, event)
            self._exits.ended(order, state, event)
            why = self._exits.keeps_out(order, event)
            if why and not self._is_entered(order.symbol):
                self._latch.halt(order.symbol, why)
        order.end, order.told_end = state, True
        order.cancel_wanted, order.cancel_refused, order.wanted = False, "", None
        self.open.pop(order.client_id, None)

    def unsettled(self) -> set[int]:
        """Symbols in which an answer is about to come, or fills are missing."""
        placing = {order.symbol for order in self.open.values() if order.placing}
        return placing | {order.symbol for order in self.behind.values()}

    def missing_in(self, reports: Sequence[VenueReport], made_ns: int) -> list[GateOrder]:
        """Orders that a list of what works, asked for at a moment, should have named."""
        named = {report.client_id or f"{NAMELESS}{report.venue_id}" for report in reports}
        return [
            order
            for name, order in self.open.items()
            if order.acknowledged and order.known_ns < made_ns and name not in named
        ]

    def _is_entered(self, symbol: int) -> bool:
        """Whether an entry fills: of its first piece a stop may be too small, and is given anew."""
        working = (order for order in self.open.values() if order.symbol == symbol)
        return any(order.opens and order.filled_units for order in working)

    def refuse(self, order: GateOrder, said: VenueRefused) -> None:
        """The venue has not taken a placement."""
        cause = next((name for kind, name in _CAUSES.items() if isinstance(said, kind)), "")
        held_units, closes = self.closable.units(order.symbol), not order.opens
        is_all = held_units != 0 and abs(order.terms.units) >= abs(held_units)
        if cause == TOO_SMALL and order.kind == states.MARKET and closes and is_all:
            self.closable.is_too_small(order.symbol, str(said))
        elif order.owner == GATE and not cause:
            self.closable.refused(order.symbol)
        elif cause == TOO_SMALL and order.kind in states.STOPS and closes:
            self._small_stops[order_of(order.order_id)] = str(said).rstrip(".")
        order.why = str(said)
        self.end(order, states.REJECTED, Refused(order.order_id, str(said), cause))

    def take_report(self, report: VenueReport, now_ns: int) -> GateOrder | None:
        """What an order has become; None for one that is nobody's business here."""
        order = self._order_of(report)
        if order is None:
            return None
        order.known_ns = now_ns
        if abs(report.filled_units) > abs(order.venue_filled_units):
            order.venue_filled_units = report.filled_units
        if order.end and order.denied and report.state in LIVE_STATES:
            self._turned_up(order)
        if not order.end and report.state not in _SAYS_NOTHING:
            self._take_state(order, report, now_ns)
        self._note_behind(order)
        return order

    def _take_state(self, order: GateOrder, report: VenueReport, now_ns: int) -> None:
        if report.state == states.REJECTED and not report.filled_units:
            why = report.reason or "the venue rejected it"
            self.end(order, states.REJECTED, Refused(order.order_id, why))
            return
        self.acknowledge(order, now_ns)
        if report.at_ns >= order.said_ns:
            order.said_ns = report.at_ns
            if report.state != states.AMEND_PENDING:
                self.take_terms(order, order.said_terms(report))
        if report.state == states.FILLED:
            self.end(order, states.FILLED, None)
        elif report.state not in LIVE_STATES:
            state = states.EXPIRED if report.state == states.EXPIRED else states.CANCELED
            told = order.venue_filled_units if order.is_behind else 0
            self.end(order, state, Ended(order.order_id, state, report.reason, told))

    def acknowledge(self, order: GateOrder, now_ns: int) -> None:
        """The venue has the order: told once."""
        if not order.acknowledged:
            order.acknowledged, order.uncertain = True, False
            order.known_ns = now_ns
            self.tell(order, Acknowledged(order.order_id))
            why = self._small_stops.pop(order_of(order.order_id), "")
            if why and order.kind == states.MARKET:
                name = self.symbols[order.symbol]
                self._latch.halt(order.symbol, comes_again(name, why))

    def take_terms(self, order: GateOrder, terms: Terms) -> None:
        """These are in force."""
        order.sized = True
        if terms == order.wanted:
            order.wanted = None
        if terms != order.terms:
            order.obey(terms)
            self.tell(order, Amended(order.order_id, terms))
            self.end_if_whole(order)

    def _turned_up(self, order: GateOrder) -> None:
        """An order works whose end has been told, so it must not go on."""
        order.end, order.acknowledged, order.cancel_wanted = "", True, True
        if not order.call:  # a cancel of before its end came to nothing
            order.cancel_sent = False
        self.open[order.client_id] = order
        self._output.alarm(
            "order turned up",
            f"The venue works {order.client_id}, which it had denied knowing; it is cancelled.",
        )

    def take_execution(self, execution: Execution, now_ns: int) -> GateOrder | None:
        """Apply a fill once, also to an order that has ended."""
        symbol = self.index.get(execution.symbol)
        if symbol is None:
            return None
        what = symbol, execution.at_ns, execution.units, execution.price
        nobodys = _key(execution.execution_id, 0, *what)
        if nobodys in self._seen and nobodys not in self._nameless:
            name = execution.client_id or f"{NAMELESS}{execution.venue_id}"
            if name not in self.orders:
                return None  # left alone before, and not met again
        order = self._order_of(execution)
        number = order.order_id if order is not None else 0
        key = _key(execution.execution_id, number, *what)
        if key in self._seen:
            if order is not None and key in self._nameless:
                self._nameless.discard(key)
                order.filled_units += execution.units
                self._note_behind(order)
            return order
        self._seen.add(key)
        self.applied += 1
        units = self.net if order is not None else self.beside
        units[symbol] += execution.units
        self._pay(units, symbol, execution)
        self.closable.moved(symbol, execution.units)
        if order is None:
            return None
        self.acknowledge(order, now_ns)
        self._fill(order, symbol, execution)
        return order

    def _fill(self, order: GateOrder, symbol: int, execution: Execution) -> None:
        told_id = execution.execution_id
        if told_id in self._ids:  # given a second time, for something else
            told_id = f"{told_id}#{execution.at_ns}"
        self._ids.add(told_id)
        what = (
            told_id, execution.units, execution.price, execution.fee_units, execution.at_ns,
            execution.fee_currency,
        )  # fmt: skip
        if order.owner == RUN:
            self._output.events.append(Filled(order.order_id, *what))
            if order.end in (states.CANCELED, states.EXPIRED, states.REJECTED):
                text = f"{order.client_id} in {self.symbols[symbol]}, which was {order.end}, filled"
                self._output.alarm("late fill", f"{text} {from_units(execution.units)}.")
            else:
                self._exits.filled(order, execution.units)
        else:
            self._output.events.append(GateFilled(symbol, *what))
        self._count_fill(order, execution.units)
        self.tell_if_large(symbol)
        most = order.terms if order.wanted is None else order.wanted
        bound_units = max(abs(order.terms.units), abs(most.units))
        if order.sized and abs(order.filled_units) > bound_units:
            self._latch.halt(symbol, f"{order.client_id} was filled beyond its size.")

    def tell_if_large(self, symbol: int) -> None:
        """More may be held than one order takes out."""
        self._exits.grown(symbol, self.closable.most_units.get(symbol))

    def _count_fill(self, order: GateOrder, units: int) -> None:
        order.filled_units += units
        self.end_if_whole(order)
        self._note_behind(order)

    def refuse_terms(self, order: GateOrder, why: str) -> None:
        """The terms asked for will not come into force."""
        self._exits.not_resized(order, why)
        order.wanted = None
        self.tell(order, ChangeRefused(order.order_id, why))
        self.end_if_whole(order)

    def refuse_cancel(self, order: GateOrder, why: str) -> None:
        """A cancel was refused: the order works on."""
        self._exits.stays(order, why)
        self.tell(order, ChangeRefused(order.order_id, why))

    def refuse_recalled(self) -> None:
        """Amendments that a restart has cut off from the end of their orders are answered."""
        for order in self.orders.of_run():
            if order.end == states.FILLED and order.wanted is not None:
                order.wanted = None
                self._output.events.append(ChangeRefused(order.order_id, HAS_FILLED))

    def end_if_whole(self, order: GateOrder) -> None:
        """All of it is filled, and it will not grow."""
        whole = order.sized and order.wanted is None and order.filled_units == order.terms.units
        if whole and not order.end:
            self.end(order, states.FILLED, None)

    def _note_behind(self, order: GateOrder) -> None:
        if order.is_behind:
            self.behind[order.client_id] = order
        else:
            self.behind.pop(order.client_id, None)

    def _order_of(self, said: VenueReport | Execution) -> GateOrder | None:
        name = said.client_id or f"{NAMELESS}{said.venue_id}"
        order = self.orders.get(name)
        symbol = self.index.get(said.symbol)
        if order is None and symbol is not None:
            order = self._strangers.meet(name, symbol, said, self.net[symbol])
            if order is not None:
                self.add(order)
        return order

    def recall_fill(self, event: Filled | GateFilled) -> None:
        """A fill told before a restart."""
        order = self.orders.numbered(event.order_id) if isinstance(event, Filled) else None
        symbol = order.symbol if order is not None else getattr(event, "symbol", -1)
        first_id = event.execution_id.removesuffix(f"#{event.at_ns}")
        number = order.order_id if order is not None else 0
        key = _key(first_id, number, symbol, event.at_ns, event.units, event.price)
        self._seen.add(key)
        self._ids.add(event.execution_id)
        self.net[symbol] += event.units
        self._pay(self.net, symbol, event)
        if order is not None:
            self._count_fill(order, event.units)
        else:
            self._nameless.add(key)


def _key(
    execution_id: str, order_id: int, symbol: int, at_ns: int, units: int, price: float
) -> bytes:
    """All of an execution, in as few bytes as it takes: they are kept for good."""
    return _WHAT(order_id, symbol, at_ns, units, price) + execution_id.encode()
