"""Stops that a venue refuses, never had, or that were never sent: what is held is not left so."""

import datetime as dt
from collections.abc import Sequence
from functools import partial

import pytest
from tests.unit.execution_house import manager_of, open_session
from tests.unit.live_broker_house import SHARES, House, fill

from app.core.config_protection import ProtectionFields
from app.core.halts import JOURNAL
from app.core.money import UNITS
from app.core.order_events import (
    KEPT_IN,
    NEVER_HAD,
    NEVER_SENT,
    REACHED,
    TOO_SMALL,
    Acknowledged,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    Halted,
    Place,
    Refused,
    Resumed,
    Uncertain,
)
from app.core.orders import (
    ACCEPTED,
    CANCELED,
    FILLED,
    GTC,
    LIMIT,
    MARKET,
    REJECTED,
    STOP,
    STOP_LIMIT,
    SUBMITTED,
    Order,
    Terms,
)
from app.core.venue import Abilities
from app.managers.execution_manager.execution_state import execution_state, restore_execution
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.execution_manager.live.shared_broker import broker_of
from app.managers.execution_manager.orders.parts import APART
from app.managers.execution_manager.protected_execution import ProtectedExecution
from app.services.protection import cover_by

AT_ONCE = Terms(-SHARES, None, None, None, None)


class Stopped(House):
    """A house whose venue has all abilities, or those of a venue of coins."""

    def __init__(self, abilities: Abilities) -> None:
        super().__init__()
        self._abilities = abilities
        self.execution, self.reports = self.begun()

    def begun(self) -> tuple[ProtectedExecution, OrderReports]:
        fields = ProtectionFields(stop_loss_percent=1)  # type: ignore[arg-type]
        make = partial(ProtectedExecution, covers=[cover_by(fields), None])
        execution = manager_of(make_broker=broker_of(self._abilities, 1), make=make)
        open_session(execution, dt.date(2024, 3, 8), 1)
        return execution, OrderReports(execution)  # type: ignore[return-value]

    def bought(self) -> Order:
        """The stop of a position that has just been bought; its placement is on its way."""
        self.hear(fill(self.give(), SHARES))
        (stop,) = self.execution.broker.working.values()
        assert [one for one in self.intents() if isinstance(one, Place) and one.kind == STOP]
        return stop

    def placed(self) -> Sequence[Place]:
        return [one for one in self.intents() if isinstance(one, Place)]


@pytest.fixture(params=["all abilities", "those of coins"])
def house(request: pytest.FixtureRequest) -> Stopped:
    limited = Abilities(amends=False, exits_twice=False, goes_short=False)
    return Stopped(Abilities() if request.param == "all abilities" else limited)


@pytest.mark.parametrize("cause", [REACHED, "", TOO_SMALL])
def test_a_stop_that_is_refused_goes_on_at_market(house: Stopped, cause: str) -> None:
    stop = house.bought()
    house.hear(Refused(2, "the price has passed it", cause))
    assert house.placed() == [Place(2 + APART, 0, MARKET, GTC, AT_ONCE, True, False)]
    assert (stop.state, stop.reason, stop.stop) == (SUBMITTED, "the price has passed it", 9.9)
    assert house.execution.untold == [stop]  # its strategy hears why
    (change,) = house.execution.diary.take().order_changes[-1:]
    assert change[2:] == ("at market", -SHARES, None, 9.9, "the price has passed it")
    house.hear(Acknowledged(2 + APART), Filled(2 + APART, "e2", -SHARES, 9.5, 0, 6))
    assert (stop.state, house.held_units, house.placed()) == (FILLED, 0, [])


@pytest.mark.parametrize("cause", ["", TOO_SMALL, REACHED])
def test_a_stop_that_is_refused_at_market_too_ends_and_is_not_given_for_ever(
    house: Stopped, cause: str
) -> None:
    stop = house.bought()
    house.hear(Refused(2, "no"))
    house.intents()
    house.hear(Refused(2 + APART, "no market", cause))
    assert (stop.state, stop.reason, house.placed()) == (REJECTED, "no market", [])
    assert house.held_units == SHARES


def test_a_moved_stop_that_the_price_has_passed_goes_on_at_market() -> None:
    house = Stopped(Abilities(amends=False, exits_twice=False))
    stop = house.bought()
    house.hear(Acknowledged(2))
    house.execution.amend(stop, Terms(-SHARES, None, 9.99, None, None), 40)
    assert house.intents() == (Cancel(2),)
    house.hear(Ended(2, CANCELED, ""))
    assert [one.kind for one in house.placed()] == [STOP]
    house.hear(Refused(2 + APART, "passed", REACHED))
    assert house.placed() == [Place(2 + 2 * APART, 0, MARKET, GTC, AT_ONCE, True, False)]
    house.hear(Filled(2 + 2 * APART, "e2", -SHARES, 9.9, 0, 6))
    assert (stop.state, stop.stop, house.held_units) == (FILLED, 9.99, 0)


