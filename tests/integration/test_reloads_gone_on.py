"""A run that goes on from a state has the code that was in force, and all that it reads."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.closing_feed import ClosingFeed
from tests.integration.test_reloads import (
    FIRST,
    PINNED,
    SESSIONS,
    SYMBOLS,
    Asking,
    bars,
    engine,
    reload,
    sees,
)
from tests.integration.test_run_states import Rest
from tests.market import config_of, market_of

from app.core.errors import StrategyError
from app.core.message_codec import decode, encode
from app.core.messages import Command, Message
from app.core.venue import Abilities
from app.managers.system_manager.journal.run_header import header_of
from app.managers.system_manager.rerun.rewiring import are_as_then, market_from
from app.managers.system_manager.venue.holdings import Holdings
from app.managers.system_manager.wiring import Parts, Run
from app.managers.time_manager import TimeManager
from app.threads.stream.run_state import RunState

READS_AT_ONCE = sees([3], ("1m",)).replace("        pass\n", "        self.read[0].ready\n")


class Life:
    """A run to its end, with its inputs and its states."""

    def __init__(self, folder: Path, make_feed: Any, texts: tuple[str, ...]) -> None:
        self.inputs: list[Message] = []
        self.states: dict[int, bytes] = {}
        items = []
        for number, text in enumerate(texts):
            (folder / f"code{number}.py").write_text(text, encoding="utf-8")
            items.append({"use": f"code{number}.py", "name": f"s{number}"})
        market = market_of(SESSIONS, bars(), SYMBOLS, FIRST)
        config = config_of(SYMBOLS, items, **PINNED, engine=engine(4))
        parts = Parts(
            lambda wanted: make_feed(market.source, wanted),
            record_input=self.inputs.append,
            on_state=self._take_state,
        )
        self.run = Run(config, market, folder, lambda results: None, parts=parts)
        self.run.execute()

    def _take_state(self, sequence: int, state: RunState) -> None:
        self.states[sequence] = encode(state)

    def seen(self) -> list[list[Any]]:
        return [seat.strategy.seen for seat in self.run.seats]  # type: ignore[attr-defined]


def lived(folder: Path, commands: dict[int, Command], texts: tuple[str, ...]) -> Life:
    """Of two sessions, with commands behind some of its blocks."""

    def make_feed(*given: Any) -> Asking:
        return Asking(ClosingFeed(*given), commands)

    return Life(folder, make_feed, texts)


def gone_on(folder: Path, whole: Life, texts: tuple[str, ...]) -> Life:
    """The second session again, from the state before it."""
    ((sequence, payload),) = whole.states.items()
    rest = Rest(sequence, decode(payload, RunState), whole.inputs)
    return Life(folder, lambda *_: rest, texts)


TEXTS = (sees([0], ("1m",)), sees([1], ("1m",)))
ORDERS = {
    "the last seat first": {
        5: reload(sees([4], ("1m",)), "s1"),
        8: reload(sees([2], ("1m", "5m")), "s0", in_force={"s1": 7}),
    },
    "the first seat twice": {
        5: reload(sees([4], ("1m",)), "s0"),
        8: reload(sees([2], ("1m", "5m")), "s1", in_force={"s0": 7}),
        11: reload(sees([3], ("1m",)), "s0", in_force={"s0": 7, "s1": 11}),
    },
}


@pytest.mark.parametrize("order", ORDERS)
def test_several_that_were_reloaded_read_what_they_declare(tmp_path: Path, order: str) -> None:
    whole = lived(tmp_path, ORDERS[order], TEXTS)
    again = gone_on(tmp_path, whole, TEXTS)
    for own, others in zip(again.seen(), whole.seen(), strict=True):
        assert own
        assert own == others[len(others) - len(own) :]


@pytest.mark.parametrize("commands", [{}, {5: reload(READS_AT_ONCE)}])
def test_indicators_are_read_before_the_next_bars_come(
    tmp_path: Path, commands: dict[int, Command]
) -> None:
    texts = (READS_AT_ONCE,)
    whole = lived(tmp_path, commands, texts)
    again = gone_on(tmp_path, whole, texts)
    assert again.seen()[0][-1] == whole.seen()[0][-1]


def test_code_that_can_be_used_no_more_is_told_of(tmp_path: Path) -> None:
    needed = tmp_path / "needed"
    needed.touch()
    new = f"open({str(needed)!r}).close()\n" + sees([0], ("1m",))
    whole = lived(tmp_path, {5: reload(new)}, TEXTS)
    needed.unlink()
    with pytest.raises(StrategyError, match=r"s0 that was in force.*FileNotFoundError"):
        gone_on(tmp_path, whole, TEXTS)


def test_files_are_as_then_while_nobody_has_changed_or_removed_one(tmp_path: Path) -> None:
    text = "# what\r\n"
    header: Any = SimpleNamespace(sources={"a/b.py:Two": text, "package.module:One": "else"})
    assert not are_as_then(header, tmp_path)
    (tmp_path / "a").mkdir()
    for found, is_same in ((text, True), (text + "\n", False), ("# what\n", False)):
        (tmp_path / "a" / "b.py").write_text(found, encoding="utf-8", newline="")
        assert are_as_then(header, tmp_path) is is_same


def test_whoever_asks_for_more_sessions_than_the_journal_has_gets_all_of_them(
    tmp_path: Path,
) -> None:
    config = config_of(SYMBOLS, [{"use": "one.py"}])
    market = market_of(SESSIONS, bars(), SYMBOLS, 3)
    header = header_of("run", config, market, 3, {}, 0, Holdings(), "", Abilities())
    times = TimeManager(tmp_path, config.market)
    before = market_from(header, times, market.source).sessions_before
    assert [len(before(count)) for count in range(6)] == [0, 1, 2, 3, 3, 3]
    assert before(2) == SESSIONS[1:3]
