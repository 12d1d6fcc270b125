"""The practice venue as a bench: over its real sockets, in threads here, and without any."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from app.core.money import UNITS
from app.core.venue import Abilities, Venue, VenueOrder
from app.integrations.practice import wire
from app.integrations.practice.adapter import PracticeAdapter, open_practice
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.desk import Request
from app.integrations.practice.venue.process import VenueProcess
from app.managers.time_manager.clock import WallClock
from tests.conformance import bench as given
from tests.conformance.bench import Facts, Fault, Row
from tests.own_ports import free_ports
from tests.practice_house import CASH, Sim, minute
from tests.practice_in_process import InProcess

_STATUS = {given.RATE_LIMIT: 429, given.EXPIRED: 401}
_SECRETS = "canary-of-a-user", "canary-of-a-password"


class InProcessBench:
    """The desk is asked in the thread that asks."""

    name: ClassVar[str] = "in-process"
    lacks: ClassVar[Mapping[str, str]] = {
        given.ADDRESS: "it is called, not reached",
        given.RESTART: "it lives and dies with whoever calls it",
        given.THREADS: "it is for one thread",
        given.SECRETS: "it is given none",
    }
    abilities: ClassVar[Abilities] = PracticeAdapter.abilities
    facts: ClassVar[Facts] = Facts(("AAA", "BBB"), "USD", 0.01, UNITS, CASH)

    def __init__(self, rows: Sequence[Row]) -> None:
        self.sim = Sim(rows, symbols=self.facts.symbols)
        self._house: InProcess = self.sim.in_process()

    def open(self) -> Venue:
        return self._house.adapter()

    def open_nowhere(self) -> Venue:
        raise NotImplementedError

    def minute(self, number: int, seconds: int = 0) -> int:
        return minute(number, seconds)

    def to(self, number: int, seconds: int = 0) -> None:
        self._to(minute(number, seconds))

    def to_next_session(self) -> None:
        self._to(minute(1, day=1))

    def settle(self) -> None:
        self._house.pump()

    def arm(self, *faults: Fault) -> None:
        self.sim.arm(*map(_of_the_menu, faults))

    def by_hand(self, order: VenueOrder | None = None, cancel: str = "") -> None:
        self.sim.venue.by_hand(wire.Manual(order=order, cancel=cancel), self.sim.now_ns)

    def restart(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._house.close()

    def _to(self, now_ns: int) -> None:
        self.sim.at(now_ns)
        self._house.pump()


class PracticeBench(InProcessBench):
    """Sockets on loopback; its clock stands still and is moved by requests."""

    name = "practice"
    lacks: ClassVar[Mapping[str, str]] = {}
    facts = InProcessBench.facts._replace(secrets=_SECRETS)

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.sim = self._new_sim(rows)
        self._adapters: list[Any] = []
        self._process = self._begin(free_ports(2))  # it restarts at the same

    def _new_sim(self, rows: Sequence[Row], **more: Any) -> Sim:
        return Sim(rows, symbols=self.facts.symbols, **more)

    def _begin(self, port: int) -> VenueProcess:
        wall = WallClock()
        wall_ns = wall.now_ns()
        clock = VenueClock(self.sim.now_ns, wall_ns)
        clock.pause(wall_ns, True)
        about = wire.About("XNYS", list(self.facts.symbols), 0, False)
        process = self._new_process(clock, about, wall, port)
        process.start()
        return process

    def _new_process(
        self, clock: VenueClock, about: wire.About, wall: WallClock, port: int
    ) -> VenueProcess:
        return VenueProcess(self.sim.venue, clock, about, wall, port)

    def open(self) -> Venue:
        user, password = _SECRETS
        return self._opened(self._process.url.replace("//", f"//{user}:{password}@"))

    def open_nowhere(self) -> Venue:
        return self._opened("http://{}:{}@127.0.0.1:9".format(*_SECRETS))

    def _opened(self, url: str) -> Venue:
        self._adapters.append(open_practice(url, np.random.default_rng(1)))
        return self._adapters[-1]

    def settle(self) -> None:
        """The streams have threads of their own."""

    def by_hand(self, order: VenueOrder | None = None, cancel: str = "") -> None:
        self._post(wire.MANUAL, wire.Manual(order=order, cancel=cancel))

    def arm(self, *faults: Fault) -> None:
        self._post(wire.FAULTS, wire.FaultList(list(map(_of_the_menu, faults))))

    def restart(self) -> None:
        port = int(self._process.url.rpartition(":")[2])
        self._process.close()
        events = [event for step in self.sim.kept for event in step]
        self.sim = self._new_sim(self._rows, events=events)
        self._process = self._begin(port)

    def close(self) -> None:
        for adapter in self._adapters:
            adapter.close()
        threading.Thread(target=self._process.close).start()  # the next case need not wait for it

    def _to(self, now_ns: int) -> None:
        self._post(wire.CONTROL, wire.Control(advance_to_ns=now_ns))

    def _post(self, path: str, body: object) -> None:
        answer = self._process.serve(Request("POST", path, {}, wire.encode(body)))
        assert answer.status == 200, answer.body


def _of_the_menu(fault: Fault) -> wire.Fault:
    if fault.kind == given.EXPIRED and fault.where == given.ORDERS:
        fault = fault._replace(kind=given.CUT)  # its streams know no other end
    kind = given.STATUS if fault.kind in _STATUS else fault.kind
    return wire.Fault(
        kind,
        count=fault.count,
        where=fault.where,
        seconds=fault.seconds or (0.02 if kind.startswith("timeout") else 0.0),
        status=_STATUS.get(fault.kind, fault.status),
        after_accept=fault.done,
    )
