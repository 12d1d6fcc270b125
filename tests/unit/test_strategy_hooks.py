"""Hooks as a class writes them: what would never run, or fail when it is too late, is refused."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from app.core.errors import StrategyError
from app.strategies.base import Strategy
from app.strategies.failure import told


async def waits(self: Any, bar: Any) -> None:
    return None


def yields(self: Any, bar: Any) -> Any:
    yield bar


async def waits_and_yields(self: Any, bar: Any) -> Any:
    yield bar


def alone(self: Any) -> None:
    return None


def of_one(self: Any, bar: Any) -> None:
    return None


def of_two(self: Any, one: Any, two: Any) -> None:
    return None


def by_name(self: Any, *, bar: Any) -> None:
    return None


def of_any(*args: Any, **words: Any) -> None:
    return None


def of_more(self: Any, bar: Any, more: int = 1) -> None:
    return None


@functools.wraps(alone)
def wrapping(*args: Any) -> None:
    return None


def mine(**body: Any) -> type[Strategy]:
    return type("Mine", (Strategy,), body)


PLAIN = "called as a hook is, it would do nothing; write def on_bar(self, bar), without either."
AS_ONE = "cannot be called as the hook is; write def on_bar(self, bar)."


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"on_bar": waits}, f"Mine.on_bar is async or has a yield: {PLAIN}"),
        ({"on_bar": yields}, f"Mine.on_bar is async or has a yield: {PLAIN}"),
        ({"on_bar": waits_and_yields}, f"Mine.on_bar is async or has a yield: {PLAIN}"),
        ({"on_bar": staticmethod(waits)}, f"Mine.on_bar is async or has a yield: {PLAIN}"),
        ({"on_bar": alone}, f"Mine.on_bar(self) {AS_ONE}"),
        ({"on_bar": of_two}, f"Mine.on_bar(self, one, two) {AS_ONE}"),
        ({"on_bar": by_name}, f"Mine.on_bar(self, bar) {AS_ONE}"),
        ({"on_bar": staticmethod(of_one)},
         "Mine.on_bar(self, bar) cannot be called as the hook is; write def on_bar(self, bar)."),
        ({"on_bar": 5}, "Mine.on_bar is 5, and no method; write def on_bar(self, bar)."),
        ({"on_session_close": alone},
         "Mine.on_session_close(self) cannot be called as the hook is; write def"
         " on_session_close(self, session)."),
        ({"setup": of_one},
         "Mine.setup(self, bar) cannot be called as the hook is; write def setup(self)."),
        ({"on_position": of_one},
         "Mine.on_position(self, bar) cannot be called as the hook is; write def"
         " on_position(self, symbol, position)."),
        ({"__init__": alone},
         "Mine.__init__(self) cannot be called as the hook is; write def setup(self), which is"
         " called once it is made."),
        *(
            ({wrong: of_one},
             f"Mine.{wrong} is no hook, and nothing would call it. Did you mean '{right}'? If not,"
             " give it another name.")
            for wrong, right in (
                ("on_bars", "on_bar"), ("onBar", "on_bar"), ("on_orders", "on_order"),
                ("on_session_closed", "on_session_close"), ("set_up", "setup"),
            )
        ),
    ],
)  # fmt: skip
def test_a_hook_that_would_not_run_is_refused_where_it_is_written(
    body: dict[str, Any], fault: str
) -> None:
    with pytest.raises(StrategyError) as caught:
        mine(**body)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    "body",
    [
        {"on_bar": of_any},
        {"on_bar": of_more},
        {"on_bar": wrapping},
        {"on_bar": functools.partial(of_one, None)},
        {"on_bar": property(of_any)},
        {"on_bar": staticmethod(lambda bar: None)},
        {"on_bar": classmethod(of_one)},
        {"__init__": of_any},
        {"on_bar": of_one, "on_bars": of_two},  # it has the hook, so that is a helper
        {"on_bar_5m": of_two, "on_breakout": of_two, "_on_bars": of_two, "size": of_two},
    ],
)
def test_what_can_be_called_as_the_hook_is_passes(body: dict[str, Any]) -> None:
    assert issubclass(mine(**body), Strategy)


def test_a_hook_of_a_base_or_a_mixin_counts_as_the_classs_own() -> None:
    class Faulty:
        on_bar = waits

    with pytest.raises(StrategyError, match=r"Mine.on_bar is async"):
        type("Mine", (Faulty, Strategy), {})
    parent = mine(on_bar=of_one)
    assert issubclass(type("Child", (parent,), {"on_bars": of_two}), parent)


@pytest.mark.parametrize("name", ["buy", "sell"])
def test_who_orders_as_elsewhere_is_told_how_it_is_done_here(name: str) -> None:
    strategy: Callable[[], Any] = lambda: getattr(object.__new__(mine()), name)  # noqa: E731
    with pytest.raises(AttributeError) as caught:
        strategy()
    assert "Orders are given by order(symbol, quantity)" in told(caught.value)


def test_an_error_in_half_characters_is_told_as_text_that_can_be_written() -> None:
    assert told(ValueError("a file \udcff")) == r"ValueError: a file \udcff"
