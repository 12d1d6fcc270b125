"""The one place where calls on the venue are made: each has a number, its time, and an end."""

from app.core.orders import Terms
from app.core.venue import VenueOrder
from app.managers.execution_manager.gate.calls import (
    AmendCall,
    Call,
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
    """Numbers the calls, puts them out, and knows which are under way and for how long."""

    def __init__(self, output: Output, patience_ns: int) -> None:
        self._output = output
        self._patience_ns = patience_ns
        self._number = 0
        self._under_way: dict[int, tuple[Call, int]] = {}  # by number: and since when, oldest first

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

    # -- those under way ---------------------------------------------------------------------------

    def begin(self, call: Call, now_ns: int) -> None:
        """The venue is asked now."""
        self._under_way[call.number] = call, now_ns

    def end(self, number: int) -> None:
        """It has been answered."""
        self._under_way.pop(number, None)

    def is_under_way(self, number: int) -> bool:
        """Whether it has begun, and is not answered."""
        return number in self._under_way

    def next_ns(self) -> int | None:
        """When the oldest will have taken too long."""
        oldest = next(iter(self._under_way.values()), None)
        return None if oldest is None else oldest[1] + self._patience_ns

    def overdue(self, now_ns: int) -> list[Call]:
        """Those that have taken too long; they count as ended."""
        found = [
            call for call, at_ns in self._under_way.values() if now_ns - at_ns >= self._patience_ns
        ]
        for call in found:
            del self._under_way[call.number]
        return found
