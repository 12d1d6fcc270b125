"""What a human must hear of exits: of one that is gone, of the wrong size, or filled too much.

Where strategies share a symbol the account can be flat while each of them holds something: an exit
that the run itself counts is told of whatever the account holds.
"""

from collections.abc import Callable, Sequence

from app.core import orders as states
from app.core.money import from_units
from app.core.order_events import KEPT_IN, NEVER_HAD, REACHED, OrderEvent, Refused
from app.managers.execution_manager.gate.calls import Output
from app.managers.execution_manager.gate.gate_order import RUN, GateOrder
from app.managers.execution_manager.orders.parts import APART


class ExitWarnings:
    """Warns of the run's orders that only reduce; `held_units`: what can be closed of a symbol."""

    def __init__(
        self, symbols: Sequence[str], held_units: Callable[[int], int], output: Output
    ) -> None:
        self._symbols = symbols
        self._held_units = held_units
        self._output = output
        self._large: set[int] = set()  # symbols of which more is held than one order takes out

    def ended(self, order: GateOrder, state: str, event: OrderEvent) -> None:
        """What should have closed a position is gone, and nobody here has asked for that."""
        asked = order.told_end or order.cancel_wanted or order.cancel_sent
        held_units = self._held_units(order.symbol)
        in_time = state == states.EXPIRED and order.tif != states.GTC
        cause, reason = getattr(event, "cause", ""), getattr(event, "reason", "")
        is_exit = self._is_exit(order) or (cause == REACHED and self._takes_out(order))
        if is_exit and self._has_work(order) and not asked and not in_time:
            left = from_units(abs(order.terms.units - order.filled_units))
            what, then = self._way_on(order, event)
            reason = reason or "the venue gives no reason."
            why = f"{reason.rstrip('.')}. {then}." if then else reason
            where = " by the account" if order.counted_here else ""
            self._output.alarm(
                what,
                f"{order.client_id}, which would have reduced {self._symbols[order.symbol]}, is "
                f"{state} with {left} left of it, and {from_units(held_units)} are held{where}: "
                f"{why}",
            )

    def _way_on(self, order: GateOrder, event: OrderEvent) -> tuple[str, str]:
        """What it is, and how the run goes on from there."""
        cause = getattr(event, "cause", "")
        if not isinstance(event, Refused) or order.kind not in states.STOPS or cause == KEPT_IN:
            return "exit lost", ""
        if cause == REACHED:
            return "stop reached", "It is closed at market"
        if cause == NEVER_HAD:
            return "exit refused", "It is given anew"
        return "exit refused", "It goes on at market, or with what its entry brings next"

    def keeps_out(self, order: GateOrder, event: OrderEvent) -> str:
        """Why its symbol is to take no entries, or "": what they would bring could not be
        protected, or not be closed.
        """
        plain_no = isinstance(event, Refused) and not event.cause
        asked = order.told_end or order.cancel_wanted or order.cancel_sent
        if not plain_no or asked or not self._is_exit(order) or not self._has_work(order):
            return ""
        name, why = self._symbols[order.symbol], getattr(event, "reason", "")
        if order.kind in states.STOPS:
            return comes_again(name, why.rstrip("."))
        stood_in = order.order_id >= APART and order.kind == states.MARKET
        return f"{name} stays open: {why}" if stood_in else ""

    def grown(self, symbol: int, most_units: int | None) -> None:
        """What is held may be more than one order may be: told before it has to be closed."""
        held_units = abs(self._held_units(symbol))
        if most_units is None or held_units <= most_units:
            self._large.discard(symbol)
        elif symbol not in self._large:
            self._large.add(symbol)
            self._output.alarm(
                "too large to close",
                f"{from_units(held_units)} of {self._symbols[symbol]} are held, and one order may "
                f"be {from_units(most_units)} at most: an exit of all is refused, close it in "
                "parts. A flatten does.",
            )

    def not_resized(self, order: GateOrder, why: str) -> None:
        """What takes a position out stays too small for it, or too large; not while it is taken
        back, which `stays` tells of where that fails.
        """
        wanted, works = order.wanted, self._is_exit(order) and not order.told_end
        works = works and not order.cancel_wanted
        whole = abs(order.filled_units) >= abs(order.terms.units)
        if wanted is not None and works and not whole and wanted.units != order.terms.units:
            size, other = from_units(abs(order.terms.units)), from_units(abs(wanted.units))
            self._output.alarm(
                "exit not resized",
                f"{order.client_id}, which reduces {self._symbols[order.symbol]}, stays at {size} "
                f"where {other} were asked for: {why}",
            )

    def stays(self, order: GateOrder, why: str) -> None:
        """The venue does not give back what takes a position out: no other size leaves for it."""
        if self._is_exit(order) and not order.told_end and self._has_work(order):
            left = from_units(abs(order.terms.units - order.filled_units))
            self._output.alarm(
                "exit stays",
                f"{order.client_id}, which reduces {self._symbols[order.symbol]}, was to be "
                f"cancelled and stays with {left} left of it: {why}",
            )

    def filled(self, order: GateOrder, units: int) -> None:
        """It was to end, or be smaller, as another had taken the position out; it filled too."""
        held_units = self._held_units(order.symbol)
        opened = held_units != 0 and (held_units > 0) == (units > 0)
        ends = order.cancel_wanted or order.cancel_sent
        if order.counted_here:
            opened = ends or _shrinks(order)
        if self._is_exit(order) and opened and (ends or order.wanted is not None):
            then = f"{from_units(held_units)} are held: nothing takes these out again"
            if order.counted_here:
                then = "what that opens for its strategy is closed at market"
            self._output.alarm(
                "exit too much",
                f"{order.client_id}, which reduces {self._symbols[order.symbol]}, filled "
                f"{from_units(abs(units))} while it was being {'cancelled' if ends else 'amended'},"
                f" and {then}.",
            )

    def _takes_out(self, order: GateOrder) -> bool:
        return order.owner == RUN and not order.opens

    def _has_work(self, order: GateOrder) -> bool:
        """Whether something is held, as far as that is known here, that it is to take out."""
        return order.counted_here or bool(self._held_units(order.symbol))

    def _is_exit(self, order: GateOrder) -> bool:
        return order.reduce_only and order.owner == RUN


def comes_again(name: str, why: str) -> str:
    """Why a symbol whose stop was refused takes no entries."""
    return (
        f"a stop of {name} was refused, and the next would be: {why}. Nothing is entered until "
        "'system release' lifts this"
    )


def _shrinks(order: GateOrder) -> bool:
    return order.wanted is not None and abs(order.wanted.units) < abs(order.terms.units)
