"""What ranges of schedules came to in all, kept in a file so that a long range can go on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.faults.kinds import IMPOSSIBLE, KINDS, STATES, Counts
from tests.faults.simulation import Outcome

LONG: Final = 20_000  # schedules: from so many on each kind and each combination is asked for
LEAST_FIRED: Final = 100
LEAST_IN_CELL: Final = 10


class Tally:
    """Of all schedules that were ever added to the file; without one, of those of this time."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.counts = Counts()
        self.broken: dict[int, str] = {}
        self._ranges: list[list[int]] = []  # first, and the one after the last
        if file is not None and file.exists():
            self._read(json.loads(file.read_text()))

    @property
    def done(self) -> int:
        """How many schedules there are in it."""
        return sum(end - first for first, end in self._ranges)

    def missing(self, first: int, end: int) -> Iterator[int]:
        """The seeds of a range that are not in it yet."""
        for seed in range(first, end):
            if not any(begin <= seed < behind for begin, behind in self._ranges):
                yield seed

    def add(self, outcome: Outcome) -> None:
        """One more."""
        seed = outcome.seed
        if self._ranges and self._ranges[-1][1] == seed:
            self._ranges[-1][1] += 1
        else:
            self._ranges.append([seed, seed + 1])
        self.counts.add(outcome.counts)
        if outcome.broke:
            self.broken[seed] = outcome.broke

    def keep(self) -> None:
        """Write it to the file, whole or not at all."""
        if self._file is None:
            return
        content = {
            "ranges": self._ranges,
            "broken": self.broken,
            "fired": {kind: self.counts.fired[kind] for kind in KINDS},
            "cells": {
                kind: {state: self.counts.cells[kind, state] for state in STATES} for kind in KINDS
            },
        }
        fresh = self._file.with_suffix(".fresh")
        fresh.write_text(json.dumps(content, indent=1))
        fresh.replace(self._file)

    def lacks(self) -> list[str]:
        """What was met too seldom for so many schedules, or was met and cannot be."""
        counts = self.counts
        found = [
            f"{kind} {state} cannot be, and was met: {counts.cells[kind, state]}"
            for kind, state in IMPOSSIBLE
            if counts.cells[kind, state]
        ]
        if self.done >= LONG:
            rare = [(kind, n) for kind in KINDS if (n := counts.fired[kind]) < LEAST_FIRED]
            found += [f"{kind} fired less than {LEAST_FIRED} times: {n}" for kind, n in rare]
            found += [
                f"{kind} {state} was met less than {LEAST_IN_CELL} times: {n}"
                for kind, state, n in counts.rare_cells(LEAST_IN_CELL)
            ]
        return found

    def _read(self, content: dict[str, Any]) -> None:
        self._ranges = [list(pair) for pair in content["ranges"]]
        self.broken = {int(seed): str(why) for seed, why in content["broken"].items()}
        self.counts.fired.update(content["fired"])
        for kind, cells in content["cells"].items():
            for state, count in cells.items():
                self.counts.cells[kind, state] += count
