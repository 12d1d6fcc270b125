"""A replay that is killed at any instant of any market: what leaves after it, and how it ends."""

from collections import defaultdict
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, Outcome, outcome_of, wired
from tests.random_market import Spec, specs

from app.core.intervals import MINUTE_NS
from app.core.orders import REJECTED
from app.managers.execution_manager.orders.kill import FLATTEN, FREEZE, KILL_MODES, KillLatch
from app.managers.system_manager.wiring import Run

MODES = st.sampled_from(KILL_MODES)
SHARES = st.floats(0, 1)
HALF_MINUTE_NS = MINUTE_NS // 2


class Noting(KillLatch):
    """A latch that keeps how many orders there were, and what was held, as it fell."""

    run: Run
    orders = 0
    held: tuple[tuple[int, ...], ...] = ()

    def fall(self, mode: str, reason: str) -> bool:
        execution = self.run.execution
        if not self.mode:
            self.orders = execution.order_count
            self.held = tuple(tuple(p.units for p in row) for row in execution.positions)
        return super().fall(mode, reason)


def instant_of(spec: Spec, share: float) -> int:
    """A moment of the run, as a minute ends or in the midst of one."""
    sessions = spec.calendar()[spec.history :]
    first_ns, last_ns = sessions[0].open_ns, sessions[-1].close_ns
    return first_ns + int((last_ns - first_ns) * share) // HALF_MINUTE_NS * HALF_MINUTE_NS


def killed(
    spec: Spec, kills: list[tuple[int, str]], *, ends: bool, **engine: Any
) -> tuple[Run, Noting, Outcome]:
    """The run, killed at these moments; with `ends` it ends when that is done."""
    run, results = wired(spec.config(**engine), spec.market())
    latch = run.execution.entries.kill = Noting()
    latch.run = run
    for at_ns, mode in kills:
        run.coordinator.kill_at(at_ns, mode, "proof")
    if ends:
        run.engine.end_when_killed()
    return run, latch, outcome_of(run, results)


@given(specs(), SHARES, MODES)
@settings(max_examples=8 * SCALE, deadline=None)
def test_nothing_that_opens_leaves_after_a_kill(spec: Spec, share: float, mode: str) -> None:
    spec = msgspec.structs.replace(spec, actions=())  # a split is no order's doing
    run, latch, found = killed(spec, [(instant_of(spec, share), mode)], ends=False)
    own = run.execution.entries.own
    later = [order for order in found.orders if order[0] > latch.orders and order[0] not in own]
    if mode == FLATTEN:
        assert {order[5] for order in later} <= {REJECTED, "CANCELED"}
    else:
        assert not own
    held: dict[tuple[int, int], int] = defaultdict(int)
    for _, order, symbol, units, _, _, _, _, strategy, *_ in found.fills:
        before = held[strategy, symbol]
        held[strategy, symbol] += units
        if order > latch.orders:
            assert abs(before + units) < abs(before), "it opened"
            assert before * (before + units) >= 0, "it turned"


@given(specs(), SHARES)
@settings(max_examples=8 * SCALE, deadline=None)
def test_a_flatten_ends_flat_where_there_are_bars_to_fill_it(spec: Spec, share: float) -> None:
    spec = msgspec.structs.replace(
        spec, participation=None, keep=(1.0,) * len(spec.keep), empty=frozenset()
    )
    sessions = spec.calendar()[spec.history :]
    at_ns = min(instant_of(spec, share), sessions[-1].close_ns - 8 * MINUTE_NS)
    base_ns = 5 * MINUTE_NS if spec.base == "5m" else MINUTE_NS
    run, latch, found = killed(spec, [(at_ns, FLATTEN)], ends=True)
    if sessions[-1].close_ns - at_ns > 5 * base_ns:
        assert found.reason == "killed"
        assert latch.done_ns >= at_ns
    if latch.done_ns:
        assert not any(position.units for row in run.execution.positions for position in row)
        assert all(order[8] <= latch.done_ns for order in found.orders)


@given(specs(), SHARES, MODES, st.booleans())
@settings(max_examples=3 * SCALE, deadline=None)
def test_a_killed_replay_is_the_same_for_every_block_size(
    spec: Spec, share: float, mode: str, ends: bool
) -> None:
    kills = [(instant_of(spec, share), mode)]
    _, _, whole = killed(spec, kills, ends=ends)
    for block_rows, runner in ((1, "inline"), (7, "pool")):
        _, _, other = killed(spec, kills, ends=ends, block_rows=block_rows, runner=runner)
        for name in msgspec.structs.asdict(whole):
            assert getattr(whole, name) == getattr(other, name), name


@given(specs(), SHARES, MODES)
@settings(max_examples=3 * SCALE, deadline=None)
def test_killed_twice_is_killed_once(spec: Spec, share: float, mode: str) -> None:
    at_ns = instant_of(spec, share)
    _, _, once = killed(spec, [(at_ns, mode)], ends=False)
    again = [(at_ns, FREEZE), (at_ns + MINUTE_NS, mode)]
    _, _, twice = killed(spec, [(at_ns, mode), *again], ends=False)
    assert once.entries == twice.entries
    assert once.orders == twice.orders
    assert once.final_equity == twice.final_equity
