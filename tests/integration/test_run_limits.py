"""Limits of rates, of the market and of hours in whole replays: what they refuse is on record."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app.core.errors import NotFoundError
from app.core.intervals import MINUTE_NS
from app.managers.data_manager import ImportOptions

__all__ = ["stored_market", "system_house"]  # fixtures

OPEN = dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)

DAY = 24 * 60  # minutes from one session to the next
BUYER = """
from app.strategies import Strategy

class Buyer(Strategy):
    def on_bar(self, bar):
        for shares in {shares}:
            self.order(bar.symbol, shares{terms})
"""
ALL_DAY = """
import datetime as dt
from app.strategies import Strategy

class AllDay(Strategy):
    def on_session_open(self, session):
        self.order(self.symbols[0], 1)
        self.timer("half", self.now + dt.timedelta(seconds=30), dt.timedelta(minutes=1))

    def on_bar(self, bar):
        self.order(bar.symbol, 1)

    def on_timer(self, name):
        self.order(self.symbols[0], 1)

    def on_session_close(self, session):
        self.order(self.symbols[0], 1)
        self.cancel_timer("half")
"""


def buyer(shares: Sequence[int], terms: str = "") -> str:
    """A strategy that buys these on each bar."""
    return BUYER.format(shares=shares, terms=terms)


def import_bars(
    house: SystemHouse, minutes: Iterable[int], high: float = 10.5, quotes: Sequence[str] = ()
) -> None:
    """QQQ in these minutes after the first session's open, at 10 each; quotes as `9.99,10.01`."""
    lines = ["timestamp,open,high,low,close,volume" + (",bid_open,ask_open" if quotes else "")]
    for minute, quote in zip_longest(minutes, quotes):
        moment = OPEN + dt.timedelta(minutes=minute)
        row = [f"{moment:%Y-%m-%dT%H:%M:%SZ},10,{high},9.5,10,100000", *([quote] if quotes else ())]
        lines.append(",".join(row))
    path = house.folder.parent / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    house.system.data_manager.import_csv(path, ImportOptions("XNYS", "QQQ"))


def refusals(
    house: SystemHouse, risk: dict[str, Any], text: str = "", **dates: str
) -> list[tuple[float, str]]:
    """The minutes after the first open in which orders were refused, and why; of any block size."""
    found = []
    for rows in (1, 7, 8192):
        config = house.config(
            symbols=("QQQ",),
            use=house.strategy("buyer.py", text or buyer([1])),
            risk=risk,
            engine={"block_rows": rows},
            **{"end": "2024-06-04", **dates},
        )
        orders = house.runs().get_orders(house.another().run(config).run_id)
        open_ns = int(OPEN.timestamp()) * 10**9
        found.append(
            [
                ((order["created_ns"] - open_ns) / MINUTE_NS, order["reason"])
                for order in orders
                if order["state"] == "REJECTED"
            ]
        )
        assert len(orders) > len(found[-1])
    assert found[0] == found[1] == found[2]
    return found[0]


def test_a_second_has_room_for_so_many_entries(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1])
    reason = "max_orders_per_second: 3 in a second is over 2"
    assert refusals(system_house, {"max_orders_per_second": 2}, buyer([1, 2, 3])) == [
        (1, reason),
        (2, reason),
    ]


def test_a_minute_has_room_for_so_many_entries(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1])
    reason = "max_orders_per_minute: 3 in a minute is over 2"
    assert refusals(system_house, {"max_orders_per_minute": 2}, buyer([1, 2, 3])) == [
        (1, reason),
        (2, reason),
    ]


def test_a_session_has_room_for_so_many_entries(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1, 2, 3, DAY, DAY + 1, DAY + 2, DAY + 3])
    reason = "max_orders_per_day: 4 in the session is over 3"
    strategy = {"strategies": {"buyer": {"max_orders_per_day": 3}}}
    told = reason.replace(":", " of strategy buyer:")
    assert refusals(system_house, {"max_orders_per_day": 3}) == [(4, reason), (DAY + 4, reason)]
    assert refusals(system_house, strategy) == [(4, told), (DAY + 4, told)]


def test_an_equal_entry_waits(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1, 2, 3])
    at_once, later = (
        f"duplicate_seconds: an equal one left {ago} s ago, under 90" for ago in (0, 60)
    )
    assert refusals(system_house, {"duplicate_seconds": 90}, buyer([1, 2, 1])) == [
        (1, at_once),
        (2, later),
        (2, later),
        (2, later),
        (3, at_once),
        (4, later),
        (4, later),
        (4, later),
    ]


