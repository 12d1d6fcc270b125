"""A run that goes on from a saved state is the run that never broke off, whatever is in it."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.closing_feed import ClosingFeed
from tests.market import SCALE, Kept
from tests.random_market import Action, Spec, specs
from tests.same_objects import runs_differ

from app.core.config import SessionConfig
from app.core.config_risk import RiskConfig
from app.core.message_codec import decode, encode
from app.core.messages import EndOfStream, Message
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.data_manager.stored_bars import HistorySources
from app.managers.execution_manager.limits.order_counts import OrderCounts
from app.managers.system_manager.journal.saved_states import first_difference
from app.managers.system_manager.needs.market import Market
from app.managers.system_manager.record.figures import figures_of
from app.managers.system_manager.record.run_outcome import outcome_facts
from app.managers.system_manager.wiring import Parts, Run
from app.threads.hooks.session_course import SessionCourse
from app.threads.stream.results import Results
from app.threads.stream.run_state import RunState, StateGiven

DULL = ("timings", "dropped")


class Rest:
    """A feed of what is left of a run, behind a state."""

    history_sources: HistorySources = {}  # noqa: RUF012

    def __init__(self, sequence: int, state: RunState, inputs: list[Message]) -> None:
        self._first = StateGiven(sequence, state)
        self._rest = [one for one in inputs if one.sequence > sequence]

    def messages(self) -> Iterator[Message | StateGiven]:
        yield self._first
        yield from (one for one in self._rest if not isinstance(one, EndOfStream))


class Life:
    """A run with all that it tells."""

    def __init__(self, config: SessionConfig, market: Market, make_feed: Any) -> None:
        self.inputs: list[Message] = []
        self.results: list[Results] = []
        self.states: dict[int, bytes] = {}
        parts = Parts(make_feed, record_input=self.inputs.append, on_state=self._take_state)
        self.run = Run(config, market, Path("strategies"), self.results.append, parts=parts)
        names = [seat.name for seat in self.run.seats]
        self.run.execution.diary.fingerprint = Kept(names, config.symbols)
        self.run.execute()

    def _take_state(self, sequence: int, state: RunState) -> None:
        self.states[sequence] = encode(state)

    def seen(self) -> list[list[Any]]:
        """What each strategy has read, hook by hook."""
        return [seat.strategy.seen for seat in self.run.seats]  # type: ignore[attr-defined]

    def told_since(self, sequence: int) -> dict[str, Any]:
        """What came of the inputs behind one, and what the run came to in the end."""
        parts = [part for part in self.results if part.sequence > sequence]
        facts = outcome_facts(self.run, {}, figures_of(self.run))
        del facts["history"]  # the feed's
        return {
            "entries": b"".join(part.records.entries for part in parts),
            "orders": [encode(order) for part in parts for order in part.records.orders],
            "changes": [change for part in parts for change in part.records.order_changes],
            "fills": [fill for part in parts for fill in part.records.fills],
            "uncertain": [bar for part in parts for bar in part.records.uncertain],
            "equity": [
                pair
                for part in parts
                for pair in zip(part.equity_ns.tolist(), part.equity.tolist(), strict=True)
            ],
            "states": {number: one for number, one in self.states.items() if number >= sequence},
            "facts": {name: fact for name, fact in facts.items() if name not in DULL},
            "final": (
                self.run.final_equity(),
                self.run.curve.max_drawdown,
                self.run.engine.sessions,
            ),
            "reports": self.run.quality.book.reports,
            "band": self.run.execution.diary.band_units,
            "counts": (self.run.execution.order_count, self.run.execution.fill_count),
        }


def unbroken(config: SessionConfig, market: Market, make_feed: Any) -> Life:
    return Life(config, market, lambda wanted: make_feed(market.source, wanted))


def check_every_state(config: SessionConfig, market: Market, make_feed: Any = ClosingFeed) -> int:
    """Go on from each state of a run; how many there are."""
    whole = unbroken(config, market, make_feed)
    for sequence, payload in whole.states.items():
        state = decode(payload, RunState)
        rest = Rest(sequence, state, whole.inputs)
        again = Life(config, market, lambda wanted, rest=rest: rest)
        wanted, found = whole.told_since(sequence), again.told_since(sequence)
        for name, what in wanted.items():
            if name == "states" and found[name] != what:
                for number, one in what.items():
                    pair = decode(one, dict), decode(found[name][number], dict)
                    assert pair[0] == pair[1], (number, sequence, first_difference(*pair))
            assert found[name] == what, name
        for own, others in zip(again.seen(), whole.seen(), strict=True):
            assert own == others[len(others) - len(own) :]
        assert not list(runs_differ(again.run, whole.run))
    return len(whole.states)


ALL = Spec(
    seed=2, base="1m", sessions=4, history=1, minutes=60, half_days=frozenset(), gapless=False,
    broken=False, extended=False, keep=(1.0, 0.5), empty=frozenset(),
    actions=(Action(0, 2, "split", Decimal(2)),
             Action(1, 3, "dividend", Decimal("0.25"))),
    strategies=("Reader", "OnSeveral"), declared={}, participation=0.1, allow_short=True,
)  # fmt: skip


@given(specs(), st.sampled_from([1, 7, 100]))
@example(ALL, 1)
@settings(max_examples=3 * SCALE, deadline=None)
def test_a_run_goes_on_from_each_of_its_states_as_if_it_had_never_broken_off(
    spec: Spec, block_rows: int
) -> None:
    check_every_state(spec.config(block_rows), spec.market())


def test_a_state_stands_before_each_session_but_the_first() -> None:
    assert check_every_state(ALL.config(8), ALL.market()) == 2


def test_no_state_is_asked_for_while_a_session_is_under_way() -> None:
    """As where a block goes on into the next session: of these not all end with one."""
    spec = msgspec.structs.replace(ALL, strategies=("Daily",), actions=())
    for rows, states in ((1, 2), (7, 1), (8, 2), (9, 1)):
        assert check_every_state(spec.config(rows), spec.market(), ReplayFeed) == states
        assert check_every_state(spec.config(rows), spec.market()) == 2


REMEMBERED = {
    "max_drawdown_percent": "0.2",
    "strategies": {"Reader 0": {"max_daily_loss": 30}},
    "symbols": {"S8": {"max_drawdown_percent": "0.1"}},
}


def test_what_limits_of_loss_remember_goes_on() -> None:
    risk = RiskConfig.model_validate(REMEMBERED)
    config = ALL.config(8).model_copy(update={"risk": risk})
    whole = unbroken(config, ALL.market(), ClosingFeed)
    reasons = {
        order.reason.split(":")[0]
        for part in whole.results
        for order in part.records.orders
        if order.reason.startswith("max_")
    }
    assert reasons == {
        "max_drawdown_percent",
        "max_daily_loss of strategy Reader 0",
        "max_drawdown_percent of symbol S8",
    }
    assert check_every_state(config, ALL.market()) == 2


def limited() -> SessionConfig:
    """A config whose limits look back into the session before."""
    counts = {"max_orders_per_minute": 3, "max_orders_per_day": 150, "duplicate_seconds": 86_400}
    market = {"max_spread_bps": 11, "max_volatility_percent": 0.2, "min_data_quality_percent": 60}
    config: SessionConfig = ALL.config(8)
    return config.model_copy(update={"risk": RiskConfig.model_validate(counts | market)})


def test_what_limits_remember_goes_on_too() -> None:
    assert check_every_state(limited(), ALL.market()) == 2


def test_it_is_missed_where_it_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OrderCounts, "restore", lambda self, state: None)
    with pytest.raises(AssertionError, match="entries"):
        check_every_state(limited(), ALL.market())


def test_a_field_that_no_state_has_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SessionCourse, "STATE", ("_open", "_auctioned"))
    with pytest.raises(AssertionError):
        check_every_state(ALL.config(8), ALL.market())
