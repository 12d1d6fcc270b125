"""Two strategies in one symbol of one account, where a venue's reduce-only counts the account."""

import datetime as dt

import pytest
from tests.unit.execution_house import manager_of, open_session
from tests.unit.live_broker_house import SHARES, House, fill

from app.core.halts import JOURNAL
from app.core.message_codec import decode, encode
from app.core.money import UNITS
from app.core.order_events import (
    NEVER_SENT,
    Acknowledged,
    Amend,
    Amended,
    Cancel,
    ChangeRefused,
    Ended,
    Filled,
    GateFilled,
    Halted,
    Place,
    Refused,
    Resumed,
)
from app.core.orders import CANCELED, EXPIRED, FILLED, IOC, LIMIT, MARKET, STOP, Order, Terms
from app.core.venue import Abilities
from app.managers.execution_manager.live.limited_broker import LimitedBroker
from app.managers.execution_manager.live.live_broker import LiveBroker
from app.managers.execution_manager.live.live_broker_state import (
    SharedBrokerState,
    live_broker_state,
    restore_live_broker,
)
from app.managers.execution_manager.live.order_reports import OrderReports
from app.managers.execution_manager.live.shared_broker import (
    SharedBroker,
    SharedLimitedBroker,
    broker_of,
)


class Shared(House):
    """Two strategies, at a venue that counts by account."""

    def __init__(self) -> None:
        super().__init__()
        self.execution = manager_of(make_broker=SharedBroker)
        self.reports = OrderReports(self.execution)
        open_session(self.execution, dt.date(2024, 3, 8), 1)

    def hold(self, strategy: int, shares: int) -> None:
        """By a market order that fills at once."""
        order = self.give(shares * UNITS, strategy)
        self.hear(Acknowledged(order.order_id), fill(order, shares * UNITS, f"h{order.order_id}"))
        self.intents()

    def hold_both_ways(self) -> Order:
        """The first is long under a stop, which is returned, the second short: a flat account."""
        self.hold(1, -10)
        self.hold(0, 10)
        stop = self.stop(0, -10)
        self.hear(Acknowledged(stop.order_id))
        return stop

    def stop(self, strategy: int, shares: int, **terms: object) -> Order:
        terms = {"kind": STOP, "stop": 9.0, "tif": "gtc", "reduce_only": True} | terms
        return self.give(shares * UNITS, strategy, **terms)

    def held(self, strategy: int) -> int:
        return self.execution.held_units_of(strategy, 0) // UNITS

    def places(self) -> list[tuple[int, int, bool]]:
        """Of what is placed: its number, its shares, and whether the venue is to count."""
        return [
            (one.order_id, one.terms.units // UNITS, one.reduce_only and not one.counted_here)
            for one in self.intents()
            if isinstance(one, Place)
        ]


@pytest.fixture
def house() -> Shared:
    return Shared()


def out(order: Order, shares: int, name: str) -> Filled:
    return Filled(order.order_id, name, shares * UNITS, 9.0, 0, 6)


def stop_terms(shares: int) -> Terms:
    return Terms(shares * UNITS, None, 9.0, None, None)


def test_one_strategy_in_a_symbol_has_the_venue_count_as_ever(house: Shared) -> None:
    house.hold(0, 10)
    stop = house.stop(0, -50)
    (place,) = house.intents()
    assert place == Place(stop.order_id, 0, STOP, "gtc", stop_terms(-50), True, False)
    assert b"counted_here" not in encode(place)


def test_an_exit_of_one_strategy_leaves_as_a_plain_order_beside_another_strategy(
    house: Shared,
) -> None:
    house.hold(0, 10)
    house.hold(1, -10)
    assert house.held_units == 0, "the account is flat: its reduce-only would do nothing"
    stop, close = house.stop(0, -10), house.give(10 * UNITS, 1, reduce_only=True)
    assert house.places() == [(stop.order_id, -10, False), (close.order_id, 10, False)]
    house.hear(out(stop, -10, "e1"), out(close, 10, "e2"))
    assert (house.held(0), house.held(1)) == (0, 0)


def test_an_exit_leaves_for_no_more_than_its_own_strategy_holds(house: Shared) -> None:
    house.hold(0, 30)
    house.hold(1, 20)
    stop = house.stop(0, -50)
    assert house.places() == [(stop.order_id, -30, False)]


def test_an_exit_shrinks_and_grows_with_what_its_strategy_holds(house: Shared) -> None:
    house.hold(1, -5)
    house.hold(0, 30)
    stop = house.stop(0, -50)
    house.hear(Acknowledged(stop.order_id))
    house.intents()
    sale = house.give(-10 * UNITS, 0)
    house.hear(fill(sale, -10 * UNITS, "s"))
    assert house.intents()[-1] == Amend(stop.order_id, stop_terms(-20), False)
    house.hear(Amended(stop.order_id, stop_terms(-20)))
    assert (stop.units, stop.state) == (-50 * UNITS, "ACCEPTED"), "to its strategy it is as given"
    more = house.give(5 * UNITS, 0)
    house.hear(fill(more, 5 * UNITS, "m"))
    assert house.intents()[-1] == Amend(stop.order_id, stop_terms(-25), False)


def test_another_strategys_fills_change_no_exit(house: Shared) -> None:
    house.hold(1, -5)
    house.hold(0, 30)
    house.stop(0, -30)
    house.intents()
    house.hold(1, 40)
    assert house.intents() == ()


def test_an_exit_that_the_venue_counts_is_given_anew_when_a_second_strategy_comes(
    house: Shared,
) -> None:
    house.hold(0, 10)
    stop = house.stop(0, -10)
    house.hear(Acknowledged(stop.order_id))
    house.intents()
    entry = house.give(-10 * UNITS, 1)
    cancel, place = house.intents()
    assert cancel == Cancel(stop.order_id) and place.order_id == entry.order_id
    house.hear(Ended(stop.order_id, CANCELED, ""))
    (again,) = house.intents()
    assert isinstance(again, Place) and again.counted_here and again.terms == stop_terms(-10)
    assert stop.is_working


def test_an_exit_given_in_the_same_instant_as_a_second_strategys_order_leaves_once(
    house: Shared,
) -> None:
    house.hold(0, 10)
    stop = house.stop(0, -10)
    entry = house.give(-10 * UNITS, 1)
    assert house.places() == [(stop.order_id, -10, False), (entry.order_id, -10, False)]


def test_an_exit_that_filled_before_it_could_be_given_anew_is_done(house: Shared) -> None:
    house.hold(0, 10)
    stop = house.stop(0, -10)
    house.hear(Acknowledged(stop.order_id))
    house.give(-10 * UNITS, 1)
    house.intents()
    house.hear(out(stop, -10, "e1"))
    assert (stop.state, house.held(0), house.intents()) == (FILLED, 0, ())


def test_what_two_exits_take_out_together_beyond_the_position_is_closed(house: Shared) -> None:
    house.hold(1, -10)
    house.hold(0, 10)
    stop = house.stop(0, -10)
    target = house.give(-10 * UNITS, 0, kind=LIMIT, limit=12.0, tif="gtc", reduce_only=True)
    house.hear(Acknowledged(stop.order_id), Acknowledged(target.order_id))
    house.intents()
    house.hear(out(stop, -10, "e1"))
    assert house.intents() == (Cancel(target.order_id),)
    house.hear(out(target, -10, "e2"))  # on the same bar
    assert (house.held(0), house.held(1)) == (-10, -10)
    (closing,) = house.intents()
    assert isinstance(closing, Place)
    assert (closing.kind, closing.terms.units, closing.opens) == (MARKET, 10 * UNITS, False)
    assert closing.counted_here
    house.hear(Filled(closing.order_id, "e3", 10 * UNITS, 10.0, 0, 7))
    assert (house.held(0), house.held(1)) == (0, -10)
    assert not house.execution.broker.working


def test_a_late_fill_of_an_exit_is_closed_as_well(house: Shared) -> None:
    house.hold(1, 10)
    house.hold(0, 10)
    stop = house.stop(0, -10)
    house.hear(Acknowledged(stop.order_id))
    sale = house.give(-10 * UNITS, 0)
    house.hear(fill(sale, -10 * UNITS, "s"), Ended(stop.order_id, CANCELED, ""))
    house.intents()
    house.hear(out(stop, -4, "late"))
    assert [units for _, units, _ in house.places()] == [4]


def test_what_waits_for_a_position_leaves_with_it_and_ends_with_its_session(
    house: Shared,
) -> None:
    house.hold(1, 10)
    early = house.stop(0, -10, tif="day")
    at_once = house.stop(0, -10, tif=IOC)
    assert at_once.state == CANCELED
    assert house.intents() == () and early.is_working
    house.hold(0, 4)
    old = house.stop(0, 10, tif="day", stop=11.0)  # of what is short: there is none
    assert old.is_working and house.intents() == ()
    open_session(house.execution, dt.date(2024, 3, 11), 10**15 + 10)
    assert old.state == EXPIRED
    assert early.is_working, "the venue has it, and ends it"


def test_what_waits_for_a_position_leaves_when_there_is_one(house: Shared) -> None:
    house.hold(1, 10)
    stop = house.stop(0, -10)
    assert house.intents() == ()
    entry = house.give(4 * UNITS, 0)
    house.hear(fill(entry, 4 * UNITS, "e"))
    assert house.places() == [(entry.order_id, 4, False), (stop.order_id, -4, False)]


def test_what_closes_at_market_waits_until_the_exits_beside_it_are_taken_back(
    house: Shared,
) -> None:
    stop = house.hold_both_ways()
    house.intents()
    close = house.give(-10 * UNITS, 0, reduce_only=True)
    assert house.intents() == (Cancel(stop.order_id),), "both could fill on one bar"
    house.hear(Ended(stop.order_id, CANCELED, ""))
    assert house.places() == [(close.order_id, -10, False)]
    house.hear(fill(close, -10 * UNITS, "c"))
    assert (house.held(0), stop.state, house.intents()) == (0, CANCELED, ())


def test_an_exit_comes_back_where_what_was_to_close_fails(house: Shared) -> None:
    stop = house.hold_both_ways()
    close = house.give(-4 * UNITS, 0, reduce_only=True)
    assert house.intents()[-1] == Amend(stop.order_id, stop_terms(-6), False)
    house.hear(Amended(stop.order_id, stop_terms(-6)))
    assert house.places() == [(close.order_id, -4, False)]
    house.hear(Refused(close.order_id, "no"))
    assert house.intents() == (Amend(stop.order_id, stop_terms(-10), False),)


def test_what_closes_at_market_leaves_beside_an_exit_that_the_venue_does_not_give_back(
    house: Shared,
) -> None:
    stop = house.hold_both_ways()
    close = house.give(-10 * UNITS, 0, reduce_only=True)
    house.intents()
    house.hear(ChangeRefused(stop.order_id, "no"))
    assert house.places() == [(close.order_id, -10, False)]


def test_an_exit_that_fills_before_it_is_taken_back_leaves_nothing_to_close(
    house: Shared,
) -> None:
    stop = house.hold_both_ways()
    close = house.give(-10 * UNITS, 0, reduce_only=True)
    house.intents()
    house.hear(out(stop, -10, "e1"))
    assert (close.state, house.held(0), house.intents()) == (CANCELED, 0, ())


def test_exits_that_the_journal_kept_back_wait_until_it_can_be_written(house: Shared) -> None:
    house.hold(1, -10)
    house.hold(0, 10)
    stops = [house.stop(0, -10), house.stop(0, -5)]
    house.intents()
    house.hear(*(Refused(one.order_id, "no journal", NEVER_SENT) for one in stops))
    assert house.intents() == () and all(one.is_working for one in stops)
    house.hear(Halted(-1, "the journal", JOURNAL), Resumed(-1, "it can", JOURNAL))
    assert [units for _, units, _ in house.places()] == [-10, -5]


def test_what_was_adopted_is_the_first_strategys(house: Shared) -> None:
    house.hear(GateFilled(0, "adopted", SHARES, 10.0, 0, 5))
    house.hold(1, -10)
    stop = house.stop(0, -100)
    assert house.places() == [(stop.order_id, -100, False)]


def test_a_restored_broker_goes_on_as_the_saved_one(house: Shared) -> None:
    house.hold(0, 10)
    stop = house.stop(0, -10)
    house.hear(Acknowledged(stop.order_id))
    house.give(-10 * UNITS, 1)
    broker = house.execution.broker
    assert isinstance(broker, SharedBroker)
    saved = encode(live_broker_state(broker))
    other = SharedBroker(house.execution)
    restore_live_broker(other, decode(saved, SharedBrokerState))
    assert encode(live_broker_state(other)) == saved
    assert other.is_shared(0) and not other.is_shared(1)


def test_only_several_strategies_at_a_venue_that_counts_are_counted_for() -> None:
    execution = manager_of()
    plain, spot = Abilities(), Abilities(reduces_only=False, amends=False, exits_twice=False)
    assert type(broker_of(plain, 1)(execution)) is LiveBroker
    assert type(broker_of(plain, 2)(execution)) is SharedBroker
    assert type(broker_of(spot, 2)(execution)) is LimitedBroker
    assert type(broker_of(Abilities(amends=False), 2)(execution)) is SharedLimitedBroker
