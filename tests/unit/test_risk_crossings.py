"""Where two of the things that keep risk small meet: trading state, protection, limits, orders."""

import datetime as dt
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.market import (
    Outcome,
    config_of,
    market_of,
    minute_starts,
    outcome_of,
    random_bars,
    weekday_sessions,
    wired,
)
from tests.unit.scripted import Scripted, Second, Steps, run_script

from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
from app.core.money import UNITS
from app.managers.execution_manager.limits import order_checks
from app.managers.execution_manager.orders.kill import FREEZE
from app.managers.system_manager.drill import drill
from app.managers.system_manager.drill.drill_watch import DrillWatch
from app.managers.system_manager.why.asking import Asker, Question
from app.managers.system_manager.wiring import Run, replay_parts

FLAT = {"flat_before_close_minutes": 3}


def ended(outcome: Outcome) -> dict[object, tuple[object, object]]:
    """By order, how it ended and why."""
    return {order[0]: (order[5], order[7]) for order in outcome.orders}


@pytest.mark.parametrize("state", ("reducing", "halted"))
@pytest.mark.parametrize("rows", (1, 8192))
def test_an_exit_that_would_open_by_now_is_called_off(state: str, rows: int) -> None:
    """Two were to close what is held: the one that is left would turn it over."""
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:32 AAA": lambda s: [
            s.order("AAA", -100, limit=15),
            s.order("AAA", -100),  # asked about: with the other it opens
            s.order("AAA", 1000),  # refused: the account's state changes
        ],
    }
    breakers = {"rejects_per_minute": {"at": 1, "then": state}}
    risk: dict[str, Any] = {"max_order_quantity": 500, "breakers": breakers}
    _, outcome = run_script(steps, symbols=("AAA",), minutes=9, block_rows=rows, risk=risk)
    assert sum(fill[3] for fill in outcome.fills) == 0
    state_of, why = ended(outcome)[2]
    assert state_of == "CANCELED"
    assert str(why).startswith(f"the account is {state}, rejects_per_minute: ")


def test_what_is_refused_before_a_close_was_taken_back_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many: it is no strategy's fault that ends the run."""
    monkeypatch.setattr(order_checks, "MOST_TAKEN_BACK", 3)
    steps: Steps = {"09:35 AAA": lambda s: [s.order("AAA", 100) for _ in range(5)]}
    _, outcome = run_script(steps, symbols=("AAA",), minutes=7, protection=FLAT)
    assert outcome.reason == "finished"
    assert [str(why)[:17] for _, why in ended(outcome).values()] == ["flat_before_close"] * 5


def test_an_order_that_is_asked_about_before_a_close_is_told_what_it_would_be() -> None:
    """As `risk check` asks."""
    sessions = weekday_sessions(dt.date(2024, 6, 3), 1, 7)
    bars = {("AAA", "1m"): random_bars(minute_starts(sessions), 1)}
    config = config_of(("AAA",), ["tests.unit.reckless:Reckless"], protection=FLAT)
    market = market_of(sessions, bars, ("AAA",))
    until_ns = sessions[0].open_ns + 5 * MINUTE_NS
    asker = Asker(Question("AAA", Decimal(100)), 0, until_ns)
    parts = msgspec.structs.replace(replay_parts(market), witness=asker)
    Run(config, market, Path("strategies"), lambda results: None, parts=parts).execute()
    assert asker.answer is not None
    assert asker.answer.reason.startswith("flat_before_close: ")
    assert not asker.answer.leaves


