"""A run that broke off goes on a week later, with orders and positions left at its venue."""

from pathlib import Path

import httpx2
import pytest

from app.core.intervals import DAY_NS, HOUR_NS
from app.integrations.practice import wire
from tests.faults.grounds import GROUNDS
from tests.faults.killed_audit import audit, check_flat, check_verified
from tests.faults.killed_house import House, wait_for

DAYS_NS = [*(day * DAY_NS for day in range(1, 8)), 7 * DAY_NS + 2 * HOUR_NS]  # New York is open


def advance(house: House) -> None:
    """By and by, as the venue lives through each minute of it."""
    now_ns = house.adapter.time().venue_ns
    for passed_ns in DAYS_NS:
        content = wire.encode(wire.Control(advance_to_ns=now_ns + passed_ns))
        reply = httpx2.post(
            f"{house.url}{wire.CONTROL}", content=content, trust_env=False, timeout=30.0
        )
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("venue", ["practice", "binance"])
def test_what_filled_ended_and_expired_in_a_week_is_booked_once_and_closed(
    tmp_path: Path, venue: str
) -> None:
    with House(tmp_path, ground=GROUNDS[venue], live={"sessions": 10}) as house:
        house.start()
        house.wait_ready()

        def trades() -> bool | None:
            is_held = bool(house.adapter.positions())
            return (is_held and len(house.adapter.open_orders()) > 3) or None

        wait_for(trades, "positions and working orders", every=0.2)
        house.kill()
        fills, last = len(house.adapter.executions(0)), house.last_input()
        advance(house)
        assert len(house.adapter.executions(0)) > fills
        house.start()
        house.wait_ready(after=last)
        assert house.stop() == 0
        assert "halted: Positions differ" not in house.log()
        audit(house)
        check_flat(house)
        check_verified(house)
