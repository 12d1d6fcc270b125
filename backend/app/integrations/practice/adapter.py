"""The practice venue as the house sees any venue."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import numpy as np

from app.core.bars import BarColumns
from app.core.orders import Terms
from app.core.venue import (
    Abilities,
    Execution,
    OnItem,
    Sizes,
    Stream,
    VenueOrder,
    VenueReport,
    VenueTime,
)
from app.integrations.lasting_stream import Chance
from app.integrations.practice import wire
from app.integrations.practice.stream import PracticeStream
from app.integrations.practice.transport import HttpTransport, Transport, UnknownOrder, read

_Read = TypeVar("_Read")
# How a stream is begun: its name, its symbols, who gets its items.
StartStream = Callable[[str, Sequence[str], OnItem], Stream]


class PracticeAdapter:
    """Asks over a transport; what streams are made of comes with it."""

    abilities = Abilities()  # all there are

    def __init__(self, transport: Transport, start_stream: StartStream) -> None:
        self._transport = transport
        self._start_stream = start_stream
        self._streams: list[Stream] = []

    def about(self) -> wire.About:
        """What is traded there."""
        return self._ask("GET", wire.ABOUT, wire.About)

    def time(self) -> VenueTime:
        return self._ask("GET", wire.TIME, VenueTime)

    def place(self, order: VenueOrder) -> VenueReport:
        return self._ask("POST", wire.ORDERS, VenueReport, order)

    def cancel(self, client_id: str, symbol: str = "") -> VenueReport:
        return self._ask("DELETE", _order_path(client_id), VenueReport)

    def amend(self, client_id: str, terms: Terms, symbol: str = "") -> VenueReport:
        return self._ask("PATCH", _order_path(client_id), VenueReport, terms)

    def order(self, client_id: str, symbol: str = "") -> VenueReport | None:
        try:
            return self._ask("GET", _order_path(client_id), VenueReport)
        except UnknownOrder:
            return None

    def open_orders(self) -> Sequence[VenueReport]:
        return self._ask("GET", wire.ORDERS, wire.Reports).orders

    def executions(self, since_ns: int) -> Sequence[Execution]:
        found = self._ask("GET", wire.EXECUTIONS, wire.Executions, since_ns=since_ns)
        return [_told_apart(execution) for execution in found.executions]

    def positions(self) -> dict[str, int]:
        return self._ask("GET", wire.POSITIONS, wire.Amounts).units

    def cash(self) -> dict[str, int]:
        return self._ask("GET", wire.CASH, wire.Amounts).units

    def sizes(self, symbol: str) -> Sizes | None:
        """It goes by the instruments of the data folder that it was begun with."""
        return None

    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        found = self._ask(
            "GET", wire.BARS, wire.BarLists,
            symbol=symbol, interval=interval, start_ns=start_ns, end_ns=end_ns,
        )  # fmt: skip
        starts, *prices = (getattr(found, name) for name in wire.BarLists.__struct_fields__)
        return BarColumns(np.array(starts, np.int64), *(np.array(p, np.float64) for p in prices))

    def market_stream(self, symbols: Sequence[str], on_item: OnItem) -> Stream:
        return self._stream(wire.MARKET_STREAM, symbols, on_item)

    def order_stream(self, on_item: OnItem) -> Stream:
        def hand_on(item: Any) -> None:
            on_item(_told_apart(item) if isinstance(item, Execution) else item)

        return self._stream(wire.ORDER_STREAM, (), hand_on)

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        self._transport.close()

    def _stream(self, name: str, symbols: Sequence[str], on_item: OnItem) -> Stream:
        stream = self._start_stream(name, symbols, on_item)
        self._streams.append(stream)
        return stream

    def _ask(
        self, method: str, path: str, kind: type[_Read], body: object = None, **query: str | int
    ) -> _Read:
        sent = b"" if body is None else wire.encode(body)
        reply: _Read = read(self._transport.request(method, path, query, sent), kind)
        return reply


def open_practice(url: str, chance: Chance) -> PracticeAdapter:
    """The adapter of the practice venue at this address."""
    transport = HttpTransport(url)

    def start_stream(name: str, symbols: Sequence[str], on_item: OnItem) -> Stream:
        def find_url() -> str:  # asked for each time: a venue that restarts has another port
            about = read(transport.request("GET", wire.ABOUT, {}, b""), wire.About)
            return stream_url(url, about, name, symbols)

        return PracticeStream(find_url, on_item, chance).start()

    return PracticeAdapter(transport, start_stream)


def stream_url(url: str, about: wire.About, name: str, symbols: Sequence[str]) -> str:
    """Where a stream of the venue at `url` is."""
    query: Mapping[str, str] = {"symbols": ",".join(symbols)} if symbols else {}
    return f"ws://{urlsplit(url).hostname}:{about.stream_port}/{name}?{urlencode(query)}"


def _order_path(client_id: str) -> str:
    return f"{wire.ORDERS}/{quote(client_id, safe='')}"


def _told_apart(execution: Execution) -> Execution:
    """Its id made one of its own: the venue's counts begin again when it loses its mind."""
    order = execution.client_id or execution.venue_id
    unique = f"{order}/{execution.execution_id}/{execution.at_ns}"
    values = {name: getattr(execution, name) for name in Execution.__struct_fields__}
    return Execution(**(values | {"execution_id": unique}))
