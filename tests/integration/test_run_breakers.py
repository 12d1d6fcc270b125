"""Breakers in whole replays: each trips where it should, calls off, refuses and is on record."""

import datetime as dt
import json
import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house
from tests.told_house import Teller, teller

from app.core.intervals import MINUTE_NS, SECOND_NS
from app.core.messages import Bars, Message
from app.core.seams import BarSource
from app.core.trading_state import RiskEvent, RiskPast
from app.managers.data_manager import ImportOptions
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.data_manager.stored_bars import HistorySources, Wanted
from app.managers.system_manager.needs.run_bars import replayed_sessions
from app.managers.system_manager.wiring import Parts, Run
from app.services.blocks import cut_block, first_instant
from app.threads.stream.results import Results

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

OPEN = dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)
HOLDER = """
from app.strategies import Strategy

class Holder(Strategy):
    {intervals}
    def on_bar(self, bar):
        if not self.position(bar.symbol).quantity:
            self.order_target(bar.symbol, 100)
        self.order(bar.symbol, 1, limit=1.0)
        if self.now.minute % 10 == 9:
            self.order(bar.symbol, -1, reduce_only=True)
"""


def import_bars(
    house: SystemHouse,
    prices: Sequence[tuple[float, float]],
    opens: dt.datetime = OPEN,
    market: str = "XNYS",
) -> None:
    """QQQ at these prices, so many minutes after an open."""
    lines = ["timestamp,open,high,low,close,volume"]
    for minute, price in prices:
        moment = opens + dt.timedelta(minutes=minute)
        row = f"{price},{price + 0.01},{price - 0.01},{price},100000"
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%SZ},{row}")
    path = house.folder.parent / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    house.system.data_manager.import_csv(path, ImportOptions(market, "QQQ"))


def falling(minutes: int, by: float = 0.1) -> list[tuple[float, float]]:
    return [(minute, round(100 - by * minute, 2)) for minute in range(minutes)]


def run(house: SystemHouse, breakers: dict[str, Any], intervals: str = "", **parts: Any) -> str:
    """A run's id; it is the same in blocks of any size."""
    found, limits = [], parts.pop("limits", {})
    use = house.strategy("holder.py", HOLDER.format(intervals=intervals))
    for rows in (1, 7, 8192):
        config = house.config(
            symbols=("QQQ",),
            use=use,
            risk={"breakers": breakers, **limits},
            engine={"block_rows": rows},
            **{"end": "2024-06-03", **parts},
        )
        found.append(house.another(**SETTINGS).run(config))
    assert len({one.fingerprint for one in found}) == 1
    risks = [house.facts(one.run_id)["risk"] for one in found]
    assert risks[0] == risks[1] == risks[2]
    return found[-1].run_id


SETTINGS: dict[str, Any] = {}


def tripped(house: SystemHouse, run_id: str, opens: dt.datetime = OPEN) -> list[tuple[float, str]]:
    """The minutes behind an open in which breakers tripped, and which."""
    open_ns = int(opens.timestamp()) * 10**9
    history = house.facts(run_id)["risk"]["history"]
    return [((one["at_ns"] - open_ns) / MINUTE_NS, one["name"]) for one in history]


def ended(house: SystemHouse, run_id: str, state: str) -> list[str]:
    return [row["reason"] for row in house.runs().get_orders(run_id) if row["state"] == state]


@pytest.mark.parametrize(
    ("name", "at", "since"),
    [
        ("daily_loss", 100, "the open, the most is 100"),
        ("daily_loss_percent", "0.1", "the open, the most is 0.1 % of 100000"),
        ("drawdown_percent", "0.1", "the peak, the most is 0.1 % of 100000"),
    ],
)
def test_a_loss_halts_the_account(
    system_house: SystemHouse, name: str, at: Any, since: str
) -> None:
    minute, why = 13, f"109.7 is lost since {since}"  # of 99 shares, bought at 99.9
    import_bars(system_house, falling(30))
    run_id = run(system_house, {name: {"at": at, "then": "halted"}})
    assert tripped(system_house, run_id) == [(minute, name)]
    assert set(ended(system_house, run_id, "CANCELED")) == {f"the account is halted, {name}: {why}"}
    refused = ended(system_house, run_id, "REJECTED")
    assert set(refused) == {f"halted: {name}: {why}; nothing leaves but cancels"}
    assert len(refused) == 30 - minute + 1 + 2  # in each minute from then on, and two exits


