"""The one place where calls on the venue are made: each has a number, and its time."""

from app.core.orders import Terms
from app.core.venue import VenueOrder
from app.managers.execution_manager.gate.calls import (
    AmendCall,
    CancelCall,
    ExecutionsCall,
    OpenOrdersCall,
    OrderCall,
    Output,
    PlaceCall,
    PositionsCall,
    SizesCall,
)  # fmt: skip


class Calling:
    """Numbers the calls and puts them out."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._number = 0

    def _next(self) -> int:
        self._number += 1
        return self._number

    def place(self, order: VenueOrder, closes: bool, now_ns: int) -> int:
        """Once in an order's life, but for one that was turned away."""
        number = self._next()
        call = PlaceCall(number=number, made_ns=now_ns, order=order, closes=closes)
        self._output.calls.append(call)
        return number

    def cancel(self, client_id: str, symbol: str, now_ns: int) -> int:
        """Take an order back."""
        number = self._next()
        call = CancelCall(number=number, made_ns=now_ns, client_id=client_id, symbol=symbol)
        self._output.calls.append(call)
        return number

    def amend(self, client_id: str, symbol: str, terms: Terms, now_ns: int) -> int:
        """Give an order other terms."""
        number = self._next()
        call = AmendCall(
            number=number, made_ns=now_ns, client_id=client_id, symbol=symbol, terms=terms
        )
        self._output.calls.append(call)
        return number

    def ask_order(self, client_id: str, symbol: str, now_ns: int) -> None:
        """Ask what became of an order."""
        call = OrderCall(number=self._next(), made_ns=now_ns, client_id=client_id, symbol=symbol)
        self._output.calls.append(call)

    def ask_executions(self, since_ns: int, now_ns: int) -> None:
        """Ask what was filled."""
        call = ExecutionsCall(number=self._next(), made_ns=now_ns, since_ns=since_ns)
        self._output.calls.append(call)

    def ask_open_orders(self, now_ns: int) -> None:
        """Ask what works."""
        self._output.calls.append(OpenOrdersCall(number=self._next(), made_ns=now_ns))

    def ask_positions(self, now_ns: int) -> None:
        """Ask what is held."""
        self._output.calls.append(PositionsCall(number=self._next(), made_ns=now_ns))

    def ask_sizes(self, symbol: str, now_ns: int) -> None:
        """Ask what a symbol's orders have to respect."""
        self._output.calls.append(SizesCall(number=self._next(), made_ns=now_ns, symbol=symbol))
