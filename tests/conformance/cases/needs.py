"""What venues may lack: how it is declared, and the refusal that is demanded then."""

import pytest

from app.core.money import UNITS
from app.core.orders import IOC, KINDS, TIFS
from app.core.venue import VenueRefused
from tests.conformance.bench import Bench, fills_of, order, terms, told
from tests.conformance.case import Need, Play, kind_of, tif_of

_PRICES = {
    "limit": {"limit": 99.0},
    "stop": {"stop": 101.0},
    "stop_limit": {"stop": 101.0, "limit": 102.0},
    "trailing_stop": {"trail": 1.0},
}


def _refused(kind: str = "market", tif: str = "", reduce_only: bool = False) -> Play:
    """An order of that form is refused, and is not there."""

    def play(bench: Bench) -> None:
        venue = bench.open()
        asked = order(
            bench, "a", 10, kind, tif=tif, reduce_only=reduce_only, **_PRICES.get(kind, {})
        )
        with pytest.raises(VenueRefused):
            venue.place(asked)
        assert venue.order("a") is None
        assert not venue.open_orders()

    return play


def _keeps_its_terms(bench: Bench) -> None:
    venue = bench.open()
    placed = venue.place(order(bench, "a", 10, "limit", limit=99.0))
    with pytest.raises(VenueRefused):
        venue.amend("a", terms(20, limit=98.0))
    assert (told(venue, "a").units, told(venue, "a").limit) == (placed.units, placed.limit)


def _sells_what_is_held(bench: Bench) -> None:
    venue = bench.open()
    with pytest.raises(VenueRefused):
        venue.place(order(bench, "a", -10))
    bench.to(2)
    assert not venue.positions().get(bench.facts.symbols[0])


def _one_exit(bench: Bench) -> None:
    venue = bench.open()
    venue.place(order(bench, "entry", 10))
    bench.to(1)
    venue.place(order(bench, "target", -10, "limit", limit=105.0))
    with pytest.raises(VenueRefused):
        venue.place(order(bench, "second", -10, "limit", limit=106.0))
    assert [one.client_id for one in venue.open_orders()] == ["target"]


def _takes_an_id_again(bench: Bench) -> None:
    venue = bench.open()
    venue.place(order(bench, "a", 10))
    bench.to(1)
    venue.place(order(bench, "a", 20))
    bench.to(2)
    assert sum(one.units for one in fills_of(venue, "a")) == 30 * UNITS


KIND = {kind: kind_of(_refused(kind), kind) for kind in KINDS}
TIF = {tif: tif_of(_refused("limit", tif=tif), tif) for tif in TIFS}
AMENDS = Need("no amendments", lambda able: able.amends, _keeps_its_terms)
REDUCES = Need("no reduce-only orders", lambda able: able.reduces_only, _refused(reduce_only=True))
SHORT = Need("no short sales", lambda able: able.goes_short, _sells_what_is_held)
TWO_EXITS = Need("one exit at a time", lambda able: able.exits_twice, _one_exit)
ONCE = Need(
    "an ended order's id is free again", lambda able: able.remembers_ids, _takes_an_id_again
)
AT_ONCE = TIF[IOC]