def test_losses_are_seen_on_each_bar_of_the_base_whatever_a_strategy_wants(
    system_house: SystemHouse,
) -> None:
    import_bars(system_house, falling(30))
    run_id = run(system_house, {"daily_loss": {"at": 100, "then": "halted"}}, 'intervals = ("5m",)')
    assert tripped(system_house, run_id) == [(16, "daily_loss")]  # bought at 5, known at 6


def test_reducing_lets_exits_pass(system_house: SystemHouse) -> None:
    import_bars(system_house, falling(30))
    run_id = run(system_house, {"daily_loss": {"at": 100}})
    rows = system_house.runs().get_orders(run_id)
    exits = [row for row in rows if row["side"] == "sell"]
    assert [row["state"] for row in exits] == ["FILLED"] * 3
    assert {reason.partition(",")[0] for reason in ended(system_house, run_id, "REJECTED")} == {
        "no_entries: the account is reducing"
    }


def test_a_storm_of_refusals_trips(system_house: SystemHouse) -> None:
    import_bars(system_house, falling(5))
    limits = {"max_order_quantity": 50, "max_order_value": 0.5}  # both orders of each bar
    storm = {"rejects_per_minute": {"at": 2, "then": "halted"}}
    run_id = run(system_house, storm, limits=limits)
    assert tripped(system_house, run_id) == [(1, "rejects_per_minute")]
    reasons = ended(system_house, run_id, "REJECTED")
    assert reasons[0].startswith("max_order_value") and reasons[-1].startswith("halted:")


def test_a_silent_feed_trips_at_its_moment_but_not_out_of_hours(
    system_house: SystemHouse,
) -> None:
    day = 24 * 60
    minutes = [*range(5), *range(8, 390), *range(day, day + 3), *range(day + 20, day + 25)]
    import_bars(system_house, [(minute, 100.0) for minute in minutes])
    stale = {"stale_feed_seconds": {"at": 300}}
    run_id = run(system_house, stale, end="2024-06-04")
    assert tripped(system_house, run_id) == [(day + 8, "stale_feed_seconds")]
    (trip,) = system_house.facts(run_id)["risk"]["trips"]
    assert trip["why"] == "no bar has come for 300 s, the most is 300 s"
    run_id = run(system_house, {"stale_feed_seconds": {"at": 150}}, end="2024-06-04")
    assert tripped(system_house, run_id) == [(7.5, "stale_feed_seconds")]


