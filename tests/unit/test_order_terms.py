"""Orders with terms, from the strategy's word to the fill: prices, times in force, cancels, costs.

Each script runs over bars of a minute that open at 10, 11, 12, ..., each from 0.25 below its open
to 0.75 above.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.market import Outcome
from tests.unit.scripted import run_script

from app.core.errors import AppError
from app.core.instruments import Adjustment
from app.core.money import UNITS, to_units
from app.services.slippage import split_price

Fill = tuple[int, str, float]  # units, when known, price


def fills(outcome: Outcome) -> list[Fill]:
    def clock(at_ns: int) -> str:  # New York in June
        return f"{dt.datetime.fromtimestamp(at_ns / 1e9, dt.UTC) - dt.timedelta(hours=4):%H:%M}"

    return [(fill[3] // UNITS, clock(fill[7]), fill[4]) for fill in outcome.fills]


def ends(outcome: Outcome) -> list[tuple[str, str]]:
    """How each order ended, and why, in order of the orders."""
    return [(str(row[5]), str(row[7])) for row in sorted(outcome.orders)]


def play(*acts: tuple[str, Callable[[Any], object]], **parts: Any) -> Outcome:
    return run_script(dict(acts), symbols=["AAA"], **parts)[1]


def on_the_first_day(act: Callable[[Any], object]) -> tuple[str, Callable[[Any], object]]:
    return "09:31 AAA", lambda s: act(s) if s.now.day == 3 else None


# -- prices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ({"limit": 20}, [(1, "09:32", 11.0)]),  # the open is better
        ({"limit": 11.8}, [(1, "09:32", 11.0)]),
        ({"limit": 10.8}, [(1, "09:32", 10.8)]),  # touched
        ({"limit": 10.74}, []),
        ({"stop": 12.5}, [(1, "09:33", 12.5)]),  # touched
        ({"stop": 12.9}, [(1, "09:34", 13.0)]),  # gapped
        ({"stop": 12.5, "limit": 12.6}, [(1, "09:33", 12.5)]),
        ({"stop": 12.9, "limit": 12.95}, [(1, "09:34", 12.95)]),  # gapped over, then it came back
        ({"stop": 12.9, "limit": 12.5}, []),
    ],
)
def test_a_purchase_with_prices_fills_where_the_bars_let_it(
    terms: dict[str, float], found: list[Fill]
) -> None:
    outcome = play(("09:31 AAA", lambda s: s.order("AAA", 1, **terms)))
    assert fills(outcome) == found
    if not found:
        assert ends(outcome) == [("EXPIRED", "the session closed")]


def test_a_stop_gapped_overnight_fills_at_the_open() -> None:
    outcome = play(
        on_the_first_day(lambda s: (s.order("AAA", 5), s.order("AAA", -5, stop=10.5, tif="gtc"))),
        sessions=2,
        adjustments=[
            Adjustment("AAA", dt.date(2024, 6, 4), Decimal("0.5"), Decimal(0), 2.0, 0.5),
        ],
    )
    # one new share for two old: 5 become 2 whole ones in the order, at a stop of 21
    assert fills(outcome) == [(5, "09:32", 11.0), (-2, "09:31", 16.0)]


@pytest.mark.parametrize(
    ("quantity", "terms", "rounded"),
    [
        (1, {"limit": 10.809}, (10.80, None)), (-1, {"limit": 10.801}, (10.81, None)),
        (1, {"stop": 12.509}, (None, 12.50)), (-1, {"stop": 9.001}, (None, 9.01)),
        (1, {"limit": "10.80", "stop": Decimal("12.5")}, (10.8, 12.5)),
        (-1, {"limit": 0.001}, (0.01, None)),
    ],
)  # fmt: skip
def test_a_limit_is_never_worse_than_asked_and_a_stop_never_later(
    quantity: int, terms: dict[str, Any], rounded: tuple[float | None, float | None]
) -> None:
    steps = {"09:31 AAA": lambda s: s.order("AAA", quantity, **terms)}
    (order,), _ = run_script(steps, symbols=["AAA"])
    assert (order.limit, order.stop) == rounded  # type: ignore[attr-defined]


def told(act: Callable[[Any], object]) -> str:
    with pytest.raises(AppError) as caught:
        play(("09:31 AAA", act))
    return str(caught.value)


@pytest.mark.parametrize("price", [0, -1, float("nan"), float("inf"), "ten", True, 1e300])
def test_what_is_no_price_is_refused(price: Any) -> None:
    assert f"limit={price!r} is not a price; give a number above 0." in told(
        lambda s: s.order("AAA", 1, limit=price)
    )


def test_a_limit_below_a_tick_is_refused_rather_than_raised() -> None:
    text = told(lambda s: s.order("AAA", 1, limit=0.001))
    assert "limit=0.001 is less than a tick of 0.01." in text


@pytest.mark.parametrize("terms", [{"limit": 0}, {"limit": 9, "stop": -1}, {"tif": "x"}])
def test_an_order_whose_terms_are_refused_is_not_given_without_them(terms: dict[str, Any]) -> None:
    def careless(s: Any) -> None:
        with pytest.raises(AppError):
            s.order("AAA", 1, **terms)

    outcome = play(("09:31 AAA", careless))
    assert (outcome.orders, outcome.entries) == ([], [])


def test_a_misspelt_time_in_force_is_told_with_the_right_one() -> None:
    text = told(lambda s: s.order("AAA", 1, tif="gct"))
    assert "tif='gct' is no time in force; use day, gtc, ioc. Did you mean 'gtc'?" in text


# -- time in force ---------------------------------------------------------------------------------


def test_an_order_for_the_day_ends_with_it_and_one_till_cancelled_does_not() -> None:
    outcome = play(
        on_the_first_day(
            lambda s: (s.order("AAA", 1, stop=17), s.order("AAA", 2, stop=17, tif="gtc"))
        ),
        sessions=2,
    )
    assert fills(outcome) == [(2, "09:32", 17.0)]  # of the next day
    assert ends(outcome) == [("EXPIRED", "the session closed"), ("FILLED", "")]


def test_immediate_or_cancel_takes_what_the_first_open_gives() -> None:
    outcome = play(
        ("09:31 AAA", lambda s: s.order("AAA", 150, tif="ioc")),
        ("09:32 AAA", lambda s: s.order("AAA", 1, limit=11.9, tif="ioc")),  # touched, not at once
        participation=0.1,
    )
    assert fills(outcome) == [(100, "09:32", 11.0)]
    assert [end[0] for end in ends(outcome)] == ["EXPIRED", "EXPIRED"]
    assert ends(outcome)[0][1].startswith("ioc: ")


def test_a_stop_once_touched_works_on_at_market_when_a_bar_has_too_little() -> None:
    outcome = play(("09:31 AAA", lambda s: s.order("AAA", 150, stop=11.5)), participation=0.1)
    assert fills(outcome) == [(100, "09:32", 11.5), (50, "09:33", 12.0)]


# -- cancels ---------------------------------------------------------------------------------------


def test_a_cancel_between_two_bars_counts_at_once() -> None:
    steps = {
        "09:31 AAA": lambda s: setattr(s, "resting", s.order("AAA", 1, stop=12.5)),
        "09:32 AAA": lambda s: (s.cancel(s.resting), s.resting.state),
        "09:33 AAA": lambda s: (s.resting.state, s.resting.reason, s.orders()),
    }
    answers, outcome = run_script(steps, symbols=["AAA"])
    assert answers[1:] == [
        (None, "ACCEPTED"),  # it counts when the hook has returned
        ("CANCELED", "cancelled by its strategy", []),
    ]
    assert outcome.fills == []


@pytest.mark.parametrize(("stop", "end"), [(12.5, "FILLED"), (13.5, "CANCELED")])
def test_a_cancel_within_a_bar_can_lose_to_its_fill(stop: float, end: str) -> None:
    """The bar from 09:32 on was under way: it is matched under the terms it began with."""

    def rest(s: Any) -> None:
        s.resting = s.order("AAA", 1, stop=stop)
        s.timer("between", s.now + dt.timedelta(seconds=90))

    steps = {
        "09:31 AAA": rest,
        "09:32 timer between": lambda s: s.cancel(s.resting),
        "09:33 AAA": lambda s: (s.resting.state, len(s.orders())),
    }
    for block_rows in (1, 8192):
        answers, outcome = run_script(steps, symbols=["AAA"], block_rows=block_rows)
        assert answers[-1] == (end, 0)
        assert fills(outcome) == ([(1, "09:33", 12.5)] if end == "FILLED" else [])


@pytest.mark.parametrize("where", ["open", "timer before"])
def test_no_bar_that_starts_at_or_after_a_cancel_fills_the_order(where: str) -> None:
    """Where no bar is under way and none ends, as at the open: the order is as good as gone."""

    def rest(s: Any) -> None:
        if s.now.day == 3:
            s.resting = s.order("AAA", 1, stop=15.9, tif="gtc")
            s.timer("before", dt.datetime(2024, 6, 4, 9, 20))

    clock = "09:30" if where == "open" else "09:20"
    steps = {
        "09:31 AAA": rest,
        f"{clock} {where}": lambda s: s.cancel(s.resting) if s.now.day == 4 else None,
        "09:32 AAA": lambda s: s.resting.state,
    }
    for block_rows in (1, 7, 8192):
        answers, outcome = run_script(steps, symbols=["AAA"], sessions=2, block_rows=block_rows)
        assert (answers[-1], outcome.fills) == ("CANCELED", [])


def test_an_order_taken_back_by_the_hook_that_gave_it_is_on_record_and_no_more() -> None:
    steps = {"09:31 AAA": lambda s: s.cancel(s.order("AAA", 1))}
    _, outcome = run_script(steps, symbols=["AAA"])
    assert outcome.entries == []
    assert ends(outcome) == [("CANCELED", "taken back by the hook that gave it")]


@pytest.mark.parametrize("where", ["09:31 AAA", "09:30 open", "09:32 timer off"])
def test_an_order_taken_back_before_it_was_given_can_be_cancelled_again(where: str) -> None:
    def act(s: Any) -> object:
        order = s.order("AAA", 1)
        s.cancel(order)
        s.cancel(order)
        s.kept = s.order("AAA", 2)
        s.close("AAA")
        return order.state, order.reason

    steps = {
        "09:30 AAA": lambda s: None,
        where: act,
        "09:34 AAA": lambda s: (s.cancel(s.kept), s.cancel(None), s.kept.state),
    }
    if "timer" in where:
        steps["09:31 AAA"] = lambda s: s.timer("off", s.now + dt.timedelta(seconds=70))
    answers, outcome = run_script(steps, symbols=["AAA"])
    assert ("CANCELED", "taken back by the hook that gave it") in answers
    assert answers[-1] == (None, None, "CANCELED")
    assert outcome.entries == []


def test_each_end_is_told_once() -> None:
    told_of: list[tuple[int, str, Decimal]] = []

    def note(s: Any, number: int) -> None:
        order = next(o for o in s.mine if o.order_id == number)
        told_of.append((number, order.state, order.filled))
        if number == 2 and order.state == "FILLED":
            s.cancel(s.mine[2])

    def give(s: Any) -> None:
        s.mine = [s.order("AAA", 30, tif="ioc"), s.order("AAA", 10), s.order("AAA", 500)]

    steps: dict[str, Callable[[Any], object]] = {"09:31 AAA": give}
    for clock in ("09:31", "09:32", "09:33"):
        for number in (1, 2, 3):
            steps[f"{clock} order {number}"] = lambda s, n=number: note(s, n)
    run_script(steps, symbols=["AAA"], participation=0.1)
    assert told_of == [(1, "FILLED", 30), (2, "FILLED", 10), (3, "CANCELED", 60)]
    told_of.clear()
    steps["09:31 AAA"] = lambda s: setattr(s, "mine", [s.order("AAA", 150, tif="ioc")])
    run_script(steps, symbols=["AAA"], participation=0.1)
    assert told_of == [(1, "PARTIAL", 100), (1, "EXPIRED", 100)]


def test_any_number_of_orders_may_end_at_one_moment() -> None:
    told_of: list[str] = []
    steps: dict[str, Callable[[Any], object]] = {
        "09:31 AAA": lambda s: [s.order("AAA", 1, limit=1) for _ in range(1_500)]
    }
    for number in range(1, 1_501):
        steps[f"09:36 order {number}"] = lambda s: told_of.append(f"{s.now:%H:%M}")
    outcome = play(*steps.items())
    assert len(told_of) == 1_500
    assert {state for state, _ in ends(outcome)} == {"EXPIRED"}


def test_an_endless_answer_to_refusals_is_told_as_what_it_is() -> None:
    class_steps = {"09:30 open": lambda s: s.order("AAA", "0.5")}
    for number in range(1, 1500):
        class_steps[f"09:30 order {number}"] = lambda s: s.order("AAA", "0.5")
    with pytest.raises(AppError, match="answers a refusal with an order that is refused again"):
        run_script(class_steps, symbols=["AAA"])


def test_what_has_ended_cannot_be_cancelled_and_nothing_happens() -> None:
    steps = {
        "09:31 AAA": lambda s: setattr(s, "done", s.order("AAA", 1)),
        "09:33 AAA": lambda s: (s.cancel(s.done), s.done.state),
    }
    answers, outcome = run_script(steps, symbols=["AAA"])
    assert answers[1] == (None, "FILLED")
    assert len(outcome.entries) == 2  # the order, and its fill


# -- targets ---------------------------------------------------------------------------------------


def test_a_target_counts_working_limits_and_leaves_stops_out() -> None:
    steps = {
        "09:31 AAA": lambda s: (
            s.order("AAA", 30, limit=5), s.order("AAA", -30, stop=5), s.order_target("AAA", 100),
        ),
    }  # fmt: skip
    (answer,), _ = run_script(steps, symbols=["AAA"])
    assert answer[2].quantity == 70  # type: ignore[index]


def test_a_target_of_value_buys_whole_lots_at_the_last_close() -> None:
    steps = {
        "09:31 AAA": lambda s: s.order_target_value("AAA", 1000).quantity,  # at 10.50
        "09:33 AAA": lambda s: s.order_target_value("AAA", -1000).quantity,  # at 12.50, from 95
        "09:35 AAA": lambda s: s.order_target_value("AAA", 0).quantity,
    }
    assert run_script(steps, symbols=["AAA"])[0] == [95, 175, 80]


def test_a_target_of_percent_is_one_of_equity() -> None:
    steps = {"09:31 AAA": lambda s: s.order_target_percent("AAA", 10).quantity}  # of 100,000
    assert run_script(steps, symbols=["AAA"])[0] == [952]


def test_close_cancels_what_works_and_sells_what_is_held() -> None:
    steps = {
        "09:31 AAA": lambda s: (s.order("AAA", 7), s.order("AAA", -7, stop=5, tif="gtc")),
        "09:33 AAA": lambda s: (s.order("AAA", 9, limit=5), s.close("AAA"))[1].quantity,
        "09:35 AAA": lambda s: (s.position("AAA").quantity, s.orders(), s.flatten()),
    }
    answers, outcome = run_script(steps, symbols=["AAA"])
    assert answers[1:] == [7, (0, [], None)]
    assert fills(outcome) == [(7, "09:32", 11.0), (-7, "09:34", 13.0)]
    assert [state for state, _ in ends(outcome)] == ["FILLED", *["CANCELED"] * 2, "FILLED"]


def test_what_is_being_closed_is_not_closed_twice_by_a_cancel_that_loses() -> None:
    steps = {
        "09:31 AAA": lambda s: s.order("AAA", 7),
        "09:33 AAA": lambda s: (s.close("AAA"), s.timer("again", s.now + dt.timedelta(seconds=30))),
        "09:33 timer again": lambda s: s.close("AAA"),
        "09:35 AAA": lambda s: s.position("AAA").quantity,
    }
    answers, outcome = run_script(steps, symbols=["AAA"])
    assert answers[-1] == 0
    assert fills(outcome) == [(7, "09:32", 11.0), (-7, "09:34", 13.0)]


# -- what it costs ---------------------------------------------------------------------------------


def test_the_minimum_commission_is_paid_once_over_partial_fills() -> None:
    outcome = play(
        ("09:31 AAA", lambda s: s.order("AAA", 150)),
        participation=0.1,
        execution={"fees": "ib_fixed"},
    )
    assert [fill[5] for fill in outcome.fills] == [to_units("1.00"), 0]


def test_slippage_moves_market_and_stop_fills_and_leaves_limits() -> None:
    acts = ("09:31 AAA", lambda s: (s.order("AAA", 1), s.order("AAA", 1, limit=10.9),
                                    s.order("AAA", -1, stop=10.9)))  # fmt: skip
    outcome = play(acts, execution={"slippage": {"kind": "fixed", "amount": 0.02}})
    assert fills(outcome) == [(1, "09:32", 11.02), (-1, "09:32", 10.88), (1, "09:32", 10.9)]


def test_with_latency_an_order_gets_a_later_bar() -> None:
    for latency_ms, found in [(0, "09:32"), (1, "09:33"), (60_000, "09:33"), (60_001, "09:34")]:
        outcome = play(
            ("09:31 AAA", lambda s: s.order("AAA", 1)), execution={"latency_ms": latency_ms}
        )
        assert [fill[1] for fill in fills(outcome)] == [found]


@pytest.mark.parametrize("tif", ["day", "gtc", "ioc"])
def test_what_latency_lets_no_bar_of_a_session_fill_belongs_to_the_next(tif: str) -> None:
    act = lambda s: s.order("AAA", 1, tif=tif) if s.now.day == 3 else None  # noqa: E731
    outcome = play(("09:35 AAA", act), sessions=2, execution={"latency_ms": 1})
    assert fills(outcome) == [(1, "09:31", 16.0)]  # of the day after


def test_at_best_limits_come_before_stops_inside_a_bar_over_all_symbols() -> None:
    steps = {
        "09:31 BBB": lambda s: (s.order("AAA", 1, stop=11.5), s.order("BBB", 2, limit=10.9)),
    }
    for same_bar, found in [("worst", [1, 2]), ("ohlc_path", [2, 1]), ("best", [2, 1])]:
        _, outcome = run_script(steps, execution={"same_bar": same_bar})
        assert [fill[0] for fill in fills(outcome)] == found


def test_by_option_a_limit_must_be_traded_through() -> None:
    act = ("09:31 AAA", lambda s: s.order("AAA", 1, limit=10.75))
    assert fills(play(act)) == [(1, "09:32", 10.75)]
    assert fills(play(act, execution={"limit_fill": "through"})) == []


# -- splits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "sign"), [(10, 1), (-10, -1)])
def test_what_a_split_leaves_of_a_share_is_paid_at_the_last_close(quantity: int, sign: int) -> None:
    """Seven new for three old: 10 become 23 and a third, at a last close of 15.50 x 3 / 7."""
    ratio = Decimal(7) / Decimal(3)
    split = Adjustment("AAA", dt.date(2024, 6, 4), ratio, Decimal(0), 3 / 7, 7 / 3)
    steps = {
        "09:31 AAA": lambda s: s.order("AAA", quantity) if s.now.day == 3 else None,
        "09:30 open": lambda s: (s.position("AAA").quantity, s.cash) if s.now.day == 4 else None,
    }
    for block_rows in (1, 8192):
        answers, _ = run_script(
            steps, symbols=["AAA"], sessions=2, adjustments=[split], block_rows=block_rows
        )
        held, cash = next(answer for answer in answers if isinstance(answer, tuple))
        assert held == 23 * sign
        paid = Decimal("0.33333333") * Decimal(repr(15.5 / float(ratio))) * sign
        assert abs(cash - (100_000 - 110 * sign + paid)) < Decimal("0.0000001")


@given(
    st.integers(1, 20_000),
    st.sampled_from(["0.1", "0.2", "0.05", "3", "1.5", "5", "10", "20", "0.5", "2"]),
    st.booleans(),
)
def test_the_price_of_a_resting_order_is_divided_exactly(cents: int, ratio: str, up: bool) -> None:
    exact = Fraction(cents) / Fraction(ratio)
    ticks = ceil(exact) if up else floor(exact)
    assert split_price(cents / 100, Decimal(ratio), UNITS // 100, up) == max(ticks, 1) / 100


def test_what_an_order_shows_is_nothing_of_the_future() -> None:
    for block_rows in (1, 8192):
        steps = {
            "09:31 AAA": lambda s: setattr(s, "resting", s.order("AAA", 1, stop=14.5)),
            "09:32 AAA": lambda s: repr(s.resting),
        }
        answers, _ = run_script(steps, symbols=["AAA"], block_rows=block_rows)
        shown = str(answers[-1])
        if block_rows == 1:
            first = shown
    assert shown == first


# -- limits of risk --------------------------------------------------------------------------------


def test_stops_together_cannot_break_a_limit() -> None:
    outcome = play(
        ("09:31 AAA", lambda s: [s.order("AAA", 100, stop=11.5) for _ in range(3)]),
        risk={"max_position_quantity": Decimal(100)},
    )
    assert [end[0] for end in ends(outcome)] == ["FILLED", "REJECTED", "REJECTED"]


def test_two_stops_cannot_sell_what_is_held_once() -> None:
    outcome = play(
        ("09:31 AAA", lambda s: s.order("AAA", 100)),
        ("09:32 AAA", lambda s: [s.order("AAA", -100, stop=price) for price in (12.8, 12.75)]),
        risk={"allow_short": False},
    )
    assert [end[0] for end in ends(outcome)] == ["FILLED", "FILLED", "REJECTED"]


def test_an_order_given_within_the_last_bar_belongs_to_the_next_session() -> None:
    steps = {
        "09:31 AAA": lambda s: (
            s.timer("late", s.now + dt.timedelta(seconds=270)) if s.now.day == 3 else None
        ),
        "09:35 timer late": lambda s: s.order("AAA", 1),
    }
    _, outcome = run_script(steps, symbols=["AAA"], sessions=2)
    assert fills(outcome) == [(1, "09:31", 16.0)]
