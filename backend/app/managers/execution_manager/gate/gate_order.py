"""One order as the gate knows it: what was told of it, and what the venue last said."""

import msgspec

from app.core.orders import ACCEPTED, PARTIAL, SUBMITTED, TRAILING_STOP, UNKNOWN, Terms
from app.core.venue import VenueOrder, VenueReport

NAMELESS = "venue:"  # an order without a client id goes by its venue's
RUN, GATE, OUTSIDE = "run", "gate", "outside"  # who gave an order


class GateOrder(msgspec.Struct, kw_only=True, eq=False, array_like=True):
    """Units are signed. `end` is the final state once it has one; fills may still come after."""

    client_id: str
    owner: str
    order_id: int  # in the run; 0 for the gate's own and for those from outside
    symbol: int
    kind: str
    tif: str
    terms: Terms  # in force
    reduce_only: bool = False
    opens: bool = False
    sized: bool = True  # its terms are known: not those of one met by a fill
    placing: bool = False  # its placement has not been answered
    acknowledged: bool = False
    uncertain: bool = False
    end: str = ""
    denied: bool = False  # ended because the venue did not know it: it may yet turn up
    told_end: bool = False  # the stream has heard that it ended; of fills it still hears
    filled_units: int = 0  # by the executions applied
    venue_filled_units: int = 0  # the most that the venue has reported
    said_ns: int = 0  # by the venue's clock: the newest report whose terms count
    known_ns: int = 0  # by ours: when the venue last spoke of it, in this life
    call: int = 0  # the number of the change under way
    cancel_wanted: bool = False
    cancel_sent: bool = False
    cancel_refused: str = ""  # why, while it is not yet known what state that leaves
    cancels_refused: int = 0  # in a row, of an order that worked on
    wanted: Terms | None = None  # terms asked for and not yet settled
    wanted_sent: bool = False
    wanted_opens: bool = False
    counted_here: bool = False  # the venue does not know that it only reduces
    why: str = ""  # the venue has not taken it

    @property
    def is_nameless(self) -> bool:
        """From outside, and without a name by which the venue could be asked for it."""
        return self.client_id.startswith(NAMELESS)

    @property
    def state(self) -> str:
        """In the words of the table of states."""
        if self.end:
            return self.end
        if not self.acknowledged:
            return UNKNOWN if self.uncertain else SUBMITTED
        return PARTIAL if self.filled_units else ACCEPTED

    @property
    def remaining_units(self) -> int:
        """The most that may still be filled."""
        units = self.terms.units
        if self.wanted is not None and abs(self.wanted.units) > abs(units):
            units = self.wanted.units
        rest = units - self.filled_units
        return rest if (rest > 0) == (units > 0) else 0

    @property
    def is_behind(self) -> bool:
        """Whether the venue has reported more than the executions that came."""
        return abs(self.venue_filled_units) > abs(self.filled_units)

    @property
    def is_asked_for(self) -> bool:
        """Whether something was asked of the venue that it has not answered, or is still to be."""
        return bool(self.placing or self.call or (self.cancel_wanted and not self.end))

    @property
    def is_done(self) -> bool:
        """Whether nothing is under way or missing: most likely nobody speaks of it again."""
        changes = self.call or self.placing or self.wanted is not None
        return bool(self.end and self.told_end and not changes and not self.is_behind)

    @property
    def may_open(self) -> bool:
        """Whether it may open or increase a position, as it is or by the change under way."""
        return self.opens or (self.wanted is not None and self.wanted_opens)

    def obey(self, terms: Terms) -> None:
        """These are in force; what was made larger may open by that."""
        if abs(terms.units) > abs(self.terms.units):
            self.opens = self.opens or self.wanted_opens
        self.terms = terms

    def said_terms(self, report: VenueReport) -> Terms:
        """The terms a report shows; what it cannot show is as it was, or as it was asked for."""
        like = self.wanted if self.wanted is not None and self.wanted_sent else self.terms
        stop = like.stop if self.kind == TRAILING_STOP else report.stop
        said = Terms(report.units, report.limit, stop, like.trail, like.trail_percent)
        if said == like:
            return like
        old = self.terms
        stop = old.stop if self.kind == TRAILING_STOP else report.stop
        return Terms(report.units, report.limit, stop, old.trail, old.trail_percent)

    def for_venue(self, symbol: str) -> VenueOrder:
        """As the venue is asked for it."""
        return VenueOrder(
            client_id=self.client_id,
            symbol=symbol,
            kind=self.kind,
            tif=self.tif,
            terms=self.terms,
            reduce_only=self.reduce_only and not self.counted_here,
        )


class Doubt(msgspec.Struct):
    """An order whose state is asked for until the venue says; times are ours."""

    order: GateOrder
    ask_ns: int
    wait_ns: int
    since_ns: int
    asking: bool = False
    denied_ns: int = 0  # since when the venue has said, without a break, that it has no such order
