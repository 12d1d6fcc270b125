"""Adapters that get executions, bars, streams or their own end wrong."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from app.core.bars import COLUMNS, BarColumns
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    OnItem,
    Stream,
    VenueOrder,
    VenueRefused,
    VenueReport,
    VenueTime,
    VenueUnclear,
)
from app.integrations.practice.adapter import PracticeAdapter
from tests.conformance.benches.broken import BrokenOverSockets, fails
from tests.conformance.benches.practice import PracticeBench


@fails(5)
class AllArePositive(PracticeAdapter):
    def executions(self, since_ns: int) -> Sequence[Execution]:
        done = super().executions(since_ns)
        return [msgspec.structs.replace(one, units=abs(one.units)) for one in done]


@fails(52)
class EndedIsEnded(PracticeAdapter):
    """Leaves out what fills after a cancel."""

    cancelled = ""

    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        self.cancelled = client_id
        return super().cancel(client_id)

    def executions(self, since_ns: int) -> Sequence[Execution]:
        return [one for one in super().executions(since_ns) if one.client_id != self.cancelled]


@fails(55)
class AfterSince(PracticeAdapter):
    def executions(self, since_ns: int) -> Sequence[Execution]:
        return super().executions(since_ns + 1 if since_ns else 0)


@fails(81)
class KeepsTheTimeItWasTold(PracticeAdapter):
    told_ns = 0

    def time(self) -> VenueTime:
        found = super().time()
        self.told_ns = self.told_ns or found.venue_ns
        return found

    def place(self, order: VenueOrder) -> VenueReport:
        return msgspec.structs.replace(super().place(order), at_ns=self.told_ns)


@fails(79)
class TheFirstPage(PracticeAdapter):
    def executions(self, since_ns: int) -> Sequence[Execution]:
        return super().executions(since_ns)[:10]


@fails(55, 79)
class OneOfAMoment(PracticeAdapter):
    """Pages by moments, and keeps one execution of each."""

    def executions(self, since_ns: int) -> Sequence[Execution]:
        return list({one.at_ns: one for one in super().executions(since_ns)}.values())


@fails(57)
class TheVenueSOwnNumbers(PracticeAdapter):
    def executions(self, since_ns: int) -> Sequence[Execution]:
        return [
            msgspec.structs.replace(one, execution_id=one.execution_id.split("/")[1])
            for one in super().executions(since_ns)
        ]


@fails(59)
class WithTheEnd(PracticeAdapter):
    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        return super().bars(symbol, interval, start_ns, end_ns + 1)


@fails(60)
class NoBarsOfNothing(PracticeAdapter):
    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        try:
            return super().bars(symbol, interval, start_ns, end_ns)
        except VenueRefused:
            return BarColumns(np.empty(0, np.int64), *(np.empty(0) for _ in range(5)))


@fails(58)
class LatestFirst(PracticeAdapter):
    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        found = super().bars(symbol, interval, start_ns, end_ns)
        return BarColumns(*(getattr(found, name)[::-1] for name in COLUMNS))


@fails(63)
class AllSymbols(PracticeAdapter):
    def market_stream(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        return super().market_stream((), on_item)


@fails(64, 80, 82)
class SaysNothingOfACut(PracticeAdapter):
    def order_stream(self, on_item: OnItem) -> Stream:
        return super().order_stream(
            lambda item: None if isinstance(item, Disconnected) else on_item(item)
        )


@fails(67)
class ANewIdEachTime(PracticeAdapter):
    def order_stream(self, on_item: OnItem) -> Stream:
        heard: list[Any] = []

        def hand_on(item: Any) -> None:
            heard.append(item)
            if isinstance(item, Execution):
                item = msgspec.structs.replace(item, execution_id=str(len(heard)))
            on_item(item)

        return super().order_stream(hand_on)


@fails(75, base=BrokenOverSockets)
class LeavesStreamsOpen(PracticeAdapter):
    def close(self) -> None:
        self._transport.close()


@fails(78, base=BrokenOverSockets)
class ShowsItsKey(PracticeAdapter):
    def __repr__(self) -> str:
        return f"Adapter(key={PracticeBench.facts.secrets[0]})"


@fails(4, 5, 6, 7, 8, 9, 10, 11, 20, 24, 35, 38, 39, 40, 42, 44, 46, 51, 52, 53, 55, 57, 66)
class NoExecutions(PracticeAdapter):
    def executions(self, since_ns: int) -> Sequence[Execution]:
        super().executions(since_ns)
        return []


@fails(56)
class AnIdForEachQuestion(PracticeAdapter):
    asked = 0

    def executions(self, since_ns: int) -> Sequence[Execution]:
        self.asked += 1
        return [
            msgspec.structs.replace(one, execution_id=f"{self.asked}-{one.execution_id}")
            for one in super().executions(since_ns)
        ]


@fails(61, 62, 64, 66, 67, 68, 69, 71, 80, 82)
class DeafToOrders(PracticeAdapter):
    def order_stream(self, on_item: OnItem) -> Stream:
        return super().order_stream(lambda item: None)


@fails(63, 65, 82)
class DeafToTheMarket(PracticeAdapter):
    def market_stream(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        return super().market_stream(symbols, lambda item: None)


@fails(62)
class TellsTheLastStateFirst(PracticeAdapter):
    def order_stream(self, on_item: OnItem) -> Stream:
        def hand_on(item: Any) -> None:
            if isinstance(item, VenueReport) and item.state == "ACCEPTED":
                on_item(msgspec.structs.replace(item, state="FILLED"))
            on_item(item)

        return super().order_stream(hand_on)


class _NeverCloses:
    def close(self) -> None:
        """It goes on."""


@fails(69)
class StreamsGoOn(PracticeAdapter):
    def order_stream(self, on_item: OnItem) -> Stream:
        super().order_stream(on_item)
        return _NeverCloses()


@fails(70)
class KnowsItsOwnAlone(PracticeAdapter):
    """Tells what it has placed itself."""

    placed: tuple[str, ...] = ()

    def place(self, order: VenueOrder) -> VenueReport:
        self.placed += (order.client_id,)
        return super().place(order)

    def executions(self, since_ns: int) -> Sequence[Execution]:
        return [one for one in super().executions(since_ns) if one.client_id in self.placed]


@fails(3, base=BrokenOverSockets)
class NobodyIsFine(PracticeAdapter):
    def time(self) -> VenueTime:
        try:
            return super().time()
        except VenueUnclear:
            return VenueTime(0)


@fails(72, base=BrokenOverSockets)
class GivesUpAtOnce(PracticeAdapter):
    def time(self) -> VenueTime:
        raise VenueUnclear("It was gone once.")


@fails(73, 77, base=BrokenOverSockets)
class SpeaksForItself(PracticeAdapter):
    """Says that its stream stands before it does, and once for all."""

    def order_stream(self, on_item: OnItem) -> Stream:
        on_item(Connected(0))
        return super().order_stream(
            lambda item: None if isinstance(item, Disconnected) else on_item(item)
        )


@fails(74, base=BrokenOverSockets)
class OneMindForAll(PracticeAdapter):
    """Keeps what is asked for in itself while it asks."""

    asking: Any = None

    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        self.asking = client_id
        super().time()
        return super().order(self.asking)


@fails(76, base=BrokenOverSockets)
class GoesOnAfterTheEnd(PracticeAdapter):
    def close(self) -> None:
        """The connection stays."""
