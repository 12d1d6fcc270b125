"""How long a command takes from nothing, beside a bare Python; the shell's prompt, and a line."""

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter_ns

from app.core.settings import PREFIX
from benchmarks.measure import BenchError, interleaved
from benchmarks.outcome import Outcome, Row
from benchmarks.prompts import LINE, prompts

CONFIG = Path(__file__).resolve().parents[1] / "session_configs" / "example_session.json"
CHECK = "config check"
COMMANDS = ("--help", "version", "time now", "data list", "runs list", CHECK)


def start(folder: Path, size: int, repeats: int) -> Outcome:
    """Median wall times; a first round, not counted, makes database, calendar and bytecode."""
    lines = [["-c", "pass"], *(["-m", "app.cli.main", *command.split()] for command in COMMANDS)]
    lines[1 + COMMANDS.index(CHECK)].append(str(CONFIG))
    rounds = interleaved([partial(_ms, line, folder) for line in lines], repeats)
    nothing_ms, *spent_ms = map(statistics.median, rounds)
    yardstick = f"{nothing_ms:.0f} ms for python -c pass"
    rows = [
        Row(command, f"{ms:.0f} ms", yardstick, ms / nothing_ms)
        for command, ms in zip(COMMANDS, spent_ms, strict=True)
    ]
    commands_ms = {name: round(ms, 1) for name, ms in zip(COMMANDS, spent_ms, strict=True)}
    shell_ms = _shell_ms(folder, repeats)
    rows += [Row(name, f"{ms:.0f} ms", yardstick, ms / nothing_ms) for name, ms in shell_ms.items()]
    figures = {
        "commands_ms": commands_ms,
        "shell_ms": {name: round(ms, 1) for name, ms in shell_ms.items()},
        "python_ms": round(nothing_ms, 1),
    }
    return Outcome("start", figures, tuple(rows))


def _shell_ms(folder: Path, repeats: int) -> dict[str, float]:
    """Of the interactive shell: to its prompt, and from a short line to the next one."""
    environment = _environment(folder)
    timed = [prompts(folder, environment) for _ in range(repeats)]
    prompt_ms, line_ms = (statistics.median(column) for column in zip(*timed, strict=True))
    return {"shell, to its prompt": prompt_ms, f"shell, '{LINE}' to the next": line_ms}


def _environment(folder: Path) -> dict[str, str]:
    """Without the settings of whoever measures."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    return {**environment, f"{PREFIX}DATA_FOLDER": str(folder)}


def _ms(words: Sequence[str], folder: Path) -> float:
    """One start, in a folder without a `.env` and without the settings of the shell."""
    environment = _environment(folder)
    begin_ns = perf_counter_ns()
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    spent_ns = perf_counter_ns() - begin_ns
    if done.returncode:
        raise BenchError(f"'{' '.join(words)}' ended with {done.returncode}: {done.stderr.strip()}")
    return spent_ns / 1e6
