"""The simulator itself: a seed is one story, and it finds what is broken."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from app.core import orders as states
from app.core.errors import DataError
from app.managers.execution_manager.gate.gate_book import GateBook
from app.managers.execution_manager.gate.latch import Latch
from app.managers.execution_manager.gate.tracker import Tracker
from app.repositories.journal_reader import JOURNAL_FOLDER
from tests.faults.life import FOLDER, Life
from tests.faults.proof import trouble_of, verdict_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation
from tests.faults.watch import Broke, Watch


def played(seed: int, kinds: tuple[str, ...] | None = None) -> Simulation:
    sim = Simulation(seed)
    Schedule(sim, kinds)
    sim.run()
    return sim


TWO_SEEDS = """
from tests.faults.__main__ import main
raise SystemExit(main(["--seed", "3", "--quiet"]) or main(["--seed", "65", "--quiet"]))
"""


def test_a_seed_is_one_story_whatever_python_hashes_by() -> None:
    told = set()
    for hash_seed in ("0", "1", "4711"):
        words = [sys.executable, "-c", TWO_SEEDS]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=100)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        told.add(ended.stdout)
    assert len(told) == 1, told
    assert told.pop().count("log ") == 2


def test_other_seeds_are_other_stories() -> None:
    hashes = {played(seed).outcome.log_hash for seed in range(4)}
    assert len(hashes) == 4


def test_no_answer_is_kept_back_once_nothing_is_to_go_wrong() -> None:
    sim = Simulation(1)
    schedule = Schedule(sim, ())
    aim = partial(schedule._aims.aim, "F09", states.PARTIAL, lambda: None)
    schedule.at(schedule._calm_ns - 1, aim)  # no placement comes before the calm
    assert not sim.run().broke
    assert not [details for what, details in sim.alarms.told if what == "call hangs"]


@pytest.mark.parametrize("seed", range(6))
def test_one_byte_changed_in_a_journal_is_found(seed: int) -> None:
    sim = played(seed, ("F12", "F14"))
    assert not sim.outcome.broke and trouble_of(sim, "inline", 1) == ""
    files = [path for path in sim.disk.files if path.parent == FOLDER / JOURNAL_FOLDER]
    content = sim.disk.files[Random(seed).choice(sorted(files))].seen
    content[Random(seed).randrange(len(content))] ^= 1 << seed % 8
    with pytest.raises(DataError):
        verdict_of(sim)


def _applies_fills_twice(patch: pytest.MonkeyPatch) -> None:
    fill = Tracker._fill

    def twice(tracker: Tracker, *words: object) -> None:
        fill(tracker, *words)  # type: ignore[arg-type]
        tracker._output.events.append(tracker._output.events[-1])

    patch.setattr(Tracker, "_fill", twice)


def _forgets_halts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Latch, "against", lambda latch, symbol, opens: "")


def _forgets_the_past(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GateBook, "recall", lambda book, item: None)


def _sends_at_once(patch: pytest.MonkeyPatch) -> None:
    take = Life._take

    def early(life: Life, results: object) -> None:
        take(life, results)  # type: ignore[arg-type]
        gate, intents = life.means.made_gate, results.intents  # type: ignore[attr-defined]
        if gate is not None and intents and not life.recovery:
            gate.send(intents)

    patch.setattr(Life, "_take", early)


@pytest.mark.parametrize(
    ("breaks", "kinds", "named"),
    [
        (_applies_fills_twice, ("F10",), ("I4", "I6", "the run failed")),
        (_forgets_the_past, ("F00",), ("I1", "I2", "I4", "I6", "the run failed")),
        (_sends_at_once, ("F21",), ("I1", "I3")),
    ],
)
def test_a_broken_product_is_found(
    breaks: Callable[[pytest.MonkeyPatch], None],
    kinds: tuple[str, ...],
    named: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaks(monkeypatch)
    found = [played(seed, kinds).outcome.broke for seed in range(6)]
    assert any(broke.startswith(named) for broke in found), found


def test_what_leaves_after_a_halt_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _forgets_halts(monkeypatch)
    watch = Watch.begins

    def halted(self: Watch, *words: object) -> None:
        self.closed_ns = 0
        watch(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(Watch, "begins", halted)
    assert played(0, ()).outcome.broke.startswith("I11")
    assert issubclass(Broke, BaseException) and not issubclass(Broke, Exception)
