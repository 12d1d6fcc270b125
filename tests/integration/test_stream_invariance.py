"""How a run is executed leaves no trace: block size, threads, pace, switching, hash seed."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.market import BLOCKS, SCALE, differences, execute, outcome_of, wired
from tests.random_market import EXECUTION, Spec, busy_spec, small_specs, specs

from app.core.orders import CANCELED, EXPIRED, FILLED, REJECTED

ROOT = Path(__file__).resolve().parents[2]


# Of more rows than any block but the largest; not all that many hooks.
LONG = msgspec.structs.replace(busy_spec(), strategies=("OnFive",))


def test_a_run_is_the_same_for_every_block_size() -> None:
    ends = Counter[object]()

    @example(LONG)
    @given(specs())
    @settings(max_examples=15 * SCALE)
    def is_the_same(spec: Spec) -> None:
        outcomes = [execute(spec.config(rows), spec.market()) for rows in spec.block_sizes()]
        for outcome in outcomes[:-1]:
            assert not differences(outcomes[-1], outcome)
        ends.update(order[5] for order in outcomes[-1].orders)

    assert LONG.block_sizes() == BLOCKS
    is_the_same()
    few = {state for state in (FILLED, CANCELED, EXPIRED, REJECTED) if ends[state] < 30}
    assert not few, "where little happens little is proved"


class Leaping:
    """A machine on which every moment is already due: pacing cuts, and never waits."""

    def __init__(self) -> None:
        self._now_ns = 0

    def monotonic_ns(self) -> int:
        self._now_ns += 10**15
        return self._now_ns


@given(small_specs(), st.sampled_from(BLOCKS))
@settings(max_examples=10 * SCALE)
def test_a_paced_run_is_the_same_as_one_at_full_speed(spec: Spec, block_rows: int) -> None:
    market = msgspec.structs.replace(spec.market(), clock=Leaping())
    paced = execute(spec.config(block_rows, speed=1e6), market)
    assert not differences(execute(spec.config(), spec.market()), paced)


IN_A_BREAK = Spec(
    seed=21268, base="1m", sessions=3, history=0, minutes=14, half_days=frozenset(), gapless=False,
    broken=True, extended=True, keep=(1.0, 1.0, 1.0), empty=frozenset(), actions=(),
    strategies=("Reader",), declared={}, participation=None, allow_short=True,
)  # fmt: skip


@example(IN_A_BREAK, 1)  # amended when no bar is under way: the next bar finds the new terms
@given(small_specs(), st.sampled_from(BLOCKS))
@settings(max_examples=5 * SCALE)
def test_a_run_stepped_instant_by_instant_is_the_same(spec: Spec, block_rows: int) -> None:
    run, results = wired(spec.config(block_rows), spec.market(), paused=True)
    run.coordinator.step_instants(10**6)
    assert not differences(execute(spec.config(), spec.market()), outcome_of(run, results))


@given(small_specs(), st.sampled_from(BLOCKS))
@settings(max_examples=10 * SCALE)
def test_four_threads_make_what_one_makes(spec: Spec, block_rows: int) -> None:
    pool = execute(spec.config(block_rows, "pool"), spec.market())
    assert not differences(execute(spec.config(), spec.market()), pool)


def brief_spec(**changes: Any) -> Spec:
    """The same in a seventh of the time: sessions of minutes, and regular hours alone."""
    return msgspec.structs.replace(busy_spec(), minutes=12, extended=False, **changes)


@pytest.mark.parametrize("kind", ["spread", "volatility"])
def test_slippage_that_reads_the_market_is_the_same_however_it_is_cut(kind: str) -> None:
    found = [(rules.get("slippage") or {}).get("kind") for rules in EXECUTION]
    spec = brief_spec(seed=len(EXECUTION) + found.index(kind))
    expected = execute(spec.config(), spec.market())
    assert len(expected.fills) > 50, "a market in which little happens proves little"
    for block_rows in spec.block_sizes()[:-1]:
        assert not differences(expected, execute(spec.config(block_rows), spec.market()))
    run, results = wired(spec.config(7), spec.market(), paused=True)
    run.coordinator.step_instants(10**6)
    assert not differences(expected, outcome_of(run, results))


def test_a_run_paced_by_the_machine_s_clock_is_the_same() -> None:
    spec = brief_spec()
    paced = execute(spec.config(runner="pool", speed=100_000.0), spec.market())
    assert not differences(execute(spec.config(), spec.market()), paced)


@pytest.mark.parametrize("runs", [16, pytest.param(50, marks=pytest.mark.slow)])
def test_runs_on_four_threads_are_one_run_however_the_machine_switches(runs: int) -> None:
    """Sixteen: each block size at each interval."""
    spec = brief_spec()
    expected = execute(spec.config(), spec.market())
    assert len(expected.fills) > 50, "a market in which little happens proves little"
    before = sys.getswitchinterval()
    try:
        for number in range(runs):
            sys.setswitchinterval((1e-6, 1e-4, 5e-3, 1.0)[number % 4])
            block_rows = (7, 64, 390, 8192)[number // 4 % 4]
            outcome = execute(spec.config(block_rows, "pool"), spec.market())
            assert not differences(expected, outcome)
    finally:
        sys.setswitchinterval(before)


SEEDS = ("0", "1", "12345")  # with one of them these tests themselves are run
PRINT_RUN = """
from tests.integration.test_stream_invariance import printed_run
print(printed_run(), end="")
"""


def printed_run() -> str:
    outcome = execute(brief_spec().config(64, "pool"), brief_spec().market())
    last = outcome.seen[-1][-1]
    return f"{outcome.fingerprint} {outcome.final_equity} {len(outcome.fills)} {last}"


def test_no_hash_seed_changes_a_run() -> None:
    own = os.environ.get("PYTHONHASHSEED")
    printed = {printed_run()} if own in SEEDS else set()
    printed |= {
        subprocess.run(
            [sys.executable, "-c", PRINT_RUN],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in SEEDS
        if seed != own
    }
    assert len(printed) == 1 and printed.pop().strip()
