"""Every fill rule on hand-made bars, and what scaled or mirrored prices must not change."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from price_ways import ways

from app.core.orders import LIMIT, MARKET, STOP, STOP_LIMIT, TRAILING_STOP
from app.services.matching import (
    BEST,
    INSIDE,
    OHLC_PATH,
    OPEN,
    SAME_BAR,
    WORST,
    Prices,
    Stand,
    Touch,
    path,
    touch,
)

BAR = Prices(open=100.0, high=103.0, low=98.0, close=100.5)
BUY, SELL = True, False
Found = tuple[int, float, bool] | None  # when, price, at market


@pytest.mark.parametrize(
    ("kind", "buys", "limit", "stop", "found"),
    [
        # market: the open, whatever else
        (MARKET, BUY, None, None, (OPEN, 100.0, True)),
        (MARKET, SELL, None, None, (OPEN, 100.0, True)),
        # limit: the open when it is better or the same, else the limit once it is touched
        (LIMIT, BUY, 101.0, None, (OPEN, 100.0, False)),
        (LIMIT, BUY, 100.0, None, (OPEN, 100.0, False)),
        (LIMIT, BUY, 99.0, None, (INSIDE, 99.0, False)),
        (LIMIT, BUY, 98.0, None, (INSIDE, 98.0, False)),
        (LIMIT, BUY, 97.99, None, None),
        (LIMIT, SELL, 99.0, None, (OPEN, 100.0, False)),
        (LIMIT, SELL, 100.0, None, (OPEN, 100.0, False)),
        (LIMIT, SELL, 102.0, None, (INSIDE, 102.0, False)),
        (LIMIT, SELL, 103.0, None, (INSIDE, 103.0, False)),
        (LIMIT, SELL, 103.01, None, None),
        # stop: gapped through fills at the open, touched at the stop
        (STOP, BUY, None, 99.0, (OPEN, 100.0, True)),
        (STOP, BUY, None, 100.0, (OPEN, 100.0, True)),
        (STOP, BUY, None, 102.0, (INSIDE, 102.0, True)),
        (STOP, BUY, None, 103.0, (INSIDE, 103.0, True)),
        (STOP, BUY, None, 103.01, None),
        (STOP, SELL, None, 101.0, (OPEN, 100.0, True)),
        (STOP, SELL, None, 100.0, (OPEN, 100.0, True)),
        (STOP, SELL, None, 98.5, (INSIDE, 98.5, True)),
        (STOP, SELL, None, 98.0, (INSIDE, 98.0, True)),
        (STOP, SELL, None, 97.99, None),
        # stop-limit, gapped: a limit order from the open on
        (STOP_LIMIT, BUY, 101.0, 99.0, (OPEN, 100.0, False)),
        (STOP_LIMIT, BUY, 99.5, 99.0, (INSIDE, 99.5, False)),
        (STOP_LIMIT, BUY, 97.0, 96.0, None),
        (STOP_LIMIT, SELL, 99.0, 101.0, (OPEN, 100.0, False)),
        (STOP_LIMIT, SELL, 102.0, 101.0, (INSIDE, 102.0, False)),
        # stop-limit, touched: at the stop when the limit allows; else nobody knows the path
        (STOP_LIMIT, BUY, 102.5, 102.0, (INSIDE, 102.0, False)),
        (STOP_LIMIT, BUY, 102.0, 102.0, (INSIDE, 102.0, False)),
        (STOP_LIMIT, BUY, 99.0, 102.0, None),
        (STOP_LIMIT, SELL, 98.2, 98.5, (INSIDE, 98.5, False)),
        (STOP_LIMIT, SELL, 102.0, 98.5, None),
        (STOP_LIMIT, BUY, 105.0, 104.0, None),
    ],
)
def test_a_bar_fills_an_order_by_the_table(
    kind: str, buys: bool, limit: float | None, stop: float | None, found: Found
) -> None:
    at, _ = touch(Stand(kind, buys, limit, stop), BAR)
    assert at == (None if found is None else Touch(*found))


@pytest.mark.parametrize(
    ("kind", "limit", "stop", "triggered"),
    [
        (STOP, None, 102.0, True), (STOP, None, 104.0, False),
        (STOP_LIMIT, 99.0, 102.0, True), (STOP_LIMIT, 97.0, 99.0, True),
        (STOP_LIMIT, 99.0, 104.0, False), (LIMIT, 99.0, None, False), (MARKET, None, None, False),
    ],
)  # fmt: skip
def test_a_stop_that_was_touched_stays_so(
    kind: str, limit: float | None, stop: float | None, triggered: bool
) -> None:
    assert touch(Stand(kind, BUY, limit, stop), BAR)[1].triggered is triggered


def test_what_was_triggered_before_waits_for_no_stop() -> None:
    stopped = Stand(STOP, SELL, None, 90.0, triggered=True)
    assert touch(stopped, BAR) == (Touch(OPEN, 100.0, True), stopped)
    limited = Stand(STOP_LIMIT, SELL, 102.0, 90.0, triggered=True)
    assert touch(limited, BAR) == (Touch(INSIDE, 102.0, False), limited)


@pytest.mark.parametrize(
    ("buys", "limit", "filled"),
    [(BUY, 98.0, False), (BUY, 98.01, True), (SELL, 103.0, False), (SELL, 102.99, True),
     (BUY, 100.0, True), (SELL, 100.0, True)],
)  # fmt: skip
def test_by_option_a_limit_inside_the_bar_must_be_traded_through(
    buys: bool, limit: float, filled: bool
) -> None:
    for same_bar in (WORST, OHLC_PATH, BEST):
        at, _ = touch(Stand(LIMIT, buys, limit), BAR, through=True, same_bar=same_bar)
        assert (at is not None) is filled


def follow_by_one(price: float) -> float:
    """Where a stop to sell is that follows at a distance of 1."""
    return round(price - 1.0, 2)


@pytest.mark.parametrize(
    ("stand", "bar", "same_bar", "found"),
    [
        # The stop at 102 is touched inside, the limit at 99 is on its other side.
        (Stand(STOP_LIMIT, BUY, 99.0, 102.0), BAR, WORST, None),
        (Stand(STOP_LIMIT, BUY, 99.0, 102.0), BAR, BEST, (INSIDE, 99.0, False)),
        (Stand(STOP_LIMIT, BUY, 99.0, 102.0), BAR, OHLC_PATH, None),  # down to 98 first
        (Stand(STOP_LIMIT, BUY, 99.0, 102.0), BAR._replace(low=96.0), OHLC_PATH,
         (INSIDE, 99.0, False)),  # up to 103 first
        # where the bar ended beyond the limit, it has come back to it for sure
        (Stand(STOP_LIMIT, BUY, 100.5, 102.0), BAR, WORST, (INSIDE, 100.5, False)),
        # A trailing stop follows the open to 99, and the high to 102 if that was before the low.
        (Stand(TRAILING_STOP, SELL, None, 97.0, False, follow_by_one), BAR, WORST,
         (INSIDE, 99.0, True)),
        (Stand(TRAILING_STOP, SELL, None, 97.0, False, follow_by_one), BAR, BEST,
         (INSIDE, 102.0, True)),
        (Stand(TRAILING_STOP, SELL, None, 97.0, False, follow_by_one),
         BAR._replace(low=99.5, close=102.5), WORST, (INSIDE, 99.5, True)),  # it just came there
        (Stand(TRAILING_STOP, SELL, None, 97.0, False, follow_by_one),
         BAR._replace(low=99.5, close=102.5), BEST, None),
        # the end of the bar lies below it: it was touched, whatever the path
        (Stand(TRAILING_STOP, SELL, None, 97.0, False, follow_by_one),
         BAR._replace(low=99.5), BEST, (INSIDE, 102.0, True)),
        (Stand(TRAILING_STOP, SELL, None, 98.5, False, follow_by_one), BAR, OHLC_PATH,
         (INSIDE, 99.0, True)),  # the low came first
        (Stand(TRAILING_STOP, SELL, None, 101.0, False, follow_by_one), BAR, WORST,
         (OPEN, 100.0, True)),
    ],
)  # fmt: skip
def test_what_a_bar_leaves_open_is_decided_by_the_policy(
    stand: Stand, bar: Prices, same_bar: str, found: Found
) -> None:
    at, _ = touch(stand, bar, same_bar=same_bar)
    assert at == (None if found is None else Touch(*found))


def test_a_trailing_stop_that_is_not_touched_has_followed_the_bar() -> None:
    bar = Prices(100.0, 103.0, 99.9, 102.9)
    for same_bar in (BEST, OHLC_PATH):
        stand = Stand(TRAILING_STOP, SELL, None, 98.0, False, lambda best: round(best - 4.0, 2))
        at, left = touch(stand, bar, same_bar=same_bar)
        assert (at, left.stop, left.triggered) == (None, 99.0, False)


@pytest.mark.parametrize(
    ("bar", "way"),
    [
        (BAR, [100.0, 98.0, 103.0, 100.5]),
        (BAR._replace(low=96.0), [100.0, 103.0, 96.0, 100.5]),
        (BAR._replace(low=97.0), [100.0, 97.0, 103.0, 100.5]),  # as near: the low first
    ],
)
def test_a_path_goes_to_the_nearer_end_first(bar: Prices, way: list[float]) -> None:
    legs = path(bar)
    assert [legs[0].open, *(leg.close for leg in legs)] == way
    for leg in legs:
        assert {leg.high, leg.low} == {leg.open, leg.close}


cents = st.integers(5_000, 15_000)


@st.composite
def bars(draw: st.DrawFn) -> Prices:
    low, *inside, high = sorted([draw(cents) for _ in range(4)])
    open_, close = draw(st.permutations(inside))
    return Prices(open_ / 100, high / 100, low / 100, close / 100)


kinds = st.sampled_from([MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP])
prices = cents.map(lambda price: price / 100)
policies = st.sampled_from(SAME_BAR)


def away(buys: bool, distance: float, factor: float = 1.0) -> Callable[[float], float]:
    """What a trailing stop follows by, in cents."""
    return lambda best: round(best + (distance if buys else -distance) * factor, 6)


@given(kinds, st.booleans(), prices, prices, bars(), st.booleans(), st.booleans(), policies)
def test_a_fill_lies_in_its_bar_and_no_limit_is_broken(
    kind: str,
    buys: bool,
    limit: float,
    stop: float,
    bar: Prices,
    triggered: bool,
    through: bool,
    same_bar: str,
) -> None:
    stand = Stand(kind, buys, limit, stop, triggered, away(buys, 1.0))
    at, left = touch(stand, bar, through=through, same_bar=same_bar)
    assert left.triggered or not triggered
    if at is None:
        return
    assert bar.low <= at.price <= bar.high
    if kind in (LIMIT, STOP_LIMIT):
        assert at.price <= limit if buys else at.price >= limit
        assert not at.at_market
    if kind == STOP and not triggered:
        assert at.price >= stop if buys else at.price <= stop
    if kind != TRAILING_STOP:
        assert at.phase == OPEN or at.price in (limit, stop)
    if kind == LIMIT and through and bar.open != limit:
        assert bar.low < limit if buys else bar.high > limit


def mirrored(price: float) -> float:
    return round(300.0 - price, 2)


@given(kinds, st.booleans(), prices, prices, bars(), st.booleans(), policies)
def test_a_sale_in_the_mirror_is_a_purchase(
    kind: str, buys: bool, limit: float, stop: float, bar: Prices, through: bool, same_bar: str
) -> None:
    assume(bar.high - bar.open != bar.open - bar.low)  # then the path begins downward, mirrored too
    options = {"through": through, "same_bar": same_bar}
    other = Prices(*map(mirrored, (bar.open, bar.low, bar.high, bar.close)))
    at, left = touch(Stand(kind, buys, limit, stop, False, away(buys, 1.0)), bar, **options)
    seen, seen_left = touch(
        Stand(kind, not buys, mirrored(limit), mirrored(stop), False, away(not buys, 1.0)),
        other,
        **options,
    )
    assert left.triggered is seen_left.triggered
    assert (at is None) is (seen is None)
    if at is not None and seen is not None:
        assert (at.phase, mirrored(at.price), at.at_market) == seen


@given(kinds, st.booleans(), prices, prices, bars(), st.sampled_from([0.5, 2.0, 4.0]), policies)
def test_scaling_all_prices_scales_the_fill_and_nothing_else(
    kind: str, buys: bool, limit: float, stop: float, bar: Prices, factor: float, same_bar: str
) -> None:
    stand = Stand(kind, buys, limit, stop, False, away(buys, 1.0))
    at, left = touch(stand, bar, same_bar=same_bar)
    scaled = Stand(kind, buys, limit * factor, stop * factor, False, away(buys, 1.0, factor))
    seen, seen_left = touch(scaled, Prices(*(price * factor for price in bar)), same_bar=same_bar)
    assert left.triggered is seen_left.triggered
    assert seen == (None if at is None else at._replace(price=at.price * factor))


# -- whatever way the price took -------------------------------------------------------------------


def bar_of(way: Sequence[int]) -> Prices:
    return Prices(way[0] / 100, max(way) / 100, min(way) / 100, way[-1] / 100)


def filled_on(way: Sequence[int], stand: Stand, distance: int) -> int | None:
    """The price an order gets on its way, tick by tick."""
    buys, stop, triggered = stand.buys, stand.stop and round(stand.stop * 100), False
    limit = stand.limit and round(stand.limit * 100)
    for place, tick in enumerate(way):
        if stand.kind == TRAILING_STOP and stop is not None:
            stop = min(stop, tick + distance) if buys else max(stop, tick - distance)
        if not triggered and stop is not None and (tick >= stop if buys else tick <= stop):
            triggered = True
            if stand.kind != STOP_LIMIT:
                return tick if place == 0 else stop
        ready = triggered or stand.kind == LIMIT
        if ready and limit is not None and (tick <= limit if buys else tick >= limit):
            return tick
    return None


near = st.integers(9_980, 10_020).map(lambda price: price / 100)


@settings(max_examples=1000)
@given(
    ways(20), st.sampled_from([LIMIT, STOP, STOP_LIMIT, TRAILING_STOP]), st.booleans(), near, near,
    st.integers(1, 15),
)  # fmt: skip
def test_no_way_through_a_bar_ends_worse_than_worst_or_better_than_best(
    way: list[int], kind: str, buys: bool, limit: float, stop: float, distance: int
) -> None:
    follow = away(buys, distance / 100)
    if kind == TRAILING_STOP:  # before the bar it was where the price had left it
        stop = follow(stop)
    with_limit, with_stop = kind in (LIMIT, STOP_LIMIT), kind != LIMIT
    stand = Stand(kind, buys, limit if with_limit else None, stop if with_stop else None,
                  follow=follow)  # fmt: skip
    bar = bar_of(way)

    def gain(price: float | None) -> int:
        """In cents at the bar's end; no fill gains nothing."""
        cents = 0 if price is None else round((bar.close - price) * 100)
        return cents if buys else -cents

    found = {}
    for same_bar in SAME_BAR:
        at, _ = touch(stand, bar, same_bar=same_bar)
        found[same_bar] = gain(at and at.price)
    price = filled_on(way, stand, distance)
    really = gain(None if price is None else price / 100)
    assert found[WORST] <= really <= found[BEST]
    assert found[WORST] <= found[OHLC_PATH] <= found[BEST]
