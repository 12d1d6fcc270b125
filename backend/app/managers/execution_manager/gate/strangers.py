"""Orders that nobody here gave in this life: the gate's own of an earlier one, and outsiders'."""

from typing import Final

from app.core.orders import DAY, MARKET, Terms
from app.core.venue import (
    GATE_SERIES,
    LIVE_STATES,
    Execution,
    VenueReport,
    client_id,
    run_mark,
)  # fmt: skip
from app.managers.execution_manager.gate.gate_order import GATE, OUTSIDE, GateOrder
from app.managers.execution_manager.gate.latch import Latch

_NS_PER_NUMBER = 1_000_000  # no more numbers than this are ever given
ADOPT, IGNORE, HALT = "adopt", "ignore", "halt"
EXTERNAL: Final = (ADOPT, IGNORE, HALT)  # what may be done with others' orders


class Strangers:
    """Decides who an unknown order belongs to; numbers the gate's own."""

    def __init__(self, run_id: str, external: str, latch: Latch) -> None:
        if external not in EXTERNAL:
            raise ValueError(f"'{external}' is no way to treat others' orders: {EXTERNAL}")
        self._run_id = run_id
        self._mark = run_mark(run_id) + "-"
        self._external = external
        self.halts = external == HALT
        self._latch = latch
        self.own_number = 0  # the last one given

    def skip_numbers(self, passed_ns: int) -> None:
        """After a restart, go beyond every number that may have been given and not written down."""
        self.own_number = max(self.own_number, passed_ns // _NS_PER_NUMBER)

    def own_order(self, number: int, symbol: int, units: int) -> GateOrder:
        """An order of the gate's own: at the market, and never beyond flat."""
        self.own_number = max(self.own_number, number)
        return GateOrder(
            client_id=client_id(self._run_id, number, GATE_SERIES),
            owner=GATE,
            order_id=0,
            symbol=symbol,
            kind=MARKET,
            tif=DAY,
            terms=Terms(units, None, None, None, None),
            reduce_only=True,
        )

    def meet(
        self, name: str, symbol: int, said: VenueReport | Execution, held_units: int
    ) -> GateOrder | None:
        """The order as it is taken on; None where it is left alone."""
        if name.startswith(self._mark):
            number = name[len(self._mark) :].removeprefix(GATE_SERIES)
            if name.startswith(self._mark + GATE_SERIES) and number.isdigit():
                self.own_number = max(self.own_number, int(number))
                return _order(name, GATE, symbol, said, opens=False)
            self._latch.halt(symbol, f"The venue has {name}, and no intent of this run says so.")
            return _order(name, OUTSIDE, symbol, said, opens=True)
        if self._external == ADOPT:
            opens = (said.units > 0) == (held_units > 0) or not held_units
            return _order(name, OUTSIDE, symbol, said, opens=opens)
        if self._external == HALT and (isinstance(said, Execution) or said.state in LIVE_STATES):
            self._latch.halt(symbol, f"An order from outside, {name}, is in {said.symbol}.")
        return None


def _order(
    name: str, owner: str, symbol: int, said: VenueReport | Execution, opens: bool
) -> GateOrder:
    report = said if isinstance(said, VenueReport) else None
    return GateOrder(
        client_id=name,
        owner=owner,
        order_id=0,
        symbol=symbol,
        kind=report.kind if report is not None else MARKET,
        tif=DAY,
        terms=Terms(
            said.units,
            report.limit if report is not None else None,
            report.stop if report is not None else None,
            None,
            None,
        ),
        opens=opens,
        sized=report is not None,
        acknowledged=True,
    )
