"""Whether two runs hold the same, field by field: also what a saved state knows nothing of."""

from collections.abc import Iterator
from typing import Any

from app.managers.system_manager.wiring import Run

# of no consequence: each is worked out anew, in another order, or trimmed a block later
CACHES = {
    "_power", "_prices", "_number_of", "_book", "book", "_rows", "_left", "_agenda", "_heap",
    "_active", "view", "_filled", "pipeline", "_ranges", "_moment", "_memo", "_measured",
    "_measures", "_quoted", "_quotes", "_counted", "_sure",
    "_asked", "_rolled_ns", "_reach", "_bounds", "_closes",
    "late",  # bars that came late, counted for people, of sessions that are over
    "sources",  # where the files of journals lie
}  # fmt: skip


def differing(one: object, other: object, place: str, seen: set[int]) -> Iterator[str]:
    """Where two objects, or what they hold, are not the same: fields that no state knows of."""
    if id(one) in seen:
        return
    seen.add(id(one))
    if _kind(one) != _kind(other):
        yield f"{place}: {type(one)} against {type(other)}"
    elif isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            yield f"{place}: {list(one)[:9]} against {list(other)[:9]}"
        for key in one.keys() & other.keys():
            yield from differing(one[key], other[key], f"{place}[{key}]", seen)
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield f"{place}: {one} against {other}"
        for number, pair in enumerate(zip(one, other, strict=False)):
            yield from differing(*pair, f"{place}[{number}]", seen)
    elif type(one).__module__.startswith("app.") and not callable(one):
        names = [*getattr(one, "__dict__", ()), *getattr(type(one), "__slots__", ())]
        for name in names:
            if name in CACHES or not (hasattr(one, name) and hasattr(other, name)):
                continue  # not set yet in a run that has asked about no order since its state
            if name == "declared":
                both = _in_both(one, other)
            elif name == "values" and hasattr(one, "declared"):
                continue  # with what is declared
            else:
                both = getattr(one, name), getattr(other, name)
            yield from differing(*both, f"{place}.{name}", seen)
    elif isinstance(one, int | float | str | set | frozenset | bytes) and not _same(one, other):
        yield f"{place}: {one!r} against {other!r}"


def _in_both(one: Any, other: Any) -> tuple[object, object]:
    """What both declare, with its values where they have any: code that a reload replaced may have
    declared more and sooner, and a run that goes on from a state has never seen it.
    """
    ours, theirs = (
        dict(zip(it.declared, getattr(it, "values", it.declared), strict=True))
        for it in (one, other)
    )
    common = [item for item in ours if item in theirs]
    return [(item, ours[item]) for item in common], [(item, theirs[item]) for item in common]


def _kind(value: object) -> object:
    """Its type; that of a strategy's file by its text, wherever that lies."""
    kind = type(value)
    _, is_file, text = kind.__module__.partition(" as of ")
    return (kind.__name__, text) if is_file else kind


def _same(one: object, other: object) -> bool:
    return one == other or repr(one) == repr(other)  # as nan and nan


def runs_differ(one: Run, other: Run) -> Iterator[str]:
    """Where the objects of two runs that have ended are not the same."""
    for name in ("execution", "curve", "quality"):
        yield from differing(getattr(one, name), getattr(other, name), name, set())
    for name in ("timers", "_reports", "_course", "outlook", "_news", "_through_ns"):
        pair = getattr(one.engine, name), getattr(other.engine, name)
        yield from differing(*pair, name, set())
