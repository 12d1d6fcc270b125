"""The practice venue and the simulator come to the same fills, whatever is asked of them."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.orders import LIMIT, MARKET, STOP, STOP_LIMIT, TRAILING_STOP
from app.core.venue import LIVE_STATES, Venue, VenueRefused
from tests.conformance.bench import BARS, Bench, Row, order, terms, told
from tests.conformance.benches.practice import InProcessBench
from tests.conformance.benches.simulated import SimBench

_KINDS = (MARKET, MARKET, LIMIT, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP)


def _bars(rng: Random) -> list[Row]:
    cents, rows = 10_000, []
    for _ in range(BARS):
        prices = sorted(cents + rng.randint(-40, 40) for _ in range(4))
        inside = rng.sample(prices[1:3], 2)
        cents = inside[1]
        low, high, first, last = (price / 100 for price in (prices[0], prices[3], *inside))
        rows.append((first, high, low, last, rng.choice([40.0, 200.0, 1e5])))
    return rows


def _prices(rng: Random, kind: str) -> dict[str, float]:
    near = [rng.randint(9_950, 10_050) / 100 for _ in range(2)]
    names = {LIMIT: ["limit"], STOP: ["stop"], STOP_LIMIT: ["stop", "limit"]}.get(kind, [])
    if kind == TRAILING_STOP:
        return {"trail": rng.randint(5, 40) / 100}
    return dict(zip(names, near, strict=False))


def _played(kind: type[Bench], seed: int) -> dict[str, Any]:
    """What a life of orders comes to; the seed alone says what is asked."""
    rng = Random(seed)
    bench = kind(_bars(rng))
    venue, kinds = bench.open(), dict[str, str]()
    for number in range(-1, BARS):
        if number >= 0:
            bench.to(number)
        for _ in range(rng.choice([0, 1, 1, 2])):
            name = f"o{len(kinds)}"
            kinds[name] = rng.choice(_KINDS)
            asked = order(
                bench, name, rng.choice([-1, 1]) * rng.randint(1, 30), kinds[name],
                tif=rng.choice(["day", "day", "gtc", "ioc"]),
                symbol=rng.choice(bench.facts.symbols),
                **_prices(rng, kinds[name]),
            )  # fmt: skip
            venue.place(asked)
        _change_one(rng, venue, kinds)
    bench.to(BARS)
    bench.to_next_session()
    reports = [told(venue, name) for name in kinds]
    return {
        "fills": [
            (one.at_ns, one.symbol, one.client_id, one.units, one.price)
            for one in sorted(venue.executions(0), key=lambda one: (one.at_ns, one.symbol))
        ],
        "orders": [
            (one.client_id, _end(one.state), one.units, one.filled_units) for one in reports
        ],
        "held": {name: units for name, units in venue.positions().items() if units},
        "cash": venue.cash(),
    }


def _end(state: str) -> str:
    """What an IOC order leaves has expired here and was cancelled there."""
    return "EXPIRED" if state == "CANCELED" else state


def _change_one(rng: Random, venue: Venue, kinds: dict[str, str]) -> None:
    """Cancel or amend an order, where it still works."""
    name, what = f"o{rng.randrange(len(kinds) + 1)}", rng.random()
    units, prices = rng.randint(1, 40), _prices(rng, kinds.get(name, MARKET))
    found = venue.order(name)
    if found is None or found.state not in LIVE_STATES or what < 0.3:
        return
    try:
        if what < 0.6:
            venue.cancel(name)
        elif abs(found.filled_units) < units * 10**8:
            venue.amend(name, terms(units if found.units > 0 else -units, **prices))
    except VenueRefused:
        pass  # both say so, or what comes of it differs


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_a_life_of_orders_comes_to_the_same_at_both(seed: int) -> None:
    assert _played(InProcessBench, seed) == _played(SimBench, seed)
