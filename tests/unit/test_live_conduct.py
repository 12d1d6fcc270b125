"""Commands and broken strategies in a run that streams on: who goes on, and what leaves no more."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.market import (
    Kept,
    Outcome,
    config_of,
    market_of,
    minute_starts,
    outcome_of,
    weekday_sessions,
)
from tests.unit.scripted import Scripted, Second, Steps

from app.core.bars import BarColumns
from app.core.errors import StrategyError, UsageError
from app.core.messages import Bars, Command, Message
from app.core.orders import CANCELED, FILLED, REJECTED
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.data_manager.stored_bars import Wanted
from app.managers.execution_manager.books.ledger import LedgerError
from app.managers.execution_manager.orders.kill import FLATTEN
from app.managers.system_manager.wiring import Parts, Run
from app.threads.stream.commands import HALT, KEEP, KILL, PAUSE, RESUME, STOP
from app.threads.stream.results import Results

CALENDAR = weekday_sessions(dt.date(2024, 6, 3), 1, 8)
STARTS = minute_starts(CALENDAR)
HOLDS = {"09:31 AAA": lambda self: self.order("AAA", 100)}  # filled at 09:32


class Interrupted:
    """A replay with inputs of others between its bars: by how many bars have been shown."""

    def __init__(self, replay: ReplayFeed, inputs: Mapping[int, Message]) -> None:
        self._replay, self._inputs = replay, inputs
        self.history_sources = replay.history_sources

    def messages(self) -> Iterator[Message]:
        shown = 0
        for message in self._replay.messages():
            yield message
            shown += len(message.block) if isinstance(message, Bars) else 0
            if isinstance(message, Bars) and shown in self._inputs:
                yield self._inputs[shown]


def live(
    steps: Steps, inputs: Mapping[int, Message], *others: Steps, **execution: Any
) -> tuple[Outcome, list[tuple[str, str]]]:
    """Eight one-minute bars of AAA, one a block; what came of them, and the alarms."""
    opens = 10.0 + np.arange(8)
    columns = BarColumns(STARTS, opens, opens + 0.75, opens - 0.25, opens + 0.5, opens * 1000)
    names = ["Scripted", *(["Second"] if others else [])]
    config = config_of(
        ["AAA"],
        [f"tests.unit.scripted:{name}" for name in names],
        execution={"participation": None, **execution},
        engine={"block_rows": 1, "runner": "inline"},
    )
    Scripted.steps, Second.steps = steps, others[0] if others else {}
    Scripted.answers.clear()
    alarms: list[tuple[str, str]] = []
    results: list[Results] = []
    market = market_of(CALENDAR, {("AAA", "1m"): columns}, ["AAA"])

    def feed(wanted: Wanted) -> Interrupted:
        return Interrupted(ReplayFeed(market.source, wanted), inputs)

    parts = Parts(feed, on_trouble=lambda what, why: alarms.append((what, why)))
    run = Run(config, market, Path("strategies"), results.append, parts=parts)
    run.execution.diary.fingerprint = Kept([seat.name for seat in run.seats], config.symbols)
    return outcome_of(run, results), alarms


def states(outcome: Outcome) -> Sequence[tuple[int, str]]:
    """Order number and how it ended, in the order given."""
    return sorted((int(str(order[0])), str(order[5])) for order in outcome.orders)


def held(outcome: Outcome) -> int:
    return sum(fill[3] for fill in outcome.fills) // 10**8


def buy(self: Any) -> object:
    return self.order("AAA", 10)


def sell(self: Any) -> object:
    return self.order("AAA", -10)


def test_a_pause_refuses_entries_lets_exits_pass_and_ends_with_a_resume() -> None:
    steps = {**HOLDS, "09:34 AAA": buy, "09:35 AAA": sell, "09:37 AAA": buy}
    outcome, _ = live(steps, {3: Command(PAUSE), 6: Command(RESUME)})
    assert states(outcome) == [(1, FILLED), (2, REJECTED), (3, FILLED), (4, FILLED)]
    assert held(outcome) == 100


def test_a_halt_says_why_to_whoever_asks_for_an_entry() -> None:
    outcome, _ = live({"09:34 AAA": buy}, {3: Command(HALT, "the data is wrong")})
    assert outcome.orders[0][7] == (
        "no_entries: the data is wrong; only what reduces a position passes"
    )


def test_a_stop_calls_off_entries_and_leaves_what_protects() -> None:
    steps = {
        **HOLDS,
        "09:33 AAA": lambda self: self.order("AAA", 50, limit=1),
        "09:34 AAA": lambda self: self.order("AAA", -100, stop=1, reduce_only=True),
    }
    outcome, _ = live(steps, {5: Command(STOP, KEEP)})
    ended = {int(str(order[0])): str(order[7]) for order in outcome.orders}
    assert ended[2] == "the run is stopping"
    assert ended[3] != "the run is stopping"  # it worked until the session closed
    assert held(outcome) == 100


@pytest.mark.parametrize("word", [STOP, KILL])
def test_flatten_closes_what_is_held_and_nothing_opens_after_it(word: str) -> None:
    steps = {**HOLDS, "09:37 AAA": buy}
    outcome, _ = live(steps, {5: Command(word, FLATTEN)})
    assert held(outcome) == 0
    assert states(outcome)[-1][1] == REJECTED


def test_an_unknown_command_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="knows no command 'dance'"):
        live({}, {3: Command("dance")})


def broken(self: Any) -> object:
    raise ValueError("no such thing")


def test_of_two_strategies_the_one_that_fails_stops_alone() -> None:
    first = {
        "09:31 AAA": lambda self: self.order("AAA", 50, limit=1),
        "09:33 AAA": broken,
        "09:35 AAA": buy,
    }
    outcome, alarms = live(first, {}, {"09:36 AAA": buy})
    assert [what for what, _ in alarms] == ["strategy Scripted stopped"]
    assert "no such thing" in alarms[0][1]
    ended = {int(str(order[0])): (order[5], order[7]) for order in outcome.orders}
    assert ended == {1: (CANCELED, "its strategy failed"), 2: (FILLED, "")}
    assert (outcome.reason, held(outcome)) == ("finished", 10)


def test_what_a_failed_strategy_holds_is_closed_by_a_flatten_all_the_same() -> None:
    first = {**HOLDS, "09:33 AAA": broken}
    outcome, _ = live(first, {5: Command(STOP, FLATTEN)}, {})
    assert held(outcome) == 0


def test_the_last_strategy_that_fails_ends_the_run() -> None:
    with pytest.raises(StrategyError, match="no such thing"):
        live({"09:33 AAA": broken}, {}, {"09:34 AAA": broken})


def test_a_defect_of_ours_is_nobody_s_fault_but_ends_the_run() -> None:
    def off(self: Any) -> object:
        raise LedgerError("the books are off")

    with pytest.raises(LedgerError):
        live({"09:33 AAA": off}, {}, {})


def test_exits_of_an_entry_that_the_same_hook_takes_back_never_work() -> None:
    def change_of_mind(self: Any) -> None:
        entry = self.order("AAA", 100)
        self.order("AAA", -100, after=entry, limit=5)
        self.cancel(entry)

    outcome, _ = live({"09:31 AAA": change_of_mind}, {})
    assert states(outcome) == [(1, CANCELED), (2, REJECTED)]
    assert held(outcome) == 0
