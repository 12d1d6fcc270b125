"""Strategies that do their worst, in a replay by the command a user gives: each ends as documented.

Whatever a strategy does: what is held stays within the account's limits at every fill, the run's
state is one of those there are, and the user is told once, in a few lines, what was wrong.
"""

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from loguru import logger
from tests.hostile_strategies import HELD
from tests.system_house import SystemHouse, stored_market

from app.cli.main import main
from app.managers.execution_manager.limits import order_checks
from app.threads.desk import desk, order_desk
from app.threads.hooks import floods, order_news

__all__ = ["stored_market"]

MOST = 50  # shares that may be held of a symbol
LONGEST_TOLD = 4_000  # characters on standard error
NOT_A_QUANTITY = "is not a quantity; give a finite number."
NOT_A_PRICE = "is not a price; give a number above 0."
MISTAKE = "An order for 9e10 or more is a mistake; check its arithmetic."


class Ended(NamedTuple):
    """How a hostile run came to its end."""

    code: int
    out: str
    err: str
    row: Any
    fills: list[Any]
    orders: list[Any]

    @property
    def error(self) -> str:
        """The one message."""
        lines = [line for line in self.err.splitlines() if line.startswith('{"error"')]
        assert len(lines) == 1, self.err
        return str(json.loads(lines[0])["error"])


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds on floods, smaller: so that a test need not bring on a real one."""
    monkeypatch.setattr(floods, "MOST_PROPOSALS", 1_000)
    monkeypatch.setattr(order_desk, "MOST_PROPOSALS", 1_000)
    monkeypatch.setattr(order_news, "MOST_REFUSED", 1_500)
    monkeypatch.setattr(order_checks, "MOST_TAKEN_BACK", 1_000)
    monkeypatch.setattr(order_checks, "MOST_WORKING", 300)
    monkeypatch.setattr(desk, "MOST_LINES", 100)


@pytest.fixture(scope="module")
def house(stored_market: Path, tmp_path_factory: pytest.TempPathFactory) -> SystemHouse:
    """One folder for all: a run leaves nothing that the next would see."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(stored_market, folder / "data")
    made = SystemHouse(folder / "data")
    source = Path(__file__).resolve().parents[1] / "hostile_strategies.py"
    shutil.copy(source, made.strategies / "hostile.py")
    return made


@pytest.fixture(autouse=True)
def as_a_command(house: SystemHouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command's process sets up for itself, and here has to be put back."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(house.folder))
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(house.strategies))
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    logger.remove()
    logger.add(sys.stderr)


class Theatre:
    """Where hostile strategies perform."""

    def __init__(self, house: SystemHouse, capfd: pytest.CaptureFixture[str]) -> None:
        self._house = house
        self._capfd = capfd

    def run(self, kind: str, **parts: Any) -> Ended:
        """One session of one strategy, or two; with `--json`, as a script would start it."""
        house = self._house
        engine = {"hook_seconds": 20.0, **parts.pop("engine", {})}
        risk = {"max_position_quantity": MOST, **parts.pop("risk", {})}
        config = house.config(
            name=kind, use=f"hostile.py:{kind}", engine=engine, risk=risk, end="2024-06-03", **parts
        )
        code = main(["system", "start", str(house.file(config)), "--json"])
        logger.complete()
        out, err = self._capfd.readouterr()
        assert "Traceback" not in out + err
        (row,) = (r for r in house.runs().list_runs() if r["run_id"].endswith(f"-{kind.lower()}"))
        ended = Ended(
            code, out, err, row,
            [*house.runs().get_fills(row["run_id"])], [*house.runs().get_orders(row["run_id"])],
        )  # fmt: skip
        self._check_account(ended)
        return ended

    def _check_account(self, ended: Ended) -> None:
        """Inside its limits at every fill; and no order of a run that has ended works on."""
        held = dict.fromkeys(("AAA", "BBB"), 0.0)
        for fill in ended.fills:
            held[fill["symbol"]] += float(fill["quantity"])
            assert abs(held[fill["symbol"]]) <= MOST
        assert all(
            order["state"] in ("FILLED", "CANCELED", "REJECTED", "EXPIRED")
            for order in ended.orders
        )

    def fails(self, kind: str, *told: str, **parts: Any) -> Ended:
        """It fails, and says so in a few lines that name strategy, hook, moment and cause."""
        ended = self.run(kind, **parts)
        assert (ended.code, ended.row["state"], ended.out) == (1, "failed", "")
        assert len(ended.err) < LONGEST_TOLD, ended.err[:LONGEST_TOLD]
        assert kind in ended.error
        for words in told:
            assert words in ended.error
        assert ended.row["error"] == ended.error
        return ended

    def goes_on(self, kind: str, **parts: Any) -> Ended:
        """It does no harm, and finishes."""
        ended = self.run(kind, **parts)
        assert (ended.code, ended.row["state"]) == (0, "finished")
        assert json.loads(ended.out)["state"] == "finished"
        return ended


