"""A live run on a venue's stream comes to what a replay of the same bars comes to."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.test_stream_invariance import busy_spec, differences
from tests.live_house import House, closing, quotes_of
from tests.market import SCALE, Memory, Outcome, execute, outcome_of, wired
from tests.random_market import Spec, specs

from app.core.intervals import HOUR_NS, SECOND_NS
from app.managers.data_manager.stored_bars import Wanted


def live(spec: Spec, beat_ns: int, delay_ns: int = 50_000_000) -> Outcome:
    """The run over the same market, fed by a venue that streams its bars as they close."""
    market = spec.market()
    run, results = wired(spec.config(), market)
    bars = {name: columns for (name, _), columns in spec.bars().items()}
    script = closing(bars, spec.known_ns, delay_ns)
    quotes = Memory({(name, "1m"): columns for name, columns in bars.items()})
    for name, columns in bars.items():
        script += quotes_of(quotes, name, columns) if len(columns) else ()
    wanted: Wanted = run.feed._wanted
    first_ns = wanted.sessions[0].segments(wanted.extended_hours)[0].start_ns
    house = House(
        market.source,
        wanted,
        script,
        first_ns - 5 * SECOND_NS,
        bars,
        venue_interval=spec.base,
        beat_ns=beat_ns,
        silent_ns=10**18,
        stale_ns=10**18,
    )
    run.feed = house.feed  # type: ignore[assignment]
    return outcome_of(run, results)


@given(specs(), st.sampled_from([37 * SECOND_NS, HOUR_NS]))
@settings(max_examples=8 * SCALE, deadline=None)
def test_a_live_run_is_the_replay_of_what_happened(spec: Spec, beat_ns: int) -> None:
    assert not differences(execute(spec.config(), spec.market()), live(spec, beat_ns))


def test_a_busy_live_week_makes_the_fills_of_its_replay() -> None:
    spec = msgspec.structs.replace(busy_spec(), extended=False)
    expected = execute(spec.config(), spec.market())
    assert len(expected.fills) > 50, "a market in which little happens proves little"
    assert not differences(expected, live(spec, SECOND_NS, SECOND_NS))
