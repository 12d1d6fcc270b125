"""How work that takes a while tells how far it is: to whoever asked, else to nobody."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

OnCount = Callable[[int, int], None]
"""Told how much is done, and of how much: files, sessions, rows, and never on a hot path."""


def counted(items: Iterable[T], total: int, on_count: OnCount | None) -> Iterator[T]:
    """The items; each is counted when the next is asked for."""
    if on_count is None:
        yield from items
        return
    on_count(0, total)
    for done, item in enumerate(items, start=1):
        yield item
        on_count(done, total)
