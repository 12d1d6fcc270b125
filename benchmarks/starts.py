"""How long a command takes from nothing, beside a Python that does nothing."""

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter_ns

from benchmarks.measure import BenchError, interleaved
from benchmarks.outcome import Outcome, Row

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    "--help",
    "version",
    "time now",
    "data list",
    "runs list",
    "config check session_configs/example_session.json",
)


def start(folder: Path, size: int, repeats: int) -> Outcome:
    """Median wall times; a first round, not counted, makes database, calendar and bytecode."""
    environment = {**os.environ, "MISMARTERA_DATA_FOLDER": str(folder)}
    lines = [
        ["-c", "pass"],
        *(["-m", "app.cli.main", *command.split()] for command in COMMANDS),
    ]
    rounds = interleaved([partial(_ms, line, environment) for line in lines], repeats)
    nothing_ms, *spent_ms = map(statistics.median, rounds)
    yardstick = f"{nothing_ms:.0f} ms for python -c pass"
    rows = [
        Row(command, f"{ms:.0f} ms", yardstick, ms / nothing_ms)
        for command, ms in zip(COMMANDS, spent_ms, strict=True)
    ]
    commands_ms = {name: round(ms, 1) for name, ms in zip(COMMANDS, spent_ms, strict=True)}
    figures = {"commands_ms": commands_ms, "python_ms": round(nothing_ms, 1)}
    return Outcome("start", figures, tuple(rows))


def _ms(line: Sequence[str], environment: dict[str, str]) -> float:
    begin_ns = perf_counter_ns()
    done = subprocess.run(
        [sys.executable, *line],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    spent_ns = perf_counter_ns() - begin_ns
    if done.returncode:
        raise BenchError(f"'{' '.join(line)}' ended with {done.returncode}: {done.stderr.strip()}")
    return spent_ns / 1e6
