"""What a strategy may ask for, and each way to ask wrongly: in runs, by the words it gets."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import OnThree, run_script

from app.core.errors import AppError, ConfigError, StrategyError, UsageError
from app.core.money import UNITS
from app.core.orders import FILLED, REJECTED
from app.strategies import Param, Strategy

DAY = dt.date(2024, 6, 3)


def failing(where: str, act: Callable[[Any], object], **parts: Any) -> str:
    """The message of a run that ends in this step."""
    with pytest.raises(AppError) as caught:
        run_script({where: act}, **parts)
    assert type(caught.value) is StrategyError
    return str(caught.value)


def told(where: str, act: Callable[[Any], object], **parts: Any) -> str:
    """What is wrong, of a message that names strategy, hook and moment first, and lines after."""
    head, *lines = failing(where, act, **parts).splitlines()
    assert lines
    assert all(line.startswith("  scripted.py:") for line in lines)
    match = re.fullmatch(r"Strategy Scripted failed in \w+ at (the start|[\d: -]+): (.*)", head)
    assert match is not None
    return match[2]


def propose(strategy: Any, how: str, symbol: str, quantity: Any) -> None:
    (strategy.order if how == "order" else strategy.order_target)(symbol, quantity)


# -- before the run --------------------------------------------------------------------------------

EARLY = "In setup() there is no market yet: ask and act from on_session_open on."


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.now,
        lambda s: s.now_ns,
        lambda s: s.session,
        lambda s: s.cash,
        lambda s: s.equity,
        lambda s: s.position("AAA"),
        lambda s: s.orders(),
        lambda s: s.orders("AAA"),
        lambda s: s.bars("AAA"),
        lambda s: s.quality("AAA"),
        lambda s: s.order("AAA", 1),
        lambda s: s.order("AAA", 0),
        lambda s: s.order_target("AAA", 1),
        lambda s: s.order_target("AAA", 0),
        lambda s: s.timer("x", dt.time(12)),
        lambda s: s.cancel_timer("x"),
    ],
)
def test_there_is_no_market_in_setup(act: Callable[[Any], object]) -> None:
    assert told("setup", act) == EARLY


@pytest.mark.parametrize(
    "read",
    [
        lambda i: i.value,
        lambda i: i.ready,
        lambda i: i[0],
        lambda i: i[-3],
        lambda i: i.above(1.0),
        lambda i: i.below(i),
        lambda i: i.crossed_above(2.0),
        lambda i: i.crossed_below(i),
    ],
)
def test_an_indicator_has_no_bar_in_setup(read: Callable[[Any], object]) -> None:
    text = told("setup", lambda s: read(s.indicator("SMA", 3)))
    assert text == "SMA(3) on 1m was read in setup(): there is no bar yet."


def test_in_setup_the_symbols_are_known_and_the_log_can_be_written() -> None:
    answers, _ = run_script({"setup": lambda s: (s.symbols, s.log("ready"))})
    assert answers == [(("AAA", "BBB"), None)]


def test_after_setup_no_indicator_can_be_declared() -> None:
    text = told("09:31 AAA", lambda s: s.indicator("SMA", 3))
    assert text == "Indicators are declared in setup(); this is too late."


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda s: s.indicator("SMMA", 3), "'SMMA' is not in the catalogue of indicators."),
        (lambda s: s.indicator("SMA", 0), "found 0, allowed is a whole number from "),
        (lambda s: s.indicator("SMA", 3, 0, 0), "was given 3 values; its parameters: "),
        (lambda s: s.indicator("SMA", 3, timeperiod=3), "was given timeperiod twice."),
        (lambda s: s.indicator("SMA", period=3), "SMA has no parameter 'period'"),
        (lambda s: s.indicator("SMA", 3, interval="7x"), "'7x' is not an interval; use minutes"),
        (lambda s: s.indicator("SMA", 3, interval="1D"), "'1D' is not an interval; use minutes"),
        (lambda s: s.indicator("SMA", 3, symbol="AAB"), "'AAB' is not one of this run's symbols"),
        (lambda s: s.indicator("SMA", 3, inputs=("clos",)), "'clos' is not a column"),
        (lambda s: s.indicator("BBANDS", 5)["upper"], "has no 'upper'; its outputs are upperband"),
    ],
)
def test_an_indicator_that_cannot_be_is_refused_in_setup(
    act: Callable[[Any], object], text: str
) -> None:
    assert text in failing("setup", act)


@pytest.mark.parametrize("interval", ["1x", "0m", "5M", "", "2d", "5 m", 5])
def test_an_interval_that_is_none_is_refused_by_the_strategy_s_name(interval: object) -> None:
    OnThree.intervals = (interval,)  # type: ignore[assignment]
    try:
        with pytest.raises(StrategyError) as caught:
            run_script({}, kind=OnThree)
    finally:
        OnThree.intervals = ("3m",)
    text = "OnThree.intervals of strategy OnThree cannot be used: "
    assert str(caught.value).startswith(text)


def test_an_interval_that_the_base_does_not_divide_is_refused() -> None:
    act = {"setup": lambda s: s.indicator("SMA", 3, interval="7m")}
    with pytest.raises(ConfigError, match="7m bars cannot be made of 5m bars"):
        run_script(act, base_interval="5m")


# -- symbols and windows ---------------------------------------------------------------------------

UNKNOWN = "'AAB' is not one of this run's symbols (AAA, BBB). Did you mean 'AAA'?"


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.position("AAB"),
        lambda s: s.orders("AAB"),
        lambda s: s.bars("AAB"),
        lambda s: s.quality("AAB"),
        lambda s: s.order("AAB", 1),
        lambda s: s.order("AAB", 0),
        lambda s: s.order_target("AAB", 1),
    ],
)
def test_a_symbol_that_is_none_of_the_run_is_named(act: Callable[[Any], object]) -> None:
    assert told("09:31 AAA", act) == UNKNOWN


@pytest.mark.parametrize("symbol", [None, 0, ["AAA"], "", "aaa"])
def test_what_is_no_symbol_at_all_is_refused_alike(symbol: Any) -> None:
    for act in (lambda s: s.order_target(symbol, 1), lambda s: s.position(symbol)):
        assert f"{symbol!r} is not one of this run's symbols" in told("09:31 AAA", act)


@pytest.mark.parametrize("count", [0, -1])
def test_a_window_has_at_least_one_bar(count: int) -> None:
    text = told("09:31 AAA", lambda s: s.bars("AAA", n=count))
    assert text == f"bars(..., n={count}): n is at least 1."


def test_bars_of_an_interval_the_run_lacks_are_refused_with_what_it_has() -> None:
    text = told("09:31 AAA", lambda s: s.bars("AAA", "5m"), derived_intervals=("3m",))
    assert text == (
        "There are no 5m bars in this run, which has 1m, 3m; name the interval in the config's "
        "derived_intervals."
    )


def test_columns_cannot_be_written_and_stay_as_they_were() -> None:
    kept: list[Any] = []

    def keep(strategy: Any) -> object:
        kept.append(strategy.bars("AAA", n=2))
        with pytest.raises(ValueError, match="read-only"):
            kept[-1].close[0] = 1.0
        return None

    run_script({"09:32 AAA": keep})
    (columns,) = kept
    assert columns.close.tolist() == [10.5, 11.5]
    assert len(columns) == 2


def test_quality_counts_the_minutes_so_far() -> None:
    answers, _ = run_script(
        {"09:33 BBB": lambda s: (s.quality("BBB").present, s.quality("AAA").score)}
    )
    assert answers == [(3, 1.0)]


# -- quantities ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quantity",
    [float("nan"), float("inf"), "ten", "", None, True, False, [1], Fraction(1, 2), "NaN",
     Decimal("Infinity"), 1j, np.bool_(True)],
)  # fmt: skip
@pytest.mark.parametrize("how", ["order", "order_target"])
def test_what_is_no_quantity_is_refused(quantity: Any, how: str) -> None:
    text = told("09:31 AAA", lambda s: propose(s, how, "AAA", quantity))
    assert text == f"{quantity!r} is not a quantity; give a finite number."


def test_a_float32_is_told_what_to_make_of_it() -> None:
    five = np.float32(5)
    text = told("09:31 AAA", lambda s: propose(s, "order", "AAA", five))
    assert text == f"{five!r} is not a quantity; give a finite number. Make a float of it."
    text = told("09:31 AAA", lambda s: s.order("AAA", 1, limit=five))
    assert text == f"limit={five!r} is not a price; give a number above 0. Make a float of it."


HUGE = pytest.param(10**70_000, id="with seventy thousand digits")


@pytest.mark.parametrize("quantity", [9 * 10**10, -9 * 10**10, 10**20, HUGE, 1e300, "1e25"])
@pytest.mark.parametrize("how", ["order", "order_target"])
def test_an_astronomic_quantity_is_a_mistake(quantity: Any, how: str) -> None:
    text = told("09:31 AAA", lambda s: propose(s, how, "AAA", quantity))
    assert text == "An order for 9e10 or more is a mistake; check its arithmetic."


@pytest.mark.parametrize(
    "quantity", [5, 5.0, "5", Decimal(5), np.int64(5), np.float64(5.0), " 5 ", "5e0"]
)
def test_each_kind_of_number_is_a_quantity(quantity: Any) -> None:
    steps = {"09:31 AAA": lambda s: s.order("AAA", quantity),
             "09:31 BBB": lambda s: s.order_target("BBB", quantity)}  # fmt: skip
    _, outcome = run_script(steps)
    assert [(row[2], row[3]) for row in outcome.orders] == [("AAA", 5 * UNITS), ("BBB", 5 * UNITS)]


@pytest.mark.parametrize("quantity", [0, 0.0, "0", -0.0, Decimal("1e-9")])
def test_an_order_for_nothing_is_no_order(quantity: Any) -> None:
    _, outcome = run_script({"09:31 AAA": lambda s: s.order("AAA", quantity)})
    assert outcome.orders == []


TARGETS = st.lists(
    st.tuples(st.sampled_from(["order", "target"]), st.sampled_from(["AAA", "BBB"]),
              st.integers(-50, 50)),
    min_size=1, max_size=6,
)  # fmt: skip


@given(st.lists(TARGETS, min_size=1, max_size=3), st.sampled_from([None, 0.01]))
@settings(max_examples=30)
def test_targets_and_orders_of_one_hook_add_up(
    hooks: list[list[tuple[str, str, int]]], participation: float | None
) -> None:
    """A target aims from what is held, working and proposed, however much of it has filled."""
    aims, wanted = {"AAA": 0, "BBB": 0}, []
    for hook in hooks:
        for how, symbol, quantity in hook:
            delta = quantity if how == "order" else quantity - aims[symbol]
            aims[symbol] += delta
            wanted += [(symbol, delta * UNITS)] if delta else []

    def acting(hook: list[tuple[str, str, int]]) -> Callable[[Any], None]:
        def act(strategy: Any) -> None:
            for how, symbol, quantity in hook:
                propose(strategy, how, symbol, quantity)

        return act

    steps = {f"09:{31 + n} AAA": acting(hook) for n, hook in enumerate(hooks)}
    _, outcome = run_script(steps, participation=participation)
    ordered = sorted(outcome.orders, key=lambda row: row[0])  # type: ignore[arg-type,return-value]
    assert [(row[2], row[3]) for row in ordered] == wanted


def test_a_target_in_fractions_takes_lots_as_they_are() -> None:
    steps = {"09:31 AAA": lambda s: (s.order_target("AAA", 10), s.order_target("AAA", "9.5"))}
    _, outcome = run_script(steps)
    assert [row[7] for row in sorted(outcome.orders, key=lambda row: row[0])] == [  # type: ignore[arg-type,return-value]
        "", "not_whole_lots: 0.5 is no multiple of 1",
    ]  # fmt: skip


def test_a_refusal_is_told_when_all_that_was_proposed_is_under_way() -> None:
    """So a target given in answer counts the orders proposed beside the refused one."""
    steps = {
        "09:31 AAA": lambda s: (s.order("AAA", "0.5"), s.order("AAA", 7)),
        "09:31 order 1": lambda s: (len(s.orders("AAA")), s.order_target("AAA", 7)),
    }
    answers, outcome = run_script(steps)
    assert [[order.state for order in answers[0]], answers[1]] == [[REJECTED, FILLED], (1, None)]
    assert [row[3] for row in outcome.orders if row[5] == "FILLED"] == [7 * UNITS]


def test_a_strategy_s_orders_are_its_own() -> None:
    steps = {"09:31 AAA": lambda s: (s.order("AAA", 1), s.order("BBB", 2)),
             "09:31 BBB": lambda s: [len(s.orders(x)) for x in (None, "AAA", "BBB")]}  # fmt: skip
    others = {"09:31 BBB": lambda s: [len(s.orders(x)) for x in (None, "AAA", "BBB")]}
    answers, _ = run_script(steps, others)
    assert answers[1:] == [[2, 1, 1], [0, 0, 0]]


def test_targets_of_two_strategies_do_not_see_each_other() -> None:
    steps = {"09:31 AAA": lambda s: s.order_target("AAA", 5)}
    _, outcome = run_script(steps, {"09:31 AAA": lambda s: s.order_target("AAA", 5)})
    assert [(row[1], row[3]) for row in outcome.orders] == [(0, 5 * UNITS), (1, 5 * UNITS)]


# -- timers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "every", "text"),
    [
        ("12:00", None, "Timer 'x' is set for '12:00'; give a datetime or a time of day."),
        (DAY, None, "Timer 'x' is set for datetime.date(2024, 6, 3); give a datetime or a time"),
        (None, None, "Timer 'x' is set for None; give a datetime or a time of day."),
        (dt.datetime(2024, 6, 3, 9, 31), None,
         "Timer 'x' is set for 2024-06-03 09:31:00-04:00, which is not after now."),
        (dt.datetime(2024, 6, 3, 13, 31, tzinfo=dt.UTC), None, "which is not after now."),
        (dt.time(12), dt.timedelta(0), "Timer 'x' cannot repeat every 0:00:00."),
        (dt.time(12), 60, "Timer 'x' cannot repeat every 60; give a timedelta."),
        (dt.time(12), dt.timedelta(seconds=-1), "Timer 'x' cannot repeat every -1 day, 23:59:59."),
    ],
)  # fmt: skip
def test_a_timer_that_makes_no_sense_is_refused(at: Any, every: Any, text: str) -> None:
    assert text in told("09:31 AAA", lambda s: s.timer("x", at, every))


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (dt.time(9, 32), "09:32"),
        (dt.time(13, 32, tzinfo=dt.UTC), "09:32"),
        (dt.datetime(2024, 6, 3, 9, 33), "09:33"),
        (dt.datetime(2024, 6, 3, 13, 33, tzinfo=dt.UTC), "09:33"),
        (dt.datetime(2024, 6, 3, 15, 33, tzinfo=dt.timezone(dt.timedelta(hours=2))), "09:33"),
    ],
)
def test_a_timer_may_be_set_in_any_zone(at: Any, due: str) -> None:
    steps = {"09:31 AAA": lambda s: s.timer("x", at),
             **{f"09:{n} timer x": lambda s: f"{s.now:%H:%M}" for n in range(31, 37)}}  # fmt: skip
    answers, _ = run_script(steps)
    assert answers == [None, due]


@pytest.mark.parametrize("minute", [33, 34])
def test_a_time_of_day_that_is_not_after_now_is_tomorrow_s(minute: int) -> None:
    at = dt.time(9, minute)
    steps = {"09:34 AAA": lambda s: s.timer("x", at) if s.now.day == 3 else None,
             f"09:{minute} timer x": lambda s: s.now.day}  # fmt: skip
    answers, _ = run_script(steps, sessions=2, symbols=["AAA"])
    assert sorted(answers, key=str) == [4, None, None]


def test_a_timer_comes_once_until_it_repeats_and_not_once_it_is_cancelled() -> None:
    times = {f"09:{n} timer x": (lambda s: f"{s.now:%H:%M}") for n in range(31, 37)}
    steps = {"09:31 AAA": lambda s: s.timer("x", dt.time(9, 32), dt.timedelta(minutes=1)),
             "09:34 AAA": lambda s: s.cancel_timer("x"), **times}  # fmt: skip
    assert run_script(steps)[0] == [None, "09:32", "09:33", None]


def test_a_timer_of_the_same_name_takes_the_place_of_the_earlier() -> None:
    times = {f"09:{n} timer x": (lambda s: f"{s.now:%H:%M}") for n in range(31, 37)}
    steps = {"09:31 AAA": lambda s: (s.timer("x", dt.time(9, 32)), s.timer("x", dt.time(9, 35))),
             **times}  # fmt: skip
    assert run_script(steps)[0] == [(None, None), "09:35"]


def test_timers_of_one_name_belong_to_their_strategies() -> None:
    steps = {"09:31 AAA": lambda s: s.timer("x", dt.time(9, 33)), "09:33 timer x": lambda s: "one"}
    others = {"09:31 AAA": lambda s: s.timer("x", dt.time(9, 32)), "09:32 timer x": lambda s: "two"}
    assert run_script(steps, others)[0] == [None, None, "two", "one"]


@pytest.mark.parametrize("block_rows", [1, 8192])
def test_a_timer_cancelled_by_the_hook_of_one_due_with_it_does_not_come(block_rows: int) -> None:
    at = dt.time(9, 33)
    steps = {
        "09:31 AAA": lambda s: (s.timer("first", at), s.timer("second", at), s.timer("third", at)),
        "09:33 timer first": lambda s: s.cancel_timer("second"),
        "09:33 timer second": lambda s: "too late",
        "09:33 timer third": lambda s: "third",
    }
    answers, _ = run_script(steps, symbols=["AAA"], block_rows=block_rows)
    assert answers == [(None, None, None), None, "third"]


def test_a_repeating_timer_cancelled_at_its_own_instant_is_gone_for_good() -> None:
    at, beats = dt.time(9, 33), {f"09:{n} timer beat": lambda s: "beat" for n in range(31, 37)}
    steps = {
        "09:31 AAA": lambda s: (s.timer("end", at), s.timer("beat", at, dt.timedelta(minutes=1))),
        "09:33 timer end": lambda s: s.cancel_timer("beat"),
        **beats,
    }
    assert run_script(steps, symbols=["AAA"])[0] == [(None, None), None]


# -- failing ---------------------------------------------------------------------------------------


def nested(strategy: Any) -> object:
    return strategy.nothing_such


@pytest.mark.parametrize(
    ("where", "hook", "moment"),
    [
        ("setup", "setup", "the start"),
        ("09:30 open", "on_session_open", "2024-06-03 09:30:00"),
        ("09:31 BBB", "on_bar", "2024-06-03 09:31:00"),
        ("09:36 close", "on_session_close", "2024-06-03 09:36:00"),
    ],
)
def test_a_hook_that_raises_ends_the_run_with_its_name_moment_and_lines(
    where: str, hook: str, moment: str
) -> None:
    head, *lines = failing(where, lambda s: 1 / 0).splitlines()
    assert head == f"Strategy Scripted failed in {hook} at {moment}: " + (
        "ZeroDivisionError: division by zero"
    )
    assert lines[0].startswith("  scripted.py:")
    assert lines[-1].endswith("self.answers.append(self.steps[where](self))")


@pytest.mark.parametrize(
    ("steps", "hook"),
    [
        ({"09:31 AAA": lambda s: s.order("AAA", 1), "09:32 order 1": nested}, "on_order"),
        ({"09:31 AAA": lambda s: s.order("AAA", "0.5"), "09:31 order 1": nested}, "on_order"),
        ({"09:31 AAA": lambda s: s.order("AAA", 1), "09:32 position AAA": nested}, "on_position"),
        (
            {"09:31 AAA": lambda s: s.timer("x", dt.time(9, 33)), "09:33 timer x": nested},
            "on_timer",
        ),
    ],
)
def test_a_hook_called_by_what_another_proposed_is_blamed_itself(steps: Any, hook: str) -> None:
    with pytest.raises(StrategyError) as caught:
        run_script(steps)
    assert f"failed in {hook} at" in str(caught.value)
    assert "AttributeError: 'Scripted' object has no attribute 'nothing_such'" in str(caught.value)
    assert str(caught.value).count("failed in") == 1


def test_the_strategy_that_failed_is_the_one_named() -> None:
    with pytest.raises(StrategyError, match="Strategy Second failed in on_bar at"):
        run_script({}, {"09:32 BBB": lambda s: 1 / 0})


def stop(strategy: Any) -> object:
    raise SystemExit(3)


@pytest.mark.parametrize("where", ["setup", "09:30 open", "09:31 AAA", "09:36 close"])
def test_a_strategy_that_exits_fails_like_any_other(where: str) -> None:
    assert "SystemExit: 3" in failing(where, stop)


def test_a_hook_that_raises_proposes_nothing() -> None:
    engines: list[Any] = []

    def act(strategy: Any) -> None:
        engines.append(strategy._context.engine)
        strategy.order("AAA", 5)
        strategy.timer("x", dt.time(12))
        raise ValueError

    with pytest.raises(StrategyError):
        run_script({"09:31 AAA": act})
    (engine,) = engines
    assert (engine.proposals, engine.execution.order_count, len(engine.timers)) == ([], 0, 0)


def test_an_error_without_words_has_no_colon() -> None:
    def act(strategy: Any) -> object:
        raise AssertionError

    assert failing("09:31 AAA", act).splitlines()[0].endswith("09:31:00: AssertionError")


def test_orders_refused_in_answer_to_refusals_end_with_a_short_message() -> None:
    again = {f"09:31 order {n}": lambda s: s.order("AAA", "0.5") for n in range(1, 5000)}
    with pytest.raises(StrategyError) as caught:
        run_script({"09:31 AAA": lambda s: s.order("AAA", "0.5"), **again})
    message = str(caught.value)
    assert "answers a refusal with an order that is refused again, without end" in message
    assert message.endswith("not_whole_lots: 0.5 is no multiple of 1.")
    assert message.count("\n") <= 13


class WrongInit(Strategy):
    """An `__init__` that fails with what it is given."""

    def __init__(self, *given: object) -> None:
        raise TypeError("not with these")


class Bounded(Strategy):
    count = Param(3, low=1)


def test_an_init_of_its_own_that_fails_is_told_like_a_hook() -> None:
    with pytest.raises(StrategyError) as caught:
        run_kind("WrongInit")
    assert str(caught.value).startswith("Strategy WrongInit failed in __init__ at the start: Type")


def test_wrong_parameters_are_the_config_s_fault() -> None:
    with pytest.raises(ConfigError, match=r"count: 0 is not a whole number of at least 1\."):
        run_kind("Bounded", count=0)


def run_kind(name: str, **params: object) -> None:
    from tests.market import config_of, execute, market_of, weekday_sessions

    config = config_of(["AAA"], [{"use": f"{__name__}:{name}", "params": params}])
    execute(config, market_of(weekday_sessions(DAY, 1, 5), {}, ["AAA"]))


def test_a_wrong_word_from_a_strategy_is_not_a_wrong_command() -> None:
    with pytest.raises(AppError) as caught:
        run_script({"09:31 AAA": lambda s: s.bars("AAA", n=0)})
    assert isinstance(caught.value.__cause__, UsageError)
    assert caught.value.exit_code == 1
