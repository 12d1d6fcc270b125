"""An account's trading state: its breakers, what has tripped, and what a person cleared.

A pure function of the run's inputs, looked at before each hook. What has tripped stays so until a
person clears it; what its breaker measures counts from there on.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec

from app.core.calendar import TradingSession
from app.core.halts import ALL_SYMBOLS
from app.core.intervals import MINUTE_NS
from app.core.kept import Fields, kept, put_back
from app.core.money import from_units
from app.core.trading_state import (
    ACTIVE,
    HALT,
    HALTED,
    PERSON,
    RESUME,
    STATES,
    TRIPPED,
    BreakerFigure,
    RiskEvent,
    RiskPast,
    RiskReport,
    RiskStatus,
    Trip,
    worst,
)
from app.managers.execution_manager.limits.moment import Books
from app.managers.execution_manager.limits.risk_desk import RiskDesk
from app.managers.execution_manager.orders.entries import Entries
from app.services.risk.breaking import DAILY, BreakerLimit
from app.services.risk.losses import NEVER_UNITS, loss_level
from app.services.risk.readings import Readings

BREAKER: Final = "breaker "  # how the source of what a trip closes begins
# Refusals that follow from another one, or from the trading state itself, are no storm.
_FOLLOWING: Final = ("no_entries:", "halted:", "entry_refused:")
MOST_EVENTS: Final = 1_000  # of a run, that it tells of


class BreakersState(msgspec.Struct, frozen=True):
    """What the next session begins with."""

    trips: list[Trip]
    counted_from: dict[str, int]
    measured: Fields
    history: list[RiskEvent]


class BreakerDesk:
    """The breakers of one account. Whoever calls `look` calls entries off where it says so."""

    MEASURED: ClassVar[tuple[str, ...]] = (
        "rejects", "storm", "errors", "skew_ns", "heard_ns", "catches_up", "_changes",
        "_cleared_at",
    )  # fmt: skip

    def __init__(
        self,
        limits: Sequence[BreakerLimit],
        risk: RiskDesk,
        books: Books,
        entries: Entries,
        past: RiskPast | None,
        currency: str,
    ) -> None:
        self.limits = tuple(limits)
        self._currency = currency  # of the account
        self.trips: dict[str, Trip] = {}
        self._risk = risk
        self._whole = risk.whole
        self._books = books
        self._entries = entries
        self._session: TradingSession | None = None
        self._begins = past  # before the run's first session
        # Of breakers that were cleared: a result of the day, a peak, or a moment.
        self._counted_from: dict[str, int] = {}
        self.rejects: list[int] = []  # when, within the last minute
        self.storm = 0  # the most within one since the last look
        self.errors = 0  # of the broker, one after the other
        self.skew_ns = 0  # by the last measure
        self.heard_ns = 0  # when the last bar was known
        self.catches_up = False  # with bars that have passed: they come otherwise
        self._changes = 0  # of what is measured
        self._cleared_at = 0  # how many fills there were as entries were called off last
        self._seen = (-1, -1, -1)
        self._floor: tuple[tuple[int, int], int] | None = None  # of what marks, and how much
        self._events: list[RiskEvent] = []
        self._is_new = self._is_asked = False  # there is something to be remembered
        self._history: list[RiskEvent] = []
        self._take_up(past.trips if past is not None else ())

    # -- what it is told ---------------------------------------------------------------------------

    def open_session(self, session: TradingSession) -> None:
        """A day begins: its losses, and those only, count."""
        begins, self._begins = self._begins, None
        self._session = session
        for limit in self.limits:
            if limit.kind in DAILY:
                self._counted_from.pop(limit.name, None)
        if begins is not None:
            self._go_on_from(begins, session)
        self._seen, self._floor = (-1, -1, -1), None
        self._is_new = True

    def _go_on_from(self, past: RiskPast, session: TradingSession) -> None:
        account = past.figures.get("account")
        for limit in self.limits:
            units = past.counted_from.get(limit.name)
            if units is None:
                continue
            if limit.kind not in DAILY:
                self._counted_from[limit.name] = self._whole.worth_units() + units
            elif account is not None and account.session == session.date:
                self._counted_from[limit.name] = units

    def note_refusal(self, reason: str, now_ns: int) -> None:
        """An order or an amendment was refused."""
        if not reason.startswith(_FOLLOWING):
            self.note_reject(now_ns)

    def note_reject(self, now_ns: int) -> None:
        """The same, by whomever."""
        insort(self.rejects, now_ns)
        del self.rejects[: bisect_right(self.rejects, now_ns - MINUTE_NS)]
        self.storm = max(self.storm, len(self.rejects))
        self._changes += 1

    def note_broker(self, *, failed: bool) -> None:
        """What became of an order at the venue."""
        self.errors = self.errors + 1 if failed else 0
        self._changes += 1

    def note_skew(self, skew_ns: int) -> None:
        """By how much the venue's clock is ahead."""
        self.skew_ns = abs(skew_ns)
        self._changes += 1

    # -- what has tripped --------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """The account's."""
        return worst(tuple(self.trips.values()))

    def look(self, now_ns: int, silence_ns: int = 0) -> bool:
        """See whether anything trips now; whether what may open is to be called off: then, and when
        fills have left less to close to an order that was to close.
        """
        tripped, filled = self._look(now_ns, silence_ns), self._books.fill_count
        if not self.trips or (not tripped and filled == self._cleared_at):
            return False
        self._cleared_at = filled
        return True

    def _look(self, now_ns: int, silence_ns: int) -> bool:
        seen = (now_ns, self._books.fill_count, self._changes)
        if not self.limits or self._session is None or (seen == self._seen and not silence_ns):
            return False
        is_new = seen[2] != self._seen[2] or silence_ns > 0
        self._seen = seen
        self._risk.look(now_ns)
        if not is_new and self._whole.worth_units() > self._floor_units():
            return False
        tripped = False
        for limit in self.limits:
            if limit.name not in self.trips:
                why = limit.why(self._readings(limit, now_ns, silence_ns))
                if why:
                    tripped = True
                    self._trip(Trip(limit.name, limit.then, why, now_ns), TRIPPED)
        self.storm = 0
        return tripped

    def _floor_units(self) -> int:
        """While it is worth more than this, no loss trips: what is asked of each bar."""
        past = self._whole.past
        marks = (past.day_units, past.peak_units)
        if self._floor is None or self._floor[0] != marks:
            levels = [
                loss_level(one.kind, one.at_units, *marks, self._counted_from.get(one.name))
                for one in self.limits
                if one.name not in self.trips
            ]
            self._floor = marks, max(levels, default=NEVER_UNITS)
        return self._floor[1]

    def halt(self, state: str, reason: str, now_ns: int) -> bool:
        """A person takes the account out; less is not made of what there was. Whether it is new."""
        self._is_new = self._is_asked = True
        before = self.trips.get(PERSON)
        if before is not None and STATES.index(before.state) >= STATES.index(state):
            return False
        self._trip(Trip(PERSON, state, reason, now_ns), HALT)
        return True

    def resume(self, name: str, reason: str, now_ns: int) -> None:
        """A person clears a trip, or all of them."""
        self._is_new = self._is_asked = True
        for one in [name] if name else list(self.trips):
            if one in self.trips:
                del self.trips[one]
                self._apply(one, None)
                self._count_anew(one, now_ns)
                self._tell(RiskEvent(now_ns, RESUME, one, self.state, reason))

    def _count_anew(self, name: str, now_ns: int) -> None:
        """What is cleared does not trip again for the same."""
        kind = next((one.kind for one in self.limits if one.name == name), "")
        self._risk.look(now_ns)
        if kind in DAILY:
            self._counted_from[name] = self._whole.day_result_units()
        elif kind == "drawdown_percent":
            self._counted_from[name] = self._whole.worth_units()
        elif kind == "rejects_per_minute":
            self.rejects.clear()
            self.storm = 0
        elif kind == "broker_errors":
            self.errors = 0
        elif kind == "clock_skew_seconds":
            self.skew_ns = 0
        elif kind == "stale_feed_seconds":
            self.heard_ns = max(self.heard_ns, now_ns)
        self._changes += 1

    def _trip(self, trip: Trip, what: str) -> None:
        self.trips.pop(trip.name, None)  # the last one is the last in turn
        self.trips[trip.name] = trip
        self._apply(trip.name, trip)
        self._tell(RiskEvent(trip.since_ns, what, trip.name, self.state, trip.why))

    def _tell(self, event: RiskEvent) -> None:
        self._events.append(event)
        self._history = [*self._history[1 - MOST_EVENTS :], event]
        self._is_new = True

    def _apply(self, name: str, trip: Trip | None) -> None:
        """Close what a trip closes, or open it again."""
        source = f"{BREAKER}{name}"
        self._floor = None
        self._entries.close(ALL_SYMBOLS, "" if trip is None else told(trip), source)
        if trip is not None and trip.state == HALTED:
            self._entries.blocked[source] = why_of(trip)
        else:
            self._entries.blocked.pop(source, None)

    def _take_up(self, trips: Sequence[Trip]) -> None:
        for name in list(self.trips):
            del self.trips[name]
            self._apply(name, None)
        for trip in trips:
            self.trips[trip.name] = trip
            self._apply(trip.name, trip)

    def _within_minute(self, now_ns: int) -> int:
        return len(self.rejects) - bisect_right(self.rejects, now_ns - MINUTE_NS)

    # -- figures -----------------------------------------------------------------------------------

    def _readings(self, limit: BreakerLimit, now_ns: int, silence_ns: int) -> Readings:
        whole, base = self._whole, self._counted_from.get(limit.name)
        peak_units = whole.peak_units()
        if limit.kind == "drawdown_percent" and base is not None:
            peak_units = self._counted_from[limit.name] = max(base, whole.worth_units())
        day_base_units = base if base is not None and limit.kind in DAILY else 0
        return Readings(
            lost_today_units=max(day_base_units - whole.day_result_units(), 0),
            day_equity_units=whole.day_equity_units(),
            below_peak_units=max(peak_units - whole.worth_units(), 0),
            peak_units=peak_units,
            rejects=max(self.storm, self._within_minute(now_ns)),
            silence_ns=silence_ns,
            skew_ns=self.skew_ns,
            errors=self.errors,
            was_cleared=base is not None,
        )

    def status(self, now_ns: int, silence_ns: int) -> RiskStatus:
        """All of it as it stands; changes nothing that decisions depend on."""
        past = self.past()
        counted_from = dict(self._counted_from)
        found = [
            BreakerFigure(
                limit.name,
                f"{from_units(limit.figure(self._readings(limit, now_ns, silence_ns))):f}",
                str(limit.given),
                limit.then,
                limit.name in self.trips,
            )
            for limit in self.limits
        ]
        self._counted_from = counted_from
        return RiskStatus(self.state, past.trips, tuple(self._history), tuple(found), past)

    def past(self) -> RiskPast:
        """What the next run of the account is to begin with."""
        trips = tuple(self.trips.values())
        if self._session is None:
            begins = self._begins or RiskPast()
            return msgspec.structs.replace(begins, trips=trips)
        figures = self._risk.figures(self._session.date)
        kinds = {limit.name: limit.kind for limit in self.limits}
        worth_units = self._whole.worth_units()
        counted_from = {
            name: units if kinds[name] in DAILY else max(units - worth_units, 0)
            for name, units in self._counted_from.items()
        }
        return RiskPast(self._session.market, figures, trips, counted_from, self._currency)

    def report(self) -> RiskReport | None:
        """What has happened since the last call; None where nothing is to be remembered."""
        if not self._is_new:
            return None
        report = RiskReport(tuple(self._events), self.past(), self._is_asked)
        self._events, self._is_new, self._is_asked = [], False, False
        return report

    # -- saved states ------------------------------------------------------------------------------

    def saved_state(self) -> BreakersState:
        """As it stands."""
        trips = list(self.trips.values())
        measured = kept(self, self.MEASURED)
        measured["rejects"] = list(self.rejects)
        return BreakersState(trips, dict(self._counted_from), measured, list(self._history))

    def restore(self, state: BreakersState, session: TradingSession | None) -> None:
        """As it stood."""
        self._begins, self._session = None, session
        self._risk.forget_past()
        self._take_up(state.trips)
        self._counted_from, self._floor = dict(state.counted_from), None
        put_back(self, state.measured)
        self._history = list(state.history)


def why_of(trip: Trip) -> str:
    """A trip in words: by whom, and why."""
    return f"by a person, {trip.why}" if trip.name == PERSON else f"{trip.name}: {trip.why}"


def told(trip: Trip) -> str:
    """The same, with what the account has come to."""
    assert trip.state != ACTIVE
    return f"the account is {trip.state}, {why_of(trip)}"
