"""Ranges of schedules add up in a file, and what is met too seldom is found."""

import json
from pathlib import Path

from tests.faults.__main__ import main
from tests.faults.kinds import IMPOSSIBLE, KINDS, NONE, STATES, Counts
from tests.faults.simulation import Outcome
from tests.faults.tally import LEAST_FIRED, LEAST_IN_CELL, LONG, Tally

CELLS = [(kind, state) for kind in KINDS for state in STATES if (kind, state) not in IMPOSSIBLE]


def told(seed: int, times: int = 0) -> Outcome:
    outcome = Outcome(seed)
    for kind, state in CELLS * times:
        outcome.counts.count(kind, [] if state == NONE else [state])
    return outcome


def test_a_range_that_was_cut_short_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    parts, whole = tmp_path / "parts.json", tmp_path / "whole.json"
    for seeds in (2, 3):
        assert main(["--seeds", str(seeds), "--first", "7", "--counts", str(parts)]) == 0
    assert main(["--seeds", "3", "--first", "7", "--counts", str(whole)]) == 0
    assert json.loads(parts.read_text()) == json.loads(whole.read_text())
    assert json.loads(whole.read_text())["ranges"] == [[7, 10]]


def test_ranges_add_up_and_none_is_counted_twice(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    for seeds in ((0, 1), (5, 6), (2,)):
        tally = Tally(file)
        for seed in seeds:
            tally.add(told(seed, 1))
        tally.keep()
    tally = Tally(file)
    assert tally.done == 5 and list(tally.missing(0, 8)) == [3, 4, 7]
    assert {tally.counts.cells[cell] for cell in CELLS} == {5}


def test_a_broken_schedule_stays_known(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "counts.json")
    tally.add(Outcome(4, broke="I1: twice"))
    tally.keep()
    assert Tally(tmp_path / "counts.json").broken == {4: "I1: twice"}


def long_tally(times: int) -> Tally:
    tally = Tally()
    tally.add(told(0, times))
    for seed in range(1, LONG):
        tally.add(Outcome(seed, counts=Counts()))
    return tally


def test_a_long_range_asks_for_each_kind_and_each_combination() -> None:
    enough = long_tally(LEAST_FIRED)
    assert enough.lacks() == []
    enough.counts.cells["F01", NONE] = LEAST_IN_CELL - 1
    enough.counts.fired["F02"] = LEAST_FIRED - 1
    assert len(enough.lacks()) == 2
    assert len(long_tally(0).lacks()) == len(KINDS) + len(CELLS)


def test_what_cannot_be_must_not_be_met() -> None:
    tally = Tally()
    tally.add(told(0))
    assert tally.lacks() == []
    tally.counts.cells[next(iter(IMPOSSIBLE))] += 1
    assert len(tally.lacks()) == 1
