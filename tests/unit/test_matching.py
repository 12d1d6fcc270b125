"""Every fill rule on hand-made bars, and what scaled or mirrored prices must not change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.orders import LIMIT, MARKET, STOP, STOP_LIMIT
from app.services.matching import INSIDE, OPEN, Prices, Touch, touch

BAR = Prices(open=100.0, high=103.0, low=98.0)
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
    at, _ = touch(kind, buys, limit, stop, BAR)
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
    assert touch(kind, BUY, limit, stop, BAR)[1] is triggered


def test_what_was_triggered_before_waits_for_no_stop() -> None:
    assert touch(STOP, SELL, None, 90.0, BAR, triggered=True)[0] == Touch(OPEN, 100.0, True)
    assert touch(STOP_LIMIT, SELL, 102.0, 90.0, BAR, triggered=True) == (
        Touch(INSIDE, 102.0, False),
        True,
    )


@pytest.mark.parametrize(
    ("buys", "limit", "filled"),
    [(BUY, 98.0, False), (BUY, 98.01, True), (SELL, 103.0, False), (SELL, 102.99, True),
     (BUY, 100.0, True), (SELL, 100.0, True)],
)  # fmt: skip
def test_by_option_a_limit_inside_the_bar_must_be_traded_through(
    buys: bool, limit: float, filled: bool
) -> None:
    assert (touch(LIMIT, buys, limit, None, BAR, through=True)[0] is not None) is filled


cents = st.integers(5_000, 15_000)


@st.composite
def bars(draw: st.DrawFn) -> Prices:
    low, open_, high = sorted([draw(cents), draw(cents), draw(cents)])
    return Prices(open_ / 100, high / 100, low / 100)


kinds = st.sampled_from([MARKET, LIMIT, STOP, STOP_LIMIT])
prices = cents.map(lambda price: price / 100)


@given(kinds, st.booleans(), prices, prices, bars(), st.booleans(), st.booleans())
def test_a_fill_lies_in_its_bar_and_no_limit_is_broken(
    kind: str, buys: bool, limit: float, stop: float, bar: Prices, triggered: bool, through: bool
) -> None:
    at, touched = touch(kind, buys, limit, stop, bar, triggered=triggered, through=through)
    assert touched or not triggered
    if at is None:
        return
    assert bar.low <= at.price <= bar.high
    if kind in (LIMIT, STOP_LIMIT):
        assert at.price <= limit if buys else at.price >= limit
        assert not at.at_market
    if kind == STOP and not triggered:
        assert at.price >= stop if buys else at.price <= stop
    assert at.phase == OPEN or at.price in (limit, stop)


def mirrored(price: float) -> float:
    return round(300.0 - price, 2)


@given(kinds, st.booleans(), prices, prices, bars(), st.booleans())
def test_a_sale_in_the_mirror_is_a_purchase(
    kind: str, buys: bool, limit: float, stop: float, bar: Prices, through: bool
) -> None:
    other = Prices(mirrored(bar.open), mirrored(bar.low), mirrored(bar.high))
    at, touched = touch(kind, buys, limit, stop, bar, through=through)
    seen, seen_touched = touch(
        kind, not buys, mirrored(limit), mirrored(stop), other, through=through
    )
    assert touched is seen_touched
    assert (at is None) is (seen is None)
    if at is not None and seen is not None:
        assert (at.phase, mirrored(at.price), at.at_market) == seen


@given(kinds, st.booleans(), prices, prices, bars(), st.sampled_from([0.5, 2.0, 4.0]))
def test_scaling_all_prices_scales_the_fill_and_nothing_else(
    kind: str, buys: bool, limit: float, stop: float, bar: Prices, factor: float
) -> None:
    at, touched = touch(kind, buys, limit, stop, bar)
    scaled = Prices(*(price * factor for price in bar))
    seen, seen_touched = touch(kind, buys, limit * factor, stop * factor, scaled)
    assert touched is seen_touched
    assert seen == (None if at is None else at._replace(price=at.price * factor))