def test_an_entry_pays_no_more_than_a_share_over_the_last_price(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1])
    text = buyer([2, -1], ", limit=10.6 if shares > 0 else 9.5")
    told = "price_collar_percent: limit 10.6 is 6 % above the last price 10, over 5 %"
    # at minute 2 it is short, and what takes that out is bought
    assert refusals(system_house, {"price_collar_percent": 5}, text) == [(1, told)]


def test_a_silent_symbol_takes_no_entries(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1, 5])
    text = ALL_DAY.replace("on_session_close", "unused")
    limit = {"symbols": {"QQQ": {"max_data_age_seconds": 90}}}
    found = refusals(system_house, limit, text, end="2024-06-03")
    told = "max_data_age_seconds of symbol QQQ: "
    none = f"{told}it has no bar in this session yet"
    old = [
        (at, f"{told}its last bar ended {age} s ago, over 90")
        for at, age in ((4.5, 150), (5.5, 210), (8.5, 150), (9.5, 210))
    ]
    assert found[:6] == [(0, none), (0.5, none), *old]


def test_a_symbol_with_holes_takes_no_entries(system_house: SystemHouse) -> None:
    import_bars(system_house, [*range(60), *range(70, 90)])
    told = "min_data_quality_percent: "
    found = refusals(system_house, {"min_data_quality_percent": 88})
    assert [at for at, _ in found] == [*range(71, 84)]
    assert found[0][1] == f"{told}85.91549296 is under 88"  # 10 of 71 minutes are lost


def test_a_volatile_symbol_takes_no_entries(system_house: SystemHouse) -> None:
    import_bars(system_house, range(3))
    import_bars(system_house, range(3, 6), high=12.5)  # a range of 30 %
    import_bars(system_house, range(6, 24))
    found = refusals(system_house, {"max_volatility_percent": 15})
    assert found[:2] == [
        (5, "max_volatility_percent: 18 is over 15"),
        (6, "max_volatility_percent: 20 is over 15"),
    ]
    assert [at for at, _ in found] == [5, 6, 7, 8, 9, 10, 11]


def test_a_wide_spread_takes_no_entries(system_house: SystemHouse) -> None:
    quotes = [",", "9.99,10.01", "9.9,10.1", ",", "10.1,10.1", "9.99,10.01"]
    import_bars(system_house, range(6), quotes=quotes)
    none = "max_spread_bps: its last bar has no quote whose bid is below its ask"
    wide = "max_spread_bps: 200 is over 20"
    assert refusals(system_house, {"max_spread_bps": 20}, end="2024-06-03") == [
        (1, none),
        (3, wide),
        (4, wide),  # the last quote of the session holds on
        (5, none),
    ]


def test_a_replay_without_quotes_does_not_start_where_spreads_are_limited(
    system_house: SystemHouse,
) -> None:
    import_bars(system_house, range(6))
    with pytest.raises(NotFoundError, match=r"no quotes of QQQ .* limit max_spread_bps needs them"):
        refusals(system_house, {"symbols": {"QQQ": {"max_spread_bps": 20}}})


def test_the_first_minutes_and_what_waits_for_them_take_no_entries(
    system_house: SystemHouse,
) -> None:
    import_bars(system_house, [*range(390), DAY])
    found = refusals(system_house, {"no_entries_first_minutes": 2}, ALL_DAY)
    told = "no_entries_first_minutes: "
    waits = f"{told}it would be there at the open, whose first 2 minutes take none"
    first = [
        (seconds / 60, f"{told}the session opened {seconds} s ago, under 2 minutes")
        for seconds in (0, 30, 60, 90)
    ]
    # the last bar is known when trading is over, as is the close
    later = [(DAY + at, why) for at, why in first]
    assert found == [*first, (390, waits), (390, waits), *later, (DAY + 390, waits)]


def test_the_last_minutes_of_a_half_day_take_no_entries(system_house: SystemHouse) -> None:
    day = 30 * DAY  # 3 July closes at 13:00
    import_bars(system_house, range(day, day + 210))
    found = refusals(
        system_house, {"no_entries_last_minutes": 2}, start="2024-07-03", end="2024-07-03"
    )
    assert found == [
        (day + at, f"no_entries_last_minutes: the session closes in {left} s, within 2 minutes")
        for at, left in ((208, 120), (209, 60), (210, 0))
    ]
