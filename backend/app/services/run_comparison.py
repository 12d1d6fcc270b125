"""Where recorded runs differ, and the first decision at which two of them part: plain values in,
plain values out.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

import msgspec

from app.core.orders import REJECTED, TRAILING_STOP

Row = Mapping[str, Any]

FILL, ADOPTED, ORDER, REFUSED = "fill", "adopted", "order", "refused"
# Those changes of an order that a strategy decides, or that risk decides for it.
_DECIDED: Final = ("cut", "cancel", "amend", "amend refused")
_REPLACED: Final = ("amend", "reduce")  # behind these an order's row tells its last terms alone
_TERMS: Final = ("quantity", "limit_price", "stop_price")
_ORDER_FACTS: Final = (
    *("symbol", "kind", "side", "quantity", "tif", "limit_price", "stop_price"),
    *("trail", "trail_percent", "reduce_only", "parent_id", "oco_group"),
)
_FILL_FACTS: Final = ("symbol", "quantity", "price", "bar_start_ns")
_CHANGE_FACTS: Final = ("order_id", *_TERMS, "reason")


class Difference(msgspec.Struct, frozen=True):
    """A place at which documents differ, and what each of them has there; None: nothing."""

    path: str
    values: tuple[Any, ...]


class Decision(msgspec.Struct, frozen=True):
    """An order, a change of one, or a fill, as it is on record."""

    at_ns: int
    what: str
    number: int  # of the order or the fill
    strategy: str | None  # None: of a change or a fill, whose order tells it
    facts: dict[str, Any]
    replaced: frozenset[str] = frozenset()  # facts that are of a later time, and tell nothing


class Parting(msgspec.Struct, frozen=True):
    """The first decision that two runs do not share; None on a side that has no more."""

    place: int  # from 1, among the decisions of either
    left: Decision | None
    right: Decision | None

    @property
    def at_ns(self) -> int:
        """The instant of the earlier side."""
        return min(side.at_ns for side in (self.left, self.right) if side is not None)


def differences(documents: Sequence[Row]) -> list[Difference]:
    """Every path at which not all have the same; `strategies[0].params.fast`.

    What is missing counts as null: an older record knows fewer names.
    """
    flat = [dict(_leaves(document, "")) for document in documents]
    paths = dict.fromkeys(path for leaves in flat for path in leaves)
    found = (Difference(path, tuple(leaves.get(path) for leaves in flat)) for path in paths)
    return [one for one in found if any(value != one.values[0] for value in one.values)]


def decisions(
    orders: Iterable[Row], changes: Iterable[Row], fills: Iterable[Row]
) -> list[Decision]:
    """A run's decisions in one order: by instant; fills, then orders, then changes."""
    told = list(changes)
    replaced = {change["order_id"] for change in told if change["what"] in _REPLACED}
    parts = (
        ((one.at_ns, 0, one.number, one) for one in map(_of_fill, fills)),
        ((one.at_ns, 1, one.number, one) for one in (_of_order(row, replaced) for row in orders)),
        ((one.at_ns, 2, place, one) for place, one in enumerate(_of_changes(told))),
    )
    # Sorted each: an order is numbered when it is given, a fill when it is booked.
    return [entry[-1] for entry in heapq.merge(*(sorted(part, key=_key) for part in parts))]


def first_parting(left: Iterable[Decision], right: Iterable[Decision]) -> Parting | None:
    """Where two runs decide otherwise for the first time; None where they never do.

    Strategies are compared by who came first, as a strategy may have another name in each.
    """
    seats: tuple[dict[str, int], dict[str, int]] = {}, {}
    for place, (one, other) in enumerate(zip_longest(left, right), 1):
        if one is None or other is None or not _is_same(one, other, seats):
            return Parting(place, one, other)
    return None


def _is_same(one: Decision, other: Decision, seats: tuple[dict[str, int], dict[str, int]]) -> bool:
    if (one.at_ns, one.what) != (other.at_ns, other.what):
        return False
    numbers = [
        seen.setdefault(side.strategy, len(seen)) if side.strategy is not None else None
        for seen, side in zip(seats, (one, other), strict=True)
    ]
    unknown = one.replaced | other.replaced
    names = (one.facts.keys() | other.facts.keys()) - unknown
    return numbers[0] == numbers[1] and all(
        one.facts.get(name) == other.facts.get(name) for name in names
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each value with its path; a list of plain values is one value."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    else:
        yield path, value or None if isinstance(value, Mapping) else value


def _key(entry: tuple[int, int, int, Decision]) -> tuple[int, int, int]:
    return entry[:3]


def _of_order(row: Row, replaced: set[int]) -> Decision:
    is_refused = row["state"] == REJECTED and row["ended_ns"] == row["created_ns"]
    facts = {name: row[name] for name in _ORDER_FACTS}
    if is_refused:
        facts["reason"] = row["reason"]
    unknown = set(_TERMS) if row["order_id"] in replaced else set()
    if row["kind"] == TRAILING_STOP:  # its stop is where it trailed to
        unknown.add("stop_price")
    return Decision(
        row["created_ns"], REFUSED if is_refused else ORDER, row["order_id"], row["strategy"],
        facts, frozenset(unknown),
    )  # fmt: skip


def _of_fill(row: Row) -> Decision:
    """A fee is left out: it is a figure, no decision. What was held before the run is no fill."""
    facts = {name: row[name] for name in _FILL_FACTS}
    what = FILL if row["fill_id"] > 0 else ADOPTED
    return Decision(row["instant_ns"], what, row["fill_id"], None, facts)


def _of_changes(changes: Iterable[Row]) -> Iterator[Decision]:
    for row in changes:
        if row["what"] in _DECIDED:
            facts = {name: row[name] for name in _CHANGE_FACTS}
            yield Decision(row["at_ns"], row["what"], row["order_id"], None, facts)
