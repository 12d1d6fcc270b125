"""Whatever is sent to the practice venue and goes wrong there, it answers and its books hold."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.practice_house import CASH, Sim, minute, order, terms

from app.core.orders import KINDS, TIFS, Terms
from app.core.venue import Connected, Disconnected, Execution, VenueError, VenueOrder, VenueReport
from app.integrations.practice import wire
from app.integrations.practice.venue.desk import Request
from app.integrations.practice.venue.faults import PLACES
from app.integrations.practice.wire import Fault

SECOND_NS = 10**9

FAULTS = st.lists(
    st.builds(
        Fault,
        kind=st.sampled_from(list(PLACES)),
        count=st.one_of(st.none(), st.integers(0, 3)),
        probability=st.sampled_from([0.1, 0.5, 1.0]),
        seed=st.integers(0, 99),
        seconds=st.sampled_from([0.0, 20.0, 90.0]),
    ),
    max_size=5,
)
NAMES = st.integers(0, 5).map(lambda number: f"o{number}")
STEPS = st.one_of(
    st.tuples(
        st.just("place"), NAMES, st.sampled_from([-20, 5, 40]), st.sampled_from([None, 99.5])
    ),
    st.tuples(st.just("cancel"), NAMES),
    st.tuples(st.just("amend"), NAMES, st.sampled_from([-25, 7, 30])),
    st.tuples(st.just("wait"), st.integers(1, 120)),
)


def do(sim: Sim, adapter: Any, step: tuple[Any, ...]) -> None:
    try:
        if step[0] == "wait":
            sim.at(sim.now_ns + step[1] * SECOND_NS)
        elif step[0] == "place":
            kind = "market" if step[3] is None else "limit"
            adapter.place(order(step[1], step[2], kind, limit=step[3]))
        elif step[0] == "cancel":
            adapter.cancel(step[1])
        else:
            adapter.amend(step[1], terms(step[2], limit=99.0))
    except VenueError:
        pass


@given(faults=FAULTS, steps=st.lists(STEPS, min_size=8, max_size=30))
@settings(max_examples=80)
def test_through_any_faults_the_snapshot_is_whole_and_the_streams_say_nothing_untrue(
    faults: list[Fault], steps: list[tuple[Any, ...]]
) -> None:
    sim = Sim(participation="0.005").at(minute(0, -1))
    house = sim.in_process()
    adapter = house.adapter()
    heard: list[Any] = []
    adapter.order_stream(heard.append)
    sim.arm(*faults)
    for step in steps:
        do(sim, adapter, step)
        house.pump()
    sim.arm()
    sim.at(minute(10, day=1))
    house.pump()

    executions = {one.execution_id: one for one in adapter.executions(0)}
    assert len(executions) == len(sim.books.executions)  # each id is one of its own
    held = sum(one.units for one in executions.values())
    assert adapter.positions() == ({"AAA": held} if held else {})
    for item in heard:
        assert isinstance(item, Execution | VenueReport | Connected | Disconnected)
        if isinstance(item, Execution):
            assert executions[item.execution_id] == item
    for name, entry in sim.books.by_client.items():
        told = adapter.order(name)
        assert told is not None
        filled = sum(one.units for one in executions.values() if one.client_id == name)
        assert told.filled_units == filled == entry.order.filled_units
        assert abs(filled) <= abs(told.units)
        assert (told.state == "FILLED") == (filled == told.units)


WORDS = st.one_of(st.sampled_from([*KINDS, *TIFS, "AAA", "o1", ""]), st.text(max_size=8))
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, 10**8, -(10**9), 1 << 63]))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    *VenueOrder.__struct_fields__,
                    *Terms.__struct_fields__,
                    *Fault.__struct_fields__,
                    *wire.Manual.__struct_fields__,
                    *wire.Control.__struct_fields__,
                    "faults",
                ]
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=12,
)
PRICES = st.one_of(st.integers(1, 10**9).map(lambda cents: cents / 100), NUMBERS)
UNITS = st.one_of(
    st.integers(-5, 5).map(lambda shares: shares * 10**8),
    st.sampled_from([-(10**18), 10**18, 46 * 10**17]),
    NUMBERS,
)


def terms_of(kind: str) -> st.SearchStrategy[dict[str, object]]:
    """Mostly such as an order of this kind has."""
    needed = {"limit": ("limit", "stop_limit"), "stop": ("stop", "stop_limit")}
    needed["trail"] = ("trailing_stop",)
    prices = {name: PRICES if kind in kinds else st.none() for name, kinds in needed.items()}
    return st.fixed_dictionaries({"units": UNITS, **prices, "trail_percent": st.none()})


TERMS = st.one_of(terms_of("limit"), st.sampled_from(KINDS).flatmap(terms_of))
ORDERS = st.sampled_from(KINDS).flatmap(
    lambda kind: st.fixed_dictionaries(
        {
            "client_id": st.one_of(st.just("o2"), WORDS),
            "symbol": st.just("AAA"),
            "kind": st.just(kind),
            "tif": st.one_of(st.just("day"), st.sampled_from(TIFS)),
            "terms": terms_of(kind),
        }
    )
)
FAULT_WORDS = [name for name in Fault.__struct_fields__ if name != "kind"]
FAULT_LISTS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(list(PLACES))},
        optional=dict.fromkeys(FAULT_WORDS, st.one_of(NUMBERS, WORDS)),
    ),
    max_size=2,
).map(lambda faults: {"faults": faults})
AMOUNTS = st.dictionaries(st.sampled_from(["AAA", "USD"]), NUMBERS, max_size=2)
MANUALS = st.fixed_dictionaries(
    {}, optional={"order": ORDERS, "cancel": WORDS, "positions": AMOUNTS, "cash": AMOUNTS}
)
CONTROLS = st.fixed_dictionaries(
    {}, optional={"pause": st.booleans(), "rate": NUMBERS, "advance_to_ns": NUMBERS}
)
METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE"])
PATHS = st.sampled_from(
    [
        *(wire.ORDERS, wire.FAULTS, wire.MANUAL, wire.CONTROL, wire.BARS, wire.EXECUTIONS),
        *(f"{wire.ORDERS}/o1", f"{wire.ORDERS}/%00", "", "/", "/time"),
    ]
)
REQUESTS = st.one_of(
    st.tuples(st.just("POST"), st.just(wire.ORDERS), ORDERS),
    st.tuples(st.just("PATCH"), st.just(f"{wire.ORDERS}/o1"), TERMS),
    st.tuples(st.just("POST"), st.just(wire.FAULTS), FAULT_LISTS),
    st.tuples(st.just("POST"), st.just(wire.MANUAL), MANUALS),
    st.tuples(st.just("POST"), st.just(wire.CONTROL), CONTROLS),
    st.tuples(METHODS, PATHS, JSON),
    st.tuples(METHODS, PATHS, st.binary(max_size=40)),
)
QUERIES = st.dictionaries(
    st.sampled_from(["symbol", "interval", "start_ns", "end_ns", "since_ns"]),
    st.one_of(WORDS, st.integers().map(str), st.sampled_from(["1m", "1d", "7h"])),
    max_size=3,
)


@given(request=REQUESTS, query=QUERIES)
@settings(max_examples=300)
def test_every_request_is_answered_and_none_breaks_the_books(
    request: tuple[str, str, object], query: dict[str, str]
) -> None:
    method, path, body = request
    sim = Sim()
    sim.place(order("o1", 10, "limit", limit=50.0))
    sent = body if isinstance(body, bytes) else _as_json(body)
    answer = sim.desk.answer(Request(method, path, query, sent), sim.now_ns)
    assert answer.status in (200, 400, 404, 409, 413, 422), (answer, sent)
    sim.ask("GET", wire.FAULTS)
    sim.arm()
    sim.to(max(sim.desk.clock.now_ns(sim.now_ns), minute(11)))
    for path in (wire.ORDERS, wire.EXECUTIONS, wire.POSITIONS, wire.CASH, f"{wire.ORDERS}/o1"):
        assert sim.ask("GET", path)[0] in (200, 422)
    wire.encode([event for step in sim.kept for event in step])  # what the file would hold


def _as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_amounts_beyond_64_bits_are_told_to_the_last_unit() -> None:
    sim = Sim()
    units = 46 * 10**17
    whole = VenueOrder(
        client_id="a",
        symbol="AAA",
        kind="market_on_open",
        tif="day",
        terms=Terms(units, None, None, None, None),
    )
    adapter = sim.in_process().adapter()
    adapter.place(whole)
    sim.to(minute(1))
    assert adapter.positions() == {"AAA": units}
    assert adapter.cash() == {"USD": CASH - 100 * units}
