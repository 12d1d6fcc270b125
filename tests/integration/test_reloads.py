"""Code that is replaced in mid-run: what it sees is what it would have seen from the start."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.market import config_of, market_of, minute_starts, random_bars, weekday_sessions

from app.core.bars import BarColumns
from app.core.errors import StrategyError
from app.core.intervals import MINUTE_NS
from app.core.messages import Bars, Command, Message
from app.managers.data_manager.replay_feed import ReplayFeed
from app.managers.system_manager.why.tracing import InstantTracer
from app.managers.system_manager.wiring import Parts, Run
from app.threads.engines.watched_engine import Witness
from app.threads.hooks.session_data import Telling
from app.threads.stream.commands import STOP
from app.threads.stream.reloading import Reload, ReloadOutcome
from app.threads.stream.results import Results

SYMBOLS = ("AAA", "BBB")
SESSIONS = weekday_sessions(dt.date(2024, 11, 4), 4, minutes=60)
FIRST = 2  # sessions before it are history

SEES = """
from app.strategies import Strategy

class Sees(Strategy):
    intervals = {intervals}

    def setup(self):
        self.seen = []
        self.read = [{read}]

    def on_bar(self, bar):
        values = [one[0] if one.ready else None for one in self.read]
        past = self.bars(bar.symbol, "1m", 70).close.tolist()
        self.seen.append((bar.symbol, bar.interval, bar.start_ns, values, sum(past), len(past)))

    def save_state(self):
        return {{}}

    def load_state(self, state):
        pass
"""
READS = (
    'self.indicator("SMA", 9)',
    'self.indicator("EMA", 12)',
    'self.indicator("RSI", 5, interval="5m")',
    'self.indicator("EMA", 30, symbol="BBB", interval="5m")',
    'self.indicator("VWAP")',
    "self.indicator(lambda close: close * 2.0)",
)

TRADES = """
import datetime as dt
from app.strategies import Param, Strategy

class Trades(Strategy):
    salt = Param(0)

    def setup(self):
        self.count = 0
        self.fast = self.indicator("SMA", 3)

    def on_session_open(self, session):
        self.timer("half", self.now + dt.timedelta(minutes=30))

    def on_timer(self, name):
        self.count += 100
        self.order_target(self.symbols[0], self.count % 7)

    def on_order(self, order):
        self.count += 1

    def on_bar(self, bar):
        self.count += 1
        turn = (self.count + self.salt) % 6
        if turn == 0:
            self.bracket(bar.symbol, 5, target=bar.close + 0.05, stop=bar.close - 0.05)
        elif turn == 1:
            self.order(bar.symbol, -3, limit=bar.close + 0.01, tif="gtc")
        elif turn == 3 and self.fast.ready and self.fast[0] > bar.close:
            self.order_target(bar.symbol, 4)
        elif turn == 4:
            for order in self.orders(bar.symbol)[:1]:
                self.cancel(order)

    def save_state(self):
        return {"count": self.count}

    def load_state(self, state):
        self.count = state["count"]
"""


def bars() -> dict[tuple[str, str], BarColumns]:
    starts = minute_starts(SESSIONS)
    return {(name, "1m"): random_bars(starts, seed) for seed, name in enumerate(SYMBOLS)}


class Asking:
    """A replay's feed, with commands behind some of its blocks."""

    def __init__(self, feed: ReplayFeed, commands: dict[int, Command]) -> None:
        self._feed = feed
        self._commands = commands
        self.history_sources = feed.history_sources

    def messages(self) -> Iterator[Message]:
        blocks = 0
        for message in self._feed.messages():
            yield message
            blocks += isinstance(message, Bars)
            if isinstance(message, Bars) and blocks in self._commands:
                yield self._commands[blocks]


class Told:
    """A run with commands on its way, to its end."""

    def __init__(
        self,
        folder: Path,
        texts: Sequence[str],
        commands: dict[int, Command],
        witness: Witness | None = None,
        **parts: Any,
    ) -> None:
        self.outcomes: list[ReloadOutcome] = []
        self.alarms: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        items = []
        for number, text in enumerate(texts):
            (folder / f"code{number}.py").write_text(text, encoding="utf-8")
            items.append({"use": f"code{number}.py", "name": f"s{number}"})
        config = config_of(SYMBOLS, items, **parts)
        market = market_of(SESSIONS, bars(), SYMBOLS, FIRST)

        def feed(wanted: Any) -> Asking:
            return Asking(ReplayFeed(market.source, wanted), commands)

        def on_trouble(what: str, _: str) -> None:
            return self.alarms.append(what)

        self.run = Run(
            config,
            market,
            folder,
            self._take,
            parts=Parts(feed, on_trouble=on_trouble, witness=witness),
        )
        self.reason = self.run.execute()

    def _take(self, results: Results) -> None:
        if results.reload is not None:
            self.outcomes.append(results.reload)

    @property
    def refused(self) -> list[str]:
        return [one.refused for one in self.outcomes]

    @property
    def fingerprint(self) -> str:
        return self.run.execution.diary.fingerprint.hexdigest()

    def strategy(self, number: int = 0) -> Any:
        return self.run.seats[number].strategy


