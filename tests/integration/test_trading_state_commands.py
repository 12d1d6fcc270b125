"""What people ask of a run's trading state: commands at their place in the order of inputs."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from tests.integration.test_run_breakers import HOLDER, falling, import_bars
from tests.system_house import SystemHouse, stored_market, system_house

from app.core.intervals import SECOND_NS
from app.core.messages import Bars, Command, Message
from app.core.orders import CANCELED, REJECTED, Order
from app.core.seams import BarSource
from app.core.trading_state import ACTIVE, HALTED, REDUCING, RiskEvent, RiskPast
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.data_manager.stored_bars import HistorySources, Wanted
from app.managers.system_manager.needs.run_bars import replayed_sessions
from app.managers.system_manager.wiring import Parts, Run
from app.services.blocks import cut_block, first_instant
from app.threads.engines.guarded_engine import SKEW, Resumption, halting
from app.threads.stream.commands import FLATTEN, STOP
from app.threads.stream.results import Results

__all__ = ["stored_market", "system_house"]  # fixtures

CLOCK = {"clock_skew_seconds": {"at": 3}}
LOSS = {"daily_loss": {"at": 100, "then": HALTED}}


class Commanded:
    """A feed of minutes, with commands behind some of them."""

    def __init__(self, commands: Mapping[int, Command], source: BarSource, wanted: Wanted) -> None:
        self._feed = ReplayFeed(source, wanted)
        self._commands = commands
        self.history_sources: HistorySources = {}

    def messages(self) -> Iterator[Message]:
        minute = 0
        for message in self._feed.messages():
            if not isinstance(message, Bars):
                yield message
                continue
            block = message.block
            while len(block):
                part, block = cut_block(block, *first_instant(block))
                yield Bars(part)
                minute += 1
                if minute in self._commands:
                    yield self._commands[minute]
            yield Bars(block)


class Told:
    """A run under commands: its events, and its orders by when they were given."""

    def __init__(
        self, house: SystemHouse, breakers: dict[str, Any], commands: Mapping[int, Command]
    ) -> None:
        import_bars(house, falling(30))
        use = house.strategy("holder.py", HOLDER.format(intervals=""))
        config = house.config(
            symbols=("QQQ",), use=use, risk={"breakers": breakers}, end="2024-06-03"
        )
        sessions = replayed_sessions(config, house.system.time_manager)
        market = house.system._builder._market_of(config, sessions, RiskPast())
        self.open_ns = sessions[0].open_ns
        self.events: list[RiskEvent] = []
        self.orders: list[Order] = []
        parts = Parts(partial(Commanded, commands, market.source))
        self.run = Run(config, market, house.strategies, self._take, parts=parts)
        self.run.execute()

    def _take(self, results: Results) -> None:
        self.orders += results.records.orders
        self.events += () if results.risk is None else results.risk.events

    @property
    def course(self) -> list[tuple[float, str, str]]:
        return [(self.minute(one.at_ns), one.name, one.state) for one in self.events]

    def minute(self, at_ns: int) -> float:
        return (at_ns - self.open_ns) / (60 * SECOND_NS)

    def rejected(self, side: int) -> list[float]:
        return [
            self.minute(one.created_ns)
            for one in self.orders
            if one.state == REJECTED and one.units * side > 0
        ]


def test_a_person_halts_reduces_and_resumes(system_house: SystemHouse) -> None:
    told = Told(
        system_house,
        {},
        {
            3: halting(REDUCING, "news"),
            7: halting(HALTED, "worse"),
            12: halting(REDUCING, "calmer"),
            20: Resumption("it has passed").command(),
        },
    )
    assert told.course == [
        (3, "person", REDUCING), (7, "person", HALTED), (20, "person", ACTIVE),
    ]  # fmt: skip
    assert told.rejected(1) == list(range(4, 21))
    assert told.rejected(-1) == [9, 19]
    called_off = [one for one in told.orders if one.state == CANCELED and one.created_ns]
    assert {one.reason for one in called_off if told.minute(one.created_ns) <= 3} == {
        "the account is reducing, by a person, news"
    }


def test_what_is_cleared_passes_again_and_trips_on_a_further_loss(
    system_house: SystemHouse,
) -> None:
    told = Told(system_house, LOSS, {15: Resumption("seen", "daily_loss").command()})
    assert told.course == [
        (13, "daily_loss", HALTED), (15, "daily_loss", ACTIVE), (26, "daily_loss", HALTED),
    ]  # fmt: skip
    assert "since it was cleared" in told.events[-1].why


def test_a_stop_closes_positions_whatever_the_state(system_house: SystemHouse) -> None:
    told = Told(system_house, LOSS, {16: Command(STOP, FLATTEN)})
    assert told.run.execution.held_units == [0]
    (close,) = [one for one in told.orders if one.units < 0 and told.minute(one.created_ns) == 16]
    assert close.state == "FILLED"
    assert not [minute for minute in told.rejected(-1) if minute == 16]


@pytest.mark.parametrize(("skew_ns", "trips"), [(2 * SECOND_NS, 0), (-4 * SECOND_NS, 1)])
def test_a_measure_of_the_clock_is_an_input(
    system_house: SystemHouse, skew_ns: int, trips: int
) -> None:
    told = Told(system_house, CLOCK, {5: Command(SKEW, str(skew_ns))})
    assert told.course == [(5, "clock_skew_seconds", REDUCING)][:trips]
