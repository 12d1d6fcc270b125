"""Every order that a venue may still tell of: those that work, and of the others a small record.

A fill may come long after its order has ended. What is kept for that is some 100 bytes an order.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from app.core.orders import Order, in_our_words
from app.managers.execution_manager.orders.parts import order_of

_LEAST_WHOLE: Final = 64  # orders that are kept whole anyway: most are told of again soon

_pack = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Order).decode


class KnownState(msgspec.Struct, frozen=True):
    """What is known of orders, as it is kept."""

    whole: list[Order]
    ended: dict[int, bytes]
    most_whole: int


class KnownOrders:
    """By the numbers of their parts. One that has ended comes back as a copy: `add` it where it has
    changed.
    """

    def __init__(self) -> None:
        self._whole: dict[int, Order] = {}
        self._ended: dict[int, bytes] = {}
        self._most_whole = _LEAST_WHOLE

    def state(self) -> KnownState:
        """All of it."""
        return KnownState(list(self._whole.values()), dict(self._ended), self._most_whole)

    def restore(self, state: KnownState) -> None:
        """Know it again."""
        for order in state.whole:
            in_our_words(order)
        self._whole = {order.order_id: order for order in state.whole}
        self._ended, self._most_whole = dict(state.ended), state.most_whole

    def add(self, order: Order) -> None:
        """Know an order, or what has become of it."""
        if len(self._whole) >= self._most_whole:
            self._shrink()
        self._whole[order.order_id] = order

    def __getitem__(self, number: int) -> Order:
        """The order of this number; a KeyError where there is none."""
        order_id = order_of(number)
        order = self._whole.get(order_id)
        return _unpack(self._ended[order_id]) if order is None else order

    def get(self, number: int) -> Order | None:
        """The order of this number, or None."""
        order_id = order_of(number)
        return self[order_id] if order_id in self._whole or order_id in self._ended else None

    def values(self) -> Iterator[Order]:
        """All of them."""
        yield from self._whole.values()
        for order_id, record in self._ended.items():
            if order_id not in self._whole:
                yield _unpack(record)

    def _shrink(self) -> None:
        """Keep a record of those that have ended; done seldom, so that it costs next to nothing."""
        for order in [one for one in self._whole.values() if not one.is_working]:
            self._ended[order.order_id] = _pack(order)
            del self._whole[order.order_id]
        self._most_whole = 2 * len(self._whole) + _LEAST_WHOLE


def _unpack(record: bytes) -> Order:
    order = _decode(record)
    in_our_words(order)
    return order
