"""Every order that the gate has met, whole where more may come of it, else as a small record.

A venue may speak of an order long after it ended, so none is forgotten.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from app.core.venue import client_id
from app.managers.execution_manager.gate.gate_order import RUN, GateOrder

_LEAST_WHOLE: Final = 256  # orders that are kept whole anyway: most are told of again soon

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(GateOrder).decode


class GateOrders:
    """By their names, and those of the run by their numbers. There is one object for each order
    until the next `shrink`: whoever has one beyond that has it from a list of unfinished ones.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._whole: dict[str, GateOrder] = {}
        self._packed: dict[str, bytes] = {}
        self._most_whole = _LEAST_WHOLE

    def add(self, order: GateOrder) -> None:
        """Know an order from here on."""
        self._whole[order.client_id] = order

    def __contains__(self, name: str) -> bool:
        return name in self._whole or name in self._packed

    def __getitem__(self, name: str) -> GateOrder:
        """The order of this name; a KeyError where there is none."""
        order = self._whole.get(name)
        if order is None:
            order = self._whole[name] = _unpack(self._packed.pop(name))
        return order

    def get(self, name: str) -> GateOrder | None:
        """The order of this name, or None."""
        return self[name] if name in self._whole or name in self._packed else None

    def numbered(self, number: int) -> GateOrder | None:
        """The run's order of this number, or None."""
        return self.get(client_id(self._run_id, number))

    def of_run(self) -> Iterator[GateOrder]:
        """The orders of the run of which more may come."""
        return (order for order in self._whole.values() if order.owner == RUN)

    def shrink(self) -> None:
        """Keep a small record of those that are done with; seldom, so that it costs next to
        nothing.
        """
        if len(self._whole) < self._most_whole:
            return
        for order in [order for order in self._whole.values() if order.is_done]:
            del self._whole[order.client_id]
            self._packed[order.client_id] = _pack(order)
        self._most_whole = 2 * len(self._whole) + _LEAST_WHOLE
