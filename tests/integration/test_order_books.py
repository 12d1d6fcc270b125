"""Ten thousand random lives of orders of every kind, event by event, against books in fractions."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lives import seeds_of
from tests.market import SCALE
from tests.order_life import Life

from app.core.orders import CANCELED, EXPIRED, FILLED, KINDS, REJECTED

STREAMS, PARTS = 10_000 * SCALE, 10
LIVES = 10  # of each draw


def marks(part: int) -> list[pytest.MarkDecorator]:
    """The others are lived where time is less short."""
    return [pytest.mark.live] if part > 4 else [pytest.mark.slow] * (part > 0)


@pytest.mark.parametrize("part", [pytest.param(n, marks=marks(n)) for n in range(PARTS)])
@given(draw=st.integers(0, 10**12))
@seeds_of(STREAMS // PARTS // LIVES)
def test_orders_fill_as_their_terms_and_links_allow_and_the_books_agree(
    part: int, draw: int
) -> None:
    for number in range(LIVES):
        Life((draw * PARTS + part) * LIVES + number).live()


def test_the_lives_know_every_kind_of_order_and_of_end() -> None:
    lives = [Life(seed) for seed in range(300)]
    for life in lives:
        life.live()
    given = [order for life in lives for order in life.records]
    filled = Counter(order.kind for order in given if order.filled_units)
    assert set(filled) == set(KINDS)
    assert min(filled.values()) > 10
    assert set(Counter(order.state for order in given)) == {FILLED, CANCELED, EXPIRED, REJECTED}
    parts = [order for order in given if 0 < abs(order.filled_units) < abs(order.units)]
    assert len(parts) > 25
    for of in ("parent", "group", "reduce_only"):
        assert sum(bool(getattr(order, of) and order.filled_units) for order in given) > 30, of
    books = [book for life in lives for book in life.books.values()]
    for figure in ("interest", "transfers", "income", "fees"):
        assert sum(getattr(book, figure) != 0 for book in books) > 5, figure
    assert sum(any(book.borrow) for book in books) > 5
