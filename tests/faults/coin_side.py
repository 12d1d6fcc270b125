"""The simulator's venue as Binance: the peer's own face, on the same venue, without sockets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

from app.core.money import UNITS
from app.core.venue import Execution, VenueTime
from app.integrations.binance import streams
from app.integrations.binance.peer.face import BinanceFace
from app.integrations.binance.peer.fees import Fees
from app.integrations.binance.peer.ground import Ground
from app.integrations.binance.peer.signatures import Account
from app.integrations.binance.peer.words import number_of
from app.integrations.practice.venue.checks import Sizes
from app.integrations.practice.venue.floor import Terrain
from tests.faults.coin_wire import KEYS, CoinLink, SteppedStream
from tests.faults.kinds import KINDS
from tests.faults.venue_side import CASH, Call, Link, VenueSide

COINS: Final = ("AAA/USD", "BBB/USD", "CCC/USD", "DDD/USD")
# It takes no other terms for an order, so none is raced by a fill; and its ids go on.
FAULTS: Final = tuple(kind for kind in KINDS if kind != "F15")
_SIZES: Final = Sizes(UNITS // 100, UNITS, UNITS, "USD")


class CoinSide(VenueSide):
    """The peer through all its restarts."""

    is_spot = True
    faults = FAULTS

    def _terrain(self) -> Terrain:
        self._fees = Fees(Decimal(0), Decimal(0))
        return Terrain(
            "XNYS",
            dict.fromkeys(self.symbols, _SIZES),
            lambda symbol, interval, start, end: self._day.load(symbol, start, end),
            Decimal("0.1"),
            {"USD": CASH},
            charge=self._fees.of,
        )

    def _open(self) -> None:
        super()._open()
        sizes = dict.fromkeys(self.symbols, _SIZES)
        ground = Ground(self.venue, self.books, sizes, self._day.load, self._fees)
        self.ours = ground.ours
        self.face = BinanceFace(ground, Account(*KEYS))

    @property
    def at(self) -> VenueTime:
        """Now, as the peer tells it."""
        return self.clock.told(self.world.now_ns)

    def link(
        self, on_request: Callable[[Call], None], on_heard: Callable[[str, object], None]
    ) -> Link:
        return CoinLink(self, on_request, on_heard)

    def restart(self, down_seconds: float, rolls_back: bool) -> None:
        super().restart(down_seconds, rolls_back=False)

    def told_id(self, execution: Execution) -> str:
        """Binance counts trades, symbol by symbol."""
        return f"{execution.symbol}/{number_of(execution.execution_id)}"

    def pump(self) -> None:
        if self.is_down:
            return
        self.face.publish(self.desk.advance(self.world.now_ns), self.at)
        for link in list(self.links):
            link.pump()  # type: ignore[attr-defined]

    def _beat(self) -> None:
        if not self.is_down:
            self.face.beat(self.at)
        super()._beat()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """While a schedule runs the adapter's streams are events."""
        real = streams.BinanceStream
        streams.BinanceStream = SteppedStream  # type: ignore[misc, assignment]
        try:
            yield
        finally:
            streams.BinanceStream = real  # type: ignore[misc]
