"""Binance as a bench: its real client library at the peer, over sockets on this machine."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Final

import numpy as np

from app.core.venue import Abilities, Venue
from app.integrations.binance.adapter import BinanceAdapter
from app.integrations.binance.endpoints import Keys, endpoints_of
from app.integrations.binance.link import Link
from app.integrations.binance.peer import faults
from app.integrations.binance.peer.face import BinanceFace
from app.integrations.binance.peer.fees import Fees
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account
from app.integrations.practice import wire
from app.integrations.practice.venue.clock import VenueClock
from app.integrations.practice.venue.process import VenueProcess
from app.managers.time_manager.clock import WallClock
from tests.binance_house import KEY, SECRET
from tests.conformance import bench as given
from tests.conformance.bench import Facts, Fault, Row
from tests.conformance.benches.practice import PracticeBench
from tests.practice_house import CASH, Sim

_LOT_UNITS: Final = 1_000
_NO_KEY: Final = -2015  # what it says to a key that is good no more


class BinanceBench(PracticeBench):
    """The same process with Binance's face; coins, and no smallest amount for an order."""

    name = "binance"
    abilities: ClassVar[Abilities] = BinanceAdapter.abilities
    facts = Facts(("BTC/USDT", "ETH/USDT"), "USDT", 0.01, _LOT_UNITS, CASH, secrets=(KEY, SECRET))

    def _new_sim(self, rows: Sequence[Row], **more: object) -> Sim:
        return Sim(rows, symbols=self.facts.symbols, currency="USDT", lot_units=_LOT_UNITS, **more)  # type: ignore[arg-type]

    def _new_process(
        self, clock: VenueClock, about: wire.About, wall: WallClock, port: int
    ) -> VenueProcess:
        sim, fees = self.sim, Fees(Decimal(0), Decimal(0))
        ground = Ground(sim.venue, sim.books, sim.sizes, sim._load, fees)
        ground.min_notional_units = 0
        face = BinanceFace(ground, Account(KEY, SECRET))
        return VenueProcess(sim.venue, clock, about, wall, port, face)

    def open(self) -> Venue:
        return self._opened(self._process.url)

    def open_nowhere(self) -> Venue:
        return self._opened("http://127.0.0.1:9")

    def _opened(self, url: str) -> Venue:
        link = Link(endpoints_of(url), Keys(KEY, SECRET), WallClock())
        chance = np.random.default_rng(1)
        adapter = BinanceAdapter(link, self.facts.symbols, chance, self.facts.page_rows)
        self._adapters.append(adapter)
        return adapter

    def arm(self, *faults_to_be: Fault) -> None:
        told = [_of_the_menu(one) for one in faults_to_be]
        self._post(wire.FAULTS, wire.FaultList([one for one in told if one is not None]))


_KINDS: Final[Mapping[str, str]] = {
    given.RATE_LIMIT: faults.TOO_MANY,
    given.EXPIRED: faults.ERROR_CODE,
}
_PLACES: Final[Mapping[str, str]] = {"positions": "cash"}  # one answer tells both


def _of_the_menu(fault: Fault) -> wire.Fault | None:
    if fault.kind == given.ID_ROLLBACK:
        return None  # its trades are numbered without an end
    if (fault.kind, fault.where) == (given.EXPIRED, given.ORDERS):
        return wire.Fault(faults.EXPIRED, count=fault.count)
    kind = _KINDS.get(fault.kind, fault.kind)
    usual_seconds = 0.02 if kind.startswith("timeout") else 0.1 * (kind == faults.TOO_MANY)
    return wire.Fault(
        kind,
        count=fault.count,
        where=_PLACES.get(fault.where, fault.where),
        seconds=fault.seconds or usual_seconds,
        status=fault.status,
        code=_NO_KEY if kind == faults.ERROR_CODE else 0,
        after_accept=fault.done,
    )