@pytest.fixture
def theatre(house: SystemHouse, capfd: pytest.CaptureFixture[str]) -> Theatre:
    return Theatre(house, capfd)


# -- floods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["FloodsOrders", "FloodsTimers"])
def test_of_a_hook_s_flood_nothing_is_taken(theatre: Theatre, kind: str) -> None:
    told = "failed in on_bar at 2024-06-03 09:34:00: it proposed 100,000 orders, changes or timers"
    ended = theatre.fails(kind, told, "1,000 are the most; none of them was taken.")
    assert len(ended.orders) == 2


def test_a_flood_of_amendments_ends_amid_the_hook(theatre: Theatre) -> None:
    ended = theatre.fails("FloodsAmends", "This hook has proposed more than 1,000 orders already.")
    assert len(ended.orders) == 2


def test_a_flood_that_is_taken_back_at_once_ends(theatre: Theatre) -> None:
    ended = theatre.fails("FloodsCancels", "1,000 orders of this session were taken back")
    assert len(ended.orders) == 1_002


def test_refusals_answered_by_refusals_end(theatre: Theatre) -> None:
    told = "failed in on_order at 2024-06-03 09:34:00: it answers a refusal with an order"
    ended = theatre.fails("FloodsAnswers", told, "max_position_quantity: 9000000010 is over 50.")
    assert len(ended.orders) < 1_100


def test_orders_that_only_pile_up_are_refused_and_in_the_end_their_strategy_fails(
    theatre: Theatre,
) -> None:
    told = "1,500 of its orders and amendments were refused in this session, the last for"
    ended = theatre.fails("FloodsEveryBar", told, risk={"max_position_quantity": 1e9})
    refused = [order for order in ended.orders if order["state"] == "REJECTED"]
    assert len(refused) < 2_000
    assert {order["reason"].partition(":")[0] for order in refused} <= {
        "too_many_orders", "insufficient_buying_power",
    }  # fmt: skip


def test_a_log_is_cut_where_it_is_endless(theatre: Theatre) -> None:
    ended = theatre.goes_on("FloodsTheLog")
    lines = [line for line in ended.err.splitlines() if "[FloodsTheLog" in line]
    assert len(lines) == 101
    assert "100 lines of this session are logged; the rest of them is left out" in lines[-1]


def test_a_line_of_the_log_is_cut_where_it_is_a_mountain(theatre: Theatre) -> None:
    ended = theatre.goes_on("LogsAMountain")
    assert max(map(len, ended.err.splitlines())) < 10_200
    assert "... (9,990,000 characters) ..." in ended.err


def test_what_a_strategy_prints_does_not_come_among_the_json(theatre: Theatre) -> None:
    ended = theatre.goes_on("FloodsTheTerminal")
    assert ended.err.count("x" * 200) == 387


