"""An account's trading state while no run of it goes on: what a person asks for is remembered.

A run that broke off, and goes on later, hears of it then as an input of its own.
"""

from collections.abc import Mapping

from msgspec.json import decode
from msgspec.structs import replace

from app.core.errors import NotFoundError, StateError, did_you_mean
from app.core.messages import Command
from app.core.trading_state import (
    HALT,
    HALTED,
    PERSON,
    REDUCING,
    RESUME,
    STATES,
    RiskEvent,
    RiskPast,
    Trip,
    worst,
)
from app.repositories.account_risk import AccountRisk, RiskNote, Waiting
from app.services.risk.breaking import DAILY
from app.threads.engines.guarded_engine import RISK_HALT, RISK_RESUME, Resumption, halting


def halted(found: AccountRisk, state: str, reason: str, now_ns: int) -> AccountRisk:
    """A person takes it out of trading; less is not made of what there was."""
    before = next((one for one in found.past.trips if one.name == PERSON), None)
    trips = found.past.trips
    if before is None or STATES.index(before.state) < STATES.index(state):
        others = (one for one in trips if one is not before)
        trips = (*others, Trip(PERSON, state, reason, now_ns))
        event = RiskEvent(now_ns, HALT, PERSON, worst(trips), reason)
        found = found.noting(RiskNote(event))
    found = replace(found, past=replace(found.past, trips=trips))
    return waited_for(found, halting(state, reason), now_ns)


def resumed(found: AccountRisk, asked: Resumption, now_ns: int) -> AccountRisk:
    """A person clears a trip, or all of them: what tripped counts from here on."""
    for name in cleared_by(asked, found.past.trips):
        past = found.past
        trips = tuple(one for one in past.trips if one.name != name)
        event = RiskEvent(now_ns, RESUME, name, worst(trips), asked.reason)
        past = replace(past, trips=trips, counted_from=_counted_anew(past, name))
        found = replace(found, past=past).noting(RiskNote(event))
    return waited_for(found, asked.command(), now_ns)


def cleared_by(asked: Resumption, trips: tuple[Trip, ...]) -> list[str]:
    """What that clears; an error where there is no such trip."""
    names = [one.name for one in trips]
    if not names:
        raise StateError("Nothing has tripped: the account is active.")
    if asked.name and asked.name not in names:
        raise NotFoundError(
            f"'{asked.name}' has not tripped; what has: {', '.join(names)}."
            f"{did_you_mean(asked.name, names)}"
        )
    return [asked.name] if asked.name else names


def _counted_anew(past: RiskPast, name: str) -> Mapping[str, int]:
    kind = name.partition(" of ")[0]
    account = past.figures.get("account")
    if kind in DAILY and account is not None:
        return {**past.counted_from, name: account.result_units}
    if kind == "drawdown_percent":
        return {**past.counted_from, name: 0}
    return past.counted_from


def waited_for(
    found: AccountRisk, command: Command, now_ns: int, *, is_noted: bool = True
) -> AccountRisk:
    """A run is to hear of it: the one that goes on, or the next. The one that goes on notes it."""
    one = Waiting(command.name, command.value, now_ns, is_noted)
    return replace(found, waiting=(*found.waiting, one))


def settled(found: AccountRisk) -> AccountRisk:
    """What no run has heard of is done to what is remembered: none goes on that could hear it."""
    for one in found.waiting:
        before = found
        if one.name == RISK_RESUME:
            asked = decode(one.value, type=Resumption)
            if found.past.trips and (not asked.name or asked.name in _names(found)):
                found = resumed(found, asked, one.at_ns)
        else:
            state = HALTED if one.name == RISK_HALT else REDUCING
            found = halted(found, state, one.value, one.at_ns)
        if one.is_noted:  # when it was asked for
            found = replace(found, history=before.history)
    return replace(found, waiting=())


def _names(found: AccountRisk) -> list[str]:
    return [trip.name for trip in found.past.trips]
