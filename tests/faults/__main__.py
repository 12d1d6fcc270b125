"""`make simulate`: one seed with its events, or a range of seeds with what they came to."""

import argparse
import multiprocessing
import sys
from collections.abc import Iterator

from loguru import logger

from tests.faults.kinds import IMPOSSIBLE, KINDS, STATES, Counts
from tests.faults.proof import RUNNERS, trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Outcome, Simulation

_BLOCKS = (1, 2, 7, 390)


def simulate(seed: int, *, tell: bool = False, prove: bool = True) -> Outcome:
    """One schedule and, where it holds, the repetition of what it recorded."""
    sim = Simulation(seed, print if tell else None)
    Schedule(sim)
    outcome = sim.run()
    if not outcome.broke and prove:
        runner, most = RUNNERS[seed % 2], _BLOCKS[seed // 2 % 4]
        trouble = trouble_of(sim, runner, most)
        if trouble:
            outcome.broke = f"I10: {runner}, {most} blocks as one: {trouble}"
    return outcome


def _outcomes(first: int, count: int, workers: int) -> Iterator[Outcome]:
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(simulate, range(first, first + count), chunksize=4)


def _report(counts: Counts, done: int) -> None:
    print(f"\n{done} schedules; fired, and with an order in the state:")
    print(f"{'':5}{'':42}{'all':>8} " + " ".join(f"{state:>14}" for state in STATES))
    for kind, words in KINDS.items():
        cells = " ".join(
            f"{'-' if (kind, state) in IMPOSSIBLE else counts.cells[kind, state]:>14}"
            for state in STATES
        )
        print(f"{kind:5}{words:42}{counts.fired[kind]:>8} {cells}")
    rare = counts.rare_cells(10)
    if rare:
        print("fewer than 10 times:", ", ".join(f"{k} {s} ({n})" for k, s, n in rare))


def main() -> int:
    """The exit code: 1 where an invariant broke."""
    words = argparse.ArgumentParser(prog="make simulate")
    words.add_argument("--seed", type=int)
    words.add_argument("--seeds", type=int, default=1000)
    words.add_argument("--first", type=int, default=0)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--quiet", action="store_true", help="of one seed: only its hash")
    given = words.parse_args()
    logger.remove()
    if given.seed is not None:
        outcome = simulate(given.seed, tell=not given.quiet)
        print(f"seed {given.seed}: {outcome.broke or outcome.reason}, log {outcome.log_hash}")
        return 1 if outcome.broke else 0
    counts, done, broken = Counts(), 0, 0
    for outcome in _outcomes(given.first, given.seeds, given.workers):
        done += 1
        counts.add(outcome.counts)
        if outcome.broke:
            broken += 1
            print(f"seed {outcome.seed}: {outcome.broke}")
            print(f"  again: make simulate SEED={outcome.seed}", flush=True)
    _report(counts, done)
    print(f"{broken} of {done} schedules broke an invariant")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
