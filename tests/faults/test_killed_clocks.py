"""What a live run makes of clocks that are set, that stand still, and of days that are odd."""

import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from app.core.venue import Execution
from app.integrations.practice import wire
from app.managers.time_manager import TimeManager
from tests.faults.killed_audit import audit, check_flat, check_verified, placed_at_venue
from tests.faults.killed_house import SELDOM_SECONDS, House, wait_for
from tests.faults.odd_days import ODD_SYMBOLS, import_days
from tests.faults.soaking import Nights

pytestmark = pytest.mark.timeout(300)


def control(house: House, body: wire.Control) -> None:
    reply = httpx2.post(f"{house.url}{wire.CONTROL}", content=wire.encode(body), trust_env=False)
    assert reply.status_code == 200, reply.text


def wait_for_orders(house: House, more: int = 10) -> None:
    before = len(placed_at_venue(house))
    wait_for(
        lambda: len(placed_at_venue(house)) > before + more or None, "orders", every=SELDOM_SECONDS
    )


def settle(house: House) -> None:
    assert house.stop() == 0, house.log()
    check_flat(house)
    audit(house)
    check_verified(house)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_wall_clock_that_is_set_changes_nothing(hours: int, tmp_path: Path) -> None:
    with House(tmp_path) as house:
        house.start(("-m", "tests.faults.fault_launcher", "clock", "4", str(hours)))
        house.wait_ready()
        time.sleep(4)
        wait_for_orders(house)
        assert "lost" not in house.log()
        settle(house)


def test_a_venue_whose_clock_stands_still_gets_no_orders_until_it_goes_on(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        house.start()
        house.wait_ready()
        wait_for_orders(house)
        control(house, wire.Control(pause=True))
        time.sleep(3)
        before = len(placed_at_venue(house))
        time.sleep(17)  # the trader has asked for the time meanwhile
        assert len(placed_at_venue(house)) == before
        control(house, wire.Control(pause=False))
        wait_for_orders(house)
        settle(house)


def trade_on(house: House, dates: Sequence[str]) -> dict[str, str]:
    """Sessions one after another, and the first fill of each by the clock of Greenwich."""
    nights, times = Nights(house), TimeManager(house.data, "XNYS")
    house.start()
    house.wait_ready()
    control(house, wire.Control(rate=400))  # slower before, so that the first day is not missed
    firsts: dict[str, str] = {}
    last_ns = 0  # of the fills that were looked at

    def look(since_ns: int) -> None:
        nonlocal last_ns
        nights.skip()
        found: list[Execution] = [*house.adapter.executions(since_ns)]
        for one in found:
            local = times.to_local(one.at_ns, "XNYS")
            assert dt.time(9, 30) < local.time() <= dt.time(16), local
            firsts.setdefault(str(local.date()), f"{local.astimezone(dt.UTC):%H:%M}")
            last_ns = max(last_ns, one.at_ns)

    for date in dates:

        def traded(date: str = date) -> bool | None:
            look(last_ns)
            return date in firsts or None

        wait_for(traded, f"fills on {date}", 120, SELDOM_SECONDS)
    look(0)
    return firsts


def test_a_month_ends_and_the_clocks_are_set_back_between_sessions(tmp_path: Path) -> None:
    """Thursday the last of October, Friday the first of November, and the Monday in winter time."""
    with House(tmp_path, at="2024-10-31T14:30", rate=60, live={"sessions": 3}) as house:
        firsts = trade_on(house, ("2024-10-31", "2024-11-01", "2024-11-04"))
        assert firsts["2024-11-01"][:2] == "13" and firsts["2024-11-04"][:2] == "14"
        settle(house)


def test_the_clocks_are_set_forward_between_sessions(tmp_path: Path) -> None:
    """Friday in winter time, and the Monday in summer time, whose open is an hour earlier."""
    import_days(tmp_path, ("2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12"))
    live, at = {"sessions": 3}, "2024-03-08T14:30"
    with House(tmp_path, at=at, rate=60, live=live, symbols=ODD_SYMBOLS) as house:
        firsts = trade_on(house, ("2024-03-08", "2024-03-11", "2024-03-12"))
        assert firsts["2024-03-11"][:2] == firsts["2024-03-12"][:2] == "13"
        settle(house)


def test_a_market_that_never_closes_goes_on_over_midnight_and_the_month_s_end(
    tmp_path: Path,
) -> None:
    import_days(tmp_path, ("2024-02-28", "2024-02-29", "2024-03-01"), "24/7")
    live, at = {"sessions": 2}, "2024-02-29T23:00"
    with House(tmp_path, at=at, rate=30, live=live, symbols=ODD_SYMBOLS, market="24/7") as house:
        house.start()
        house.wait_ready()
        control(house, wire.Control(rate=120))

        def minutes() -> set[str]:
            return {
                f"{dt.datetime.fromtimestamp(one.at_ns // 10**9, dt.UTC):%d %H:%M}"
                for one in house.adapter.executions(0)
            }

        def is_after_midnight() -> bool | None:
            return "01 00:10" in minutes() or None

        wait_for(is_after_midnight, "fills after midnight", 120, SELDOM_SECONDS)
        around = {"29 23:58", "29 23:59", "01 00:00", "01 00:01", "01 00:02", "01 00:03"}
        assert len(around & minutes()) > 3, minutes()
        settle(house)
