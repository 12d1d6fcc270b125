"""What is decided up to a moment does not change with anything that comes after it."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, Outcome, execute, market_of
from tests.random_market import Action, Spec, actions_of, specs

from app.core.bars import COLUMNS, BarColumns
from app.core.intervals import MINUTE_NS
from app.managers.system_manager.needs.market import Market


def decided(outcome: Outcome, until_ns: int) -> dict[str, list[Any]]:
    """All that was read, decided, filled and shown up to a moment."""
    # not the quantity: a split that comes later changes that of a resting order
    orders = sorted((*row[:3], row[4]) for row in outcome.orders if row[4] <= until_ns)
    fills = [fill for fill in outcome.fills if fill[7] <= until_ns]
    return {
        "seen": [[note for note in notes if note[0] <= until_ns] for notes in outcome.seen],
        "orders": orders,
        "fills": fills,
        "hashed": [entry for entry in outcome.entries if _instant(entry) <= until_ns],
        "equity": [point for point in outcome.equity if point[0] <= until_ns],
    }


def _instant(entry: bytes) -> int:
    """When a hashed entry happened: it stands behind kind, strategy and symbol."""
    return int.from_bytes(entry[5:13], "little", signed=True)


def spoiled(spec: Spec, columns: BarColumns, after_ns: int, keep: float) -> BarColumns:
    """Other bars after a moment: some are gone, and all have other prices and volumes."""
    later = spec.known_ns(columns.start_ns) > after_ns
    rows = ~later | (np.random.default_rng(spec.seed).random(len(columns)) < keep)
    values = {name: getattr(columns, name)[rows].copy() for name in COLUMNS}
    for name in COLUMNS[1:]:
        values[name][later[rows]] *= 3
    return BarColumns(**values)


def another_future(
    spec: Spec, after_ns: int, actions: tuple[Action, ...], keep: float, cut: bool
) -> Market:
    """The market up to a moment, then other bars and actions; or no further session at all."""
    sessions, bars = spec.calendar(), spec.bars()
    starts = [session.segments(spec.extended)[0].start_ns for session in sessions]
    kept = [action for action in spec.actions if starts[action.session] <= after_ns]
    kept += [action for action in actions if starts[action.session] > after_ns]
    other = {key: spoiled(spec, columns, after_ns, keep) for key, columns in bars.items()}
    adjustments = msgspec.structs.replace(spec, actions=tuple(kept)).adjustments(other)
    if cut:
        sessions = sessions[: sum(start_ns <= after_ns for start_ns in starts)]
    return market_of(sessions, other, spec.symbols, spec.history, adjustments)


@given(
    specs(),
    st.integers(0, 10**6),
    st.lists(actions_of(1, 5), min_size=1, max_size=3),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
    st.sampled_from([1, 7, 8192]),
)
@settings(max_examples=10 * SCALE)
def test_no_later_bar_split_or_dividend_changes_what_was_decided(
    spec: Spec, place: int, actions: list[Action], keep: float, cut: bool, block_rows: int
) -> None:
    known = execute(spec.config(), spec.market())
    instants = [note[0] for notes in known.seen for note in notes]
    until_ns = sorted(instants)[place % len(instants)]
    fitting = tuple(action for action in actions if action.session < spec.sessions)
    market = another_future(spec, until_ns, fitting, keep, cut)
    if cut:  # a timer after the last close has no stream left to fire in
        until_ns = min(until_ns, market.sessions[-1].segments(spec.extended)[-1].end_ns)
    other = execute(spec.config(block_rows), market)
    assert decided(other, until_ns) == decided(known, until_ns)


@pytest.mark.parametrize("half_day", [2, 3])
def test_a_half_day_to_come_changes_nothing_that_is_decided_before_it(half_day: int) -> None:
    """Default history is counted on the sessions before the run, not on those within it."""
    spec = Spec(
        seed=1,
        base="1m",
        sessions=5,
        history=2,
        minutes=30,
        half_days=frozenset({half_day}),
        gapless=False,
        broken=False,
        extended=False,
        keep=(1.0,),
        empty=frozenset(),
        actions=(),
        strategies=("Reader",),
        declared={},
        participation=None,
        allow_short=True,
    )
    until_ns = spec.calendar()[2].open_ns + 10 * MINUTE_NS
    known = execute(spec.config(), spec.market())
    other = execute(spec.config(), another_future(spec, until_ns, (), 1.0, cut=True))
    assert decided(other, until_ns) == decided(known, until_ns)