def test_an_amendment_of_a_stop_that_was_reached_asks_for_nothing(house: Stopped) -> None:
    stop = house.bought()
    house.hear(Refused(2, "passed", REACHED), Acknowledged(2 + APART))
    house.intents()
    house.execution.amend(stop, Terms(-SHARES, None, 9.0, None, None), 40)
    assert house.intents() == ()
    house.hear(Filled(2 + APART, "e2", -SHARES, 9.9, 0, 6))
    assert (stop.state, house.held_units) == (FILLED, 0)


def test_what_an_entry_brings_after_its_stop_was_reached_leaves_at_market(house: Stopped) -> None:
    entry = house.give()
    house.hear(Acknowledged(1), fill(entry, 30 * UNITS))
    house.intents()
    house.hear(Refused(2, "passed", REACHED))
    assert [(one.kind, one.terms.units) for one in house.placed()] == [(MARKET, -30 * UNITS)]
    house.hear(Acknowledged(2 + APART), Filled(2 + APART, "e2", -30 * UNITS, 9.5, 0, 6))
    house.hear(fill(entry, 70 * UNITS, "e3"))
    (rest,) = house.placed()
    assert (rest.order_id, rest.kind, rest.terms.units) == (2 + 2 * APART, MARKET, -70 * UNITS)
    house.hear(Filled(2 + 2 * APART, "e4", -70 * UNITS, 9.5, 0, 7))
    assert (house.held_units, house.execution.broker.working) == (0, {})


def test_a_stop_limit_that_was_reached_goes_on_at_its_limit(house: Stopped) -> None:
    house.hear(fill(house.give(strategy=1), SHARES))
    house.intents()
    terms = {"aimed": False, "reduce_only": True, "tif": GTC, "strategy": 1}
    stop = house.give(-SHARES, kind=STOP_LIMIT, stop=9.9, limit=9.8, **terms)  # type: ignore[arg-type]
    house.intents()
    house.hear(Refused(stop.order_id, "passed", REACHED))
    (again,) = house.placed()
    assert (again.kind, again.terms) == (LIMIT, Terms(-SHARES, 9.8, None, None, None))


def test_a_stop_in_whose_place_nothing_would_be_taken_ends(house: Stopped) -> None:
    stop = house.bought()
    house.hear(Refused(2, "no", KEPT_IN))
    assert (stop.state, house.placed()) == (REJECTED, [])


def test_a_stop_that_is_to_end_is_not_given_anew(house: Stopped) -> None:
    stop = house.bought()
    house.execution.cancel(stop, 40)
    house.intents()
    house.hear(Refused(2, "passed", REACHED))
    assert (stop.is_working, house.placed()) == (False, [])


def test_a_stop_of_a_strategy_that_protects_nothing_ends(house: Stopped) -> None:
    entry = house.give(kind=STOP, stop=11.0, strategy=1)
    house.intents()
    house.hear(Refused(1, "passed", REACHED))
    assert (entry.state, house.placed()) == (REJECTED, [])


def test_a_plain_stop_of_a_strategy_goes_on_where_it_was_reached_alone(house: Stopped) -> None:
    house.hear(fill(house.give(strategy=1), SHARES))
    for cause, kinds in (("", []), (REACHED, [MARKET])):
        stop = house.give(-SHARES, kind=STOP, stop=9.9, aimed=False, tif=GTC, strategy=1)
        house.intents()
        house.hear(Refused(stop.order_id, "no", cause))
        assert [one.kind for one in house.placed()] == kinds
    assert stop.state == SUBMITTED


def test_a_stop_that_was_never_sent_waits_for_the_journal(house: Stopped) -> None:
    stop = house.bought()
    house.hear(Halted(-1, "no journal", JOURNAL))
    house.hear(Refused(2, "never sent", NEVER_SENT))
    assert (stop.state, house.placed()) == (ACCEPTED, [])
    house.hear(Resumed(-1, "it can be written", JOURNAL))
    terms = Terms(-SHARES, None, 9.9, None, None)
    assert house.placed() == [Place(2 + APART, 0, STOP, GTC, terms, True, False)]


