"""The practice venue without sockets: its adapter talks to its desk in one thread.

For a simulator with a clock of its own: requests are served where they are made, and the streams
bring their items when `pump` is called.
"""

from collections.abc import Callable, Mapping, Sequence

from app.core.venue import Connected, Disconnected, OnItem, VenueUnclear
from app.integrations.practice.adapter import PracticeAdapter
from app.integrations.practice.transport import Reply
from app.integrations.practice.venue.desk import Desk
from app.integrations.practice.venue.exchange import Request


class InProcess:
    """A desk as a transport, and its streams."""

    def __init__(self, desk: Desk, wall_ns: Callable[[], int]) -> None:
        self._desk = desk
        self._wall_ns = wall_ns
        self._listeners: list[_Listener] = []

    def adapter(self) -> PracticeAdapter:
        """The venue as the house sees it."""
        return PracticeAdapter(self, self._start_stream)

    def pump(self) -> None:
        """Have the streams bring all that they have up to now."""
        for stream, item in self._desk.advance(self._wall_ns()):
            for listener in [one for one in self._listeners if one.stream == stream]:
                symbol = getattr(item, "symbol", None)
                if item is None:
                    at_ns = self._now_ns()
                    listener.on_item(Disconnected(at_ns, "the venue has ended it"))
                    listener.on_item(Connected(at_ns))
                elif symbol is None or not listener.symbols or symbol in listener.symbols:
                    listener.on_item(item)

    def request(self, method: str, path: str, query: Mapping[str, str | int], body: bytes) -> Reply:
        asked = Request(method, path, {name: str(value) for name, value in query.items()}, body)
        answer = self._desk.answer(asked, self._wall_ns())
        if answer.silent_seconds or answer.is_reset:
            raise VenueUnclear(f"No answer to {method} {path}.")
        return Reply(answer.status, answer.body)

    def close(self) -> None:
        self._listeners.clear()

    def _start_stream(self, name: str, symbols: Sequence[str], on_item: OnItem) -> "_Listener":
        self.pump()  # what was before is not for it
        listener = _Listener(name, frozenset(symbols), on_item, self._listeners)
        self._listeners.append(listener)
        on_item(Connected(self._now_ns()))
        return listener

    def _now_ns(self) -> int:
        return self._desk.clock.now_ns(self._wall_ns())


class _Listener:
    def __init__(
        self, stream: str, symbols: frozenset[str], on_item: OnItem, all_of_them: list["_Listener"]
    ) -> None:
        self.stream = stream
        self.symbols = symbols
        self.on_item = on_item
        self._all = all_of_them

    def close(self) -> None:
        if self in self._all:
            self._all.remove(self)
