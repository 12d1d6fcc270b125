"""What an exit takes out, no other order takes out again: no limit is passed by the two of them."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import accumulate
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import (
    Outcome,
    config_of,
    execute,
    market_of,
    minute_starts,
    random_bars,
    weekday_sessions,
)
from tests.unit.execution_house import limits_by
from tests.unit.live_broker_house import SHARES, House, fill, target_of
from tests.unit.scripted import Steps, run_script
from tests.unit.test_protection_random import EXITS, FILLS, split
from tests.unit.turner import Turner

from app.core.instruments import Adjustment
from app.core.money import UNITS
from app.core.order_events import Acknowledged, Amend, Amended, Cancel, Ended
from app.core.orders import CANCELED, FILLED, LIMIT, REJECTED, STOP, Order, Terms
from app.managers.execution_manager.execution_state import execution_state, restore_execution
from app.managers.system_manager.why.sights import standing_of

MEANS = {"cash": 10_000_000}
LIMITED: dict[str, dict[str, Any]] = {
    "a limit": {"account": MEANS, "risk": {"max_position_quantity": 100}},
    "cuts": {"account": MEANS, "risk": {"max_position_quantity": 100, "oversize": "cut"}},
    "protection": {
        "account": MEANS,
        "risk": {"max_position_quantity": 100},
        "protection": {**EXITS, "time_stop_minutes": 7},
    },
    "no short sales": {"account": MEANS, "risk": {"allow_short": False}},
    "a cash account": {"account": {**MEANS, "kind": "cash"}},
}
LONG = 100 * UNITS


def run(
    seed: int, *, rows: int = 8192, splits: bool = False, within: bool = False, **parts: Any
) -> Outcome:
    """One symbol over two sessions."""
    Turner.changes.clear()
    sessions = weekday_sessions(dt.date(2024, 6, 3), 2, 60)
    bars = {("AAA", "1m"): random_bars(minute_starts(sessions), seed)}
    config = config_of(
        ("AAA",),
        [{"use": "tests.unit.turner:Turner", "params": {"salt": seed, "within": within}}],
        execution=FILLS[seed % len(FILLS)],
        engine={"block_rows": rows, "runner": "inline"},
        **parts,
    )
    adjustments = [split("AAA", sessions[1].date)] if splits else []
    return execute(config, market_of(sessions, bars, ("AAA",), adjustments=adjustments))


def held(outcome: Outcome) -> Sequence[int]:
    """After each fill."""
    return [0, *accumulate(fill[3] for fill in outcome.fills)]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), parts=st.sampled_from([*LIMITED.values()]), within=st.booleans())
def test_whatever_rests_beside_exits_no_position_goes_beyond_its_limit(
    seed: int, parts: dict[str, Any], within: bool
) -> None:
    outcome = run(seed, within=within, **parts)
    assert outcome.reason == "finished"
    most = [abs(units) for units in held(outcome)]
    if "max_position_quantity" in parts.get("risk", {}):
        assert max(most) <= LONG
    else:
        assert min(held(outcome)) >= 0


@pytest.mark.parametrize("name", LIMITED)
def test_blocks_of_any_size_come_to_the_same(name: str) -> None:
    yielded = 0
    for seed in range(2 * len(FILLS)):
        whole = run(seed, splits=True, within=bool(seed % 2), **LIMITED[name])
        yielded += Turner.changes.count("an exit has taken it out")
        other = run(seed, rows=17, splits=True, within=bool(seed % 2), **LIMITED[name])
        assert other == whole
    assert yielded


HELD: Steps = {"09:31 AAA": lambda s: s.order("AAA", 100)}
MOST = {"max_position_quantity": 100}


def fills(given: Steps, **parts: Any) -> list[int]:
    """How much each fill was for; bars open at 10, 11, 12, ..."""
    _, outcome = run_script(HELD | given, symbols=("AAA",), minutes=12, **parts)
    return [fill[3] // UNITS for fill in outcome.fills]


@pytest.mark.parametrize("exit_first", (True, False))
@pytest.mark.parametrize("exit", ({"limit": 15}, {"stop": 40}, {"limit": 18}))
@pytest.mark.parametrize("other", ({"limit": 18}, {"limit": 20}))
def test_an_order_that_turns_a_position_over_loses_what_exits_take_out_before_it(
    exit: dict[str, int], other: dict[str, int], exit_first: bool
) -> None:
    """Whichever was given first, and on the same bar, too; without limits it stays as it is."""
    given = [
        lambda s: s.order("AAA", -100, reduce_only=True, **exit),
        lambda s: s.order("AAA", -200, **other),
    ]
    turn = given if exit_first else given[::-1]
    steps: Steps = {"09:33 AAA": lambda s: [give(s) for give in turn]}
    limited = fills(steps, risk=MOST)
    assert sum(limited) == -100
    free = fills(steps)
    assert sum(free) == (-100 if free[1] == -200 else -200)


def test_a_part_of_an_exit_takes_as_much_off() -> None:
    steps: Steps = {
        "09:33 AAA": lambda s: [
            s.order("AAA", -40, reduce_only=True, limit=15),
            s.order("AAA", -150, limit=18),
        ]
    }
    assert fills(steps, risk=MOST) == [100, -40, -110]


def test_the_newest_order_yields_first_and_what_it_was_to_open_is_left_to_it() -> None:
    steps: Steps = {
        "09:33 AAA": lambda s: [
            s.order("AAA", -70, limit=18),
            s.order("AAA", -80, limit=19),
            s.order("AAA", -100, reduce_only=True, limit=15),
        ]
    }
    assert fills(steps, risk=MOST) == [100, -100, -50]


def test_it_is_on_record_why_an_order_has_come_to_be_smaller_and_has_ended() -> None:
    steps: Steps = {
        "09:33 AAA": lambda s: [
            s.order("AAA", -60, limit=19),
            s.order("AAA", -70, reduce_only=True, limit=15),
            s.order("AAA", -30, reduce_only=True, limit=17),
        ]
    }
    _, outcome = run_script(HELD | steps, symbols=("AAA",), minutes=12, risk=MOST)
    assert [change[0] for change in outcome.order_changes if change[2] == "reduce"] == [2]
    assert [(order[3] // UNITS, *order[5:8]) for order in outcome.orders if order[0] == 2] == [
        (-30, "CANCELED", 0, "an exit has taken it out")
    ]


@pytest.mark.parametrize(
    ("parts", "why"),
    (
        ({"risk": {"max_position_quantity": 50}}, "max_position_quantity: 90 is over 50"),
        (
            {"account": {"kind": "cash"}},
            "cash_account: it sells 90, there is 0 to sell; a short sale needs a margin account",
        ),
        (
            {"account": {"cash": 1_000, "leverage": 1}},
            "buying_power: it needs 580.00, there is 450.00 left",
        ),
    ),
)
def test_an_exit_at_market_counts_as_filled_for_what_comes_behind_it(
    parts: dict[str, Any], why: str
) -> None:
    """It does fill before; to be asked about what is held until then would be to be asked late."""
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 50),
        "09:35 AAA": lambda s: [s.order("AAA", -50, reduce_only=True), s.order("AAA", -90)],
    }
    _, outcome = run_script(steps, symbols=("AAA",), minutes=8, **parts)
    assert [fill[3] // UNITS for fill in outcome.fills] == [50, -50]
    assert str(outcome.orders[1][7]) == why


def test_legs_of_a_group_yield_as_the_one_order_that_they_can_fill() -> None:
    """Each would close all that is held; limits are asked about neither, and both go."""
    steps: Steps = {
        "09:33 AAA": lambda s: [
            s.oco(s.order("AAA", -100, limit=18), s.order("AAA", -100, limit=19)),
            s.order("AAA", -60, reduce_only=True, limit=15),
        ]
    }
    assert fills(steps, risk={"allow_short": False}) == [100, -60, -40]
    whole: Steps = {"09:34 AAA": lambda s: s.order("AAA", -40, reduce_only=True, limit=16)}
    assert fills(steps | whole, risk={"allow_short": False}) == [100, -60, -40]


def test_an_order_that_was_made_smaller_opens_as_much_less() -> None:
    def turn(s: Any) -> None:
        s.turn = s.order("AAA", -200, limit=18)
        s.order("AAA", -100, reduce_only=True, limit=15)

    steps: Steps = {"09:33 AAA": turn, "09:34 AAA": lambda s: s.amend(s.turn, quantity=130)}
    assert fills(steps, risk=MOST) == [100, -100, -30]


def test_where_an_order_is_cancelled_those_behind_it_open_as_much_less() -> None:
    """What it was to take out first is theirs: limits count the room as free again."""

    def both(s: Any) -> None:
        s.first = s.order("AAA", -70, limit=17)
        s.order("AAA", -100, limit=18)

    exit: Steps = {
        "09:33 AAA": both,
        "09:34 AAA": lambda s: s.order("AAA", -100, reduce_only=True, limit=15.5),
    }
    assert fills(exit, risk=MOST) == [100, -100, -70]
    cancel: Steps = {"09:35 AAA": lambda s: s.cancel(s.first)}
    assert fills(exit | cancel, risk=MOST) == [100, -100]


def test_after_a_split_an_order_yields_in_whole_lots() -> None:
    def first_day(give: Callable[[Any], object]) -> Callable[[Any], object]:
        return lambda s: s.now.day == 3 and give(s)

    def turn(s: Any) -> None:
        s.order("AAA", -155, limit=40, tif="gtc")
        s.order("AAA", -100, reduce_only=True, stop=8, tif="gtc")

    steps: Steps = {
        "09:31 AAA": first_day(lambda s: s.order("AAA", 100)),
        "09:33 AAA": first_day(turn),
    }
    split = Adjustment("AAA", dt.date(2024, 6, 4), Decimal("0.3"), Decimal(0), 1.0, 1.0)
    parts = {"symbols": ("AAA",), "sessions": 2, "adjustments": [split], "risk": MOST}
    _, outcome = run_script(steps, **parts)
    assert [fill[3] // UNITS for fill in outcome.fills] == [100, -30]
    assert [order[3] / UNITS for order in outcome.orders if order[0] == 2] == [-16]


def test_an_order_of_which_an_exit_and_an_amendment_leave_nothing_has_not_filled() -> None:
    def turn(s: Any) -> None:
        s.turn = s.order("AAA", -200, limit=18)
        s.order("AAA", -100, reduce_only=True, limit=14.5)
        s.timer("amend", at=dt.time(9, 34, 30))

    steps: Steps = {
        "09:33 AAA": turn,
        "09:34 timer amend": lambda s: s.amend(s.turn, quantity=100),
    }
    _, outcome = run_script(HELD | steps, symbols=("AAA",), minutes=12, risk=MOST)
    assert [(order[0], *order[5:7]) for order in outcome.orders if order[0] == 2] == [
        (2, "CANCELED", 0)
    ]


@pytest.mark.parametrize("same_bar", ("worst", "best"))
def test_what_a_bar_fills_beside_an_exit_is_what_is_booked(same_bar: str) -> None:
    """Also where the bar's first fill brings another exit on its way, to be counted from then."""
    steps: Steps = {
        "09:33 AAA": lambda s: [
            s.order("AAA", -50, reduce_only=True, after=s.order("AAA", 50, limit=15)),
            s.order("AAA", -100, reduce_only=True, limit=13),
            s.order("AAA", -200, limit=13),
        ]
    }
    found = fills(steps, risk={"max_position_quantity": 300}, execution={"same_bar": same_bar})
    assert found == [100, 50, -100, -150]