def reload(text: str, name: str = "s0", **given: Any) -> Command:
    return Reload(name, "new.py", text, given.pop("params", {}), **given).command()


def engine(rows: int, runner: str = "inline") -> dict[str, Any]:
    return {"block_rows": rows, "runner": runner}


def sees(reads: Sequence[int], intervals: Sequence[str]) -> str:
    return SEES.format(intervals=tuple(intervals), read=", ".join(READS[n] for n in reads))


PINNED = {"history": {"1m": 1, "5m": 2}, "derived_intervals": ("5m",)}
GUARDED = {"breakers": {"daily_loss": {"at": 1, "then": "halted"}}}
some_reads = st.lists(st.integers(0, len(READS) - 1), max_size=4, unique=True)
some_intervals = st.sampled_from([("1m",), ("5m",), ("1m", "5m")])
relaxed = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@relaxed
@given(
    old=st.tuples(some_reads, some_intervals),
    new=st.tuples(some_reads, some_intervals),
    place=st.integers(1, 40),
    rows=st.sampled_from([1, 3, 7, 20]),
    risk=st.sampled_from([{}, GUARDED]),
)
def test_new_code_sees_what_it_would_have_seen_from_the_start(
    tmp_path: Path,
    old: tuple[list[int], tuple[str, ...]],
    new: tuple[list[int], tuple[str, ...]],
    place: int,
    rows: int,
    risk: dict[str, Any],
) -> None:
    whole = {**PINNED, "engine": engine(rows), "risk": risk}
    at = min(place, 2 * 120 // rows - 1)
    told = Told(tmp_path, [sees(*old)], {at: reload(sees(*new))}, **whole)
    assert told.refused == [""]
    fresh = Told(tmp_path, [sees(*new)], {}, **whole)
    seen, expected = told.strategy().seen, fresh.strategy().seen
    assert seen == expected[len(expected) - len(seen) :]
    assert len(seen) <= len(expected)
    since_ns = told.outcomes[0].at_ns
    assert all(start_ns + (300 if kind == "5m" else 60) * 10**9 > since_ns
               for _, kind, start_ns, *_ in seen)  # fmt: skip
    missed = expected[: len(expected) - len(seen)]
    assert all(start_ns + (300 if kind == "5m" else 60) * 10**9 <= since_ns
               for _, kind, start_ns, *_ in missed)  # fmt: skip


@relaxed
@given(
    places=st.lists(st.integers(1, 59), max_size=4, unique=True),
    rows=st.sampled_from([1, 4, 30]),
    several=st.booleans(),
    risk=st.sampled_from([{}, GUARDED]),
)
def test_the_same_code_again_changes_nothing(
    tmp_path: Path, places: list[int], rows: int, several: bool, risk: dict[str, Any]
) -> None:
    texts = [TRADES, TRADES] if several else [TRADES]
    unbroken = Told(tmp_path, texts, {}, engine=engine(rows), risk=risk)
    most = 2 * 120 // rows
    commands = {
        1 + place % most: reload(TRADES, f"s{n % len(texts)}", in_force={})
        for n, place in enumerate(places)
    }
    told = Told(tmp_path, texts, commands, engine=engine(rows), risk=risk)
    assert told.refused == [""] * len(commands)
    assert told.run.execution.fill_count > 10
    assert told.fingerprint == unbroken.fingerprint
    assert told.strategy().count == unbroken.strategy().count
    pooled = Told(tmp_path, texts, commands, engine=engine(rows, "pool"), risk=risk)
    assert pooled.fingerprint == unbroken.fingerprint


REFUSED = {
    "load": (TRADES.replace('state["count"]', 'state["counts"]'), {}, "KeyError"),
    "forgets": (TRADES.replace('state["count"]', 'state["count"] + 1'), {}, "does not bring back"),
    "saves": (TRADES.replace("return {", "return 1; {"), {}, "save_state gave"),
    "proposes": (
        TRADES.replace('state["count"]', '1; self.order("AAA", 1)'), {}, "proposes something"
    ),
    "stateless": (TRADES[: TRADES.index("    def save_state")], {}, "has no save_state"),
    "syntax": (TRADES.replace("class Trades", "clas Trades"), {}, "new.py, line 5"),
    "setup": (TRADES.replace("self.count = 0", "self.count = 1 // 0", 1), {}, "new.py:9 in setup"),
    "params": (TRADES, {"params": {"salt": "x"}}, "salt: 'x' is not"),
    "interval": (TRADES.replace('"SMA", 3', '"SMA", 3, interval="7m"'), {}, "asks for 7m bars"),
    "history": (TRADES.replace('"SMA", 3', '"SMA", 99'), {}, "needs 2 sessions of history of 1m"),
    "open": (
        TRADES.replace("self.timer", "1 / 0; self.timer"), {"fresh": True}, "ZeroDivisionError"
    ),
    "own": (
        TRADES.replace('"SMA", 3', 'lambda close: 1 / 0'), {}, "indicators cannot be computed"
    ),
    "protection": (
        TRADES.replace("salt =", 'protection = {"stop_loss_percent": 1}\n    salt ='), {},
        "is not what protects",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_leaves_the_code_before_as_it_was(tmp_path: Path, kind: str) -> None:
    text, given_too, says = REFUSED[kind]
    unbroken = Told(tmp_path, [TRADES], {}, engine=engine(4))
    told = Told(tmp_path, [TRADES], {20: reload(text, **given_too)}, engine=engine(4))
    (refused,) = told.refused
    assert says in refused
    assert told.fingerprint == unbroken.fingerprint
    assert told.strategy().count == unbroken.strategy().count


def test_fresh_code_hears_of_the_session_first_and_keeps_seat_and_timers(tmp_path: Path) -> None:
    new = TRADES.replace("self.timer(", "self.opened = self.now; (").replace(
        "self.count = 0", "self.count = 5; self.opened = None; self.names = []"
    )
    new = new.replace("self.count += 100", "self.names.append((name, self.now))")
    told = Told(tmp_path, [TRADES], {10: reload(new, fresh=True)}, engine=engine(4))
    assert told.refused == [""]
    strategy = told.strategy()
    assert strategy.names[0][0] == "half"  # set by the code before, in the session under way
    assert len(strategy.names) == 1
    assert (
        strategy.position("AAA").quantity
        == sum(position.units for position in (told.run.execution.positions[0][0],)) // 10**8
    )


FAILS = TRADES.replace(
    "self.count += 1\n        turn", "self.count += 1\n        self.fail()\n        turn"
).replace(
    "    def save_state",
    "    def fail(self):\n        if self.count > 9: raise ValueError(1)\n\n    def save_state",
)


def test_a_strategy_that_has_failed_comes_back_fresh_and_not_otherwise(tmp_path: Path) -> None:
    texts = [FAILS, TRADES]
    carried = Told(tmp_path, texts, {30: reload(TRADES)}, engine=engine(4))
    assert "half changed" in carried.refused[0]
    assert carried.alarms == ["strategy s0 stopped"]
    count = carried.strategy().count
    told = Told(tmp_path, texts, {30: reload(TRADES, fresh=True)}, engine=engine(4))
    assert told.refused == [""]
    assert told.strategy().count > count
    again = Told(
        tmp_path, texts, {30: reload(TRADES, fresh=True), 40: reload(FAILS, in_force={"s0": 32})},
        engine=engine(4),
    )  # fmt: skip
    assert again.refused == ["", ""]
    assert again.alarms == ["strategy s0 stopped"] * 2


def test_new_code_that_fails_in_a_hook_fails_as_any_other(tmp_path: Path) -> None:
    broken = TRADES.replace("self.count += 1\n        turn", "raise ValueError(2)\n        turn")
    with pytest.raises(StrategyError, match=r"new\.py:23 in on_bar"):
        Told(tmp_path, [TRADES], {20: reload(broken)}, engine=engine(4))


def test_nothing_is_reloaded_in_a_run_that_is_ending(tmp_path: Path) -> None:
    told = Told(
        tmp_path, [TRADES], {20: Command(STOP, "keep"), 21: reload(TRADES)}, engine=engine(4)
    )
    assert told.refused == ["The run is ending."]


def test_what_the_code_before_declared_alone_is_computed_no_more(tmp_path: Path) -> None:
    texts = [sees([n], ("1m",)) for n in (0, 1, 5, 4)]
    commands = {
        5 + n: reload(text, in_force={"s0": 5 + 2 * n} if n else {})
        for n, text in enumerate(texts[1:])
    }
    told = Told(tmp_path, texts[:1], commands, **PINNED, engine=engine(4))
    assert told.refused == [""] * 3
    labels = [str(item.computation.label) for item in told.run.processor._plan.declared]
    assert len(labels) == 2 * len(SYMBOLS), labels


def test_whoever_looks_from_outside_or_within_sees_what_the_new_code_reads(tmp_path: Path) -> None:
    tracer = InstantTracer("AAA", SESSIONS[FIRST].open_ns + 50 * MINUTE_NS)
    old, new = sees([0, 1], ("1m",)), sees([2, 4], ("1m", "5m"))
    told = Told(tmp_path, [old], {20: reload(new)}, tracer, **PINNED, engine=engine(4))
    assert told.refused == [""]
    assert [[one.indicator for one in sight.indicators] for sight in tracer.seen] == [
        ["RSI(5) on 5m", "VWAP on 1m"]
    ] * 2  # of its two bars
    moment = told.run.engine.publish(1.0)
    assert moment is not None
    shown = Telling(told.run.plan, ["USD"] * 2).symbol(moment, 0, 1, 0, 0).indicators
    assert {"RSI(5) on 5m", "VWAP on 1m"} < shown.keys()
    _, _, _, values, *_ = next(one for one in reversed(told.strategy().seen) if one[0] == "AAA")
    assert [shown["RSI(5) on 5m"].value, shown["VWAP on 1m"].value] == values