# -- sizes and prices that are none ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "told"),
    [
        *[(word, NOT_A_QUANTITY) for word in ("Nan", "Infinite", "True", "Text", "None", "List")],
        *[(word, NOT_A_QUANTITY) for word in ("DecimalNan", "LongText")],
        *[(word, MISTAKE) for word in ("Trillion", "Nonillion", "NonillionFloat", "Negative")],
    ],
)
def test_a_size_that_is_none_ends_the_run_at_its_line(
    theatre: Theatre, word: str, told: str
) -> None:
    ended = theatre.fails(f"OddSize{word}", told, "hostile.py:", "in misbehave: self.order(")
    assert len(ended.orders) == 2


@pytest.mark.parametrize(
    "kind",
    [
        *[f"OddPrice{word}" for word in ("Negative", "Zero", "Nan", "Infinite", "Huge", "Text")],
        *[f"OddStop{word}" for word in ("Negative", "Nan", "Dust")],
    ],
)
def test_a_price_that_is_none_ends_the_run_at_its_line(theatre: Theatre, kind: str) -> None:
    ended = theatre.fails(kind, NOT_A_PRICE, "in misbehave: self.order(")
    assert len(ended.orders) == 2


def test_less_than_a_unit_is_no_order_and_less_than_a_lot_is_refused(theatre: Theatre) -> None:
    ended = theatre.goes_on("OddSizeHalfShare")
    refused = [order["reason"] for order in ended.orders if order["state"] == "REJECTED"]
    assert {*refused} == {"not_whole_lots: 0.5 is no multiple of 1"}
    assert len(refused) == 387


@pytest.mark.parametrize("kind", ["OddSizeDust", "OddPriceSubTick"])
def test_what_rounding_makes_nothing_or_a_tick_of_does_no_harm(theatre: Theatre, kind: str) -> None:
    ended = theatre.goes_on(kind)
    assert all(order["limit_price"] in (None, 10.0) for order in ended.orders)


def test_a_symbol_that_is_none_is_told_in_short(theatre: Theatre) -> None:
    theatre.fails("UnknownSymbol", "'AAAA", "is not one of this run's symbols (AAA, BBB).")


# -- hooks that do not come back -------------------------------------------------------------------


def test_a_loop_without_end_is_interrupted(theatre: Theatre) -> None:
    hung = "failed in on_bar at 2024-06-03 09:34:00: it did not return for 1 s and was interrupted"
    ended = theatre.fails("Spins", hung, "in misbehave: while True:", engine={"hook_seconds": 0.8})
    assert ended.err.count("hook hangs: Strategy Spins has not returned from on_bar") == 1


def test_a_hook_that_cannot_be_interrupted_is_left_behind(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.threads.watch.watchdog.STUBBORN_SECONDS", 0.2)
    told = "has not returned from on_bar, at hostile.py:"
    ended = theatre.fails(
        "Sleeps", told, "It would not end and was left behind.", engine={"hook_seconds": 0.5}
    )
    assert ended.row["state"] == "failed"


def test_a_setup_without_end_is_interrupted(house: SystemHouse, theatre: Theatre) -> None:
    before = len(house.runs().list_runs())
    config = house.config(use="hostile.py:SpinsInSetup", engine={"hook_seconds": 0.8})
    assert main(["system", "start", str(house.file(config))]) == 1
    err = theatre._capfd.readouterr().err
    assert "failed in setup at the start: it did not return for 0.8 s and was interrupted" in err
    assert len(house.runs().list_runs()) == before


def test_a_recursion_without_end_is_told_in_a_few_lines(theatre: Theatre) -> None:
    ended = theatre.fails("Recurses", "RecursionError: maximum recursion depth exceeded")
    assert ended.error.count("\n") == 13


# -- raises ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "hook", "told"),
    [
        ("Raises", "on_bar", "ValueError: as it likes"),
        ("RaisesSystemExit", "on_bar", "SystemExit: as it likes"),
        ("RaisesKeyboardInterrupt", "on_bar", "KeyboardInterrupt: as it likes"),
        ("RaisesMemoryError", "on_bar", "MemoryError: as it likes"),
        ("RaisesGeneratorExit", "on_bar", "GeneratorExit: as it likes"),
        ("RaisesItsOwn", "on_bar", "Odd: as it likes"),
        ("RaisesAMountain", "on_bar", "... (9,999,000 characters) ..."),
        ("RaisesUnspeakable", "on_bar", "Unspeakable"),
        ("RaisesOnOrder", "on_order", "ValueError: as it likes"),
        ("RaisesOnPosition", "on_position", "ValueError: as it likes"),
        ("RaisesOnTimer", "on_timer", "ValueError: as it likes"),
        ("RaisesAtTheClose", "on_session_close", "ValueError: as it likes"),
        ("SavesItself", "save_state", "save_state gave values more than 32 deep"),
        ("SavesAMountain", "save_state", "50,000,015 bytes, and 10,000,000 are the most"),
        ("Changes", "on_bar", "AttributeError"),
        ("ChangesAnOrder", "on_bar", "AttributeError: immutable type: 'OrderView'"),
        ("ChangesItself", "on_bar", "AttributeError"),
        ("ChangesItsSymbols", "on_bar", "AttributeError"),
    ],
)
def test_whatever_a_hook_raises_ends_the_run_in_order(
    theatre: Theatre, kind: str, hook: str, told: str
) -> None:
    theatre.fails(kind, f"Strategy {kind} failed in {hook} at 2024-06-03 ", told)


