"""Ten thousand random lives of orders of every kind, event by event, against books in fractions."""

import pytest
from tests.market import SCALE
from tests.order_life import Life

STREAMS, PARTS = 10_000 * SCALE, 10


@pytest.mark.parametrize("part", range(PARTS))
def test_orders_fill_as_their_terms_and_links_allow_and_the_books_agree(part: int) -> None:
    for seed in range(part * STREAMS // PARTS, (part + 1) * STREAMS // PARTS):
        try:
            Life(seed).live()
        except Exception as error:
            raise AssertionError(f"in the life of seed {seed}") from error
