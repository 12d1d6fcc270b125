"""Coins traded over midnight and over the end of a day's connection, at the Binance peer."""

import datetime as dt
from pathlib import Path

import pytest

from app.core.intervals import MINUTE_NS
from app.integrations.practice import wire
from app.integrations.practice.venue.books import Placed
from tests.data_house import ns
from tests.faults.coin_days import CoinHouse, audited

MOST_A_DAY = 4  # entries, of both symbols


@pytest.mark.timeout(90)
def test_coins_are_traded_over_midnight_and_a_disconnect_and_the_day_s_counters_roll(
    tmp_path: Path,
) -> None:
    """Sunday the third of November, when New York has set its clocks back, and the Monday."""
    midnight_ns = ns("2024-11-04T00:00", dt.UTC)
    risk = {"max_orders_per_day": MOST_A_DAY}
    with CoinHouse(tmp_path / "coins", "2024-11-03T23:30", 240, 2, risk=risk) as house:
        house.wait_time(midnight_ns + 4 * MINUTE_NS, 30)
        house.arm(wire.Fault("day_disconnect", 1))
        house.wait_time(midnight_ns + 11 * MINUTE_NS, 30)
        house.stop()
        found = audited(house, near_minutes=30)
        assert (found.midnights, found.disconnects) == (1, 1)
        house.verified()
        placed = [one for one in house.books() if isinstance(one, Placed)]
        buys = [one for one in placed if one.order.terms.units > 0]
        days = [one.at_ns >= midnight_ns for one in buys]
        assert days.count(False) == MOST_A_DAY  # and no more until midnight
        assert 0 < days.count(True) <= MOST_A_DAY
