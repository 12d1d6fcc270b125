"""Ways a price can take through a bar, a cent at a time."""

from hypothesis import strategies as st


@st.composite
def ways(draw: st.DrawFn, cents: int) -> list[int]:
    """A price that stays within so many cents of 100.00, in cents."""
    turns = draw(st.lists(st.integers(10_000 - cents, 10_000 + cents), min_size=1, max_size=6))
    way = [turns[0]]
    for turn in turns[1:]:
        step = 1 if turn > way[-1] else -1
        way += range(way[-1] + step, turn + step, step)
    return way
