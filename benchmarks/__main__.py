"""`python -m benchmarks`: run workloads, print a table or one line of JSON."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from app.core.errors import EXIT_INTERRUPTED, AppError, UsageError, did_you_mean
from benchmarks import hops, imports, live, orders, replays, report, risk, starts
from benchmarks.outcome import Outcome, as_json, show

FEWEST_BARS = 1_000

# Name: what runs it, and its size in bars, rows, hops or orders.
WORKLOADS: dict[str, tuple[Callable[[Path, int, int], Outcome], int]] = {
    "one": (replays.one, 500_000),
    "many": (replays.many, 1_000_000),
    "wide": (replays.wide, 195_000),
    "long": (replays.long, 980_000),
    "hop": (hops.hop, 2_340),
    "import": (imports.import_csv, 2_000_000),
    "start": (starts.start, 0),
    "orders": (orders.orders, 100_000),
    "risk": (risk.risk, 100_000),
    "report": (report.report, 490_000),
    "live": (live.live, 1_950),
    "kill": (live.kill, 0),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        outcomes = _run(arguments.only or list(WORKLOADS), arguments.bars, arguments.repeats)
    except AppError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    if arguments.json:
        print(json.dumps(as_json(outcomes)))
    else:
        show(outcomes)
    return 0


def _run(names: Sequence[str], bars: int | None, repeats: int) -> list[Outcome]:
    for name in names:
        if name not in WORKLOADS:
            hint = did_you_mean(name, WORKLOADS)
            raise UsageError(
                f"There is no workload '{name}'; there are {', '.join(WORKLOADS)}.{hint}"
            )
    if repeats < 1 or (bars is not None and bars < FEWEST_BARS):
        raise UsageError(f"Give --repeats of at least 1, and --bars of at least {FEWEST_BARS}.")
    outcomes = []
    for name in dict.fromkeys(names):
        work, size = WORKLOADS[name]
        print(f"{name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            outcomes.append(work(Path(folder), min(size, bars or size), repeats))
    return outcomes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time the engine, each workload beside a yardstick of the same run.",
        epilog='Example: make -s bench ARGS="--only one --json"',
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", help=f"one of {', '.join(WORKLOADS)}; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON in place of a table")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of each timing (5)")
    parser.add_argument(
        "--bars", type=int, help="at most so many bars, rows, hops or orders: for a quick try"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
