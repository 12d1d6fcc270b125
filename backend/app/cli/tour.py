"""`tour`: the first five minutes, step by step, with real commands in a practice folder."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.cli.system.serving import PROGRAM
from app.cli.terminal.output import console, print_json
from app.core.errors import AppError, UsageError
from app.core.settings import PREFIX

FOLDER = "tour"  # in the data folder
_STRATEGY = "my_first"
_ASKS = "Enter runs it, s skips it, q leaves: "
_SESSIONS: Final = {"start": "2024-11-01", "end": "2024-12-13"}


class Left(Exception):
    """Whoever takes the tour has had enough."""


class Tour:
    """One walk. Its folder is a place of its own: settings and data of the user do not reach it."""

    def __init__(self, folder: Path, asks: bool, quiet: bool) -> None:
        self.folder = folder
        self._asks = asks
        self._quiet = quiet  # what the commands print is for nobody
        self.steps: list[dict[str, Any]] = []

    def walk(self) -> None:
        """All steps, or those until somebody leaves."""
        self._say(
            "Four steps, with real commands. They run in a folder of their own, "
            f"{self.folder}; nothing of yours is touched.\n"
        )
        first = self._replay()
        second = self._change()
        self._compare(first, second)
        self._write_a_strategy()

    @property
    def runs(self) -> list[str]:
        """The ids of what it has run, oldest first."""
        folder = self.folder / "data" / "runs"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    @property
    def files(self) -> list[str]:
        """What it has written, besides data."""
        made = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in made if path.parts[0] != "data")

    def _replay(self) -> str | None:
        self._config("first.json", "app.strategies.examples.sma_cross:SmaCross", fast=10, slow=30)
        return self._run_of(
            "1 of 4: replay a sample",
            "A session config says all that a run needs: symbols, dates, a strategy and its\n"
            "parameters. first.json replays 30 sessions of synthetic bars, and trades\n"
            "whenever an average of 10 bars crosses one of 30.",
            "first.json",
        )

    def _change(self) -> str | None:
        self._config("second.json", "app.strategies.examples.sma_cross:SmaCross", fast=5, slow=30)
        return self._run_of(
            "2 of 4: change a parameter",
            'second.json is the same, but for its name and one number: "fast" is 5. Each\n'
            "run has an id, a folder with its report, and a fingerprint: the same config on\n"
            "the same bars ends in the same one, today and next year.",
            "second.json",
        )

    def _compare(self, first: str | None, second: str | None) -> None:
        title = "3 of 4: compare the two"
        if first is None or second is None:
            self._skip(title, "There are no two runs to compare.")
            return
        self._step(
            title,
            "Figures side by side; what differs in config, data and code; and the first\n"
            "decision at which the two runs part.",
            ("report", "compare", first, second),
        )

    def _write_a_strategy(self) -> None:
        title = "4 of 4: write a strategy"
        made = self._step(
            title,
            "This writes a small rule that works, a test that replays it, and a config that\n"
            "runs it. They are yours: change them with any editor.",
            ("strategies", "new", _STRATEGY),
        )
        if made:
            config = f"session_configs/{_STRATEGY}.json"
            says = "Now run it, on the same bars. 'report compare' works with any two runs."
            self._run_of("4 of 4: run it", says, config)

    def _run_of(self, title: str, says: str, config: str) -> str | None:
        """Run a config; the id of its run, where it came to one."""
        before = self.runs
        done = self._step(title, says, ("system", "start", config))
        new = [run_id for run_id in self.runs if run_id not in before]
        return new[0] if done and new else None

    def _step(self, title: str, says: str, words: tuple[str, ...]) -> bool:
        """Tell of a command, run it unless it is skipped; whether it has done its work."""
        self._say(f"\n{title}", bold=True)
        self._say(f"{says}\n\n  {' '.join(words)}\n")
        if self._asks and not self._wants():
            self.steps.append({"step": title, "command": list(words), "exit_code": None})
            return False
        code = self._run(words)
        self.steps.append({"step": title, "command": list(words), "exit_code": code})
        return code == 0

    def _skip(self, title: str, why: str) -> None:
        self._say(f"\n{title}", bold=True)
        self._say(f"{why} Skipped.")

    def _wants(self) -> bool:
        while True:
            try:
                answer = input(_ASKS).strip().lower()
            except EOFError:
                print()
                raise Left from None
            except KeyboardInterrupt:
                print()
                raise
            if answer in ("", "y", "yes"):
                return True
            if answer in ("s", "skip"):
                return False
            if answer in ("q", "quit", "exit"):
                raise Left

    def _run(self, words: tuple[str, ...]) -> int:
        """In a process of its own, in the folder; Ctrl+C ends the command and not the tour."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        output = subprocess.PIPE if self._quiet else None
        sys.stdout.flush()
        process = subprocess.Popen(
            [*PROGRAM, *words], cwd=self.folder, env=environment, stdout=output, stderr=output
        )
        while True:
            try:
                told = process.communicate()
                break
            except KeyboardInterrupt:  # the command has it too, and ends
                continue
        if self._quiet and process.returncode:
            raise AppError(
                f"'{' '.join(words)}' ended with {process.returncode}: {told[1].decode().strip()}"
            )
        return process.returncode

    def _config(self, name: str, use: str, **params: int) -> None:
        """Write a session config of the sample's bars."""
        strategy: Mapping[str, Any] = {"use": use, "params": params} if params else {"use": use}
        config = {
            "name": name.removesuffix(".json"),
            "symbols": ["SYN1", "SYN2"],
            "replay": _SESSIONS,
            "strategies": [strategy],
        }
        text = json.dumps(config, indent=2) + "\n"
        (self.folder / name).write_text(text, encoding="utf-8")

    def _say(self, text: str, bold: bool = False) -> None:
        if not self._quiet:
            console.print(text, markup=False, highlight=False, style="bold" if bold else None)


