"""What a venue's orders have to respect, read anew where it refuses what takes a position out.

A run keeps the ticks and lots that it began with. Where the venue has others by then that its
orders do not fit, the symbol takes no entries; what the gate closes by itself goes by the new lot.
"""

from collections.abc import Sequence

from app.core.money import from_units, to_units
from app.core.venue import Sizes
from app.managers.execution_manager.gate.calling import Calling
from app.managers.execution_manager.gate.calls import Answer, SizesCall
from app.managers.execution_manager.gate.gate_order import GateOrder
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.gate.tracker import Tracker


class SymbolSizes:
    """`tick_units` and the tracker's lots are those of the run; without ticks none are known."""

    def __init__(
        self, tracker: Tracker, latch: Latch, calling: Calling, tick_units: Sequence[int]
    ) -> None:
        self._tracker = tracker
        self._latch = latch
        self._calling = calling
        self._tick_units, self._lot_units = tuple(tick_units), tracker.closable.own_lots
        self._asking: set[int] = set()

    def ask_all(self, now_ns: int) -> None:
        """A program has started: nobody knows yet how large orders may be."""
        for symbol in range(len(self._tick_units)):
            self._ask(symbol, now_ns)

    def refused(self, order: GateOrder, now_ns: int) -> None:
        """The venue has refused a placement: of an exit, a rule of its own may be another."""
        if order.reduce_only and self._tick_units:
            self._ask(order.symbol, now_ns)

    def _ask(self, symbol: int, now_ns: int) -> None:
        if symbol not in self._asking:
            self._asking.add(symbol)
            self._calling.ask_sizes(self._tracker.symbols[symbol], now_ns)

    def answered(self, call: SizesCall, answer: Answer) -> None:
        """What the venue says of them, if anything."""
        symbol = self._tracker.index[call.symbol]
        self._asking.discard(symbol)
        if isinstance(answer, Sizes):
            most_units = None if answer.most is None else to_units(answer.most)
            lot_units, least_units = to_units(answer.lot), to_units(answer.least or 0)
            self._tracker.closable.size(symbol, lot_units, least_units, most_units)
            self._tracker.tell_if_large(symbol)
            self._hold_against(symbol, to_units(answer.tick) or 1, to_units(answer.lot) or 1)

    def _hold_against(self, symbol: int, tick_units: int, lot_units: int) -> None:
        own_tick, own_lot = self._tick_units[symbol], self._lot_units[symbol]
        if own_tick % tick_units or own_lot % lot_units:
            now, begun = _words(tick_units, lot_units), _words(own_tick, own_lot)
            self._latch.halt(
                symbol,
                f"{self._tracker.symbols[symbol]} trades by {now} now, this run by {begun}: what "
                "does not fit is refused. End the run, and begin another, which goes by them",
            )


def _words(tick_units: int, lot_units: int) -> str:
    return f"ticks of {from_units(tick_units)} and lots of {from_units(lot_units)}"
