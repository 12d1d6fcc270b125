"""Declared exits as a user has them: a replay over half a day, `why`, what is said of faults."""

import datetime as dt
import json

import numpy as np
import pytest
from tests.market import random_bars
from tests.system_house import SystemHouse, stored_market, system_house
from tests.told_house import Teller, teller

from app.core.intervals import MINUTE_NS
from app.repositories.bar_store_files import Series

__all__ = ["stored_market", "system_house", "teller"]  # fixtures

NAIVE = """
from app.strategies import Strategy

class Naive(Strategy):
    protection = {"stop_loss_percent": 0.03, "take_profit_percent": 5}

    def on_bar(self, bar):
        if self.now.minute % 20 == 0 and not self.position(bar.symbol):
            self.order(bar.symbol, 30 if self.now.minute else -30)
"""
BLACK_FRIDAY = dt.date(2024, 11, 29)  # half a day


def half_a_day(house: SystemHouse) -> int:
    """Store its bars; when it closes."""
    (session,) = house.system.time_manager.sessions_between(BLACK_FRIDAY, BLACK_FRIDAY, "XNYS")
    starts = np.arange(session.open_ns, session.close_ns, MINUTE_NS)
    for seed, symbol in enumerate(("AAA", "BBB")):
        house.system.data_manager.store.merge(
            Series("XNYS", symbol, "1m"), random_bars(starts, seed, volume=500_000), {}
        )
    assert (session.close_ns - session.open_ns) // MINUTE_NS == 210
    return session.close_ns


def test_half_a_day_ends_flat_and_each_loss_at_a_stop_is_as_declared(teller: Teller) -> None:
    close_ns = half_a_day(teller.house)
    teller.house.strategy("naive.py", NAIVE)
    day = BLACK_FRIDAY.isoformat()
    run_id = teller.run(
        use="naive.py", start=day, end=day,
        protection={"take_profit_percent": "0.05", "flat_before_close_minutes": 6},
    )  # fmt: skip
    orders = {row["order_id"]: row for row in teller.house.runs().get_orders(run_id)}
    held: dict[str, float] = {}
    paid: dict[str, float] = {}
    stopped = 0
    for fill in teller.house.runs().get_fills(run_id):
        symbol, price, order = fill["symbol"], fill["price"], orders[fill["order_id"]]
        if not held.get(symbol):
            paid[symbol] = price
        held[symbol] = held.get(symbol, 0) + float(fill["quantity"])
        if order["kind"] == "stop" and price == order["stop_price"]:  # no gap
            stopped += 1
            loss = (paid[symbol] - price) * (1 if order["side"] == "sell" else -1)
            assert 0 < loss <= paid[symbol] * 0.0003 + 0.01
        assert fill["instant_ns"] <= close_ns - 4 * MINUTE_NS
    assert stopped > 3 and set(held.values()) == {0}
    last = [row for row in orders.values() if row["kind"] == "market" and row["tif"] == "gtc"]
    assert {row["created_ns"] for row in last} <= {close_ns - 6 * MINUTE_NS}

    stop = next(row for row in orders.values() if row["kind"] == "stop" and float(row["filled"]))
    told = teller.json("why", str(stop["order_id"]), "--run", run_id)
    assert (told["decision"], told["seen"]["hook"]) == ("given by protection", "protection")
    assert [change["what"] for change in told["changes"]] == ["priced"]
    assert told["asked"]["after"] is not None and told["again"]["equal"]


@pytest.mark.parametrize(
    ("protection", "what"),
    [
        ({"stop_loss": 1}, "protection.stop_loss: unknown key"),
        ({"stop_loss_percent": -1}, "protection.stop_loss_percent: found -1, allowed is"),
        ({"stop_loss_percent": 1, "stop_loss_amount": 2}, "protection.stop_loss_amount: "),
        ({"off": True, "time_stop_minutes": 3}, "protection.off: "),
        ({"strategies": {"trade": {}}}, "Did you mean 'trader'"),
        ({"strategies": {"trader": {"trailing_percent": 100}}},
         "protection.strategies.trader.trailing_percent: found 100, allowed is a number below 100"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(
    teller: Teller, protection: dict[str, object], what: str
) -> None:
    config = json.loads(teller.house.config().model_dump_json())
    path = teller.house.folder.parent / "wrong.json"
    path.write_text(json.dumps({**config, "protection": protection}), encoding="utf-8")
    code, _, errors = teller.say("config", "check", str(path))
    assert code == 4
    assert what in errors
