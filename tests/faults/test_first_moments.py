"""A run that dies in its first moments, when it has hardly written anything, loses no holding."""

import pytest

from app.core.messages import History
from app.core.money import UNITS
from app.integrations.practice.wire import Manual
from app.managers.system_manager.journal.journal_feed import RunJournal
from tests.faults.day import SYMBOLS
from tests.faults.life import FOLDER, config_from
from tests.faults.proof import trouble_of
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation

HELD = {SYMBOLS[0]: 40 * UNITS, SYMBOLS[1]: -7 * UNITS}
QUIET_SEED = 1  # a day without a split


class Holding(Simulation):
    """The venue holds something before the first start, and that dies at one of the disk's calls.

    Before the close, `found` is how the books and the venue stand.
    """

    def __init__(self, external: str, call: int, lossy: bool) -> None:
        super().__init__(QUIET_SEED)
        self.config = config_from(QUIET_SEED, external, "freeze", 25, 500)
        self.side.by_hand(Manual(positions=dict(HELD)))
        self.crashes_at, self.is_lossy = call, lossy
        self.found: list[tuple[int, int]] = []
        self.halted_symbols: set[int] = set()
        Schedule(self, ()).at(self.day.sessions[-1].close_ns - 10**10, self._look)
        for name in ("settled", "ended"):  # what it adopts, it never bought, nor put under stops
            setattr(self.watch, name, lambda *_: None)

    def _look(self) -> None:
        assert self.life is not None
        execution = self.life.run.execution
        self.halted_symbols = {symbol for symbol, _ in execution.entries.closed}
        for index, symbol in enumerate(SYMBOLS):
            self.found.append((execution.held_units[index], self.side.books.held_units(symbol)))


@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("call", range(3, 9))
def test_holdings_are_adopted_wherever_the_start_dies(call: int, lossy: bool) -> None:
    sim = Holding("adopt", call, lossy)
    outcome = sim.run()
    assert (outcome.broke, outcome.reason) == ("", "finished")
    assert outcome.lives == 2
    assert sim.halted_symbols == set()
    assert all(ours == theirs for ours, theirs in sim.found)
    journal = RunJournal(FOLDER, sim.disk)
    assert isinstance(next(journal.inputs()), History), "else it knows of no bar before, nor split"
    told = [item for item in journal.gate_items() if _is_adopted(item)]
    assert len(told) == len(HELD)
    assert trouble_of(sim, "inline", 1) == ""


def _is_adopted(item: object) -> bool:
    return getattr(item, "execution_id", "").startswith("adopted-")


@pytest.mark.parametrize("call", range(3, 9))
def test_a_symbol_that_is_held_takes_no_entries_wherever_the_start_dies(call: int) -> None:
    sim = Holding("halt", call, lossy=False)
    outcome = sim.run()
    assert (outcome.broke, outcome.reason) == ("", "finished")
    assert sim.halted_symbols == {0, 1}
    assert [ours for ours, _ in sim.found[:2]] == [0, 0]