def test_what_works_is_shown_as_limits_count_it() -> None:
    def look(s: Any) -> object:
        return standing_of(s._context.engine, SimpleNamespace(number=0), 0).may_sell

    steps: Steps = {
        "09:33 AAA": lambda s: [
            s.order("AAA", -30, limit=18),
            s.order("AAA", -20, reduce_only=True, limit=18),
            s.order("AAA", -40, reduce_only=True),
        ],
        "09:33 BBB": look,
    }
    answers, _ = run_script(HELD | steps, minutes=6, risk=MOST)
    assert answers[-1] == 70


# -- room that is promised -------------------------------------------------------------------------


def resting_short(then: Steps, **most: int) -> Outcome:
    """150 of AAA are to be sold short at 18; 100 are bought and have an exit at 16.5."""

    def begin(s: Any) -> None:
        s.order("AAA", -150, limit=18)
        s.order("AAA", 100)

    steps: Steps = {
        "09:31 AAA": begin,
        "09:32 AAA": lambda s: s.order("AAA", -100, reduce_only=True, limit=16.5),
    }
    _, outcome = run_script(steps | then, symbols=("AAA", "BBB"), minutes=12, risk=most)
    return outcome


OTHERS = {  # what would fit beside the 100, but not beside the 150
    "long": ({"max_gross_value": 2_700}, 80, "max_gross_value: 2875 is over 2700"),
    "short": ({"max_net_value": 2_700}, -80, "max_net_value: 2875 is over 2700"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_an_order_was_promised_is_no_room_for_others_while_the_other_side_is_held(
    name: str,
) -> None:
    """The exit comes first, and the order goes as far as it was to: both positions are there."""
    most, shares, why = OTHERS[name]
    outcome = resting_short({"09:33 BBB": lambda s: s.order("BBB", shares)}, **most)
    assert [(fill[2], fill[3] // UNITS) for fill in outcome.fills] == [
        (0, 100),
        (0, -100),
        (0, -150),
    ]
    assert [str(order[7]) for order in outcome.orders if order[7]] == [why]


def test_how_far_such_an_order_may_go_is_shown_beside_what_works() -> None:
    seen: list[Any] = []

    def look(s: Any) -> None:
        seen.append(standing_of(s._context.engine, SimpleNamespace(number=0), 0))

    resting_short({"09:31 BBB": look, "09:33 BBB": look}, max_gross_value=9_000)
    assert [(one.held, one.may_sell, one.promised) for one in seen] == [
        (0, 150, 0),
        (100, 150, -150),
    ]


def test_who_closes_beside_such_an_order_needs_no_room() -> None:
    """It goes no further short by that than it was to."""
    outcome = resting_short(
        {"09:33 AAA": lambda s: s.order("AAA", -100, limit=13)}, max_gross_value=2_700
    )
    assert [order[5] for order in outcome.orders if order[0] == 4] == ["FILLED"]


# -- at a venue ------------------------------------------------------------------------------------


def turning(**terms: Any) -> tuple[House, Order, Order]:
    """100 are held, and a stop takes them out; an order for 200 turns them over."""
    house = House(limits_by(max_position_quantity=100))
    entry = house.give()
    house.hear(fill(entry, SHARES, "e1"))
    common = {"reduce_only": True, "aimed": False, "tif": "gtc"}
    stop = house.give(-SHARES, kind=STOP, stop=8.0, **common)
    turn = house.give(-2 * SHARES, **terms)
    house.intents()
    house.hear(Acknowledged(stop.order_id), Acknowledged(turn.order_id))
    return house, stop, turn


def test_at_a_venue_the_order_is_amended_as_the_exit_s_fill_is_told() -> None:
    house, stop, turn = turning(kind=LIMIT, limit=12.0)
    house.hear(fill(stop, -40 * UNITS, "x1"))
    assert house.intents() == (Amend(turn.order_id, target_of(160), False),)
    house.hear(fill(stop, -60 * UNITS, "x2"))
    house.hear(Amended(turn.order_id, target_of(160)))
    assert house.intents() == (Amend(turn.order_id, target_of(100), False),)
    house.hear(Amended(turn.order_id, target_of(100)), fill(turn, -SHARES, "t1", 12.0))
    assert (turn.state, house.held_units) == (FILLED, -SHARES)
    assert house.execution.aim_units[0][0] == -SHARES


def test_what_it_has_filled_by_then_stands_and_is_what_its_strategy_holds() -> None:
    house, stop, turn = turning()
    assert house.execution.aim_units[0][0] == -SHARES
    house.hear(fill(stop, -SHARES, "x1"), fill(turn, -2 * SHARES, "t1"))
    assert (turn.state, turn.units, house.held_units) == (FILLED, -2 * SHARES, -2 * SHARES)
    assert house.execution.aim_units[0][0] == -2 * SHARES


def test_a_run_that_goes_on_from_its_state_knows_what_was_promised() -> None:
    house, stop, turn = turning(kind=LIMIT, limit=12.0)
    after = House(limits_by(max_position_quantity=100))
    restore_execution(after.execution, execution_state(house.execution))
    promised = house.execution.broker.working.copy().promised
    assert promised[turn.order_id] == SHARES
    assert after.execution.broker.working.promised == promised  # what limits count
    after.hear(fill(stop, -SHARES, "x1"))
    assert after.intents() == (Amend(turn.order_id, target_of(100), False),)


def test_what_replaces_an_order_that_is_being_cancelled_is_not_to_open_either() -> None:
    """Limits let it pass as one that closes; the venue may take its time over the other."""
    house, stop, turn = turning(kind=LIMIT, limit=12.0)
    house.execution.cancel(turn, 11)
    other = house.give(-SHARES, kind=LIMIT, limit=13.0)
    house.hear(Acknowledged(other.order_id), Ended(turn.order_id, CANCELED, ""))
    house.intents()
    house.hear(fill(stop, -SHARES, "x1"))
    assert house.intents() == (Cancel(other.order_id),)


# -- a cancel that comes too late ------------------------------------------------------------------


@pytest.mark.parametrize("rows", (1, 8192))
def test_a_close_yields_to_the_one_it_replaces_where_that_fills_all_the_same(rows: int) -> None:
    """Cancelled within a bar, which is left to the old order; the other is for the next bars."""

    def give(s: Any) -> None:
        s.first = s.order("AAA", -100, limit=14.5)
        s.timer("replace", at=dt.time(9, 34, 30))

    steps: Steps = {
        "09:33 AAA": give,
        "09:34 timer replace": lambda s: [s.cancel(s.first), s.order("AAA", -100)],
    }
    assert fills(steps, risk={"allow_short": False}, block_rows=rows) == [100, -100]
    assert fills(steps) == [100, -100, -100]


def test_at_a_venue_too() -> None:
    house = House(limits_by(allow_short=False))
    house.hear(fill(house.give(), SHARES, "e1"))
    stop = house.give(-SHARES, kind=STOP, stop=8.0, aimed=False)
    house.intents()
    house.hear(Acknowledged(stop.order_id))
    house.execution.cancel(stop, 11)
    close = house.give(-SHARES)
    house.intents()
    house.hear(Acknowledged(close.order_id), fill(stop, -40 * UNITS, "x1"))
    smaller = Terms(-60 * UNITS, None, None, None, None)
    assert house.intents() == (Amend(close.order_id, smaller, False),)
    house.hear(Amended(close.order_id, smaller), fill(stop, -60 * UNITS, "x2"))
    assert house.intents() == (Cancel(close.order_id),)


def test_a_late_fill_of_one_that_was_cancelled_too() -> None:
    house = House(limits_by(allow_short=False))
    house.hear(fill(house.give(), SHARES, "e1"))
    stop = house.give(-SHARES, kind=STOP, stop=8.0, aimed=False)
    house.execution.cancel(stop, 11)
    house.hear(Ended(stop.order_id, CANCELED, ""))
    close = house.give(-SHARES)
    house.intents()
    house.hear(fill(stop, -SHARES, "x1"))
    assert house.intents() == (Cancel(close.order_id),)


def cancelled_within(first: dict[str, float], units: int, *others: dict[str, Any]) -> Steps:
    """An order that the bar of 09:34 fills after it was cancelled; the others come behind that."""

    def give(s: Any) -> None:
        s.first = s.order("AAA", units, **first)
        s.timer("cancel", at=dt.time(9, 34, 30))

    def cancel(s: Any) -> None:
        s.cancel(s.first)
        for other in others:
            s.order("AAA", **other)

    return {"09:33 AAA": give, "09:34 timer cancel": cancel}


def test_what_turns_over_behind_a_cancel_that_comes_too_late_goes_as_far_as_it_was_to() -> None:
    steps = cancelled_within({"limit": 14.5}, -100, {"quantity": -200, "limit": 18})
    assert fills(steps, risk={"max_position_quantity": 200}) == [100, -100, -100]


def test_an_order_that_is_being_cancelled_yields_to_an_exit_beside_what_replaces_it() -> None:
    steps = cancelled_within({"limit": 14.6}, -100, {"quantity": -100, "limit": 18})
    exits: Steps = {"09:32 AAA": lambda s: s.order("AAA", -100, reduce_only=True, limit=14.5)}
    assert fills(exits | steps, risk={"allow_short": False}) == [100, -100]


def test_entries_do_not_yield_to_one_that_fills_while_it_is_being_cancelled() -> None:
    def give(s: Any) -> None:
        s.first = s.order("AAA", 40, stop=14.5)
        s.order("AAA", 60, stop=16.5)
        s.timer("cancel", at=dt.time(9, 34, 30))

    steps: Steps = {"09:33 AAA": give, "09:34 timer cancel": lambda s: s.cancel(s.first)}
    _, outcome = run_script(steps, symbols=("AAA",), minutes=12, risk=MOST)
    assert [one[3] // UNITS for one in outcome.fills] == [40, 60]


# -- an amendment that is not in force yet ---------------------------------------------------------


def amended_within(units: int, then: Callable[[Any], object]) -> Steps:
    """An order to sell 50 that is to sell so many, while a bar is under way; and what follows."""

    def give(s: Any) -> None:
        s.first = s.order("AAA", -50, limit=18)
        s.timer("amend", at=dt.time(9, 34, 30))

    return {
        "09:33 AAA": give,
        "09:34 timer amend": lambda s: [s.amend(s.first, quantity=units), then(s)],
    }


def test_what_is_asked_for_counts_for_what_is_given_behind_it() -> None:
    steps = amended_within(150, lambda s: s.order("AAA", -100, limit=19))
    _, outcome = run_script(HELD | steps, symbols=("AAA",), minutes=12, risk=MOST)
    assert outcome.orders[1][7] == "max_position_quantity: 150 is over 100"
    assert [one[3] // UNITS for one in outcome.fills] == [100, -150]


def test_what_is_asked_for_yields_before_the_order_itself_does() -> None:
    exits: Steps = {"09:32 AAA": lambda s: s.order("AAA", -40, reduce_only=True, limit=14.5)}
    steps = amended_within(150, lambda s: None)
    assert fills(exits | steps, risk=MOST) == [100, -40, -110]


def test_at_a_venue_what_is_asked_for_counts_before_it_is_answered() -> None:
    house = House(limits_by(max_position_quantity=100))
    first = house.give(50 * UNITS, kind=LIMIT, limit=9.0)
    house.hear(Acknowledged(first.order_id))
    assert house.execution.amend(first, Terms(SHARES, 9.0, None, None, None), 11)
    assert house.give(10 * UNITS, kind=LIMIT, limit=9.0).state == REJECTED
    assert house.execution.amend(first, Terms(SHARES, 8.0, None, None, None), 12)
    assert not house.execution.amend(first, Terms(2 * SHARES, 8.0, None, None, None), 13)
