"""What closes at market beside exits that rest: whichever fills first, nothing is closed twice."""

import datetime as dt
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.market import (
    config_of,
    execute,
    market_of,
    minute_starts,
    random_bars,
    weekday_sessions,
)
from tests.unit.scripted import Scripted, Steps
from tests.unit.test_live_broker import SHARES, fill
from tests.unit.test_order_links import QUIET, Bar, ends, fills, run
from tests.unit.test_protection_live import Covered, placed
from tests.unit.test_protection_random import EXITS, FILLS

from app.core.orders import MARKET
from app.strategies import Bar as Shown
from app.strategies import Param, Strategy

GAP: Bar = (9.0, 9.0, 9.0, 9.0)  # opens below every stop
LATE = {"latency_ms": 1_000}
IDLE = ("CANCELED", "nothing is left to reduce")
WAYS: dict[str, Any] = {
    "a target": lambda s: s.order_target("AAA", 0),
    "an order": lambda s: s.order("AAA", -100),
    "a part": lambda s: s.order_target("AAA", 40),
    "weights": lambda s: s.order_target_weights({}),
    "a close": lambda s: s.close("AAA"),
    "the close": lambda s: s.order("AAA", -100, at="close"),
}


@pytest.mark.parametrize("latency", [{}, LATE])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("given_by", ["protection", "a bracket"])
def test_of_a_stop_and_a_close_that_meet_a_gap_the_first_leaves_nothing_to_the_other(
    way: str, given_by: str, latency: dict[str, Any]
) -> None:
    is_bracket = given_by == "a bracket"

    def enter(s: Scripted) -> None:
        if is_bracket:
            s.bracket("AAA", 100, stop=9.5)
        else:
            s.order("AAA", 100)

    steps: Steps = {"09:31 AAA": enter, "09:33 AAA": WAYS[way]}
    protection = {} if is_bracket else {"stop_loss_percent": 1}
    bars = [QUIET, QUIET, QUIET, GAP, GAP, GAP, GAP]
    _, outcome = run(bars, steps, execution=latency, protection=protection)
    bought, *sold = [units for units, _, _ in fills(outcome)]
    assert (bought, sum(sold)) == (100, -100)


def test_one_that_fills_first_leaves_nothing_to_the_stop() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:33 AAA": lambda s: s.order_target("AAA", 0),
    }
    _, outcome = run([QUIET] * 6, steps, protection={"stop_loss_percent": 1})
    assert fills(outcome) == [(100, "09:32", 10.0), (-100, "09:34", 10.0)]
    assert ends(outcome)[1] == IDLE


def test_it_counts_as_on_its_way_and_what_is_sold_beyond_is_a_short_sale() -> None:
    def sell(s: Scripted) -> None:
        assert s.order_target("AAA", 0) is not None
        assert s.order_target("AAA", 0) is None
        s.order("AAA", -30)

    steps: Steps = {"09:31 AAA": lambda s: s.order("AAA", 100), "09:33 AAA": sell}
    _, outcome = run([QUIET, QUIET, QUIET, GAP, GAP], steps, protection={"stop_loss_percent": 1})
    assert [units for units, _, _ in fills(outcome)] == [100, -100, -30]
    assert ends(outcome)[1] == IDLE


def test_what_turns_a_position_over_at_a_gap_ends_where_it_aims() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 100),
        "09:33 AAA": lambda s: s.order_target("AAA", -100),
    }
    _, outcome = run([QUIET, QUIET, QUIET, GAP, GAP], steps, protection={"stop_loss_percent": 1})
    assert [units for units, _, _ in fills(outcome)] == [100, -200]
    assert ends(outcome)[1] == IDLE


@pytest.mark.parametrize("state", ["exits", "none"])
def test_a_venue_is_told_that_it_only_reduces_where_exits_rest(state: str) -> None:
    house = Covered()
    strategy = 0 if state == "exits" else 1  # the second has no protection
    house.hear(fill(house.give(strategy=strategy), SHARES))
    house.intents()
    house.give(-SHARES, strategy=strategy)
    assert [(kind, reduces) for kind, _, _, reduces in placed(house)] == [
        (MARKET, state == "exits")
    ]


class LongOnly(Strategy):
    """Aims at nothing, at some or at all of a hundred, as its bars tell it."""

    salt = Param(0)

    def on_bar(self, bar: Shown) -> None:
        held = self.position(bar.symbol).quantity
        assert held >= 0, f"{self.now} {bar.symbol}: {held}"
        digest = crc32(repr((bar.symbol, bar.start_ns, bar.close, self.salt)).encode())
        match digest % 6:
            case 0:
                self.order_target(bar.symbol, 100)
            case 1:
                self.order_target(bar.symbol, 0)
            case 2:
                self.order_target(bar.symbol, 10 * (digest // 6 % 10))
            case 3:
                self.close(bar.symbol)
            case _:
                pass


@given(seed=st.integers(0, 10**6))
def test_who_only_aims_at_more_or_less_of_a_long_position_is_never_short(seed: int) -> None:
    sessions = weekday_sessions(dt.date(2024, 6, 3), 2, 60)
    starts = minute_starts(sessions)
    bars = {(name, "1m"): random_bars(starts, seed + place) for place, name in enumerate("AB")}
    config = config_of(
        "AB",
        [{"use": f"{__name__}:LongOnly", "params": {"salt": seed}}],
        execution=FILLS[seed % len(FILLS)],
        account={"cash": 10_000_000},
        engine={"runner": "inline"},
        protection=EXITS,
    )
    outcome = execute(config, market_of(sessions, bars, "AB"))
    assert outcome.reason == "finished"
    assert len(outcome.fills) > 10
