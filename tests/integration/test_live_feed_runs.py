"""A live run on a venue's stream comes to what a replay of the same bars comes to."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live_house import House, closing, quotes_of
from tests.market import SCALE, Memory, Outcome, config_of, differences, execute, outcome_of, wired
from tests.random_market import Spec, busy_spec, specs

from app.core.inbox import Heard
from app.core.intervals import HOUR_NS, MINUTE_NS, SECOND_NS
from app.core.venue import Tick, VenueBar
from app.managers.system_manager.wiring import Run
from app.threads.series.gaps import Gaps
from app.threads.stream.results import Results


def live_run(
    spec: Spec,
    heard: Callable[[int, VenueBar], list[tuple[int, Heard]]],
    lead_ns: int = 5 * SECOND_NS,
    config: Any = None,
    **terms: Any,
) -> tuple[Run, list[Results], House]:
    """A run over the same market, fed by a venue that says of each bar, closed then, what it says.

    Its history has all of them.
    """
    market = spec.market()
    run, results = wired(config or spec.config(), market)
    bars = {name: columns for (name, _), columns in spec.bars().items()}
    script: list[tuple[int, Heard]] = [
        entry
        for closed_ns, bar in closing(bars, spec.known_ns, 0)
        if isinstance(bar, VenueBar)
        for entry in heard(closed_ns, bar)
    ]
    quotes = Memory({(name, "1m"): columns for name, columns in bars.items()})
    for name, columns in bars.items():
        script += quotes_of(quotes, name, columns) if len(columns) else ()
    wanted = run.feed._wanted
    first_ns = wanted.sessions[0].segments(wanted.extended_hours)[0].start_ns
    house = House(
        market.source,
        wanted,
        script,
        first_ns - lead_ns,
        bars,
        venue_interval=spec.base,
        silent_ns=10**18,
        stale_ns=10**18,
        **terms,
    )
    run.feed = house.feed  # type: ignore[assignment]
    return run, results, house


def after(delay_ns: int) -> Callable[[int, VenueBar], list[tuple[int, Heard]]]:
    """Every bar, so long after its close."""
    return lambda closed_ns, bar: [(closed_ns + delay_ns, bar)]


def live(spec: Spec, beat_ns: int, delay_ns: int = 50_000_000) -> Outcome:
    """The run when every bar comes so long after its close."""
    run, results, _ = live_run(spec, after(delay_ns), beat_ns=beat_ns)
    return outcome_of(run, results)


@given(specs(), st.sampled_from([397 * SECOND_NS, HOUR_NS]))
@settings(max_examples=8 * SCALE, deadline=None)
def test_a_live_run_is_the_replay_of_what_happened(spec: Spec, beat_ns: int) -> None:
    assert not differences(execute(spec.config(), spec.market()), live(spec, beat_ns))


def test_busy_live_days_make_the_fills_of_their_replay() -> None:
    """Three days in a row: each second between two sessions is lived, too."""
    actions = tuple(action for action in busy_spec().actions if action.session < 3)
    spec = msgspec.structs.replace(
        busy_spec(), extended=False, sessions=3, history=0, minutes=20, actions=actions,
        half_days=frozenset({2}), empty=frozenset({(1, 2)}),
    )  # fmt: skip
    expected = execute(spec.config(), spec.market())
    assert len(expected.fills) > 50, "a market in which little happens proves little"
    assert not differences(expected, live(spec, SECOND_NS, SECOND_NS))


def test_a_run_on_trades_is_the_replay_of_their_bars() -> None:
    spec = msgspec.structs.replace(busy_spec(), extended=False)

    def heard(closed_ns: int, bar: VenueBar) -> list[tuple[int, Heard]]:
        prices = (bar.open, bar.high, bar.low, bar.close)
        trades: list[tuple[int, Heard]] = []
        for number, price in enumerate(prices):
            at_ns = bar.start_ns + number * (closed_ns - bar.start_ns - 1) // 3
            volume = 0.0 if number else bar.volume
            trades.append((at_ns + SECOND_NS, Tick(bar.symbol, at_ns, price, volume)))
        return trades

    run, results, _ = live_run(spec, heard, beat_ns=HOUR_NS)
    assert not differences(execute(spec.config(), spec.market()), outcome_of(run, results))


PLAIN = Spec(
    seed=10, base="1m", sessions=3, history=1, minutes=40, half_days=frozenset(), gapless=False,
    broken=False, extended=False, keep=(1.0, 0.9), empty=frozenset(), actions=(),
    strategies=(), declared={}, participation=None, allow_short=True,
)  # fmt: skip
WATCHED = config_of(
    PLAIN.symbols,
    ["tests.stream_strategies:MinuteCollector"],
    derived_intervals=("5m", "15m", "1h", "1d"),
    history={"1m": 1, "5m": 1},
    engine={"runner": "inline"},  # a script waits for nobody
)


def minutes(outcome: Outcome) -> list[tuple[str, int]]:
    """The minutes whose bars the strategy was given."""
    bars = [entry[1] for entry in outcome.seen[0] if len(entry) == 2]
    return [(bar.symbol, bar.start_ns) for bar in bars if bar.interval == "1m"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("told", ["late", "never"])
def test_late_bars_are_not_acted_on_and_leave_the_series_as_if_they_had_come(told: str) -> None:
    """Those that never come are found to be missing, and asked for."""
    rng = random.Random(3)

    def heard(closed_ns: int, bar: VenueBar) -> list[tuple[int, Heard]]:
        closes = [s.close_ns for s in PLAIN.calendar() if s.close_ns > bar.start_ns]
        close_ns = closes[0] if closes else bar.start_ns
        if close_ns - bar.start_ns < 5 * MINUTE_NS or rng.random() < 0.8:
            return [(closed_ns + SECOND_NS, bar)]
        return [(closed_ns + 70 * SECOND_NS, bar)] if told == "late" else []

    run, results, house = live_run(PLAIN, heard, config=WATCHED, beat_ns=HOUR_NS)
    if told == "never":
        run.quality._gaps = Gaps(False, house.inbox.put)
    outcome, expected = outcome_of(run, results), execute(WATCHED, PLAIN.market())
    assert outcome.reason == "finished"
    missed = set(minutes(expected)) - set(minutes(outcome))
    assert 10 < len(missed) < len(minutes(expected)) / 2
    assert set(minutes(outcome)) <= set(minutes(expected))
    assert outcome.seen[0][-5:] == expected.seen[0][-5:]  # windows of all lengths, to the bit
    assert all(total.coverage > 0.85 for total in run.quality.book.totals.values())


def test_a_run_that_starts_in_mid_session_is_given_what_was_before_but_not_its_bars() -> None:
    lead_ns = -12 * MINUTE_NS - 1
    run, results, _ = live_run(PLAIN, after(SECOND_NS), lead_ns, WATCHED, beat_ns=HOUR_NS)
    outcome, expected = outcome_of(run, results), execute(WATCHED, PLAIN.market())
    assert outcome.reason == "finished"
    first_ns = min(start_ns for _, start_ns in minutes(expected))
    assert min(start_ns for _, start_ns in minutes(outcome)) == first_ns + 12 * MINUTE_NS
    assert outcome.seen[0][-5:] == expected.seen[0][-5:]
    by_minute = [entry for entry in expected.seen[0] if entry[0] > first_ns + 13 * MINUTE_NS]
    assert [entry for entry in outcome.seen[0] if entry[0] > first_ns + 13 * MINUTE_NS] == by_minute