def test_the_exits_of_an_entry_that_is_cut_take_out_no_more_than_it_brings() -> None:
    """Nor what was held before; those that were for more than the entry are as they were given."""
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 60),
        "09:32 AAA": lambda s: s.bracket("AAA", 100, target=30, stop=11.9),
        "09:35 AAA": lambda s: s.order(
            "AAA", -100, stop=30, reduce_only=True, after=s.order("AAA", 80)
        ),
    }
    risk = {"max_position_quantity": 100, "oversize": "cut"}
    _, outcome = run_script(steps, symbols=("AAA",), minutes=9, risk=risk)
    assert [fill[3] // UNITS for fill in outcome.fills] == [60, 40, -40, 40, -100]
    cuts = [change[6] for change in outcome.order_changes if change[2] == "cut"]
    assert cuts[1] == "cut from 100: order 2, its entry, was cut"
    assert len(cuts) == 4


def test_an_order_that_is_cut_twice_says_what_was_asked_for() -> None:
    """By a limit to 80, and by the account's means to what it closes; its exits know both sizes."""
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 60),
        "09:33 AAA": lambda s: s.order(
            "AAA", 110, stop=30, reduce_only=True, after=s.order("AAA", -110)
        ),
    }
    risk = {"max_order_quantity": 80, "oversize": "cut"}
    cash = {"kind": "cash"}
    _, outcome = run_script(steps, symbols=("AAA",), minutes=6, risk=risk, account=cash)
    cuts = [(change[0], change[6]) for change in outcome.order_changes if change[2] == "cut"]
    assert [order_id for order_id, _ in cuts] == [2, 3]
    assert cuts[0][1].startswith("cut from 110: cash_account: it sells 80, there is 60 to sell")
    assert cuts[1][1] == "cut from 110: order 2, its entry, was cut"


def test_a_kill_closes_what_strategies_hold_against_each_other_beyond_the_means() -> None:
    """Together they hold nothing of it: what closes the one's takes on what the account has not."""
    Scripted.steps = {
        "09:31 AAA": lambda s: s.order("AAA", 90),
        "09:34 AAA": lambda s: s.order("BBB", -80),  # it rises
    }
    Second.steps = {"09:32 AAA": lambda s: s.order("AAA", -90)}
    sessions = weekday_sessions(dt.date(2024, 6, 3), 1, 20)
    starts, opens = minute_starts(sessions), 10.0 + np.arange(20)
    bars = BarColumns(starts, opens, opens + 1, opens, opens + 0.5, np.full(20, 1000.0))
    names = ("AAA", "BBB")
    config = config_of(
        names,
        [f"tests.unit.scripted:{kind.__name__}" for kind in (Scripted, Second)],
        account={"cash": 1100, "leverage": 1},
        execution={"participation": None},
    )
    run, results = wired(config, market_of(sessions, {(one, "1m"): bars for one in names}, names))
    run.coordinator.kill_at(sessions[0].open_ns + 12 * MINUTE_NS, "flatten", "proof")
    run.engine.end_when_killed()
    assert outcome_of(run, results).reason == "killed"
    assert not any(position.units for row in run.execution.positions for position in row)


def test_a_drill_counts_no_exit_as_lost_that_would_open_by_then() -> None:
    """Another one has closed all that it was to close: a freeze takes it back."""
    Scripted.steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:32 AAA": lambda s: [
            s.order("AAA", -100, limit=18),
            s.order("AAA", -100, limit=15, reduce_only=True),
        ],
    }
    sessions = weekday_sessions(dt.date(2024, 6, 3), 1, 12)
    starts, opens = minute_starts(sessions), 10.0 + np.arange(12)
    bars = BarColumns(starts, opens, opens + 1, opens, opens + 0.5, np.full(12, 1000.0))
    config = config_of(
        ("AAA",),
        ["tests.unit.scripted:Scripted"],
        execution={"participation": None},
        engine={"runner": "inline"},
    )
    market = market_of(sessions, {("AAA", "1m"): bars}, ("AAA",))
    watch = DrillWatch(FREEZE, sessions[0].open_ns + 3 * MINUTE_NS, MINUTE_NS)
    parts = msgspec.structs.replace(replay_parts(market), witness=watch, record_input=watch.hear)
    run = Run(config, market, Path("strategies"), watch.take, parts=parts)
    watch.plan(run, is_stuck=False)
    run.execute()
    assert [order.state for order in watch.protective.values()] == ["CANCELED", "FILLED"]
    assert [one.check for one in drill._checks(run, watch, 0, 5, "") if not one.ok] == []


SHORT: Steps = {
    "09:31 AAA": lambda s: s.order("AAA", -100),
    "09:32 AAA": lambda s: s.order("AAA", -1000),  # refused: the account's state may change
}
EXITS = ({}, {"limit": 40}, {"stop": 5})  # at market, or for a price that is there already
TRIPPED = {"breakers": {"rejects_per_minute": {"at": 1}}, "max_order_quantity": 500}


