"""Slippage against exact fractions: never for the order, on the tick, and no further than said."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ConfigError
from app.core.money import UNITS, to_units
from app.services.slippage import Slippage, on_tick, slipped

CENT = UNITS // 100
NONE = Slippage()

TICKS = st.sampled_from([1, 5_000, CENT // 100, CENT, 5 * CENT, UNITS // 4, UNITS])
PRICES = st.one_of(
    st.integers(1, 10**7).map(lambda cents: cents / 100),
    st.integers(1, 10**13).map(lambda units: units / UNITS),
    st.floats(1e-4, 1e5),
)
MOVES = st.one_of(st.just(0.0), st.integers(0, 500).map(lambda n: n / 100), st.floats(0, 20))
SLIPPAGES = st.builds(
    Slippage,
    kind=st.sampled_from(["none", "fixed", "bps", "spread", "volatility"]),
    amount=MOVES,
    impact_bps=MOVES,
)
SHARES = st.one_of(st.sampled_from([0.0, 0.01, 0.25, 1.0]), st.floats(0, 2))


def exact(value: float) -> Fraction:
    """The number a float prints."""
    return Fraction(repr(value))


def ticks_of(price: float, tick_units: int) -> Fraction:
    return exact(price) * UNITS / tick_units


def filled(
    price: float,
    buys: bool,
    slippage: Slippage,
    tick_units: int = CENT,
    spread: float = 0.0,
    volatility: float = 0.0,
    share: float = 0.0,
) -> float:
    return slipped(
        price, buys, tick_units, slippage, spread=spread, volatility=volatility, share=share
    )


def moved(price: float, slippage: Slippage, spread: float, volatility: float) -> Fraction:
    """The move without impact, as the page of documentation words it."""
    amount = exact(slippage.amount)
    return {
        "none": Fraction(0),
        "fixed": amount,
        "bps": exact(price) * amount / 10_000,
        "spread": amount * exact(spread),
        "volatility": amount * exact(volatility),
    }[slippage.kind]


# -- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slippage", "buy", "sell"),
    [
        (NONE, 25.13, 25.13),
        (Slippage("fixed", 0.02), 25.15, 25.11),
        (Slippage("fixed", 0.021), 25.16, 25.10),
        (Slippage("bps", 5.0), 25.15, 25.11),  # 0.012565 is over one tick
        (Slippage("spread", 0.5), 25.15, 25.11),  # half of 0.04
        (Slippage("spread", 1.0), 25.17, 25.09),
        (Slippage("volatility", 0.1), 25.16, 25.10),  # a tenth of 0.30
        (Slippage("none", 0.0, 40.0), 25.19, 25.07),  # 0.10052 x sqrt(0.25) = 0.05026
        (Slippage("fixed", 0.02, 40.0), 25.21, 25.05),  # both
    ],
)
def test_each_kind_moves_a_price_as_it_says(slippage: Slippage, buy: float, sell: float) -> None:
    assert filled(25.13, True, slippage, spread=0.04, volatility=0.3, share=0.25) == buy
    assert filled(25.13, False, slippage, spread=0.04, volatility=0.3, share=0.25) == sell


def test_numbers_mean_what_they_print() -> None:
    assert 1.1 + 2.2 > 3.3  # in floats, and the next tick would be 3.31
    assert filled(1.1, True, Slippage("fixed", 2.2)) == 3.3
    assert 0.1 * 3.0 > 0.3
    assert filled(10.0, True, Slippage("volatility", 0.1), volatility=3.0) == 10.3
    assert 1.1 * 100.0 / 10_000 > 0.011
    assert filled(1.1, True, Slippage("bps", 100.0), tick_units=UNITS // 1000) == 1.111
    assert 1.2 - 0.1 < 1.1  # and the next tick down would be 1.09
    assert filled(1.2, False, Slippage("fixed", 0.1)) == 1.1


def test_an_impact_that_ends_on_a_tick_goes_no_further() -> None:
    assert filled(10.0, True, Slippage("none", 0.0, 100.0), share=0.01) == 10.01
    assert filled(10.0, False, Slippage("none", 0.0, 100.0), share=0.01) == 9.99
    assert filled(10.0, True, Slippage("none", 0.0, 100.0), share=0.010000001) == 10.02
    assert filled(10.0, True, Slippage("none", 0.0, 100.0), share=1.0) == 10.1


def test_a_price_off_the_tick_goes_on_to_it_against_the_order() -> None:
    assert filled(10.001, True, NONE) == 10.01
    assert filled(10.009, False, NONE) == 10.0


def test_a_sale_gets_at_least_one_tick() -> None:
    assert filled(0.05, False, Slippage("fixed", 3.0)) == 0.01
    assert filled(0.05, False, Slippage("none", 0.0, 20_000.0), share=1.0) == 0.01
    assert filled(0.004, False, NONE) == 0.01


def test_a_crossed_spread_moves_nothing() -> None:
    assert filled(25.13, True, Slippage("spread", 0.5), spread=-0.04) == 25.13


def test_a_fill_far_from_its_bar_is_not_brought_back() -> None:
    assert filled(25.13, True, Slippage("fixed", 100.0)) == 125.13


def test_numbers_of_numpy_are_taken_as_they_print() -> None:
    found = slipped(
        np.float64(25.13),
        True,
        CENT,
        Slippage("volatility", 0.1, 10.0),
        spread=0.0,
        volatility=np.float64(1 / 3),
        share=np.float64(1 / 7),
    )
    assert type(found) is float
    assert found == filled(
        25.13, True, Slippage("volatility", 0.1, 10.0), volatility=1 / 3, share=1 / 7
    )


# -- for every price -----------------------------------------------------------------------------


@given(PRICES, st.booleans(), TICKS, SLIPPAGES, MOVES, MOVES, SHARES)
def test_a_fill_is_the_first_tick_that_is_not_better_than_the_exact_price(
    price: float,
    buys: bool,
    tick_units: int,
    slippage: Slippage,
    spread: float,
    volatility: float,
    share: float,
) -> None:
    found = filled(price, buys, slippage, tick_units, spread, volatility, share)
    ticks = ticks_of(found, tick_units)
    assert ticks.denominator == 1
    assert ticks >= 1
    way = 1 if buys else -1
    # What is left of the move for the impact, at this tick and one before it.
    move = exact(price) + way * moved(price, slippage, spread, volatility)
    at = way * (ticks * tick_units / UNITS - move)
    before = at - Fraction(tick_units, UNITS)
    squared = (exact(price) * exact(slippage.impact_bps) / 10_000) ** 2 * exact(share)
    if ticks > 1 or buys:
        assert at >= 0
        assert at * at >= squared
    assert before < 0 or before * before < squared


@given(PRICES, st.booleans(), TICKS, SLIPPAGES, MOVES, MOVES, SHARES)
def test_no_order_is_filled_better_than_the_price_given(
    price: float,
    buys: bool,
    tick_units: int,
    slippage: Slippage,
    spread: float,
    volatility: float,
    share: float,
) -> None:
    found = filled(price, buys, slippage, tick_units, spread, volatility, share)
    if buys:
        assert found >= price
    else:
        assert found <= price or found == tick_units / UNITS  # it would be below one tick


@given(st.integers(1, 10**8), st.booleans(), TICKS)
def test_a_price_on_the_tick_without_slippage_stays_bit_for_bit(
    ticks: int, buys: bool, tick_units: int
) -> None:
    price = float(f"{ticks * tick_units}e-8")
    assert filled(price, buys, NONE, tick_units).hex() == price.hex()
    assert on_tick(price, tick_units, up=buys).hex() == price.hex()


@given(st.integers(10**6, 10**7), SLIPPAGES, st.floats(0, 1), st.floats(0, 1), SHARES)
def test_a_buy_moves_as_far_up_as_a_sale_moves_down(
    cents: int, slippage: Slippage, spread: float, volatility: float, share: float
) -> None:
    price = cents / 100
    up = filled(price, True, slippage, CENT, spread, volatility, share)
    down = filled(price, False, slippage, CENT, spread, volatility, share)
    assert exact(up) - exact(price) == exact(price) - exact(down)


@given(PRICES, st.booleans(), TICKS, SLIPPAGES, MOVES, SHARES, st.floats(0, 5), st.floats(0, 5))
def test_more_slippage_is_never_better(
    price: float,
    buys: bool,
    tick_units: int,
    slippage: Slippage,
    market: float,
    share: float,
    more: float,
    more_impact: float,
) -> None:
    greater = Slippage(slippage.kind, slippage.amount + more, slippage.impact_bps + more_impact)
    less = filled(price, buys, slippage, tick_units, market, market, share)
    worse = filled(price, buys, greater, tick_units, market, market, share)
    assert worse >= less if buys else worse <= less


@given(PRICES, st.booleans(), st.floats(0, 100), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_of_the_bar_is_never_filled_better(
    price: float, buys: bool, impact_bps: float, one: float, other: float
) -> None:
    slippage = Slippage("none", 0.0, impact_bps)
    small = filled(price, buys, slippage, share=min(one, other))
    large = filled(price, buys, slippage, share=max(one, other))
    assert large >= small if buys else large <= small


# -- on the tick ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "tick", "down", "up"),
    [
        (10.1, "0.01", 10.1, 10.1),
        (10.105, "0.01", 10.1, 10.11),
        (0.30000000000000004, "0.1", 0.3, 0.4),  # by what it prints, not by what it nearly is
        (4321.1, "0.25", 4321.0, 4321.25),
        (0.00001234, "0.00000001", 0.00001234, 0.00001234),
        (0.004, "0.01", 0.0, 0.01),
        (123456789012.345, "0.01", 123456789012.34, 123456789012.35),
        (1e17, "0.25", 1e17, 1e17),
    ],
)
def test_a_price_has_a_tick_below_and_one_above(
    price: float, tick: str, down: float, up: float
) -> None:
    assert on_tick(price, to_units(tick), up=False) == down
    assert on_tick(price, to_units(tick), up=True) == up


@given(PRICES, TICKS)
def test_the_ticks_round_a_price_are_the_nearest_ones(price: float, tick_units: int) -> None:
    exactly = ticks_of(price, tick_units)
    assert ticks_of(on_tick(price, tick_units, up=False), tick_units) == math.floor(exactly)
    assert ticks_of(on_tick(price, tick_units, up=True), tick_units) == math.ceil(exactly)


@given(PRICES, TICKS)
def test_a_limit_put_on_the_tick_is_never_worse_than_the_one_asked_for(
    price: float, tick_units: int
) -> None:
    assert on_tick(price, tick_units, up=False) <= price <= on_tick(price, tick_units, up=True)


# -- what is refused -----------------------------------------------------------------------------


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        Slippage("spreads", 0.5)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "There is no slippage 'spreads'; there are none, fixed, bps, spread, volatility."
        " Did you mean 'spread'?"
    )


@pytest.mark.parametrize("value", [-0.01, math.nan, math.inf])
def test_slippage_that_would_help_an_order_is_refused(value: float) -> None:
    with pytest.raises(ConfigError, match=rf"Slippage has amount {value}; give 0 or more\."):
        Slippage("fixed", value)
    with pytest.raises(ConfigError, match=rf"Slippage has impact_bps {value}; give 0 or more\."):
        Slippage("none", 0.0, value)


def test_slippage_by_volatility_needs_a_bar_to_measure_it_over() -> None:
    assert Slippage("volatility", 0.1, bars=1).bars == 1
    with pytest.raises(ConfigError, match=r"Slippage looks back on 0 bars; give 1 or more\."):
        Slippage("volatility", 0.1, bars=0)
