"""The practice venue itself: orders in, market data and fills out, stepped by whoever has a clock.

No thread, socket, file or clock is in here. Every call is given the venue's time; what it brings
for the streams is collected and handed out by the next `advance`. Each call leaves the books
durable before it returns.
"""

from typing import Final

from app.core.bars import BarColumns
from app.core.errors import did_you_mean
from app.core.intervals import DAILY, MINUTE_NS, SECOND_NS, interval_ns
from app.core.money import from_units
from app.core.orders import (
    CANCELED,
    GTC,
    MARKET_ON_CLOSE,
    MARKET_ON_OPEN,
    REJECTED,
    Terms,
)
from app.core.venue import Execution, Heartbeat, VenueOrder, VenueReport
from app.integrations.practice.venue import faults
from app.integrations.practice.venue.books import (
    Adjusted,
    Books,
    Changed,
    ClockSet,
    Entry,
    Opened,
    Placed,
    RolledBack,
)
from app.integrations.practice.venue.checks import (
    Refusal,
    Sizes,
    check_amounts,
    check_change,
    check_order,
)
from app.integrations.practice.venue.faults import FaultMenu
from app.integrations.practice.venue.floor import Floor, Keep, Terrain
from app.integrations.practice.venue.stream_faults import Sent, StreamFaults
from app.integrations.practice.venue.tape import Tape
from app.integrations.practice.wire import (
    DUPLICATE,
    ENDED,
    REFUSED,
    STREAMS,
    UNKNOWN_ORDER,
    Manual,
)
from app.services.auctions import AUCTIONS, cut_offs_of, too_late

_BY_HAND: Final = "by hand"