@pytest.mark.parametrize(
    "parts",
    (
        {"risk": TRIPPED},
        {"risk": {"max_orders_per_day": 1}},
        {"risk": {"strategies": {"Scripted": {"max_order_quantity": 100, "max_open_orders": 1}}}},
    ),
)
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("first", EXITS)
@pytest.mark.parametrize("other", EXITS)
def test_two_exits_of_one_position_never_turn_it_over_where_there_are_limits(
    first: dict[str, float], other: dict[str, float], is_first: bool, parts: dict[str, Any]
) -> None:
    """What only takes out is asked nothing, also where a breaker has tripped.

    What comes behind an exit at market that takes all out is an entry, where limits approve of it.
    """
    given = [
        lambda s: s.order("AAA", 100, reduce_only=True, **first),
        lambda s: s.order("AAA", 60, **other),
    ]
    turn = given if is_first else given[::-1]
    both: Steps = {
        "09:33 AAA": lambda s: [*[give(s) for give in turn], s.order_target("AAA", 70)],
    }
    _, outcome = run_script(SHORT | both, symbols=("AAA",), minutes=9, **parts)
    held = [*accumulate(fill[3] // UNITS for fill in outcome.fills)]
    is_entry = "strategies" in parts["risk"] and is_first and other and not first
    assert max(held) == held[-1] == (60 if is_entry else 0), ended(outcome)


def test_a_plain_exit_that_has_come_to_only_reduce_keeps_its_claim() -> None:
    """It fills beside the next one, which would open with what is left of it."""
    three: Steps = {
        "09:33 AAA": lambda s: [
            s.order("AAA", 40, limit=40),
            s.order("AAA", 100, limit=1, reduce_only=True),
            s.order("AAA", 100),
        ]
    }
    _, outcome = run_script(SHORT | three, symbols=("AAA",), minutes=9, risk=TRIPPED)
    assert [fill[3] // UNITS for fill in outcome.fills] == [-100, 60, 40]


def test_an_exit_that_rests_opens_nothing_once_time_is_up() -> None:
    """It was asked nothing, as it closed what was held; that is closed without it."""
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:33 AAA": lambda s: s.order("AAA", -100, limit=17),
    }
    parts = {"protection": {"time_stop_minutes": 3}, "risk": {"allow_short": False}}
    _, outcome = run_script(steps, symbols=("AAA",), minutes=12, **parts)
    assert [fill[3] // UNITS for fill in outcome.fills] == [100, -100]
    assert ended(outcome)[2] == ("CANCELED", "an exit has taken it out")


def test_what_limits_have_approved_of_stays_an_entry_beside_exits() -> None:
    """Given while nothing was held; or made larger since, and then for what it was to open."""
    steps: Steps = {
        "09:31 AAA": lambda s: [s.order("AAA", 100), s.order("AAA", -100, limit=16)],
        "09:33 AAA": lambda s: s.order("AAA", -100, reduce_only=True),
    }
    _, outcome = run_script(steps, symbols=("AAA",), minutes=9, risk={"max_position_quantity": 100})
    assert [fill[3] // UNITS for fill in outcome.fills] == [100, -100, -100]
    larger: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:32 AAA": lambda s: setattr(s, "exit", s.order("AAA", -100, limit=17)),
        "09:33 AAA": lambda s: s.amend(s.exit, quantity=200),
        "09:34 AAA": lambda s: s.order("AAA", -100, reduce_only=True),
    }
    _, outcome = run_script(
        larger, symbols=("AAA",), minutes=10, risk={"max_position_quantity": 300}
    )
    assert [fill[3] // UNITS for fill in outcome.fills] == [100, -100, -100]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("other", EXITS)
def test_nor_do_they_borrow_shares_in_a_cash_account(
    other: dict[str, float], is_first: bool
) -> None:
    prices = {"limit": 1} if "limit" in other else {"stop": 40} if other else {}
    given = [
        lambda s: s.order("AAA", -100, reduce_only=True),
        lambda s: s.order("AAA", -60, **prices),
    ]
    turn = given if is_first else given[::-1]
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:33 AAA": lambda s: [give(s) for give in turn],
    }
    _, outcome = run_script(steps, symbols=("AAA",), minutes=9, account={"kind": "cash"})
    held = [*accumulate(fill[3] for fill in outcome.fills)]
    assert min(held) == held[-1] == 0
