"""Limits of rates, of the market and of hours in whole replays: what they refuse is on record."""

import datetime as dt
from typing import Any

from tests.system_house import SystemHouse, stored_market, system_house

from app.managers.data_manager import ImportOptions

__all__ = ["stored_market", "system_house"]  # fixtures

OPEN = dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)

BUYER = """
from app.strategies import Strategy

class Buyer(Strategy):
    def on_bar(self, bar):
        for shares in {shares}:
            self.order(bar.symbol, shares{terms})
"""


def import_bars(
    house: SystemHouse, minutes: list[int], *, high: float = 10.5, quotes: bool = False
) -> None:
    """QQQ in these minutes after the first session's open, at 10 each."""
    lines = ["timestamp,open,high,low,close,volume" + (",bid_open,ask_open" if quotes else "")]
    for minute in minutes:
        moment = OPEN + dt.timedelta(minutes=minute)
        quote = ",9.99,10.01" if quotes else ""
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%SZ},10,{high},9.5,10,100000{quote}")
    path = house.folder.parent / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    house.system.data_manager.import_csv(path, ImportOptions("XNYS", "QQQ"))


def refusals(
    house: SystemHouse, risk: dict[str, Any], shares: list[int] | None = None, terms: str = ""
) -> list[tuple[int, str]]:
    """The minutes after the open in which orders were refused, and why; of any block size."""
    text = BUYER.format(shares=shares or [1], terms=terms)
    found = []
    for rows in (1, 7, 8192):
        config = house.config(
            symbols=("QQQ",),
            use=house.strategy("buyer.py", text),
            end="2024-06-04",
            risk=risk,
            engine={"block_rows": rows},
        )
        run_id = house.another().run(config).run_id
        orders = house.runs().get_orders(run_id)
        open_ns = int(OPEN.timestamp()) * 10**9
        found.append(
            [
                ((order["created_ns"] - open_ns) // 60_000_000_000, order["reason"])
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
    assert refusals(system_house, {"max_orders_per_second": 2}, [1, 2, 3]) == [
        (1, reason),
        (2, reason),
    ]


def test_a_minute_has_room_for_so_many_entries(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1])
    reason = "max_orders_per_minute: 3 in a minute is over 2"
    assert refusals(system_house, {"max_orders_per_minute": 2}, [1, 2, 3]) == [
        (1, reason),
        (2, reason),
    ]


def test_a_session_has_room_for_so_many_entries(system_house: SystemHouse) -> None:
    day = 24 * 60
    import_bars(system_house, [0, 1, 2, 3, day, day + 1, day + 2, day + 3])
    reason = "max_orders_per_day: 4 in the session is over 3"
    strategy = {"strategies": {"buyer": {"max_orders_per_day": 3}}}
    told = reason.replace(":", " of strategy buyer:")
    assert refusals(system_house, {"max_orders_per_day": 3}) == [(4, reason), (day + 4, reason)]
    assert refusals(system_house, strategy) == [(4, told), (day + 4, told)]


def test_an_equal_entry_waits(system_house: SystemHouse) -> None:
    import_bars(system_house, [0, 1, 2, 3])
    at_once, later = (
        f"duplicate_seconds: an equal one left {ago} s ago, less than 90" for ago in (0, 60)
    )
    assert refusals(system_house, {"duplicate_seconds": 90}, [1, 2, 1]) == [
        (1, at_once),
        (2, later),
        (2, later),
        (2, later),
        (3, at_once),
        (4, later),
        (4, later),
        (4, later),
    ]
