"""What a gate does behind the end of its run's stream is on record, and repeats."""

from collections import Counter
from collections.abc import Callable

import pytest

from app.core.order_events import Filled, GateActed, GateFilled
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.managers.system_manager.rerun.recovery import Recovery
from app.strategies.failure import HookInterrupted
from tests.faults.day import SYMBOLS
from tests.faults.life import FOLDER, config_from
from tests.faults.proof import RUNNERS, verdict_of
from tests.faults.schedule import Schedule, _break
from tests.faults.simulation import Simulation, WorkerDown
from tests.faults.world import SECOND

BREAKS_AT_BAR = 34  # of the strategy: it holds something then
MINUTE = 60 * 10**9


def _raises(sim: Simulation) -> None:
    """The only strategy fails, as it will again whenever it is run."""


def _worker_fails(sim: Simulation) -> None:
    assert sim.life is not None
    _break(sim.life.run.quality, "step", WorkerDown("a worker's own defect"))


def _hook_is_interrupted(sim: Simulation) -> None:
    assert sim.life is not None
    _break(sim.life.run.seats[0].strategy, "on_bar", HookInterrupted())


class Failing(Simulation):
    """A run that fails amid its session; where its strategy does, that is its only one."""

    def __init__(self, how: Callable[[Simulation], None], on_error: str) -> None:
        super().__init__(1)
        fails_at = BREAKS_AT_BAR if how is _raises else 0
        config = config_from(1, "ignore", on_error, 25, 500, fails_at)
        if how is _raises:
            config = config.model_copy(update={"strategies": config.strategies[:1]})
        self.config = config
        self.wants_failure = True
        schedule = Schedule(self, ())
        schedule._settle = lambda: None  # type: ignore[method-assign]
        schedule.at(self.day.sessions[1].open_ns + 12 * MINUTE, lambda: how(self))


class Dying(Failing):
    """A run whose process dies while what its failure left is being closed."""

    def _alarmed(self, what: str, details: str) -> None:
        super()._alarmed(what, details)
        if what.startswith("killed"):
            self.world.after(SECOND, lambda: self.crash(lossy=False))


def executions_of(journal: RunJournal) -> Counter[str]:
    behind = [event for news in journal.last_news() for event in news.events]
    return Counter(
        item.execution_id
        for item in (*journal.gate_items(), *behind)
        if isinstance(item, Filled | GateFilled)
    )


@pytest.mark.parametrize("how", [_raises, _worker_fails, _hook_is_interrupted])
def test_what_is_closed_when_a_run_has_failed_is_in_its_books_and_repeats(
    how: Callable[[Simulation], None],
) -> None:
    sim = Failing(how, "flatten")
    outcome = sim.run()
    assert (outcome.broke, outcome.reason) == ("", "failed")
    journal = RunJournal(FOLDER, sim.disk)
    behind = [event for news in journal.last_news() for event in news.events]
    assert any(isinstance(event, GateFilled) for event in behind), "nothing was held: no proof"
    theirs = [
        f"{one.client_id}/{one.execution_id}/{one.at_ns}" for one in sim.side.books.executions
    ]
    assert executions_of(journal) == Counter(theirs)
    assert sim.life is not None
    execution = sim.life.run.execution
    assert [*execution.held_units] == [sim.side.books.held_units(name) for name in SYMBOLS]
    late = [what for what, _ in sim.alarms.told if what.startswith("ended with open")]
    assert bool(late) == any(execution.held_units)  # its bars had no room for all of it in time
    assert execution.account.cash_units() == sim.side.books.cash["USD"]
    assert execution.fill_count == len(theirs)
    for runner in RUNNERS:
        verdict = verdict_of(sim, runner)
        assert verdict.equal, verdict.difference
        if how is not _hook_is_interrupted:  # what its instant would have led to is unknown
            assert verdict.fingerprint == execution.diary.fingerprint.hexdigest()


def test_entries_that_are_called_off_when_a_run_has_failed_are_told_of() -> None:
    sim = Failing(_worker_fails, "freeze")
    assert sim.run().broke == ""
    assert sim.life is not None
    working = sim.life.run.execution.broker.working
    live = {entry.client_id for entry in sim.side.books.live.values()}
    assert len(working) == len(live)


def test_a_run_whose_hook_was_interrupted_goes_on_when_it_died_before_its_end() -> None:
    """Nobody interrupts the hook again, so the instant comes to more than is on record of it."""
    sim = Dying(_hook_is_interrupted, "flatten")
    outcome = sim.run()
    assert (outcome.broke, outcome.reason, outcome.lives) == ("", "stopped", 2)
    assert not any(what == "not recovered" for what, _ in sim.alarms.told)
    assert sim.life is not None
    execution = sim.life.run.execution
    assert [*execution.held_units] == [sim.side.books.held_units(name) for name in SYMBOLS]
    assert execution.account.cash_units() == sim.side.books.cash["USD"]
    for runner in RUNNERS:
        verdict = verdict_of(sim, runner)
        assert verdict.equal, verdict.difference


def test_a_latch_that_fell_behind_the_end_of_the_stream_is_known_to_a_recovery() -> None:
    """The process died before the run was closed: the latch outlives it, and the run ends."""
    sim = Failing(_worker_fails, "flatten")
    sim.run()
    recovery = Recovery(RunJournal(FOLDER, sim.disk))
    assert recovery.ending == "flatten"
    acts = [event.what for event in recovery.lacking(()) if isinstance(event, GateActed)]
    assert acts[:2] == ["latched", "flattening"]
