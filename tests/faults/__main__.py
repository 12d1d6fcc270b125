"""`make simulate`: one seed with its events, or a range of seeds with what they came to."""

import argparse
import gc
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from loguru import logger

from tests.faults.grounds import GROUNDS, STOCKS
from tests.faults.kinds import IMPOSSIBLE, KINDS, STATES
from tests.faults.proof import RUNNERS, trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Outcome, Simulation
from tests.faults.tally import LEAST_IN_CELL, Tally

_BLOCKS = (1, 2, 7, 390)
_KEPT_EVERY = 200  # schedules
_CHUNKS_A_WORKER = 25  # of four schedules: what they leave behind goes with the worker


def simulate(
    seed: int, *, tell: bool = False, prove: bool = True, venue: str = STOCKS.venue
) -> Outcome:
    """One schedule and, where it holds, the repetition of what it recorded."""
    sim = Simulation(seed, print if tell else None, venue)
    Schedule(sim)
    outcome = sim.run()
    if not outcome.broke and prove:
        runner, most = RUNNERS[seed % 2], _BLOCKS[seed // 2 % 4]
        trouble = trouble_of(sim, runner, most)
        if trouble:
            outcome.broke = f"I10: {runner}, {most} blocks as one: {trouble}"
    return outcome


def _begin_worker() -> None:
    """What a schedule makes is mostly gone with it: it is seldom worth a look."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _outcomes(seeds: Iterator[int], workers: int, venue: str) -> Iterator[Outcome]:
    """In the order of their seeds, so that what is done is a range."""
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, _begin_worker, maxtasksperchild=_CHUNKS_A_WORKER) as pool:
        yield from pool.imap(partial(simulate, venue=venue), seeds, chunksize=4)


def _report(tally: Tally) -> None:
    counts = tally.counts
    print(f"\n{tally.done} schedules; fired, and with an order in the state:")
    print(f"{'':5}{'':42}{'all':>8} " + " ".join(f"{state:>14}" for state in STATES))
    for kind, words in KINDS.items():
        cells = " ".join(
            f"{'-' if (kind, state) in IMPOSSIBLE else counts.cells[kind, state]:>14}"
            for state in STATES
        )
        print(f"{kind:5}{words:42}{counts.fired[kind]:>8} {cells}")
    rare = counts.rare_cells(LEAST_IN_CELL)
    if rare:
        few = ", ".join(f"{kind} {state} ({n})" for kind, state, n in rare)
        print(f"fewer than {LEAST_IN_CELL} times: {few}")
    for lack in tally.lacks():
        print(lack)
    for seed, broke in tally.broken.items():
        print(f"seed {seed}: {broke}\n  again: make simulate SEED={seed}")
    print(f"{len(tally.broken)} of {tally.done} schedules broke an invariant", flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """The exit code: 1 where an invariant broke, or something was met too seldom."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--venue", choices=GROUNDS, default=STOCKS.venue)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--counts", type=Path, help="add to this file; what is in it is done")
    parser.add_argument("--quiet", action="store_true", help="of one seed: only its hash")
    given = parser.parse_args(words)
    logger.remove()
    if given.seed is not None:
        outcome = simulate(given.seed, tell=not given.quiet, venue=given.venue)
        print(f"seed {given.seed}: {outcome.broke or outcome.reason}, log {outcome.log_hash}")
        return 1 if outcome.broke else 0
    tally = Tally(given.counts)
    seeds = tally.missing(given.first, given.first + given.seeds)
    for number, outcome in enumerate(_outcomes(seeds, given.workers, given.venue), 1):
        tally.add(outcome)
        if outcome.broke:
            print(f"seed {outcome.seed}: {outcome.broke}", flush=True)
        if number % _KEPT_EVERY == 0:
            tally.keep()
    tally.keep()
    _report(tally)
    return 1 if tally.broken or tally.lacks() else 0


if __name__ == "__main__":
    sys.exit(main())