def test_the_account_file_s_breakers_stand_beside_those_of_the_config(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_bars(system_house, falling(30))
    path = system_house.folder.parent / "account.json"
    path.write_text(json.dumps({"breakers": {"daily_loss": {"at": 50, "then": "halted"}}}))
    monkeypatch.setitem(SETTINGS, "account_limits", Path(path))
    run_id = run(system_house, {"daily_loss": {"at": 1000}})
    assert tripped(system_house, run_id) == [(7, "daily_loss of account file")]
    assert ended(system_house, run_id, "REJECTED")[0].startswith(
        "halted: daily_loss of account file: 50 is lost"
    )


def test_a_day_rolls_with_its_session_and_not_at_midnight_utc(system_house: SystemHouse) -> None:
    """Sydney's summer sessions begin at 23:00 UTC, and end at 05:00."""
    opens, day = dt.datetime(2024, 1, 8, 23, tzinfo=dt.UTC), 24 * 60
    first = [(minute, round(100 - 0.01 * minute, 2)) for minute in range(110)]
    second = [(day + minute, round(98.9 - 0.01 * minute, 2)) for minute in range(110)]
    import_bars(system_house, [*first, *second], opens, "XASX")
    dates = {"start": "2024-01-09", "end": "2024-01-10", "market": "XASX"}
    run_id = run(system_house, {"daily_loss": {"at": 90}}, **dates)
    assert tripped(system_house, run_id, opens) == [(97, "daily_loss")]  # beyond midnight
    run_id = run(system_house, {"daily_loss": {"at": 115}}, **dates)  # in two days it loses 200
    assert tripped(system_house, run_id, opens) == []


class AsLive:
    """A replay's feed, cut as a live one tells it: a minute each, and beats in between."""

    def __init__(self, source: BarSource, wanted: Wanted) -> None:
        self._feed = ReplayFeed(source, wanted)
        self.history_sources: HistorySources = {}

    def messages(self) -> Iterator[Message]:
        for message in self._feed.messages():
            if not isinstance(message, Bars):
                yield message
                continue
            block = message.block
            while len(block):
                rows, instant_ns = first_instant(block)
                part, block = cut_block(block, rows, instant_ns)
                yield Bars(part)
                after_ns = min(instant_ns + 20 * SECOND_NS, block.through_ns)
                if not len(block) or after_ns < int(block.known_ns[0]):
                    beat, block = cut_block(block, 0, after_ns)
                    yield Bars(beat)
            yield Bars(block)


@pytest.mark.parametrize("runner", ["inline", "pool"])
def test_live_and_replay_count_alike(system_house: SystemHouse, runner: str) -> None:
    """The same bars trip the same, whether an account is remembered or not."""
    minutes = [*range(200), *range(207, 390)]
    prices = [(m, round(100 + 3 * math.sin(m / 17) - m / 90, 2)) for m in minutes]
    import_bars(system_house, prices)
    risk = {
        "max_drawdown_percent": 4,
        "max_orders_per_day": 300,
        "breakers": {
            "daily_loss": {"at": 300},
            "drawdown_percent": {"at": "0.7", "then": "halted"},
            "stale_feed_seconds": {"at": 240},
        },
    }
    use = system_house.strategy("holder.py", HOLDER.format(intervals=""))
    parts = {"symbols": ("QQQ",), "use": use, "risk": risk, "end": "2024-06-03"}
    config = system_house.config(**parts, engine={"runner": runner})
    builder = system_house.system._builder
    times = system_house.system.time_manager
    told = []
    for past, make in ((None, ReplayFeed), (RiskPast(), AsLive)):
        market = builder._market_of(config, replayed_sessions(config, times), past)
        found: list[RiskEvent] = []

        def take(results: Results, found: list[RiskEvent] = found) -> None:
            found += () if results.risk is None else results.risk.events

        made = Run(
            config, market, system_house.strategies, take,
            parts=Parts(partial(make, market.source)),
        )  # fmt: skip
        made.execute()
        told.append((found, made.execution.diary.fingerprint.hexdigest()))
    assert [event.name for event in told[0][0]] == [
        "daily_loss", "stale_feed_seconds", "drawdown_percent",
    ]  # fmt: skip
    assert told[0] == told[1]


def test_a_trip_is_told_by_why_not_and_by_status(teller: Teller) -> None:
    import_bars(teller.house, falling(30))
    run_id = run(teller.house, {"daily_loss": {"at": 100, "then": "halted"}})
    told = teller.json("why-not", "QQQ", "2024-06-03 09:50", "--run", run_id)
    assert told["again"]["equal"]
    (proposed, *_) = told["proposed"]
    assert proposed["decision"] == "refused"
    assert proposed["reason"].startswith("halted: daily_loss: 109.7 is lost since the open")
    status = teller.json("risk", "status", run_id)
    assert (status["state"], status["account"]) == ("halted", None)
    assert [(one["name"], one["tripped"]) for one in status["breakers"]] == [("daily_loss", True)]
    text = teller.text("risk", "status", run_id)
    assert "halted" in text and "109.7 is lost since the open" in text
