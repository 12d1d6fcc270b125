"""Strategies that do their worst, live at a practice venue: each run ends as documented.

The venue holds then what the run says, orders and positions; nothing that opens works on; and the
journal, run again, decides the same. In a replay the same strategies are in tests/integration.
"""

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from tests.hostile_strategies import HELD
from tests.live_terminal import LiveTerminal, adapter, held, wait_until
from tests.practice_house import Practice

from app.cli.main import main
from app.core.intervals import MINUTE_NS
from app.core.memory import used_mb
from app.repositories.database import open_database, sqlite_url
from app.repositories.run_repository import RunRepository
from app.threads.desk import order_desk
from app.threads.hooks import floods, order_news

pytestmark = pytest.mark.live

DAY = "2024-11-05"
RATE = "300"  # five minutes a second
MOST = 50  # shares that may be held of a symbol
LONGEST_TOLD = 8_000  # characters on standard error


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveTerminal]:
    made = LiveTerminal(tmp_path_factory.mktemp("hostile"))
    assert made.run("data", "sample")[0] == 0
    source = Path(__file__).resolve().parents[1] / "hostile_strategies.py"
    shutil.copy(source, made.folder / "strategies" / "hostile.py")
    yield made
    made.close()


@pytest.fixture(scope="module")
def venue(terminal: LiveTerminal) -> Practice:
    """One for all: whoever leaves something there, the next finds it."""
    return terminal.venue(
        "--at", f"{DAY}T09:31", "--rate", RATE, "--participation", "1", "--symbols", "SYN1"
    )


@pytest.fixture(autouse=True)
def as_a_command(terminal: LiveTerminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run has this process: starting one takes as long as ten bars. The bounds are smaller."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(terminal.data))
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(terminal.folder / "strategies"))
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    for module in (floods, order_desk):
        monkeypatch.setattr(module, "MOST_PROPOSALS", 1_000)
    monkeypatch.setattr(order_news, "MOST_REFUSED", 2_000)
    yield
    logger.remove()
    logger.add(sys.stderr)


def config_of(terminal: LiveTerminal, venue: Practice, kind: str, **parts: Any) -> Path:
    """A live run of one hostile strategy, on an account of its own."""
    risk = {"max_position_quantity": MOST, "max_open_orders": 20}
    live = {"on_error": "flatten", **parts.pop("live", {})}
    use = [{"use": f"hostile.py:{kind}"}]
    return terminal.config(venue.url, kind.lower(), live, strategies=use, risk=risk, **parts)


def check_books(terminal: LiveTerminal, venue: Practice, kind: str) -> tuple[Any, list[Any]]:
    """The run in SQL; it is inside its limits, agrees with its venue, and proves itself."""
    repository = RunRepository(open_database(sqlite_url(terminal.data)))
    row = repository.list_runs(1)[0]
    assert row["run_id"].endswith(kind.lower())
    holds = 0.0
    for fill in repository.get_fills(row["run_id"]):
        holds += float(fill["quantity"])
        assert abs(holds) <= MOST
    assert holds == held(venue, "SYN1")
    assert main(["verify", row["run_id"], "--json"]) == 0
    return row, [*repository.get_orders(row["run_id"])]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("FloodsOrders", "it proposed 100,000 orders, changes or timers at once"),
        ("FloodsEveryBar", "2,000 of its orders and amendments were refused in this session"),
        ("OddSizeNan", "nan is not a quantity"),
        ("OddSizeTrillion", "An order for 9e10 or more is a mistake"),
        ("OddPriceNegative", "limit=-5.0 is not a price"),
        ("RaisesKeyboardInterrupt", "KeyboardInterrupt: as it likes"),
        ("RaisesGeneratorExit", "GeneratorExit: as it likes"),
        ("Spins", "it did not return for 1 s and was interrupted"),
        ("Hogs", "of engine.memory_mb are the most; it was interrupted"),
    ],
)
def test_a_strategy_that_fails_is_told_of_once_and_is_flat(
    terminal: LiveTerminal,
    venue: Practice,
    capfd: pytest.CaptureFixture[str],
    kind: str,
    told: str,
) -> None:
    hogs = {"memory_mb": int(used_mb() or 0) + 100, "hook_seconds": 20}
    path = config_of(
        terminal, venue, kind, engine=hogs if kind == "Hogs" else {"hook_seconds": 0.8}
    )
    assert main(["system", "start", str(path), "--json"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert len(err) < LONGEST_TOLD, err[:LONGEST_TOLD]
    (line,) = [line for line in err.splitlines() if line.startswith('{"error"')]
    error = json.loads(line)["error"]
    assert f"Strategy {kind} failed in on_" in error
    assert told in error
    row, _ = check_books(terminal, venue, kind)
    assert (row["state"], row["error"]) == ("failed", error)
    assert adapter(venue).open_orders() == []
    assert adapter(venue).positions().get("SYN1", 0) == 0


def test_orders_after_a_halt_are_refused_and_the_run_ends_flat(
    terminal: LiveTerminal, venue: Practice
) -> None:
    run_id = terminal.detach(
        config_of(terminal, venue, "OrdersOnAndOn", live={"on_stop": "flatten"})
    )
    wait_until(lambda: held(venue, "SYN1") == HELD, "its position")
    terminal.run("system", "halt", run_id)
    halted_ns = adapter(venue).time().venue_ns
    wait_until(lambda: adapter(venue).time().venue_ns > halted_ns + 5 * MINUTE_NS, "five minutes")
    terminal.json("system", "stop", run_id)
    row, orders = check_books(terminal, venue, "OrdersOnAndOn")
    assert row["state"] == "stopped"
    refused = {order["reason"] for order in orders if order["state"] == "REJECTED"}
    assert any(reason.startswith("no_entries: halted") for reason in refused), refused
    assert adapter(venue).open_orders() == []
    assert held(venue, "SYN1") == 0


def test_a_hook_that_catches_all_is_left_behind_and_its_stop_works_on(
    terminal: LiveTerminal, venue: Practice
) -> None:
    hangs = {"hook_seconds": 0.5}
    path = config_of(terminal, venue, "SpinsDeaf", engine=hangs, live={"on_error": "freeze"})
    code, out, err = terminal.run("system", "start", str(path))
    assert (code, out) == (1, "")
    assert err.count("error: Strategy SpinsDeaf has not returned from on_bar, at hostile.py:") == 1
    assert err.splitlines()[-1].endswith("It would not end and was left behind.")
    assert held(venue, "SYN1") == HELD
    (stop,) = adapter(venue).open_orders()
    assert (stop.kind, stop.state) == ("stop", "ACCEPTED")
