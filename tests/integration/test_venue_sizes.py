"""Ticks, lots and least values as a venue tells them, before a run begins there."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from tests.data_house import House, calendars, house

from app.core.venue import Sizes
from app.managers.system_manager.venue.venue_sizes import record_sizes

__all__ = ["calendars", "house"]

CONFIG: Any = SimpleNamespace(symbols=["BTC/USDT", "DOGE/USDT", "ETH/USDT"], market="24/7")
TOLD = {
    "BTC/USDT": Sizes(Decimal("0.01000000"), Decimal("0.00001000")),  # as the market's own
    "DOGE/USDT": Sizes(Decimal("0.00001000"), Decimal("1.00000000"), Decimal("5.000")),
    "ETH/USDT": None,
}


def test_instruments_are_set_as_the_venue_tells_where_it_does(house: House) -> None:
    data = house.data
    venue: Any = SimpleNamespace(sizes=TOLD.get)
    record_sizes(venue, data, CONFIG)
    (doge,) = data.instruments("24/7")
    assert (doge.symbol, doge.tick, doge.lot) == ("DOGE/USDT", Decimal("0.00001"), Decimal(1))
    assert (doge.currency, doge.least_value) == ("USDT", Decimal(5))
    record_sizes(venue, data, CONFIG)
    assert len(data.instruments("24/7")) == 1
