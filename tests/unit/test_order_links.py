"""Orders that trail, are for an auction, wait for another, end each other, reduce, or are amended.

Each script runs over hand-made bars of a minute of one symbol, AAA, in sessions of equal length.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.market import Outcome, config_of, execute, market_of, minute_starts, weekday_sessions
from tests.unit.scripted import Scripted, Steps

from app.core.bars import BarColumns
from app.core.calendar import TradingSession
from app.core.errors import AppError
from app.core.money import UNITS

Bar = tuple[float, float, float, float]
QUIET: Bar = (10.0, 10.0, 10.0, 10.0)
Fill = tuple[int, str, float]  # units, when known, price


def run(
    bars: Sequence[Bar | None],
    steps: Steps,
    *,
    sessions: int = 1,
    half_days: frozenset[int] = frozenset(),
    volume: float = 1e6,
    post_minutes: int = 0,
    block_rows: int = 8192,
    **parts: Any,
) -> tuple[list[object], Outcome]:
    """What the steps answered, and what the run came to; None is a minute without a bar."""
    first, minutes = dt.date(2024, 6, 3), len(bars) // sessions
    calendar = list(weekday_sessions(first, sessions, minutes, half_days))
    if post_minutes:
        calendar = [_shortened(session, post_minutes) for session in calendar]
        parts["extended_hours"] = True
    starts = minute_starts(weekday_sessions(first, sessions, minutes))
    keep = [place for place, bar in enumerate(bars) if bar is not None]
    prices = np.array([bar for bar in bars if bar is not None]).T
    columns = BarColumns(starts[keep], *prices, np.full(len(keep), volume))
    config = config_of(
        ["AAA"],
        ["tests.unit.scripted:Scripted"],
        execution={"participation": None, **parts.pop("execution", {})},
        engine={"block_rows": block_rows, "runner": "inline"},
        **parts,
    )
    Scripted.steps = steps
    Scripted.answers.clear()
    outcome = execute(config, market_of(calendar, {("AAA", "1m"): columns}, ["AAA"]))
    return list(Scripted.answers), outcome


def _shortened(session: TradingSession, minutes: int) -> TradingSession:
    """The same, of which the last minutes are after the close."""
    close_ns = session.close_ns - minutes * 60_000_000_000
    return TradingSession(
        session.market, session.date, session.open_ns, close_ns, post_close_ns=session.close_ns
    )


def clock(at_ns: int) -> str:
    """The time in New York in June."""
    return f"{dt.datetime.fromtimestamp(at_ns / 1e9, dt.UTC) - dt.timedelta(hours=4):%H:%M}"


def fills(outcome: Outcome) -> list[Fill]:
    return [(fill[3] // UNITS, clock(fill[7]), fill[4]) for fill in outcome.fills]


def ends(outcome: Outcome) -> list[tuple[str, str]]:
    """How each order ended, and why, in order of the orders."""
    return [(str(row[5]), str(row[7])) for row in sorted(outcome.orders)]


# -- trailing stops --------------------------------------------------------------------------------


def test_a_trailing_stop_follows_the_price_up_and_never_down() -> None:
    bars = [
        QUIET,
        QUIET,
        (10.0, 11.0, 10.0, 11.0),
        (11.0, 11.2, 10.9, 11.0),
        (11.0, 11.0, 10.6, 10.7),
        QUIET,
    ]
    stops: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 5),
        "09:32 AAA": lambda s: setattr(s, "exit", s.order("AAA", -5, trail=0.5)) or s.exit.stop,
        "09:33 AAA": lambda s: s.exit.stop,
        "09:34 AAA": lambda s: s.exit.stop,
        "09:35 AAA": lambda s: (s.exit.kind, s.exit.state),
    }
    answers, outcome = run(bars, stops, execution={"same_bar": "best"})
    assert answers[1:] == [9.5, 10.5, 10.7, ("trailing_stop", "FILLED")]
    assert fills(outcome) == [(5, "09:32", 10.0), (-5, "09:35", 10.7)]


def test_a_trailing_distance_in_percent_is_of_the_price_it_follows() -> None:
    bars = [QUIET, (10.0, 12.0, 10.0, 12.0), (12.0, 12.0, 11.3, 11.3), QUIET]
    steps: Steps = {
        "09:31 AAA": lambda s: setattr(s, "exit", s.order("AAA", -5, trail_percent=5)),
        "09:32 AAA": lambda s: s.exit.stop,
    }
    answers, outcome = run(bars, steps, execution={"same_bar": "best"})
    assert answers[-1] == 11.4
    assert fills(outcome) == [(-5, "09:33", 11.4)]


def test_a_trailing_stop_needs_a_price_and_one_distance() -> None:
    for act, words in [
        (lambda s: s.order("AAA", -5, trail=1, trail_percent=1), "one distance"),
        (lambda s: s.order("AAA", -5, trail=1, limit=9), "no limit"),
        (lambda s: s.order("AAA", -5, trail_percent=100), "below 100"),
        (lambda s: s.order("AAA", -5, trail=0), "above 0"),
    ]:
        with pytest.raises(AppError, match=words):
            run([QUIET] * 3, {"09:31 AAA": act})
    with pytest.raises(AppError, match="no price yet"):
        run([QUIET] * 3, {"09:30 open": lambda s: s.order("AAA", -5, trail=1)})


# -- for the open and the close --------------------------------------------------------------------

DAY = [(10.0 + n, 10.5 + n, 9.5 + n, 10.25 + n) for n in range(30)]  # half an hour


def test_an_order_for_the_close_settles_at_the_last_close() -> None:
    steps: Steps = {"09:33 AAA": lambda s: s.order("AAA", 5, at="close")}
    _, outcome = run(DAY, steps, execution={"slippage": {"kind": "fixed", "amount": 1.0}})
    assert fills(outcome) == [(5, "10:00", 39.25)]  # it was given at 09:33, and nothing slips


def test_an_order_for_the_close_of_a_half_day_settles_there() -> None:
    steps: Steps = {"09:33 AAA": lambda s: s.order("AAA", 5, at="close")}
    for block_rows in (1, 7, 8192):
        _, outcome = run(DAY, steps, half_days=frozenset({0}), block_rows=block_rows, sessions=1)
        assert fills(outcome) == [(5, "09:45", 24.25)]


def test_the_close_takes_the_last_bar_there_was_however_long_ago() -> None:
    bars: list[Bar | None] = [*DAY[:10], *[None] * 20]
    steps: Steps = {"09:33 AAA": lambda s: s.order("AAA", 5, at="close")}
    for block_rows in (1, 3, 8192):
        _, outcome = run(bars, steps, block_rows=block_rows)
        assert fills(outcome) == [(5, "10:00", 19.25)]


def test_what_never_traded_has_no_close_to_settle_at() -> None:
    bars: list[Bar | None] = [*DAY, *[None] * 30]
    steps: Steps = {"10:00 close": lambda s: s.order("AAA", 5, at="close") if s.now.day == 3 else 0}
    _, outcome = run(bars, steps, sessions=2)
    assert fills(outcome) == []
    assert ends(outcome) == [("EXPIRED", "nothing of it could fill at the close")]


def test_with_extended_hours_the_close_is_that_of_the_regular_ones() -> None:
    steps: Steps = {"09:33 AAA": lambda s: s.order("AAA", 5, at="close")}
    for block_rows in (1, 20, 8192):
        _, outcome = run(DAY, steps, post_minutes=10, block_rows=block_rows)
        assert fills(outcome) == [(5, "09:50", 29.25)]


@pytest.mark.parametrize(("minute", "state"), [("09:50", "FILLED"), ("09:51", "REJECTED")])
def test_the_close_has_a_cut_off(minute: str, state: str) -> None:
    steps: Steps = {f"{minute} AAA": lambda s: s.order("AAA", 5, at="close")}
    _, outcome = run(DAY, steps)
    ((end, reason),) = ends(outcome)
    assert end == state
    assert reason == "" or reason.startswith("after_cut_off: orders for the close are taken until")


def test_an_order_for_the_open_gets_the_next_session_s_first_bar() -> None:
    bars: list[Bar | None] = [*DAY[:30], None, None, *DAY[2:30]]
    for block_rows in (1, 7, 8192):
        steps: Steps = {
            "09:33 AAA": lambda s: s.order("AAA", 5, at="open") if s.now.day == 3 else None
        }
        _, outcome = run(bars, steps, sessions=2, block_rows=block_rows)
        assert fills(outcome) == [(5, "09:33", 12.0)]
        assert outcome.fills[0][7] > outcome.orders[0][4] + 86_000_000_000_000


def test_at_the_open_itself_it_is_too_late_for_it() -> None:
    _, outcome = run(DAY, {"09:30 open": lambda s: s.order("AAA", 5, at="open")})
    ((state, reason),) = ends(outcome)
    assert (state, reason.split(":")[0]) == ("REJECTED", "after_cut_off")


def test_what_the_opening_bar_cannot_fill_expires() -> None:
    steps: Steps = {"10:00 close": lambda s: s.order("AAA", 500, at="open")}
    _, outcome = run(DAY * 2, steps, sessions=2, volume=1000.0, execution={"participation": 0.1})
    assert fills(outcome)[0] == (100, "09:31", 10.0)
    assert ends(outcome)[0] == ("EXPIRED", "no more at the open")


@pytest.mark.parametrize("terms", [{"limit": 9}, {"stop": 9}, {"trail": 1}, {"tif": "gtc"}])
def test_an_auction_order_has_no_other_terms(terms: dict[str, Any]) -> None:
    with pytest.raises(AppError, match="at='close'"):
        run(DAY, {"09:33 AAA": lambda s: s.order("AAA", 5, at="close", **terms)})
    with pytest.raises(AppError, match="at 'open' or at 'close'"):
        run(DAY, {"09:33 AAA": lambda s: s.order("AAA", 5, at="noon")})


def test_an_order_for_the_open_waits_for_no_other() -> None:
    """Its entry would fill in mid-session, when the open is over."""
    act = {"09:33 AAA": lambda s: s.order("AAA", 5, at="open", after=s.order("AAA", 5, limit=9))}
    with pytest.raises(AppError, match="waits for no other"):
        run(DAY, act)


# -- at this close ---------------------------------------------------------------------------------

THIS_CLOSE = {"market_fill": "this_close"}


def test_by_option_a_market_order_fills_at_the_close_it_was_given_on() -> None:
    steps: Steps = {
        "09:30 open": lambda s: s.order("AAA", 1),  # no bar ends then: the next open
        "09:33 AAA": lambda s: s.order("AAA", 5),
        "10:00 AAA": lambda s: s.order("AAA", -6),
        "10:00 close": lambda s: s.order("AAA", 7),  # this close is over
    }
    for block_rows in (1, 7, 8192):
        _, outcome = run(DAY, steps, execution=THIS_CLOSE, block_rows=block_rows)
        assert fills(outcome) == [(1, "09:31", 10.0), (5, "09:33", 12.25), (-6, "10:00", 39.25)]


def test_an_answer_to_such_a_fill_counts_from_the_next_bar() -> None:
    steps: Steps = {
        "09:33 AAA": lambda s: s.order("AAA", 5),
        "09:33 order 1": lambda s: s.order("AAA", -5),
        "09:34 timer t": lambda s: s.order("AAA", 3),
        "09:32 AAA": lambda s: s.timer("t", s.now + dt.timedelta(minutes=2)),
    }
    _, outcome = run(DAY, steps, execution=THIS_CLOSE)
    assert fills(outcome) == [(5, "09:33", 12.25), (-5, "09:34", 13.0), (3, "09:34", 13.25)]


def test_such_a_fill_is_all_that_an_immediate_order_gets() -> None:
    told: list[tuple[str, str]] = []
    steps: Steps = {
        "09:33 AAA": lambda s: setattr(s, "o", s.order("AAA", 150, tif="ioc")),
        "09:33 order 1": lambda s: told.append((s.o.state, s.o.reason)),
        "09:34 order 1": lambda s: told.append((s.o.state, s.o.reason)),
    }
    parts = {"execution": {**THIS_CLOSE, "participation": 0.1}, "volume": 1000.0}
    for block_rows in (1, 7, 8192):
        told.clear()
        _, outcome = run(DAY, steps, block_rows=block_rows, **parts)
        assert fills(outcome) == [(100, "09:33", 12.25)]
        assert told == [("PARTIAL", ""), ("EXPIRED", "ioc: no more at once")]


def test_such_a_fill_takes_its_share_of_the_bar_and_the_rest_works_on() -> None:
    steps: Steps = {"09:33 AAA": lambda s: s.order("AAA", 150)}
    parts = {"execution": {**THIS_CLOSE, "participation": 0.1}, "volume": 1000.0}
    _, outcome = run(DAY, steps, **parts)
    assert fills(outcome) == [(100, "09:33", 12.25), (50, "09:34", 13.0)]


# -- linked orders ---------------------------------------------------------------------------------


def test_a_bracket_enters_and_leaves_at_its_target_or_its_stop() -> None:
    bars = [QUIET, QUIET, QUIET, (10.0, 12.0, 10.0, 12.0), (12.0, 12.0, 8.0, 8.0), QUIET]
    for target, stop, found in [
        (11.5, 9, (-5, "09:34", 11.5)), (13, 9, (-5, "09:35", 9.0)), (13, 7, None),
    ]:  # fmt: skip
        steps: Steps = {
            "09:31 AAA": lambda s, t=target, b=stop: s.bracket("AAA", 5, target=t, stop=b),
            "09:36 AAA": lambda s: s.position("AAA").quantity,
        }
        _, outcome = run(bars, steps)
        assert fills(outcome) == [(5, "09:32", 10.0), *([found] if found else [])]
        states = [state for state, _ in ends(outcome)]
        assert sorted(states) == (
            ["CANCELED", "FILLED", "FILLED"] if found else ["CANCELED", "CANCELED", "FILLED"]
        )


def test_a_bracket_works_where_short_sales_are_not_allowed() -> None:
    steps: Steps = {"09:31 AAA": lambda s: s.bracket("AAA", 5, target=12, stop=9)}
    _, outcome = run([QUIET] * 4, steps, risk={"allow_short": False})
    assert [state for state, _ in ends(outcome)] == ["FILLED", "CANCELED", "CANCELED"]


@pytest.mark.parametrize(
    ("quantity", "terms", "words"),
    [
        (5, {"target": 9, "stop": 12}, "wrong sides: stop=12, target=9. One that buys has its "
         "stop below and its target above its entry."),
        (-5, {"target": 12, "stop": 9}, "One that sells has its stop above and its target below"),
        (5, {"target": 9.5, "limit": 10}, "wrong sides: limit=10, target=9.5"),
        (-5, {"stop": 9, "limit": 10}, "wrong sides: stop=9, limit=10"),
        (5, {"target": 9, "stop": 12, "trail": 1}, "wrong sides"),
        (5, {}, "needs a target, a stop or a trail"),
        (5, {"target": 12, "stop": -9}, "stop=-9 is not a price"),
        (5, {"target": 12, "stop": 9, "tif": "gct"}, "Did you mean 'gtc'"),
        (0, {"target": 12, "stop": "low"}, "stop='low' is not a price"),
    ],
)  # fmt: skip
def test_a_bracket_that_makes_no_sense_is_refused_with_all_its_orders(
    quantity: int, terms: dict[str, Any], words: str
) -> None:
    told = []

    def careless(s: Any) -> None:
        with pytest.raises(AppError) as caught:
            s.bracket("AAA", quantity, **terms)
        told.append(str(caught.value))

    _, outcome = run([QUIET] * 3, {"09:31 AAA": careless})
    assert words in told[0]
    assert (outcome.orders, outcome.entries) == ([], [])


def test_a_bracket_of_nothing_is_none_and_one_that_leaves_where_it_enters_is_allowed() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: (
            s.bracket("AAA", 0, target=9, stop=12).entry,
            s.bracket("AAA", -5, limit=10.005, target=10.005, stop=10.005).stop.stop,
        ),
    }
    answers, _ = run([QUIET] * 3, steps)
    assert answers == [(None, 10.0)]  # the limit goes up to 10.01, which crosses it


def test_when_the_entry_is_refused_or_ends_so_do_those_that_wait_for_it() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: s.bracket("AAA", 5, limit=5, target=12, stop=4, tif="ioc"),
        "09:33 AAA": lambda s: s.bracket("AAA", 500, target=12, stop=9),
    }
    _, outcome = run([QUIET] * 6, steps, risk={"max_order_quantity": 100})
    reasons = [(state, reason.split(":")[0]) for state, reason in ends(outcome)]
    assert reasons == [
        ("EXPIRED", "ioc"),
        ("CANCELED", "order 1, which it waited for, did not fill"),
        ("CANCELED", "order 1, which it waited for, did not fill"),
        ("REJECTED", "max_order_quantity"),
        ("REJECTED", "entry_refused"),
        ("REJECTED", "entry_refused"),
    ]


def test_the_exits_of_a_partly_filled_entry_are_as_large_as_that() -> None:
    bars = [QUIET, QUIET, QUIET, (10.0, 12.0, 10.0, 12.0), QUIET]
    steps: Steps = {
        "09:31 AAA": lambda s: setattr(s, "b", s.bracket("AAA", 150, target=11, stop=9)),
        "09:32 AAA": lambda s: (s.cancel(s.b.entry), s.b.target.quantity),
        "09:33 AAA": lambda s: (s.b.entry.filled, s.b.target.quantity, s.b.stop.quantity),
    }
    parts = {"execution": {"participation": 0.1}, "volume": 1000.0}
    answers, outcome = run(bars, steps, **parts)
    assert answers[1:] == [(None, 150), (100, 100, 100)]
    assert fills(outcome) == [(100, "09:32", 10.0), (-100, "09:34", 11.0)]
    assert [change[2:4] for change in outcome.order_changes] == [
        ("cancel", 150 * UNITS), ("reduce", -100 * UNITS), ("reduce", -100 * UNITS),
    ]  # fmt: skip


def test_one_leg_cancels_the_other_and_says_so() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: s.oco(
            s.order("AAA", 5, stop=11), s.order("AAA", -5, stop=9), s.order("AAA", 0)
        ),
    }
    bars = [QUIET, QUIET, (10.0, 11.5, 10.0, 11.5), (11.0, 11.0, 8.0, 8.0)]
    _, outcome = run(bars, steps)
    assert fills(outcome) == [(5, "09:33", 11.0)]
    assert ends(outcome)[1] == ("CANCELED", "another order of its group filled")


def test_only_new_orders_of_one_symbol_can_be_linked() -> None:
    for act in (
        lambda s: s.oco(s.kept, s.order("AAA", 1, stop=11)),
        lambda s: s.oco("AAA", s.order("AAA", 1, stop=11)),
        lambda s: s.oco(*[s.order("AAA", 1, stop=11)] * 2),
        lambda s: s.order("AAA", 1, after=s.ended),
    ):
        steps: Steps = {
            "09:31 AAA": lambda s: (
                setattr(s, "kept", s.order("AAA", 1, limit=5)),
                setattr(s, "ended", s.order("AAA", 1, limit=5, tif="ioc")),
            ),
            "09:33 AAA": act,
        }
        with pytest.raises(AppError, match=r"this very hook|not an order|ended unfilled"):
            run([QUIET] * 5, steps)


def test_an_order_given_after_another_waits_for_it() -> None:
    bars = [QUIET, QUIET, (10.0, 10.0, 9.0, 9.0), (9.0, 9.0, 9.0, 9.0), QUIET]
    steps: Steps = {
        "09:31 AAA": lambda s: s.order("AAA", 3, after=s.order("AAA", 5, limit=9.5)),
    }
    _, outcome = run(bars, steps)
    assert fills(outcome) == [(5, "09:33", 9.5), (3, "09:34", 9.0)]


def test_an_order_that_only_reduces_ends_when_nothing_is_left() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: (
            s.order("AAA", 5), s.order("AAA", -9, stop=9, reduce_only=True, tif="gtc")
        ),
        "09:33 AAA": lambda s: s.order_target("AAA", 0),
    }  # fmt: skip
    bars = [QUIET] * 4 + [(10.0, 10.0, 8.0, 8.0)]
    _, outcome = run(bars, steps)
    assert fills(outcome) == [(5, "09:32", 10.0), (-5, "09:34", 10.0)]
    assert ends(outcome)[1] == ("CANCELED", "nothing is left to reduce")
    _, outcome = run(bars, {"09:31 AAA": steps["09:31 AAA"]})
    assert fills(outcome) == [(5, "09:32", 10.0), (-5, "09:35", 9.0)]
    assert ends(outcome)[1][0] == "CANCELED"  # with four left of it


IDLE = ("CANCELED", "nothing is left to reduce")


@pytest.mark.parametrize(
    ("leave", "parts"),
    [
        (lambda s: s.order_target("AAA", 0), {"execution": THIS_CLOSE}),
        (lambda s: s.order("AAA", -5, at="close"), {}),
        (lambda s: s.order_target("AAA", 0), {}),
        (lambda s: s.order_target("AAA", -3), {}),  # it turns over: they would reduce it no more
    ],
)
@pytest.mark.parametrize("block_rows", [1, 8192])
def test_the_exits_of_a_bracket_end_with_the_position_however_that_ends(
    leave: Any, parts: dict[str, Any], block_rows: int
) -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: s.bracket("AAA", 5, target=90, stop=5),
        "09:33 AAA": leave,
        "10:00 close": lambda s: s.orders(),
    }
    answers, outcome = run(DAY, steps, block_rows=block_rows, **parts)
    assert answers[-1] == []
    assert ends(outcome)[1:3] == [IDLE, IDLE]


def test_an_exit_on_the_side_of_a_position_that_did_not_turn_rests() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: (s.order("AAA", 5), s.order("AAA", 9, stop=90, reduce_only=True)),
        "09:33 AAA": lambda s: (s.order("AAA", -2), s.order("AAA", -9, stop=5, reduce_only=True)),
        "09:35 AAA": lambda s: [order.order_id for order in s.orders()],
        "09:36 AAA": lambda s: s.order("AAA", -9),
        "09:38 AAA": lambda s: [order.order_id for order in s.orders()],
    }
    answers, _ = run(DAY, steps)
    assert (answers[2], answers[4]) == ([2, 4], [2])


def test_exits_outlive_a_flat_position_while_their_entry_works() -> None:
    """The stop sells the first part; what the entry fills later is protected, too."""
    bars = [QUIET, QUIET, (10.0, 10.0, 9.0, 9.0), (9.0, 9.0, 9.0, 9.0), QUIET, QUIET]
    acts: list[tuple[Any, list[str]]] = [
        (lambda s: None, ["PARTIAL", "ACCEPTED", "PARTIAL"]),
        (lambda s: s.cancel(s.b.entry), ["CANCELED", "CANCELED", "CANCELED"]),
    ]
    for act, states in acts:
        steps: Steps = {
            "09:31 AAA": lambda s: setattr(
                s, "b", s.bracket("AAA", 500, limit=9.95, target=12, stop=9.5)
            ),
            "09:34 AAA": act,
            "09:35 AAA": lambda s: [s.b.entry.state, s.b.target.state, s.b.stop.state],
        }
        answers, outcome = run(bars, steps, volume=1000.0, execution={"participation": 0.1})
        assert answers[-1] == states
        assert fills(outcome) == [(100, "09:33", 9.95), (-100, "09:34", 9.0)]


def test_weights_sell_what_is_too_much_before_they_buy() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: [o.quantity for o in s.order_target_weights({"AAA": 0.5})],
        "09:33 AAA": lambda s: [(o.side, o.quantity) for o in s.order_target_weights({})],
    }
    answers, outcome = run([QUIET] * 5, steps)
    assert answers == [[5_000], [("sell", 5_000)]]
    assert fills(outcome) == [(5_000, "09:32", 10.0), (-5_000, "09:34", 10.0)]


# -- amendments ------------------------------------------------------------------------------------


def test_an_amendment_between_two_bars_counts_at_once() -> None:
    bars = [QUIET, QUIET, (10.0, 10.0, 9.0, 9.0), (10.0, 10.0, 9.0, 9.0)]
    steps: Steps = {
        "09:31 AAA": lambda s: setattr(s, "resting", s.order("AAA", 5, limit=8)),
        "09:32 AAA": lambda s: s.amend(s.resting, limit=9.237, quantity=7),
        "09:33 AAA": lambda s: (s.resting.limit, s.resting.quantity, s.resting.state),
    }
    answers, outcome = run(bars, steps)
    assert answers[-1] == (9.23, 7, "FILLED")
    assert fills(outcome) == [(7, "09:33", 9.23)]


@pytest.mark.parametrize("block_rows", [1, 2, 8192])
def test_an_amendment_within_a_bar_leaves_that_bar_to_the_old_terms(block_rows: int) -> None:
    bars = [QUIET, QUIET, (10.0, 10.0, 9.0, 9.0), (10.0, 10.0, 9.0, 9.0), QUIET]
    for old, new, found in [
        (9.5, 8.0, [(5, "09:33", 9.5)]),  # it loses to the fill
        (8.0, 9.5, [(5, "09:34", 9.5)]),  # it counts from the next bar
    ]:
        steps: Steps = {
            "09:31 AAA": lambda s, p=old: (
                setattr(s, "resting", s.order("AAA", 5, limit=p)),
                s.timer("t", s.now + dt.timedelta(seconds=70)),
            ),
            "09:32 timer t": lambda s, p=new: s.amend(s.resting, limit=p),
            "09:32 AAA": lambda s: s.resting.state,
            "09:33 AAA": lambda s: (s.resting.state, s.resting.limit),
        }
        answers, outcome = run(bars, steps, block_rows=block_rows)
        assert fills(outcome) == found
        if found[0][1] == "09:34":
            assert answers[-1] == ("ACCEPTED", 9.5)


def test_an_amendment_is_shown_as_pending_and_can_be_cancelled() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: (
            setattr(s, "resting", s.order("AAA", 5, limit=8)),
            s.timer("a", s.now + dt.timedelta(seconds=70)),
            s.timer("b", s.now + dt.timedelta(seconds=80)),
            s.timer("c", s.now + dt.timedelta(seconds=90)),
        ),
        "09:32 timer a": lambda s: s.amend(s.resting, quantity=9),
        "09:32 timer b": lambda s: (s.resting.state, s.resting.quantity, s.cancel(s.resting)),
        "09:32 timer c": lambda s: s.resting.state,
        "09:33 AAA": lambda s: (s.resting.state, s.order_target("AAA", 4).quantity),
    }
    answers, _ = run([QUIET] * 5, steps)
    assert answers[2:] == [("AMEND_PENDING", 5, None), "CANCEL_PENDING", ("CANCELED", 4)]


def test_a_refused_amendment_leaves_the_order_and_says_why() -> None:
    told: list[object] = []
    steps: Steps = {
        "09:31 AAA": lambda s: setattr(s, "resting", s.order("AAA", 5, limit=8)),
        "09:32 AAA": lambda s: s.amend(s.resting, quantity=500),
        "09:32 order 1": lambda s: told.append((s.resting.reason, s.resting.state)),
        "09:33 AAA": lambda s: (s.resting.quantity, s.resting.limit),
    }
    answers, outcome = run([QUIET] * 4, steps, risk={"max_position_quantity": 100})
    assert told == [("max_position_quantity: 500 is over 100", "ACCEPTED")]
    assert answers[-1] == (5, 8.0)
    assert [change[2] for change in outcome.order_changes] == ["amend refused"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda s: s.amend(s.resting, stop=5), "has no stop"),
        (lambda s: s.amend(s.resting, trail=5), "has no distance"),
        (lambda s: s.amend(s.resting, quantity=0), "above 0"),
        (lambda s: s.amend(s.resting, limit="x"), "not a price"),
        (lambda s: s.amend("AAA", limit=5), "not an order"),
    ],
)
def test_what_cannot_be_amended_is_told(act: Any, words: str) -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: setattr(s, "resting", s.order("AAA", 5, limit=8)),
        "09:32 AAA": act,
    }
    with pytest.raises(AppError, match=words):
        run([QUIET] * 4, steps)


def test_an_amended_quantity_moves_what_a_target_counts_with() -> None:
    steps: Steps = {
        "09:31 AAA": lambda s: setattr(s, "resting", s.order("AAA", 5, limit=8)),
        "09:32 AAA": lambda s: (
            s.amend(s.resting, quantity=7),
            s.order_target("AAA", 10).quantity,
        ),
        "09:34 AAA": lambda s: s.order_target("AAA", 10),
    }
    answers, _ = run([QUIET] * 5, steps)
    assert answers[1:] == [(None, 3), None]


def test_what_a_strategy_sees_of_an_order_cannot_be_changed() -> None:
    steps: Steps = {"09:31 AAA": lambda s: setattr(s.order("AAA", 5, limit=8), "limit", 9.0)}
    with pytest.raises(AppError, match="AttributeError"):
        run([QUIET] * 4, steps)
    steps = {"09:31 AAA": lambda s: setattr(s.position("AAA"), "quantity", 9)}
    with pytest.raises(AppError, match="AttributeError"):
        run([QUIET] * 4, steps)


# -- what a bar leaves open ------------------------------------------------------------------------


def test_a_bar_that_leaves_its_path_open_goes_on_record_with_both_ends() -> None:
    bars = [QUIET, QUIET, (10.0, 12.0, 8.0, 10.0), QUIET]
    steps: Steps = {"09:31 AAA": lambda s: s.bracket("AAA", 5, target=11, stop=9)}
    for same_bar, gain in (("worst", -5), ("best", 5), ("ohlc_path", -5)):
        _, outcome = run(bars, steps, execution={"same_bar": same_bar})
        (bar,) = outcome.uncertain
        assert (bar.worst_units, bar.best_units) == (-5 * UNITS, 5 * UNITS)
        assert bar.taken_units == gain * UNITS
        assert clock(bar.start_ns) == "09:32"


def test_a_bar_whose_volume_goes_to_another_by_its_path_is_on_record() -> None:
    """By its path the bar comes to 9.50 first; by number the order at 9.00 is the first in turn."""
    bars = [QUIET, QUIET, (10.0, 10.1, 8.0, 9.0), QUIET]
    steps: Steps = {
        "09:31 AAA": lambda s: (s.order("AAA", 100, limit=9), s.order("AAA", 100, limit=9.5)),
    }
    found = {}
    for same_bar in ("worst", "best", "ohlc_path"):
        shared = {"same_bar": same_bar, "participation": 0.1}
        _, outcome = run(bars, steps, volume=1000.0, execution=shared)
        found[same_bar] = [
            (bar.worst_units, bar.best_units, bar.taken_units) for bar in outcome.uncertain
        ]
    assert found == {"worst": [], "best": [], "ohlc_path": [(0, 0, -50 * UNITS)]}
