"""A replay at full speed whose hooks are slow: told to stop, it ends with the hook that runs."""

import threading
import time
from decimal import Decimal

import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app.core.config import SessionConfig
from app.core.errors import RunTimeoutError

__all__ = ["stored_market", "system_house"]

SLOW = """
import time
from decimal import Decimal
from app.strategies import Strategy

class Slow(Strategy):
    bars = 0

    def on_bar(self, bar):
        self.bars += 1
        if self.bars > 500:
            time.sleep(0.02)
        self.order_target(bar.symbol, 100 if self.bars % 20 < 10 else 0)
"""


def slow(house: SystemHouse, runner: str) -> SessionConfig:
    """It would take a minute and more, and the watchdog looks ten times a second."""
    use = house.strategy("slow.py", SLOW)
    return house.config(use=use, engine={"runner": runner, "hook_seconds": 0.4})


@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_an_interrupt_ends_it_amid_its_block_and_all_until_then_is_on_record(
    system_house: SystemHouse, runner: str
) -> None:
    system = system_house.system
    system.start(slow(system_house, runner))
    presser = threading.Timer(0.4, system.interrupt)
    presser.start()
    summary = system.wait(10)
    presser.join()
    assert summary is not None and system.ended is not None
    assert (summary.state, system.ended.reason) == ("stopped", "interrupted")
    assert system.ended.error is None
    assert 500 < summary.bars < 1_000
    assert summary.fills > 80
    row = system_house.row(summary.run_id)
    assert (row["state"], row["error"]) == ("stopped", None)
    orders = system_house.runs().get_orders(summary.run_id)
    assert len(orders) == summary.orders
    assert {order["state"] for order in orders} <= {"FILLED", "CANCELED"}


def test_so_does_a_timeout(system_house: SystemHouse) -> None:
    began = time.monotonic()
    with pytest.raises(RunTimeoutError, match=r"was stopped after 0\.3 s"):
        system_house.system.run(slow(system_house, "pool"), timeout_seconds=0.3)
    assert time.monotonic() - began < 5
    (row,) = system_house.runs().list_runs()
    assert row["state"] == "stopped"


def test_a_kill_closes_what_is_held_with_the_hook_and_ends_it(system_house: SystemHouse) -> None:
    system = system_house.system
    system.start(slow(system_house, "pool"))
    presser = threading.Timer(0.4, system.kill, ("flatten", "enough"))
    presser.start()
    summary = system.wait(10)
    presser.join()
    assert summary is not None and system.ended is not None
    assert (summary.state, system.ended.reason) == ("stopped", "killed")
    assert 500 < summary.bars < 1_000
    fills = system_house.runs().get_fills(summary.run_id)
    held = dict.fromkeys(("AAA", "BBB"), Decimal(0))
    for fill in fills:
        held[fill["symbol"]] += Decimal(fill["quantity"])
    assert not any(held.values())