class PracticeVenue:
    """One account at one market."""

    def __init__(
        self, terrain: Terrain, tape: Tape, books: Books, keep: Keep, start_ns: int
    ) -> None:
        self.menu = FaultMenu()
        self._terrain = terrain
        self._tape = tape
        self._books = books
        self._floor = Floor(terrain, tape, books, keep, self.menu)
        self._stream_faults = StreamFaults(self.menu)
        self._cut_offs = cut_offs_of(terrain.market)
        if not books.market:
            self._floor.record(Opened(terrain.market, dict(terrain.cash), start_ns))
            self._floor.commit()
        tape.seek(books.through_ns)

    # -- time ------------------------------------------------------------------------------------

    def advance(self, now_ns: int) -> list[Sent]:
        """Live through all up to now; what the streams carry since the last time."""
        self._floor.work(now_ns)
        return self._stream_faults.passed(self._floor.take_sent(), now_ns)

    def next_ns(self) -> int | None:
        """When something happens by itself again."""
        moments = (self._floor.next_ns(), self._stream_faults.next_ns())
        return min((at_ns for at_ns in moments if at_ns is not None), default=None)

    def heartbeat(self, now_ns: int) -> None:
        """Have the streams say that the venue is alive."""
        for stream in STREAMS:
            self._floor.send(stream, Heartbeat(now_ns))

    def clock_set(self, clock: ClockSet) -> None:
        """Remember how the venue's clock runs."""
        self._floor.record(clock)
        self._floor.commit()

    # -- orders ----------------------------------------------------------------------------------

    def place(self, asked: VenueOrder, now_ns: int) -> VenueReport:
        """Take an order."""
        self._floor.work(now_ns)
        if asked.client_id in self._books.by_client:
            raise Refusal(
                DUPLICATE, f"duplicate: the client id '{asked.client_id}' was used before."
            )
        report = self._place(asked, now_ns, by_hand=False)
        self._floor.commit()
        return report

    def cancel(self, client_id: str, now_ns: int) -> VenueReport:
        """Take an order back."""
        self._floor.work(now_ns)
        return self.cancel_entry(self._live(client_id, now_ns), now_ns)

    def cancel_entry(self, entry: Entry, now_ns: int) -> VenueReport:
        """Take back a working order that was looked up before."""
        report = self._cancel(entry, now_ns, "canceled")
        self._floor.commit()
        return report

    def amend(self, client_id: str, terms: Terms, now_ns: int) -> VenueReport:
        """Give an order other terms, in force from now on."""
        self._floor.work(now_ns)
        entry = self._live(client_id, now_ns)
        self._race(faults.AMEND_RACED, entry, now_ns)
        check_change(entry.order, terms, self._terrain.sizes[entry.order.symbol])
        self._floor.record(Changed(entry.order.order_id, terms, now_ns))
        report = self._floor.tell(entry, now_ns)
        self._floor.commit()
        return report

    def order(self, client_id: str, now_ns: int) -> VenueReport:
        """What has become of an order."""
        self._floor.work(now_ns)
        return self._entry(client_id, now_ns).report(now_ns)

    def open_orders(self, now_ns: int) -> list[VenueReport]:
        self._floor.work(now_ns)
        live = self._books.live.values()
        return [entry.report(now_ns) for entry in live if entry.hidden_until_ns <= now_ns]

    def executions(self, since_ns: int, now_ns: int) -> list[Execution]:
        self._floor.work(now_ns)
        return [one for one in self._books.executions if one.at_ns >= since_ns]

    def positions(self, now_ns: int) -> dict[str, int]:
        self._floor.work(now_ns)
        return dict(self._books.positions)

    def cash(self, now_ns: int) -> dict[str, int]:
        self._floor.work(now_ns)
        return dict(self._books.cash)

    def bars(
        self, symbol: str, interval: str, start_ns: int, end_ns: int, now_ns: int
    ) -> BarColumns:
        """Bars that are closed by now."""
        self._sizes(symbol)
        known_ns = now_ns - interval_ns(interval) + 1
        if interval == DAILY:
            session = self._tape.session_closing_after(now_ns)
            known_ns = now_ns if session is None else min(session.open_ns, now_ns)
        return self._terrain.history(symbol, interval, start_ns, min(end_ns, known_ns))

    def last_price(self, symbol: str, now_ns: int) -> float | None:
        """The close of the last bar of this session and the one before it."""
        return self._tape.last_price(symbol, now_ns)

    def by_hand(self, manual: Manual, now_ns: int) -> None:
        """What somebody does at the venue, past the client."""
        self._floor.work(now_ns)
        for symbol in manual.positions:
            self._sizes(symbol)
        check_amounts(manual.positions | manual.cash)
        if manual.order is not None:
            self._place(manual.order, now_ns, by_hand=True)
        if manual.cancel:
            self._cancel(self._live(manual.cancel, now_ns, by_hand=True), now_ns, _BY_HAND)
        if manual.positions or manual.cash:
            self._floor.record(Adjusted(manual.positions, manual.cash, now_ns))
        self._floor.commit()

    # -- what orders go through --------------------------------------------------------------------

    def _place(self, asked: VenueOrder, now_ns: int, *, by_hand: bool) -> VenueReport:
        check_order(asked, self._sizes(asked.symbol), by_hand=by_hand)
        until_ns = self._until_ns(asked, now_ns)
        if not by_hand and self.menu.fires(faults.ID_ROLLBACK):
            self._floor.record(RolledBack(now_ns))
            self._floor.hang_up()
        hidden = None if by_hand else self.menu.fires(faults.NOT_FOUND)
        hidden_until_ns = now_ns + _ns(hidden.seconds) if hidden else 0
        kept = VenueOrder(
            client_id="" if by_hand else asked.client_id,
            symbol=asked.symbol,
            kind=asked.kind,
            tif=asked.tif,
            terms=asked.terms,
            reduce_only=asked.reduce_only,
        )
        number, venue_id = len(self._books.entries) + 1, self._books.next_venue_id()
        self._floor.record(Placed(number, kept, venue_id, until_ns, hidden_until_ns, now_ns))
        entry = self._books.entries[number]
        if not by_hand and (later := self.menu.fires(faults.REJECT_LATER)):
            self._floor.do_later(
                now_ns + _ns(later.seconds),
                lambda at_ns: self._floor.end(entry, REJECTED, "rejected after all", at_ns),
            )
        return self._floor.tell(entry, now_ns)

    def _cancel(self, entry: Entry, now_ns: int, reason: str) -> VenueReport:
        self._race(faults.CANCEL_RACED, entry, now_ns)
        self._floor.end(entry, CANCELED, reason, now_ns)
        if self.menu.is_armed(faults.FILL_AFTER_CANCEL):
            self._fill_late(entry, now_ns)
        return entry.report(now_ns)

    def _fill_late(self, entry: Entry, now_ns: int) -> None:
        price = self._last_price(entry, now_ns)
        if price is not None and (late := self.menu.fires(faults.FILL_AFTER_CANCEL)):
            self._floor.do_later(
                now_ns + _ns(late.seconds),
                lambda at_ns: self._floor.trade(entry, self._floor.rest(entry), price, at_ns),
            )

    def _race(self, kind: str, entry: Entry, now_ns: int) -> None:
        """Have an order fill before what is asked of it, where that fault is armed."""
        if not self.menu.is_armed(kind):
            return
        price = self._last_price(entry, now_ns)
        if price is None or not self._floor.rest(entry) or not self.menu.fires(kind):
            return
        self._floor.trade(entry, self._floor.rest(entry), price, now_ns)
        self._floor.commit()
        if not entry.is_working:
            raise Refusal(ENDED, f"Order '{entry.client_id}' has filled meanwhile.")

    def _until_ns(self, asked: VenueOrder, now_ns: int) -> int:
        """When an order ends by itself: at the close of the first session it can fill in."""
        if asked.tif == GTC:
            return 0
        under_way = self._tape.session_closing_after(now_ns - 1)
        if asked.kind in AUCTIONS and under_way is not None:
            reason = too_late(asked.kind, now_ns, under_way, self._cut_offs)
            if reason:
                raise Refusal(REFUSED, reason)
        for session in self._tape.sessions_after(now_ns):
            last_ns = session.close_ns - (1 if self._tape.ticks else MINUTE_NS)
            if asked.kind == MARKET_ON_OPEN:
                last_ns = session.open_ns - self._cut_offs.open_ns
            elif asked.kind == MARKET_ON_CLOSE:
                last_ns = session.close_ns - self._cut_offs.close_ns
            if now_ns <= last_ns:
                return session.close_ns
        raise Refusal(REFUSED, "The venue's data end here: no session follows.")

    # -- small things ------------------------------------------------------------------------------

    def _last_price(self, entry: Entry, now_ns: int) -> float | None:
        limit = entry.order.limit
        return limit if limit is not None else self._tape.last_price(entry.order.symbol, now_ns)

    def _sizes(self, symbol: str) -> Sizes:
        sizes = self._terrain.sizes.get(symbol)
        if sizes is None:
            hint = did_you_mean(symbol, self._terrain.sizes)
            raise Refusal(REFUSED, f"'{symbol}' is not traded here.{hint}")
        return sizes

    def _entry(self, client_id: str, now_ns: int) -> Entry:
        entry = self._books.by_client.get(client_id)
        if entry is None or entry.hidden_until_ns > now_ns:
            raise Refusal(UNKNOWN_ORDER, f"There is no order '{client_id}'.")
        return entry

    def _live(self, name: str, now_ns: int, *, by_hand: bool = False) -> Entry:
        by_venue_id = [e for e in self._books.live.values() if by_hand and e.venue_id == name]
        entry = by_venue_id[-1] if by_venue_id else self._entry(name, now_ns)
        if not entry.is_working:
            order = entry.order
            filled = f", filled {from_units(abs(order.filled_units))}"
            raise Refusal(ENDED, f"Order '{name}' is {order.state}{filled}.")
        return entry


def _ns(seconds: float) -> int:
    return int(seconds * SECOND_NS)