def take_tour(folder: Path | None, assume_yes: bool, as_json: bool) -> None:
    """Walk, and tell what was made."""
    asks = not (assume_yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    tour = Tour(_made(folder), asks, as_json)
    try:
        tour.walk()
        left = False
    except Left:
        left = True
    failed = [step for step in tour.steps if step["exit_code"] not in (None, 0)]
    if as_json:
        told = {"folder": str(tour.folder), "steps": tour.steps}
        print_json({**told, "runs": tour.runs, "files": tour.files})
    else:
        _tell_end(tour, left)
    if failed:
        names = ", ".join(f"'{' '.join(step['command'])}'" for step in failed)
        raise AppError(f"Of the tour, this did not work: {names}. What it said is above.")


def _tell_end(tour: Tour, left: bool) -> None:
    lines = ["", "You left the tour." if left else "That was the tour."]
    if tour.runs:
        lines.append(f"In {tour.folder} there are {len(tour.runs)} runs, bars to trade on, and:")
        lines += [f"  {name}" for name in tour.files]
        lines.append(f"Go on there: cd {tour.folder}, then the same commands. 'runs list' shows")
        lines.append("the runs, 'why 1 --run RUN' why the first order of one was given.")
    lines += [
        "Read next: docs/STRATEGIES.md to write one, docs/DATA.md to bring your own bars,",
        "docs/LIVE.md to trade live.",
    ]
    console.print("\n".join(lines), markup=False, highlight=False)


def _made(folder: Path | None) -> Path:
    """An empty folder: the one that is named, else the next one free in the data folder."""
    if folder is None:
        from app.cli.context import Context

        parent, number = Context().settings.data_folder, 1
        folder = parent / FOLDER
        while folder.exists():
            number += 1
            folder = parent / f"{FOLDER}-{number}"
    elif folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"The folder {folder} is not empty: name a new one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    return folder
