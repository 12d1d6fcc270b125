"""The spread at a bar's open: exact to the unit, of the last quote since the session before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.core.bars import Table, fields_of, interleave, join_tables
from app.services.quotes import in_force, open_spread

NAN = float("nan")


def test_a_spread_is_what_its_prices_print() -> None:
    quotes = {"bid_open": np.array([9.0, 10.1, NAN, 10.3]), "ask_open": np.array([9, 10.3, 1, 10])}
    assert open_spread(quotes, 1, 4).tolist()[0] == 0.2
    assert np.array_equal(open_spread(quotes, 0, 4), [0.0, 0.2, NAN, -0.3], equal_nan=True)


def test_without_both_sides_there_is_no_spread() -> None:
    for sides in ({}, {"bid_open": np.ones(3)}, {"bid_close": np.ones(3), "ask_open": np.ones(3)}):
        assert np.isnan(open_spread(sides, 1, 3)).tolist() == [True, True]


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from([NAN, NAN, 0.0, 0.01, 0.2]))),
    st.lists(st.integers(1, 100), unique=True),
    st.lists(st.tuples(st.integers(4, 15), st.integers(0, 3)), min_size=1, max_size=5),
)
def test_a_bar_has_the_last_quote_since_the_session_before_its_own_ended(
    quotes: list[tuple[int, float]], bars: list[int], sessions: list[tuple[int, int]]
) -> None:
    made = np.cumsum([step for step, _ in quotes], dtype=np.int64)
    opens = np.cumsum([length for length, _ in sessions], dtype=np.int64)
    since = opens - [before for _, before in sessions]
    starts = np.array(sorted(bar for bar in bars if bar >= opens[0]), np.int64)
    expected = []
    for start in starts.tolist():
        number = max(place for place, open_ in enumerate(opens.tolist()) if open_ <= start)
        heard = [
            spread
            for at, (_, spread) in zip(made.tolist(), quotes, strict=True)
            if since[number] <= at <= start and spread == spread
        ]
        expected.append(heard[-1] if heard else 0.0)
    spreads = np.array([spread for _, spread in quotes], np.float64)
    assert in_force(made, spreads, starts, opens, since).tolist() == expected


def table_of(symbol: int, starts: list[int], *, quoted: bool = True) -> Table:
    """Bars whose prices and spread are their start."""
    times = np.array(starts, np.int64)
    price = times.astype(np.float64)
    spread = price + 10 * symbol if quoted else None
    return Table(
        np.full(len(times), symbol, np.int32), times, times + 1, *[price] * 5, spread=spread
    )


def spreads(table: Table) -> list[float]:
    assert table.spread is not None
    return table.spread.tolist()


def test_spreads_go_with_their_bars_through_cuts_and_joins() -> None:
    one, other = table_of(0, [1, 2, 3]), table_of(1, [1, 2, 3])
    assert spreads(one.take(np.array([2, 0]))) == [3.0, 1.0]
    assert spreads(join_tables([one, other])) == [1.0, 2.0, 3.0, 11.0, 12.0, 13.0]
    assert spreads(interleave([one, other])) == [1.0, 11.0, 2.0, 12.0, 3.0, 13.0]
    assert spreads(interleave([one, table_of(1, [2, 4])])) == [1.0, 2.0, 12.0, 3.0, 14.0]


def test_bars_without_spreads_carry_none() -> None:
    bare = table_of(0, [1, 2], quoted=False)
    assert bare.take(slice(1, 2)).spread is None
    assert join_tables([bare, table_of(1, [1])]).spread is None
    assert "spread" not in fields_of(bare)
