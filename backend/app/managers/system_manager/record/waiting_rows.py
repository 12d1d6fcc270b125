"""Orders, their changes and fills that wait for their place in SQL, in a file of the run's folder.

A row in SQL costs as much as all else of an order's life, so a replay's rows are written there
when it has ended. Here they cost a tenth of that, and no memory however many they are.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from app.core.orders import INSTANT, FillRow, Order, OrderChange, RecordedFill

Rows = tuple[list[Order], list[OrderChange], list[RecordedFill]]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Rows).decode
_LENGTH_BYTES = 4


class WaitingRows:
    """Packed block by block: the length of each, then its orders, changes and fills."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "rows.waiting"
        self._file = self._path.open("w+b")
        self._may_repeat = False  # an order went on record while it worked

    def add(
        self, orders: Sequence[Order], changes: Sequence[OrderChange], fills: Sequence[FillRow]
    ) -> None:
        """Put a block's rows at the end."""
        if orders or changes or fills:
            self._may_repeat = self._may_repeat or any(order.is_working for order in orders)
            block = _pack((orders, changes, [fill[: INSTANT + 1] for fill in fills]))
            self._file.write(len(block).to_bytes(_LENGTH_BYTES, "little") + block)

    def orders(self) -> Iterator[Order]:
        """All orders, in the order they ended; of one that worked on, the last."""
        last: dict[int, int] = {}  # block of each that came while it worked
        if self._may_repeat:
            for place, (orders, _, _) in enumerate(self._blocks()):
                last |= {o.order_id: place for o in orders if o.is_working or o.order_id in last}
        for place, (orders, _, _) in enumerate(self._blocks()):
            yield from (order for order in orders if last.get(order.order_id, place) == place)

    def changes(self) -> Iterator[OrderChange]:
        """What was done to orders, in the order it happened."""
        for _, changes, _ in self._blocks():
            yield from changes

    def fills(self) -> Iterator[RecordedFill]:
        """All fills, in the order they happened."""
        for _, _, fills in self._blocks():
            yield from fills

    def delete(self) -> None:
        """They have found their place, or are not wanted."""
        try:
            self._file.close()
        finally:  # a full disk takes none of what it still holds
            self._path.unlink(missing_ok=True)

    def _blocks(self) -> Iterator[Rows]:
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            yield _unpack(self._file.read(int.from_bytes(length, "little")))
