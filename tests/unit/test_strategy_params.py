"""Parameters of a strategy: their types, bounds and choices, and what is said of a wrong one."""

import math
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ConfigError, StrategyError
from app.strategies import Param, Strategy
from app.strategies.params import checked_params, params_of


class Several(Strategy):
    count = Param(10, low=2, high=50)
    ratio = Param(0.5, low=0.0)
    most = Param(3.0, high=9.5)
    deep = Param(True)
    side = Param("long", choices=("long", "short"))
    free = Param("")
    size = Param(100, choices=(100, 200))


def value_of(name: str, value: object) -> Any:
    return checked_params(Several, {name: value})[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 2),
        ("count", 50),
        ("ratio", 0.0),
        ("ratio", 1e300),
        ("ratio", 5e-324),
        ("most", 9.5),
        ("most", -1e300),
        ("deep", False),
        ("side", "short"),
        ("free", "any text"),
        ("size", 200),
    ],
)
def test_what_lies_within_the_bounds_is_taken_as_it_is(name: str, value: object) -> None:
    taken = value_of(name, value)
    assert taken == value
    assert type(taken) is type(value)


def test_a_whole_number_for_a_number_becomes_one() -> None:
    taken = value_of("ratio", 3)
    assert taken == 3.0
    assert type(taken) is float


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("count", 1, "a whole number from 2 to 50"),
        ("count", 51, "a whole number from 2 to 50"),
        ("count", 10.0, "a whole number from 2 to 50"),
        ("count", True, "a whole number from 2 to 50"),
        ("count", "10", "a whole number from 2 to 50"),
        ("count", None, "a whole number from 2 to 50"),
        ("count", [10], "a whole number from 2 to 50"),
        ("ratio", -1e-9, "a number of at least 0.0"),
        ("ratio", math.nan, "a number of at least 0.0"),
        ("ratio", math.inf, "a number of at least 0.0"),
        ("ratio", False, "a number of at least 0.0"),
        ("ratio", 10**400, "a number of at least 0.0"),
        ("most", 9.6, "a number of at most 9.5"),
        ("most", -math.inf, "a number of at most 9.5"),
        ("deep", 1, "true or false"),
        ("deep", "true", "true or false"),
        ("side", "both", "a text out of 'long', 'short'"),
        ("side", 1, "a text out of 'long', 'short'"),
        ("free", 7, "a text"),
        ("size", 150, "a whole number out of 100, 200"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_is_allowed(
    name: str, value: object, allowed: str
) -> None:
    shown = "inf" if value == 10**400 else repr(value)
    with pytest.raises(ConfigError) as caught:
        value_of(name, value)
    assert str(caught.value) == f"Parameters of Several:\n  {name}: {shown} is not {allowed}."
    assert caught.value.exit_code == 4


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        checked_params(Several, {"count": 0, "coutn": 3, "size": 100, "side": "up"})
    assert str(caught.value).splitlines() == [
        "Parameters of Several:",
        "  count: 0 is not a whole number from 2 to 50.",
        "  coutn: no such parameter; it has count, ratio, most, deep, side, free, size. "
        "Did you mean 'count'?",
        "  side: 'up' is not a text out of 'long', 'short'.",
    ]


def test_a_strategy_without_parameters_says_so() -> None:
    class Bare(Strategy):
        pass

    with pytest.raises(ConfigError, match=r"fast: no such parameter; it has none\.$"):
        checked_params(Bare, {"fast": 1})
    assert checked_params(Bare, {}) == {}


def test_what_is_not_given_keeps_its_default() -> None:
    assert checked_params(Several, {"count": 7}) == {
        "count": 7,
        "ratio": 0.5,
        "most": 3.0,
        "deep": True,
        "side": "long",
        "free": "",
        "size": 100,
    }


# -- declaring ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "bounds", "text"),
    [
        (1, {"low": 2}, "1 is not a whole number of at least 2."),
        (5.5, {"high": 5}, "5.5 is not a number of at most 5."),
        (3, {"low": 5, "high": 2}, "3 is not a whole number from 5 to 2."),
        (math.nan, {}, "nan is not a number."),
        (math.inf, {}, "inf is not a number."),
        ("c", {"choices": ("a", "b")}, "'c' is not a text out of 'a', 'b'."),
        (1, {"choices": (1, "b")}, "'b' is not a whole number."),
        (1, {"choices": (1, True)}, "True is not a whole number."),
        (None, {}, "A Param's default is a number, a truth or a text, not None."),
        ((1, 2), {}, "A Param's default is a number, a truth or a text, not (1, 2)."),
        ("a", {"low": 1}, "A Param that is a text has no low or high; use choices."),
        (True, {"high": 1}, "A Param that is true or false has no low or high; use choices."),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_where_it_is_declared(
    default: Any, bounds: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Param(default, **bounds)
    assert str(caught.value) == text


def test_choices_of_a_number_may_be_written_whole() -> None:
    param = Param(1.0, choices=(1, 2))
    assert param.choices == (1.0, 2.0)
    assert param.check(2) == 2.0


@pytest.mark.parametrize("name", ["cash", "order", "symbols", "on_bar", "setup", "intervals"])
def test_a_parameter_cannot_hide_what_every_strategy_has(name: str) -> None:
    with pytest.raises(StrategyError) as caught:
        type("Mine", (Strategy,), {name: Param(5)})
    assert str(caught.value) == (
        f"Mine.{name} is a Param, but every strategy has a '{name}' already; "
        "give the parameter another name."
    )


@pytest.mark.parametrize("intervals", ["5m", ["5m"], None, 5])
def test_intervals_that_are_no_tuple_are_refused_where_they_are_written(intervals: object) -> None:
    with pytest.raises(StrategyError) as caught:
        type("Mine", (Strategy,), {"intervals": intervals})
    assert str(caught.value) == f"Mine.intervals is {intervals!r}; write a tuple, as ('5m',)."


# -- inheriting --------------------------------------------------------------------------------


class Parent(Strategy):
    fast = Param(10, low=2)
    slow = Param(30, low=5)


def test_inherited_parameters_come_first_and_can_be_declared_anew() -> None:
    class Child(Parent):
        extra = Param(1)
        slow = Param(40, low=35)

    assert list(params_of(Child)) == ["fast", "slow", "extra"]
    assert checked_params(Child, {}) == {"fast": 10, "slow": 40, "extra": 1}
    assert checked_params(Parent, {"slow": 6})["slow"] == 6
    with pytest.raises(ConfigError, match="slow: 34 is not a whole number of at least 35"):
        checked_params(Child, {"slow": 34})


def test_a_subclass_that_sets_a_parameter_to_a_value_has_fixed_it() -> None:
    class Fixed(Parent):
        fast: ClassVar[int] = 5  # type: ignore[assignment]

    strategy = Fixed(None, {"slow": 20})  # type: ignore[arg-type]
    assert (strategy.fast, strategy.slow) == (5, 20)
    assert list(params_of(Fixed)) == ["slow"]
    with pytest.raises(ConfigError, match=r"fast: no such parameter; it has slow\."):
        checked_params(Fixed, {"fast": 7})


def test_a_grandchild_can_open_it_again() -> None:
    class Fixed(Parent):
        fast: ClassVar[int] = 5  # type: ignore[assignment]

    class Open(Fixed):
        fast = Param(8)  # type: ignore[assignment]

    assert checked_params(Open, {}) == {"slow": 30, "fast": 8}


def test_two_instances_do_not_share_their_values() -> None:
    one, other = Parent(None, {"fast": 3}), Parent(None)  # type: ignore[arg-type]
    assert (one.fast, other.fast) == (3, 10)
    assert isinstance(Parent.fast, Param)
    assert Parent.fast.name == "fast"


@given(st.integers(), st.integers(-100, 100), st.integers(0, 100))
def test_a_whole_number_is_taken_exactly_when_it_lies_within(
    value: int, low: int, width: int
) -> None:
    param = Param(low, low=low, high=low + width)
    if low <= value <= low + width:
        assert param.check(value) == value
    else:
        with pytest.raises(ConfigError, match=f"{value} is not a whole number from {low} to"):
            param.check(value)


@given(st.floats())
def test_every_finite_number_and_no_other_is_a_number(value: float) -> None:
    param = Param(0.0)
    if math.isfinite(value):
        assert param.check(value) == value
    else:
        with pytest.raises(ConfigError):
            param.check(value)
