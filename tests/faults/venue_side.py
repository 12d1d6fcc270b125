"""The venue and the wire to it: the practice venue's own desk, with latency, without sockets."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Final, NamedTuple

from app.core.money import UNITS
from app.core.venue import (
    Connected,
    Disconnected,
    Execution,
    OnItem,
    VenueOrder,
    VenueUnclear,
)
from app.integrations.practice import wire
from app.integrations.practice.adapter import PracticeAdapter
from app.integrations.practice.transport import Reply
from app.integrations.practice.venue.books import BookEvent, Books, RolledBack
from app.integrations.practice.venue.checks import Sizes
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.desk import Desk, Request, problem_answer
from app.integrations.practice.venue.faults import FaultMenu, _Armed
from app.integrations.practice.venue.floor import Terrain
from app.integrations.practice.venue.opening import new_books
from app.integrations.practice.venue.tape import Tape
from app.integrations.practice.venue.venue import PracticeVenue
from tests.faults.day import Day
from tests.faults.kinds import KINDS
from tests.faults.world import MILLISECOND, SECOND, World

CASH: Final = 1_000_000 * UNITS
_SIZES: Final = Sizes(UNITS // 100, UNITS, UNITS, "USD")
_BEAT_NS: Final = 5 * SECOND
_TIMEOUT: Final = "No answer."


class Menu(FaultMenu):
    """Faults come one by one, and each that fires is told."""

    def __init__(self, told: Callable[[wire.Fault, str], None]) -> None:
        super().__init__()
        self._told = told

    def add(self, fault: wire.Fault) -> None:
        """One more from now on."""
        self._armed.append(_Armed(fault))

    def end(self, fault: wire.Fault) -> None:
        """It goes wrong no more."""
        self._armed = [armed for armed in self._armed if armed.fault is not fault]

    def fires(self, kind: str, where: str = "", *, after: bool = False) -> wire.Fault | None:
        found = super().fires(kind, where, after=after)
        if found is not None:
            self._told(found, where)
        return found


class VenueSide:
    """The venue through all its restarts; what it kept is the truth."""

    is_spot = False  # nothing is short there, and so each sale reduces
    faults: Sequence[str] = tuple(KINDS)  # that can be there

    def __init__(self, world: World, day: Day, rate: int, ticks: bool, menu: Menu) -> None:
        self.world = world
        self.rate = rate
        self._day = day
        self.symbols = day.symbols
        self._ticks = ticks
        self.menu = menu
        self.kept: list[BookEvent] = []
        self.is_down = False
        self.refuses_until_ns = 0  # of the world: the token has expired
        self.links: list[Link] = []
        start_ns = day.sessions[1].open_ns - 90 * SECOND
        self.clock = VenueClock(start_ns, world.now_ns, float(rate))
        self._start_ns = start_ns
        self._open()
        world.sources.append((self._due_ns, self.pump))
        self._beat()

    @property
    def now_ns(self) -> int:
        """The venue's time."""
        return self.clock.now_ns(self.world.now_ns)

    def wall_ns(self, venue_ns: int) -> int:
        """When, by the machine, it will be so late at the venue."""
        return self.world.now_ns + (self.clock.wall_ns_until(venue_ns, self.world.now_ns) or 0)

    def link(
        self, on_request: "Callable[[Call], None]", on_heard: Callable[[str, object], None]
    ) -> "Link":
        """A program's wire to it."""
        return Link(self, on_request, on_heard)

    def told_id(self, execution: Execution) -> str:
        """How a run's books name one."""
        return f"{execution.client_id}/{execution.execution_id}/{execution.at_ns}"

    def in_force(self) -> AbstractContextManager[None]:
        """While a schedule runs."""
        return nullcontext()

    def _terrain(self) -> Terrain:
        return Terrain(
            "XNYS",
            dict.fromkeys(self.symbols, _SIZES),
            lambda symbol, interval, start, end: self._day.load(symbol, start, end),
            Decimal("0.1"),
            {"USD": CASH},
        )

    def _open(self) -> None:
        terrain = self._terrain()
        self.books: Books = new_books(terrain)
        for event in self.kept:
            self.books.apply(event)
        tape = Tape(self._day.load, self.symbols, self._day.sessions[1:], ticks=self._ticks)
        self.venue = PracticeVenue(
            terrain, tape, self.books, self.kept.extend, max(self._start_ns, self.books.through_ns)
        )
        self.venue.menu = self.venue._floor._menu = self.venue._stream_faults._menu = self.menu
        self.desk = Desk(
            self.venue, self.clock, wire.About("XNYS", list(self.symbols), 0, self._ticks)
        )

    def restart(self, down_seconds: float, rolls_back: bool) -> None:
        """Its process ends, and another goes on from its books; its ids may begin again."""
        self.is_down = True
        for link in self.links:
            link.lose_streams("the venue has gone")

        def again() -> None:
            if rolls_back:
                self.kept.append(RolledBack(self.now_ns))
            self._open()
            self.is_down = False
            self.world.say("venue is back")
            for link in self.links:
                link.regain_streams()

        self.world.after(round(down_seconds * SECOND), again)

    def split(self, symbol: str, ratio: int) -> None:
        """What it does to an account overnight: open orders end, as at most brokers."""
        armed, self.menu._armed = self.menu._armed, []
        self.venue.by_hand(wire.Manual(), self.now_ns)  # it lives up to now: orders may fill
        names = [e.client_id for e in self.books.live.values() if e.order.symbol == symbol]
        for name in filter(None, names):
            self.venue.by_hand(wire.Manual(cancel=name), self.now_ns)
        self.menu._armed = armed
        held = self.books.held_units(symbol)
        if held:
            self.venue.by_hand(wire.Manual(positions={symbol: held * ratio}), self.now_ns)

    def by_hand(self, manual: wire.Manual) -> None:
        """Somebody else uses the account."""
        self.venue.by_hand(manual, self.now_ns)

    def pump(self) -> None:
        """Have the streams bring what there is."""
        if self.is_down:
            return
        for stream, item in self.desk.advance(self.world.now_ns):
            for link in list(self.links):
                link.hear(stream, item)

    def _due_ns(self) -> int | None:
        if self.is_down:
            return None
        next_ns = self.venue.next_ns()
        return None if next_ns is None else self.wall_ns(next_ns)

    def _beat(self) -> None:
        if not self.is_down:
            self.venue.heartbeat(self.now_ns)
            self.pump()
        self.world.after(_BEAT_NS, self._beat)