def test_one_that_was_reached_and_never_sent_waits_as_well(house: Stopped) -> None:
    house.bought()
    house.hear(Refused(2, "passed", REACHED))
    house.intents()
    house.hear(Refused(2 + APART, "never sent", NEVER_SENT))
    assert house.placed() == []
    house.hear(Resumed(-1, "it can be written", JOURNAL))
    assert house.placed() == [Place(2 + 2 * APART, 0, MARKET, GTC, AT_ONCE, True, False)]


def test_a_stop_that_the_venue_never_had_is_given_anew(house: Stopped) -> None:
    stop = house.bought()
    house.hear(Uncertain(2, "timed out"), Refused(2, "denied", NEVER_HAD))
    terms = Terms(-SHARES, None, 9.9, None, None)
    assert house.placed() == [Place(2 + APART, 0, STOP, GTC, terms, True, False)]
    house.hear(Acknowledged(2 + APART))
    assert stop.state == ACCEPTED


@pytest.mark.parametrize("cause", [REACHED, "", NEVER_HAD])
def test_a_stop_that_is_refused_while_it_was_to_have_other_terms_is_given_anew_by_these(
    house: Stopped, cause: str
) -> None:
    stop = house.bought()
    house.execution.amend(stop, Terms(-SHARES, None, 9.5, None, None), 40)
    house.intents()
    house.hear(Refused(2, "no", cause))
    terms = Terms(-SHARES, None, 9.5, None, None)
    assert house.placed() == [Place(2 + APART, 0, STOP, GTC, terms, True, False)]
    house.hear(Refused(2 + APART, "passed", REACHED))
    assert house.placed() == [Place(2 + 2 * APART, 0, MARKET, GTC, AT_ONCE, True, False)]


@pytest.mark.parametrize("cause", [REACHED, "", NEVER_HAD])
def test_a_stop_that_is_refused_while_its_entry_goes_on_filling_is_given_for_all_of_that(
    house: Stopped, cause: str
) -> None:
    entry = house.give()
    house.hear(Acknowledged(1), fill(entry, 30 * UNITS))
    house.hear(fill(entry, 40 * UNITS, "e2"))
    house.intents()
    house.hear(Refused(2, "no", cause))
    assert [(one.kind, one.terms.units) for one in house.placed()] == [(STOP, -70 * UNITS)]


def test_one_that_is_to_have_other_terms_and_was_never_sent_waits_for_the_journal() -> None:
    house = Stopped(Abilities())
    stop = house.bought()
    house.execution.amend(stop, Terms(-SHARES, None, 9.5, None, None), 40)
    house.intents()
    house.hear(Halted(-1, "no journal", JOURNAL))
    house.hear(Refused(2, "never sent", NEVER_SENT), ChangeRefused(2, "never sent"))
    assert (stop.state, house.placed()) == (ACCEPTED, [])
    house.hear(Resumed(-1, "it can be written", JOURNAL))
    assert [(one.kind, one.terms.stop) for one in house.placed()] == [(STOP, 9.5)]


def test_a_run_that_goes_on_from_a_saved_state_knows_that_a_stop_was_reached(
    house: Stopped,
) -> None:
    house.bought()
    house.hear(Refused(2, "passed", REACHED), Acknowledged(2 + APART))
    house.intents()
    state = execution_state(house.execution)
    house.execution, house.reports = house.begun()
    restore_execution(house.execution, state)
    house.hear(Filled(2 + APART, "e2", -60 * UNITS, 9.5, 0, 6))
    assert (house.held_units, house.intents()) == (40 * UNITS, ())
    house.hear(Filled(2 + APART, "e3", -40 * UNITS, 9.5, 0, 6))
    assert (house.held_units, house.execution.broker.working) == (0, {})


def test_a_stop_that_left_for_what_was_free_grows_when_another_lets_go_of_the_rest() -> None:
    house = Stopped(Abilities(amends=False, exits_twice=False))
    house.hear(fill(house.give(20 * UNITS), 20 * UNITS), Acknowledged(2))
    house.give(-10 * UNITS)  # order 3: what rests is taken back for it, and waits
    house.hear(Ended(2, CANCELED, ""))
    house.hear(fill(house.give(50 * UNITS), 50 * UNITS, "e2"))  # order 4; its stop, 5, waits too
    house.intents()
    house.hear(Filled(3, "e3", -10 * UNITS, 10.0, 0, 6))
    both = house.placed()
    assert [one.terms.units for one in both] == [-20 * UNITS, -40 * UNITS]
    house.hear(Ended(2 + APART, CANCELED, ""))  # it was to protect 10 from there on
    assert [type(one) for one in house.intents()] == [Place, Cancel]
    house.hear(Ended(5, CANCELED, ""))
    assert [one.terms.units for one in house.placed()] == [-50 * UNITS]
