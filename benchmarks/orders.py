"""An order's whole life: proposal, risk, acceptance, match, books, record, fingerprint.

A strategy that orders on every bar is run beside one that does the same and never orders; what
is between them, divided by the orders, is the price of one.
"""

import hashlib
from pathlib import Path
from time import perf_counter_ns

import numpy as np

from app.core.bars import Bar
from app.core.config import SessionConfig
from app.core.fingerprint import FILL, ORDER
from app.core.money import UNITS
from app.core.orders import Order
from app.managers.system_manager.system_manager import SystemManager
from app.managers.system_manager.wiring import Run
from app.strategies import Strategy
from benchmarks.house import config_of, fill_store, open_system, plain_market
from benchmarks.measure import BenchError, fresh, interleaved
from benchmarks.outcome import Outcome, Row


class Idle(Strategy):
    """Changes its mind on every bar and does nothing about it."""

    wanted = 0

    def on_bar(self, bar: Bar) -> None:
        self.wanted = 100 - self.wanted


class Restless(Strategy):
    """Buys on every other bar, sells on the next."""

    wanted = 0

    def on_bar(self, bar: Bar) -> None:
        self.wanted = 100 - self.wanted
        self.order_target(bar.symbol, self.wanted)


def orders(folder: Path, count: int, repeats: int) -> Outcome:
    """The time of one order, in a long run and in one of a tenth: it must not grow."""
    figures: dict[str, float] = {}
    rows = []
    for size in (count // 10, count):
        own = folder / str(size)
        config = fresh(fill_store, own, ("ORDERS",), size)
        engine_us, recorded_us, hand_us = fresh(measure, own, config, size, repeats)
        figures |= {
            f"us_per_order_of_{size}": round(engine_us, 3),
            f"recorded_us_per_order_of_{size}": round(recorded_us, 3),
            f"hand_us_per_order_of_{size}": round(hand_us, 3),
        }
        by_hand = f"{hand_us:.2f} us by hand"
        rows += [
            Row(f"of {size:,}", f"{engine_us:.2f} us an order", by_hand, engine_us / hand_us),
            Row("with its run's record", f"{recorded_us:.2f} us an order"),
        ]
    figures["ratio_to_hand"] = round(engine_us / hand_us, 3)
    return Outcome("orders", {"orders": count, **figures}, tuple(rows))


def measure(
    folder: Path, config: SessionConfig, count: int, repeats: int
) -> tuple[float, float, float]:
    """Microseconds of an order: in the engine, with rows in the database, and by hand."""
    system = open_system(folder)
    last = config.replayed.end
    idle, restless = (
        config_of(config.symbols, last, f"{__name__}:{kind.__name__}", runner="inline")
        for kind in (Idle, Restless)
    )
    rounds = interleaved(
        [
            lambda: _engine_ns(system, idle),
            lambda: _engine_ns(system, restless),
            lambda: _recorded_ns(system, idle),
            lambda: _recorded_ns(system, restless),
            lambda: _by_hand_ns(count),
        ],
        repeats,
    )
    idle_ns, restless_ns, idle_recorded_ns, recorded_ns, hand_ns = map(min, rounds)
    return (
        (restless_ns - idle_ns) / count / 1e3,
        (recorded_ns - idle_recorded_ns) / count / 1e3,
        hand_ns / count / 1e3,
    )


def _engine_ns(system: SystemManager, config: SessionConfig) -> int:
    run = Run(config, plain_market(system, config), Path(), lambda results: None)
    begin_ns = perf_counter_ns()
    run.execute()
    return perf_counter_ns() - begin_ns


def _recorded_ns(system: SystemManager, config: SessionConfig) -> int:
    return round(system.run(config).replay_seconds * 1e9)


def _by_hand_ns(count: int) -> int:
    """The least a life can be: an order, a limit, exact money, a row each, one hash."""
    prices = (np.random.default_rng(0).integers(9_000, 11_000, count) / 100).tolist()
    begin_ns = perf_counter_ns()
    digest, entries = hashlib.sha256(), list[bytes]()
    ended, fills = list[Order](), list[tuple[int, int, float, int]]()
    cash_units = held = 0
    for number, price in enumerate(prices):
        units = (100 if number % 2 == 0 else -100) * UNITS
        if abs(held + units) > 1_000 * UNITS:
            raise BenchError("The hand-written order breaks its limit.")
        order = Order(number, 0, "ORDERS", 0, units, number)
        entries.append(ORDER(b"O", 0, 0, number, units))
        order.state = "ACCEPTED"
        cash_units -= units // UNITS * round(price * UNITS)
        held += units
        order.filled_units, order.state = units, "FILLED"
        ended.append(order)
        fills.append((number, units, price, cash_units))
        entries.append(FILL(b"F", 0, 0, number, number, units, price))
    digest.update(b"".join(entries))
    return perf_counter_ns() - begin_ns
