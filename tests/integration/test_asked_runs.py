"""A run that is asked at each instant whether an order may leave decides as if nobody had asked."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import SCALE, Kept, differences, execute, outcome_of
from tests.random_market import Spec, specs

from app.core.bars import Bar
from app.core.config import SessionConfig
from app.core.config_risk import RiskConfig
from app.core.money import from_units
from app.core.orders import CANCELED, LIMIT, MARKET, STOP, STOP_LIMIT, Order, Terms
from app.managers.execution_manager.execution_state import execution_state
from app.managers.execution_manager.watched_execution import Heard
from app.managers.system_manager.why.asking import Answer, Asker, Question
from app.managers.system_manager.why.sights import weighed_of
from app.managers.system_manager.wiring import Run, replay_parts
from app.threads.hooks.seats import Seat
from app.threads.stream.results import Results

RISK: dict[str, Any] = {
    "max_orders_per_day": 25, "max_orders_per_minute": 2, "duplicate_seconds": 600,
    "max_drawdown_percent": Decimal("0.05"), "max_daily_loss": 60, "max_gross_value": 9000,
    "max_open_orders": 3, "oversize": "cut",
}  # fmt: skip


class Always(Asker):
    """Asks in every hook, and keeps what was said to one that was given just then."""

    def __init__(self, question: Question) -> None:
        super().__init__(question, 0, None)
        self.foretold: list[tuple[Answer, tuple[str, Any]]] = []

    def sees(self, bar: Bar) -> None:
        self._ask_anew()

    def called(self, seat: Seat) -> None:
        self._ask_anew()

    def _ask_anew(self) -> None:
        self._now_ns = -1
        before = execution_state(self._engine.execution)
        self._ask()
        assert execution_state(self._engine.execution) == before

    def proposes(self, order: Order, terms: Terms | None, now_ns: int) -> None:
        asked = self._question
        self._question = Question(
            order.symbol,
            from_units(order.units),
            None if order.limit is None else Decimal(repr(order.limit)),
            None if order.stop is None else Decimal(repr(order.stop)),
            self._engine.seats[order.strategy].name,
        )
        self._seat = self._engine.seats[order.strategy]
        linked = order.reduce_only or order.parent or order.group
        askable = terms is None and not linked and order.kind in (MARKET, LIMIT, STOP, STOP_LIMIT)
        self.answer = self._answer(now_ns) if askable else None
        self._question = asked

    def decided(self, order: Order, heard: list[Heard], reason: str, *, has_limits: bool) -> None:
        if self.answer is not None and order.state != CANCELED:
            limits = [weighed_of(one) for one in heard]
            self.foretold.append((self.answer, (reason or order.reason, limits)))


def asked(config: SessionConfig, spec: Spec) -> tuple[Any, Always]:
    market, witness = spec.market(), Always(Question(spec.symbols[0], Decimal(50)))
    witness._seat_of = lambda seats: seats[0]  # type: ignore[method-assign]
    parts = msgspec.structs.replace(replay_parts(market), witness=witness)
    results: list[Results] = []
    run = Run(config, market, Path("strategies"), results.append, parts=parts)
    run.execution.diary.fingerprint = Kept([seat.name for seat in run.seats], config.symbols)
    return outcome_of(run, results), witness


@given(specs(), st.sampled_from([1, 8192]))
@settings(max_examples=3 * SCALE)
def test_asking_changes_nothing_and_foretells_what_is_said(spec: Spec, block_rows: int) -> None:
    risk = RiskConfig.model_validate(RISK)
    spec = msgspec.structs.replace(spec, minutes=min(spec.minutes, 20))  # every hook is asked in
    config = spec.config(block_rows).model_copy(update={"risk": risk})
    outcome, witness = asked(config, spec)
    assert not differences(execute(config, spec.market()), outcome)
    for answer, (reason, limits) in witness.foretold:
        assert (answer.reason, answer.limits) == (reason, limits)