@pytest.mark.parametrize(("kind", "hook"), [
    ("RaisesInSetup", "setup at the start"),
    ("RaisesAtTheOpen", "on_session_open at 2024-06-03 09:30:00"),
])  # fmt: skip
def test_what_is_raised_before_the_first_bar_is_told_too(
    house: SystemHouse, theatre: Theatre, kind: str, hook: str
) -> None:
    path = house.file(house.config(use=f"hostile.py:{kind}"))
    assert main(["system", "start", str(path)]) == 1
    err = theatre._capfd.readouterr().err
    assert f"Strategy {kind} failed in {hook}: ValueError: as it likes" in err
    assert "Traceback" not in err


# -- what was kept, and threads --------------------------------------------------------------------


def test_orders_that_were_kept_and_orders_after_the_close_do_no_harm(theatre: Theatre) -> None:
    ended = theatre.goes_on("KeepsOrders")
    assert sum(float(fill["quantity"]) for fill in ended.fills) == HELD


def test_orders_after_a_halt_are_refused(house: SystemHouse) -> None:
    system = house.another()
    system.start(house.config(name="halted", use="hostile.py:OrdersOnAndOn"), paused=True)
    system.halt("looks odd")
    system.resume()
    summary = system.wait(20)
    system.stop()
    assert summary is not None
    assert (summary.state, summary.fills) == ("finished", 0)
    reasons = {order["reason"] for order in house.runs().get_orders(summary.run_id)}
    assert "no_entries: looks odd; only what reduces a position passes" in reasons


def test_a_thread_of_its_own_gives_no_orders(theatre: Theatre) -> None:
    ended = theatre.goes_on("OrdersFromAThread")
    assert len(ended.orders) == 2
    assert ended.err.count("this was asked for by a thread of its own, 'Thread-") == 1


def test_a_thread_that_raises_is_one_line(theatre: Theatre) -> None:
    ended = theatre.goes_on("ThreadThatRaises")
    assert ended.err.count("nobody caught ValueError: as it likes") == 1


# -- memory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Hogs", "HogsBarByBar"])
def test_one_that_takes_memory_without_end_is_interrupted_before_there_is_none(
    theatre: Theatre, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.threads.watch.memory_watch._CLOSE_LOOK_SECONDS", 0.01)
    from app.core.memory import used_mb

    allowed = int(used_mb() or 0) + 100
    told = f"and {allowed:,} MB of engine.memory_mb are the most"
    ended = theatre.fails(kind, told, engine={"memory_mb": allowed})
    assert ended.err.count("too much memory: The run is ended") == 1


def test_one_that_asks_for_more_than_there_is_gets_none(theatre: Theatre) -> None:
    theatre.fails("AsksForTooMuch", "MemoryError")
