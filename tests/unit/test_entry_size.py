"""`entry_size`: what a strategy is told in runs, checked by hand, and each way to ask wrongly."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from scripted import run_script
from tests.market import config_of, market_of, weekday_sessions, wired

from app.core.errors import ConfigError, StrategyError
from app.strategies.size import Size, asks_for_sizes

# Bars open at 10, 11, 12 ... and close half above: that of 09:30 is shown at 09:31, at 10.5.
AT = "09:31 AAA"


def sized(act: Callable[[Any], Any], sizing: Any, at: str = AT, **parts: Any) -> Any:
    """What a strategy is told at one moment."""
    answers, _ = run_script({at: act}, sizing=sizing, **parts)
    (answer,) = answers
    return answer


def fault(act: Callable[[Any], Any], sizing: Any, at: str = AT, **parts: Any) -> str:
    """The line that a run ends with."""
    with pytest.raises(StrategyError) as caught:
        run_script({at: act}, sizing=sizing, **parts)
    return str(caught.value).splitlines()[0].partition(": ")[2]


TENTH = {"method": "percent_equity", "percent": 10}
RISKED = {"method": "percent_risk", "percent": 1}
USUAL = {"method": "volatility_target", "percent": 1, "bars": 3, "interval": "1m"}


@pytest.mark.parametrize(
    ("sizing", "given", "size"),
    [
        ({"method": "fixed", "quantity": 70.5}, {}, 70),
        ({"method": "fixed", "quantity": 70.5}, {"side": "sell"}, -70),
        (TENTH, {}, 952),  # 10,000 at 10.5
        (TENTH, {"side": "sell"}, -952),
        (TENTH, {"price": "9.99"}, 1001),
        (TENTH, {"stop": 10}, 952),  # a stop changes nothing
        ({"method": "equal_weight"}, {}, 4761),  # 100,000 in two symbols
        ({"method": "equal_weight", "count": 4}, {}, 2380),
        (RISKED, {"stop": 10.2}, 3333),  # 1,000 over 0.30
        (RISKED, {"stop": Decimal("10.8"), "side": "sell"}, -3333),
        (RISKED, {"stop": 10, "price": 10.25}, 4000),
    ],
)
def test_a_size_by_hand(sizing: dict[str, Any], given: dict[str, Any], size: int) -> None:
    found = sized(lambda s: s.entry_size("AAA", **given), sizing)
    assert (found, found.reason) == (size, "")
    assert type(found) is Size
    assert type(found * 2) is Decimal


def test_equity_is_that_of_the_moment() -> None:
    """500 bought at 11 are worth 13.5 each at 09:34: equity is 101,250."""
    steps = {
        AT: lambda s: s.order("AAA", 500),
        "09:34 AAA": lambda s: (s.equity, s.entry_size("AAA", price=1)),
    }
    answers, _ = run_script(steps, sizing=TENTH)
    assert answers[1] == (Decimal(101_250), 10_125)


def test_a_strategy_s_own_sizing_goes_before_the_run_s() -> None:
    ask = {AT: lambda s: s.entry_size("AAA")}
    own = {"method": "fixed", "quantity": 3}
    answers, _ = run_script(ask, ask, sizings=[own], sizing=TENTH)
    assert answers == [3, 952]


def test_it_makes_up_orders_targets_and_brackets() -> None:
    def act(s: Any) -> tuple[Any, ...]:
        size = s.entry_size("AAA", "sell", stop=10.8)
        return (
            s.order("AAA", size).quantity,
            s.order_target("BBB", size).quantity,
            s.bracket("BBB", size, stop=10.8, target=9).stop.side,
        )

    assert sized(act, RISKED) == (3333, 3333, "buy")


def test_nothing_is_ordered_where_nothing_fits() -> None:
    def act(s: Any) -> tuple[Any, ...]:
        size = s.entry_size("AAA", stop=10)
        return size.reason, s.order("AAA", size), s.bracket("AAA", size, stop=10).entry

    tiny = {"method": "percent_risk", "percent": "0.0001"}
    assert sized(act, tiny) == ("less than a lot of 1 AAA fits", None, None)


@pytest.mark.parametrize(
    ("sizing", "given", "at", "reason"),
    [
        (RISKED, {"stop": 10.5}, AT, "the stop 10.5 is not below the price 10.5"),
        (RISKED, {"stop": 10, "side": "sell"}, AT, "the stop 10.0 is not above the price 10.5"),
        (TENTH, {"stop": 11}, AT, "the stop 11.0 is not below the price 10.5"),
        (TENTH, {}, "09:30 open", "AAA has no price yet"),
        (USUAL, {}, AT, "ATR(3) on 1m of AAA is not ready"),
        (USUAL | {"interval": "1d"}, {}, AT, "ATR(3) on 1d of AAA is not ready"),
    ],
)
def test_without_a_size_it_says_why(
    sizing: dict[str, Any], given: dict[str, Any], at: str, reason: str
) -> None:
    found = sized(lambda s: s.entry_size("AAA", **given), sizing, at)
    assert (found, found.reason) == (0, reason)


def test_an_account_that_has_lost_all_enters_with_nothing() -> None:
    def lose(s: Any) -> None:
        s.order("AAA", -1000)

    steps = {AT: lose, "09:35 AAA": lambda s: s.entry_size("AAA").reason}
    answers, _ = run_script(steps, sizing=TENTH, account={"cash": 1000, "leverage": 100})
    assert answers[1] == "equity is -2500"  # sold at 11, and now at 14.5


def test_by_volatility_a_usual_bar_moves_its_percent_of_equity() -> None:
    """The true range of each bar is 1.25: up to its high from the close before it."""
    act = {"09:35 AAA": lambda s: (s.entry_size("AAA"), s.entry_size("BBB", "sell"))}
    answers, _ = run_script(act, sizing=USUAL)
    assert answers == [(800, -800)]


def test_by_volatility_daily_bars_are_those_of_the_sessions_before() -> None:
    """Each session of six minutes goes up by six: with the gap before it its range is 6.25."""
    act = {"09:30 open": lambda s: str(s.entry_size("AAA"))}
    answers, _ = run_script(act, sizing=USUAL | {"interval": "1d"}, sessions=6)
    assert answers == ["0"] * 4 + ["160"] * 2, "three ranges from close to close are four sessions"


def test_a_percent_of_risk_needs_a_stop() -> None:
    text = fault(lambda s: s.entry_size("AAA"), RISKED)
    assert "entry_size() needs a stop where the config sizes by 'percent_risk'" in text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"side": "by"}, "side='by' is no side; use buy or sell. Did you mean 'buy'?"),
        ({"side": None}, "side=None is no side"),
        ({"stop": -1}, "stop=-1 is not a price; give a number above 0."),
        ({"price": float("nan")}, "price=nan is not a price; give a number above 0."),
    ],
)
def test_what_was_given_wrongly_is_named(given: dict[str, Any], text: str) -> None:
    assert text in fault(lambda s: s.entry_size("AAA", **given), TENTH)


def test_an_unknown_symbol_is_named() -> None:
    text = fault(lambda s: s.entry_size("AAB"), TENTH)
    assert "'AAB' is not one of this run's symbols (AAA, BBB). Did you mean 'AAA'?" in text


def test_without_a_sizing_it_says_what_to_give() -> None:
    text = fault(lambda s: s.entry_size("AAA"), None)
    assert "the config has no sizing for Scripted" in text


def test_in_setup_there_is_nothing_to_size() -> None:
    text = fault(lambda s: s.entry_size("AAA"), TENTH, "setup")
    assert "In setup() there is no market yet" in text


def test_a_sizing_that_nobody_asks_for_is_refused() -> None:
    cross = {"use": "app.strategies.examples.sma_cross:SmaCross"}
    days = weekday_sessions(dt.date(2024, 6, 3), 1)
    own, by_run = config_of("A", [cross | {"sizing": TENTH}]), config_of("A", [cross], sizing=TENTH)
    for config, who in ((own, "it never calls"), (by_run, "no strategy that reads it calls")):
        with pytest.raises(ConfigError, match=f"would do nothing: {who} entry_size"):
            wired(config, market_of(days, {}, "A"))


def test_a_strategy_whose_source_cannot_be_read_may_ask() -> None:
    assert asks_for_sizes(["nowhere.py"])
    assert asks_for_sizes([__file__])
    assert not asks_for_sizes([])
