"""What an account may do just now, what brought it there, and what is remembered of its risk."""

import datetime as dt
from typing import Final

import msgspec

from app.core.accounts import option_of
from app.core.errors import UsageError

ACTIVE, REDUCING, HALTED = "active", "reducing", "halted"  # all; exits only; nothing but cancels
STATES: Final = (ACTIVE, REDUCING, HALTED)  # each allows less than the one before
PERSON = "person"  # the name of a trip that a person made
TRIPPED, HALT, RESUME = "tripped", "halt", "resume"  # what happens to a trading state


def need_reason(reason: str) -> None:
    """Refuse a person's change of a trading state that says nothing of why."""
    if not reason.strip():
        raise UsageError("A trading state is changed by a person with a reason: give one.")


def resumed_by(account: str) -> str:
    """The command that clears what has tripped of an account."""
    return f"risk resume{option_of(account)}"


class Trip(msgspec.Struct, frozen=True):
    """Why an account is not active: latched until a person clears it."""

    name: str  # of the breaker, with its scope where that is not the account; or PERSON
    state: str
    why: str
    since_ns: int


class RiskEvent(msgspec.Struct, frozen=True):
    """What happened to a trading state: a breaker tripped, or a person halted or resumed."""

    at_ns: int
    what: str
    name: str
    state: str  # the account's from then on
    why: str


class Figures(msgspec.Struct, frozen=True):
    """What limits of one scope remember: results, no equity, as a run may begin with other cash."""

    session: dt.date
    result_units: int = 0  # of that session
    below_peak_units: int = 0
    entries: int = 0  # of that session


class RiskPast(msgspec.Struct, frozen=True):
    """What a run leaves to the next one of its account."""

    market: str = ""
    figures: dict[str, Figures] = {}  # by place: "account", "strategy NAME", "symbol NAME"
    trips: tuple[Trip, ...] = ()
    # By breaker that a person cleared, where it counts from: the result of that session, or how
    # far below the peak the account was.
    counted_from: dict[str, int] = {}
    currency: str = ""  # of all amounts; "" where an earlier version left it


class RiskReport(msgspec.Struct, frozen=True):
    """What came of an input for the trading state, and what is to be remembered behind it."""

    events: tuple[RiskEvent, ...]
    past: RiskPast
    is_asked: bool = False  # a person asked for something, whatever came of it


class BreakerFigure(msgspec.Struct, frozen=True):
    """A breaker as it stands."""

    name: str
    figure: str
    trips_at: str
    then: str
    tripped: bool


class RiskStatus(msgspec.Struct, frozen=True):
    """An account's risk as it stands, for whoever asks."""

    state: str
    trips: tuple[Trip, ...]
    history: tuple[RiskEvent, ...]  # of the run
    breakers: tuple[BreakerFigure, ...]
    past: RiskPast


def worst(trips: tuple[Trip, ...]) -> str:
    """The state that these trips bring an account to."""
    return STATES[max((STATES.index(trip.state) for trip in trips), default=0)]
