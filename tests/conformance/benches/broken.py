"""Benches whose adapter has one fault, and the case that must find it: the suite can fail."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from app.core.venue import (
    Venue,
)
from app.integrations.practice.adapter import PracticeAdapter
from tests.conformance.benches.practice import InProcessBench, PracticeBench

Adapter = type[PracticeAdapter]


class BrokenBench(InProcessBench):
    """The practice venue with an adapter that has a fault."""

    fails: ClassVar[int]
    adapter: ClassVar[Adapter]

    def open(self) -> Venue:
        return _as(self.adapter, super().open())


class BrokenOverSockets(PracticeBench):
    fails: ClassVar[int]
    adapter: ClassVar[Adapter]

    def open(self) -> Venue:
        return _as(self.adapter, super().open())

    def open_nowhere(self) -> Venue:
        return _as(self.adapter, super().open_nowhere())

    def close(self) -> None:
        for adapter in self._adapters:
            _as(PracticeAdapter, adapter)
        super().close()


def _as(adapter: Adapter, venue: Any) -> Venue:
    venue.__class__ = adapter
    made: Venue = venue
    return made


def fails(*numbers: int, base: type[Any] = BrokenBench) -> Callable[[Adapter], Adapter]:
    """The numbers of the cases that find an adapter's fault."""

    def taken(adapter: Adapter) -> Adapter:
        adapter.faults = [  # type: ignore[attr-defined]
            type(
                f"C{number:02} {adapter.__name__}",
                (base,),
                {"fails": number, "adapter": adapter, "abilities": adapter.abilities},
            )
            for number in numbers
        ]
        return adapter

    return taken


def broken_of(*modules: ModuleType) -> list[type[BrokenBench]]:
    """A bench for each case that an adapter of these modules fails."""
    adapters = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
    return [bench for one in adapters for bench in vars(one).get("faults", ())]
