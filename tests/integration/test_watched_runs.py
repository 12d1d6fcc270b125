"""A run that is watched decides as one that is not, and what is seen hangs on no block."""

from pathlib import Path

import msgspec
from hypothesis import given, settings
from tests.market import SCALE, Kept, Outcome, differences, execute, outcome_of
from tests.random_market import Spec, small_specs

from app.core.bars import Bar
from app.core.orders import Order
from app.managers.system_manager.why.sights import Sight, sight_of
from app.managers.system_manager.why.tracing import Tracer
from app.managers.system_manager.wiring import Run, replay_parts
from app.threads.hooks.seats import Seat
from app.threads.stream.results import Results


class Everything(Tracer):
    """Wants every proposal, and looks at all there is to see in every hook."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Sight] = []

    def wants(self, order: Order, now_ns: int) -> bool:
        return True

    def sees(self, bar: Bar) -> None:
        self.seen.append(sight_of(self._engine, self._engine.seats[0], 0))

    def called(self, seat: Seat) -> None:
        self.seen.append(sight_of(self._engine, seat, 0))


def watched(spec: Spec, block_rows: int) -> tuple[Outcome, bytes]:
    """What a run came to, and all that its witness was told."""
    config, market, witness = spec.config(block_rows), spec.market(), Everything()
    parts = msgspec.structs.replace(replay_parts(market), witness=witness)
    results: list[Results] = []
    run = Run(config, market, Path("strategies"), results.append, parts=parts)
    run.execution.diary.fingerprint = Kept([seat.name for seat in run.seats], config.symbols)
    outcome = outcome_of(run, results)
    assert len(witness.proposed) >= len({order[0] for order in outcome.orders})
    told = [msgspec.to_builtins(one) for one in (*witness.seen, *witness.proposed)]
    return outcome, msgspec.json.encode(told)


@given(small_specs())
@settings(max_examples=4 * SCALE)
def test_whoever_looks_on_changes_nothing_and_sees_the_same_in_every_block(spec: Spec) -> None:
    alone = execute(spec.config(), spec.market())
    told = []
    for block_rows in spec.block_sizes():
        outcome, seen = watched(spec, block_rows)
        assert not differences(alone, outcome)
        told.append(seen)
    assert set(told) == {told[0]}