class _Listener:
    """One stream as its listener hears it: late, but in order."""

    def __init__(self, link: "Link", stream: str, on_item: OnItem) -> None:
        self._link, self.stream, self._on_item = link, stream, on_item
        self._last_ns = 0
        self._open = True
        self.lost = False

    def bring(self, item: object) -> None:
        """Have it hear something a moment later."""
        world = self._link.side.world
        self._last_ns = max(self._last_ns, world.now_ns + world.some_ns(8 * MILLISECOND))

        def arrive() -> None:
            if self._open and not self._link.is_dead:
                self._link.on_heard(self.stream, item)
                self._on_item(item)  # type: ignore[arg-type]

        world.after(self._last_ns - world.now_ns, arrive)

    def close(self) -> None:
        self._open = False
        if self in self._link.listeners:
            self._link.listeners.remove(self)


class Call(NamedTuple):
    """A request that reached the venue's door."""

    method: str
    path: str
    places: str  # the client id of an order that it gives
    bars_of: str  # the symbol whose bars it asks for


class Link:
    """One program's wire to the venue, a transport for its adapter."""

    def __init__(
        self,
        side: VenueSide,
        on_request: Callable[[Call], None],
        on_heard: Callable[[str, object], None],
    ) -> None:
        self.side = side
        self.is_dead = False  # with its program
        self.took_seconds = 0.0  # the answer given last
        self.listeners: list[_Listener] = []
        self._on_request = on_request
        self.on_heard = on_heard
        side.links.append(self)

    def adapter(self) -> PracticeAdapter:
        """The venue as the house sees it."""
        return PracticeAdapter(self, self._start_stream)

    def die(self) -> None:
        """The program is gone; what it asked for is not."""
        self.is_dead = True
        self.listeners.clear()
        if self in self.side.links:
            self.side.links.remove(self)

    def hear(self, stream: str, item: wire.StreamItem | None) -> None:
        """What the venue's streams carry."""
        for listener in [one for one in self.listeners if one.stream == stream]:
            if item is None:
                at_ns = self.side.now_ns
                listener.bring(Disconnected(at_ns, "the venue has ended it"))
                listener.bring(Connected(at_ns))
            else:
                listener.bring(item)

    def lose_streams(self, reason: str) -> None:
        """They break, and stay so for a while."""
        for listener in self.listeners:
            listener.lost = True
            listener.bring(Disconnected(self.side.now_ns, reason))

    def regain_streams(self) -> None:
        """They stand again."""
        for listener in self.listeners:
            if listener.lost:
                listener.lost = False
                listener.bring(Connected(self.side.now_ns))

    def request(self, method: str, path: str, query: Mapping[str, str | int], body: bytes) -> Reply:
        self.took_seconds = 0.0
        if self.is_dead:
            raise VenueUnclear("This program is gone.")
        if self.side.is_down:
            raise VenueUnclear("Connection refused.")
        if self.side.world.now_ns < self.side.refuses_until_ns:
            answer = problem_answer(401, "unauthorised", "The token has expired.")
            return Reply(answer.status, answer.body)
        places = (method, path) == ("POST", wire.ORDERS)
        name = wire.decode(body, VenueOrder).client_id if places else ""
        symbol = str(query.get("symbol", "")) if path == wire.BARS else ""
        self._on_request(Call(method, path, name, symbol))
        asked = Request(method, path, {name: str(value) for name, value in query.items()}, body)
        answer = self.side.desk.answer(asked, self.side.world.now_ns)
        if not self.side.is_down:
            self.side.pump()
        if answer.silent_seconds or answer.is_reset:
            self.took_seconds = 5.0
            raise VenueUnclear(_TIMEOUT)
        return Reply(answer.status, answer.body)

    def close(self) -> None:
        self.die()

    def _start_stream(self, name: str, symbols: Sequence[str], on_item: OnItem) -> _Listener:
        if self.side.is_down:
            listener = _Listener(self, name, on_item)
            listener.lost = True
        else:
            self.side.pump()  # what was before is not for it
            listener = _Listener(self, name, on_item)
            listener.bring(Connected(self.side.now_ns))
        self.listeners.append(listener)
        return listener
