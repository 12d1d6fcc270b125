"""A replay that is killed at any instant of any market: what leaves after it, and how it ends."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, Outcome, outcome_of, wired
from tests.random_market import Spec, specs

from app.core.orders import CANCELED, REJECTED
from app.managers.execution_manager.kill import FLATTEN, FREEZE, KILL_MODES
from app.managers.system_manager.wiring import Run

MODES = st.sampled_from(KILL_MODES)
SHARES = st.floats(0, 1)


def instant_of(spec: Spec, share: float) -> int:
    """A moment of the run, on a minute or in the midst of one."""
    sessions = spec.calendar()[spec.history :]
    first_ns, last_ns = sessions[0].open_ns, sessions[-1].close_ns
    return first_ns + int((last_ns - first_ns) * share) // 30_000_000_000 * 30_000_000_000


def killed(
    spec: Spec, kills: list[tuple[int, str]], *, ends: bool, **engine: Any
) -> tuple[Run, Outcome]:
    """The run, killed at these moments; with `ends` it ends when that is done."""
    run, results = wired(spec.config(**engine), spec.market())
    for at_ns, mode in kills:
        run.coordinator.kill_at(at_ns, mode, "proof")
    if ends:
        run.engine.end_when_killed()
    return run, outcome_of(run, results)


@given(specs(), SHARES, MODES)
@settings(max_examples=40 * SCALE, deadline=None)
def test_nothing_that_opens_leaves_after_a_kill(spec: Spec, share: float, mode: str) -> None:
    at_ns = instant_of(spec, share)
    run, found = killed(spec, [(at_ns, mode)], ends=False)
    own = run.execution.entries.own
    theirs = [order for order in found.orders if order[4] > at_ns and order[0] not in own]
    if mode == FLATTEN:
        assert {order[5] for order in theirs} <= {REJECTED, CANCELED}
        assert all(order[6] == 0 for order in theirs)
    held = [[position.units for position in row] for row in run.execution.positions]
    if mode == FREEZE:
        assert not own
    else:
        for row in held:
            assert not any(row) or run.execution.broker.working is not None


@given(specs(), SHARES, MODES, st.booleans())
@settings(max_examples=25 * SCALE, deadline=None)
def test_a_killed_replay_is_the_same_for_every_block_size(
    spec: Spec, share: float, mode: str, ends: bool
) -> None:
    kills = [(instant_of(spec, share), mode)]
    _, whole = killed(spec, kills, ends=ends)
    for block_rows in (1, 7):
        _, other = killed(spec, kills, ends=ends, block_rows=block_rows)
        for name in msgspec.structs.asdict(whole):
            assert getattr(whole, name) == getattr(other, name), name


@given(specs(), SHARES, MODES)
@settings(max_examples=15 * SCALE, deadline=None)
def test_killed_twice_is_killed_once(spec: Spec, share: float, mode: str) -> None:
    at_ns = instant_of(spec, share)
    _, once = killed(spec, [(at_ns, mode)], ends=False)
    later = [(at_ns, mode), (at_ns, FREEZE), (at_ns + 60_000_000_000, mode)]
    _, twice = killed(spec, later if mode == FLATTEN else later[::2], ends=False)
    assert once.entries == twice.entries
    assert once.orders == twice.orders
