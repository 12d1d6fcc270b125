"""A hundred schedules hold at the Binance peer, through the real client library."""

import pytest

from tests.faults.__main__ import simulate
from tests.faults.coin_side import FAULTS
from tests.faults.grounds import COINS
from tests.faults.kinds import IMPOSSIBLE, Counts
from tests.faults.schedule import Schedule
from tests.faults.simulation import Simulation

CHUNK, CHUNKS, REPEATED = 50, 2, 10
LEAST_FIRED = 3  # of each kind in each chunk


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_invariants_hold_at_binance_under_every_kind_of_fault(chunk: int) -> None:
    counts = Counts()
    broken = []
    for number in range(CHUNK):
        seed = chunk * CHUNK + number
        outcome = simulate(seed, prove=number < REPEATED, venue=COINS.venue)
        counts.add(outcome.counts)
        if outcome.broke:
            broken.append(f"{outcome.broke}; again: make simulate SEED={seed} VENUE=binance")
    assert not broken, "\n".join(broken)
    rare = {kind: counts.fired[kind] for kind in FAULTS if counts.fired[kind] < LEAST_FIRED}
    assert not rare, f"these kinds hardly fired: {rare}"
    assert not [cell for cell in IMPOSSIBLE if counts.cells[cell]]


def test_a_schedule_without_faults_trades_coins_and_is_one_story() -> None:
    hashes = set()
    for _ in range(2):
        sim = Simulation(1, venue=COINS.venue)
        Schedule(sim, ())
        outcome = sim.run()
        assert (outcome.broke, outcome.reason, outcome.lives) == ("", "finished", 1)
        assert outcome.orders > 20 and outcome.fills > 10
        hashes.add(outcome.log_hash)
    assert len(hashes) == 1, "the library's own time or chance is in it"


def test_a_library_that_sends_an_order_again_by_itself_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that tries again after a lost answer would."""
    from binance.client import Client

    ask = Client._request

    def twice(self: Client, method: str, *words: object, **named: object) -> object:
        try:
            return ask(self, method, *words, **named)
        except OSError:
            if method != "post":
                raise
            return ask(self, method, *words, **named)

    monkeypatch.setattr(Client, "_request", twice)
    found = []
    for seed in range(4):
        sim = Simulation(seed, venue=COINS.venue)
        Schedule(sim, ("F07",))
        found.append(sim.run().broke)
    assert any(broke.startswith(("I1", "the run failed")) for broke in found), found
