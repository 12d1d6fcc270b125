"""What a live run makes of clocks that are set, that stand still, and of days that are odd."""

import time
from pathlib import Path

import httpx2
import pytest

from app.core.venue import Execution
from app.integrations.practice import wire
from app.managers.time_manager import TimeManager
from tests.faults.killed_audit import audit, check_flat, check_verified, placed_at_venue
from tests.faults.killed_house import House, wait_for
from tests.faults.soaking import Nights

pytestmark = pytest.mark.timeout(300)


def control(house: House, body: wire.Control) -> None:
    reply = httpx2.post(f"{house.url}{wire.CONTROL}", content=wire.encode(body), trust_env=False)
    assert reply.status_code == 200, reply.text


def wait_for_orders(house: House, more: int = 10) -> None:
    before = len(placed_at_venue(house))
    wait_for(lambda: len(placed_at_venue(house)) > before + more or None, "orders")


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


def test_a_month_ends_and_the_clocks_are_set_back_between_sessions(tmp_path: Path) -> None:
    """Thursday the last of October, Friday the first of November, and the Monday in winter time."""
    with House(tmp_path, at="2024-10-31T14:30", rate=400, live={"sessions": 3}) as house:
        nights, times = Nights(house), TimeManager(house.data, "XNYS")
        house.start()
        house.wait_ready()

        def dates() -> set[str]:
            found: list[Execution] = [*house.adapter.executions(0)]
            return {str(times.to_local(one.at_ns, "XNYS").date()) for one in found}

        for date in ("2024-10-31", "2024-11-01", "2024-11-04"):

            def traded(date: str = date) -> bool | None:
                nights.skip()
                return date in dates() or None

            wait_for(traded, f"fills on {date}", 120)
        settle(house)
