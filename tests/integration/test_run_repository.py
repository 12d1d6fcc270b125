"""Runs, orders and fills in a real SQLite file."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.core.errors import DataError, NotFoundError
from app.core.money import UNITS
from app.core.orders import (
    FILLED,
    GTC,
    IOC,
    LIMIT,
    REJECTED,
    STOP_LIMIT,
    TRAILING_STOP,
    Order,
    OrderChange,
    RecordedFill,
)
from app.core.run_states import FAILED, FINISHED, RUNNING
from app.repositories.database import ensure_database, open_database
from app.repositories.run_repository import RunRepository

START_NS = 1_767_623_400_000_000_000
CONFIG = {"name": "demo", "symbols": ["AAPL"], "account": {"cash": "100000"}}


@pytest.fixture
def repository(engine: Engine) -> RunRepository:
    return RunRepository(engine)


def start(
    repository: RunRepository,
    run_id: str,
    started_at: str = "2026-01-05T10:00:00Z",
    begun_ns: int | None = None,
) -> None:
    repository.start_run(
        run_id, name="demo", mode="replay", config=CONFIG, started_at=started_at, pid=1,
        begun_ns=begun_ns,
    )  # fmt: skip


def order(order_id: int, units: int = 100 * UNITS, **changes: object) -> Order:
    values: dict[str, object] = {"state": FILLED, "filled_units": units, "ended_ns": START_NS + 60}
    return Order(order_id, 0, "AAPL", 0, units, START_NS, **(values | changes))  # type: ignore[arg-type]


def fill(fill_id: int, units: int = 100 * UNITS, price: float = 150.25) -> RecordedFill:
    return (fill_id, fill_id, 0, units, price, 12_345, START_NS, START_NS + 60)


def test_what_others_say_is_kept_whatever_is_in_it(repository: RunRepository) -> None:
    said = 'it\'s "odd" %s \0 日本 \\ ☃\n'
    start(repository, "r1")
    repository.add_orders("r1", [order(1, state=REJECTED, reason=said)], ["it's %s"])
    repository.add_order_changes("r1", [(1, START_NS, "cancel", UNITS, None, None, said)])
    repository.finish_run("r1", state=FAILED, ended_at="2026", error=said, summary={"said": said})
    kept = said.replace("\0", r"\x00")  # which PostgreSQL has no place for
    run, (given,) = repository.get_run("r1"), repository.get_orders("r1")
    assert (run["error"], run["summary"]) == (kept, {"said": said})
    assert (given["reason"], given["strategy"]) == (kept, "it's %s")
    assert repository.get_order_changes("r1")[0]["reason"] == kept


def test_a_run_begins_running_and_ends_with_its_summary(repository: RunRepository) -> None:
    start(repository, "r1")
    begun = repository.get_run("r1")
    assert (begun["state"], begun["config"], begun["summary"]) == (RUNNING, CONFIG, None)
    repository.finish_run(
        "r1",
        state=FINISHED,
        ended_at="2026-01-05T10:00:09Z",
        summary={"bars": 390, "final_equity": "100001.5"},
        fingerprint="ab" * 32,
    )
    ended = repository.get_run("r1")
    assert ended["state"] == FINISHED
    assert ended["summary"] == {"bars": 390, "final_equity": "100001.5"}
    assert ended["fingerprint"] == "ab" * 32
    assert ended["error"] is None


def test_a_failed_run_keeps_its_cause(repository: RunRepository) -> None:
    start(repository, "r1")
    repository.finish_run("r1", state=FAILED, ended_at="2026-01-05T10:00:09Z", error="division")
    assert (repository.get_run("r1")["state"], repository.get_run("r1")["error"]) == (
        FAILED,
        "division",
    )


def test_only_runs_without_an_end_are_unfinished(repository: RunRepository) -> None:
    start(repository, "r1")
    start(repository, "r2")
    repository.finish_run("r1", state=FINISHED, ended_at="2026-01-05T10:00:09Z")
    assert [run["run_id"] for run in repository.unfinished_runs()] == ["r2"]


def test_the_newest_runs_come_first_and_no_more_than_asked_for(repository: RunRepository) -> None:
    for day in (5, 7, 6):
        start(repository, f"r{day}", f"2026-01-0{day}T10:00:00Z")
    assert [run["run_id"] for run in repository.list_runs(2)] == ["r7", "r6"]


def test_last_is_the_run_that_was_started_last_whatever_zone_it_is_in(
    repository: RunRepository,
) -> None:
    with pytest.raises(NotFoundError, match="There is no run yet"):
        repository.get_run("last")
    start(repository, "20260105-150000-a", "2026-01-05T10:00:00-05:00")
    start(repository, "20260105-140000-b", "2026-01-05T23:00:00+09:00")
    assert repository.get_run("last")["run_id"] == "20260105-150000-a"
    assert repository.get_run("last-1")["run_id"] == "20260105-140000-b"
    assert [run["run_id"][-1] for run in repository.list_runs()] == ["a", "b"]
    with pytest.raises(NotFoundError, match="There are no 3 runs yet"):
        repository.get_run("last-2")


def test_one_order_and_its_fills_are_read_without_the_others(repository: RunRepository) -> None:
    for run_id in ("r1", "r2"):
        start(repository, run_id)
        repository.add_orders(run_id, [order(1), order(2), order(3)], ["SmaCross"])
        repository.add_fills(run_id, [fill(1), fill(2)], ["AAPL"])
    assert [(one["run_id"], one["order_id"]) for one in repository.get_orders("r1", 2)] == [
        ("r1", 2)
    ]
    assert repository.get_orders("r1", 4) == []
    assert [one["fill_id"] for one in repository.get_fills("r1", 2)] == [2]  # of order 2
    assert repository.get_fills("r1", 3) == []


def test_orders_and_fills_come_back_as_they_were_given(repository: RunRepository) -> None:
    start(repository, "r1")
    refused = order(
        2, -UNITS // 2, state=REJECTED, filled_units=0, reason="no shorts", ended_ns=START_NS
    )
    repository.add_orders("r1", [order(1), refused], ["SmaCross"])
    repository.add_fills("r1", [fill(1), fill(2, -UNITS // 2, 0.1)], ["AAPL"])
    orders = repository.get_orders("r1")
    assert dict(orders[0]) == {
        "run_id": "r1",
        "order_id": 1,
        "strategy": "SmaCross",
        "symbol": "AAPL",
        "kind": "market",
        "side": "buy",
        "quantity": "100",
        "filled": "100",
        "state": FILLED,
        "reason": None,
        "created_ns": START_NS,
        "ended_ns": START_NS + 60,
        "tif": "day",
        "limit_price": None,
        "stop_price": None,
        "fee": "0",
        "trail": None,
        "trail_percent": None,
        "reduce_only": False,
        "parent_id": None,
        "oco_group": None,
    }
    assert (orders[1]["side"], orders[1]["quantity"], orders[1]["reason"]) == (
        "sell",
        "0.5",
        "no shorts",
    )
    fills = repository.get_fills("r1")
    assert [(row["quantity"], row["price"], row["fee"]) for row in fills] == [
        ("100", 150.25, "0.00012345"),
        ("-0.5", 0.1, "0.00012345"),
    ]
    assert repository.counts("r1") == (2, 2)
    for columns, rows in (
        (repository.order_columns("r1"), orders),
        (repository.fill_columns("r1"), fills),
    ):
        assert columns == {name: tuple(row[name] for row in rows) for name in rows[0]}
    assert repository.fill_columns("r0")["price"] == ()


def test_an_order_s_terms_and_what_it_was_charged_come_back_exactly(
    repository: RunRepository,
) -> None:
    start(repository, "r1")
    limit = order(1, kind=LIMIT, tif=IOC, limit=0.1 + 0.2, fee_units=456_266_801)
    both = order(2, -UNITS, kind=STOP_LIMIT, tif=GTC, limit=99.5, stop=100.01, fee_units=1)
    repository.add_orders("r1", [limit, both], ["SmaCross"])
    names = "kind", "tif", "limit_price", "stop_price", "fee"
    assert [tuple(row[name] for name in names) for row in repository.get_orders("r1")] == [
        ("limit", "ioc", 0.1 + 0.2, None, "4.56266801"),
        ("stop_limit", "gtc", 99.5, 100.01, "0.00000001"),
    ]


def test_what_an_order_depends_on_comes_back(repository: RunRepository) -> None:
    start(repository, "r1")
    trailing = order(1, kind=TRAILING_STOP, trail=0.1 + 0.2, reduce_only=True, parent=7, group=3)
    by_percent = order(2, kind=TRAILING_STOP, trail_percent=1.5)
    repository.add_orders("r1", [trailing, by_percent], ["SmaCross"])
    names = "trail", "trail_percent", "reduce_only", "parent_id", "oco_group"
    assert [tuple(row[name] for name in names) for row in repository.get_orders("r1")] == [
        (0.1 + 0.2, None, True, 7, 3),
        (None, 1.5, False, None, None),
    ]


def test_changes_of_orders_come_back_in_their_order_with_whole_reasons(
    repository: RunRepository,
) -> None:
    start(repository, "r1")
    start(repository, "r2")
    reason = "größer als erlaubt " * 100
    changes: list[OrderChange] = [
        (2, START_NS + 9, "reduce", -UNITS // 2, None, 99.5, ""),
        (1, START_NS, "amend refused", 3 * UNITS, 0.1 + 0.2, None, reason),
        (2, START_NS + 9, "cancel", -UNITS // 2, None, 99.5, ""),
    ]
    repository.add_order_changes("r1", changes)
    repository.add_order_changes("r2", changes[:1])
    rows = [tuple(row.values()) for row in repository.get_order_changes("r1")]
    assert rows == [
        ("r1", 1, 2, START_NS + 9, "reduce", "0.5", None, 99.5, None),
        ("r1", 2, 1, START_NS, "amend refused", "3", 0.1 + 0.2, None, reason),
        ("r1", 3, 2, START_NS + 9, "cancel", "0.5", None, 99.5, None),
    ]


@pytest.mark.parametrize("length", [199, 200, 201, 5_000])
def test_an_order_s_long_reason_is_cut_and_not_refused(
    repository: RunRepository, length: int
) -> None:
    start(repository, "r1")
    reason = "ü" * length
    repository.add_orders("r1", [order(1, state=REJECTED, reason=reason)], ["x"])
    kept = repository.get_orders("r1")[0]["reason"]
    assert kept == (reason if length <= 200 else reason[:197] + "...")


def test_runs_do_not_see_each_other_s_orders(repository: RunRepository) -> None:
    for run_id in ("r1", "r2"):
        start(repository, run_id)
        repository.add_orders(run_id, [order(1)], ["x"])
    repository.add_fills("r2", [fill(1)], ["AAPL"])
    assert repository.counts("r1") == (1, 0)
    assert repository.counts("r2") == (1, 1)


def test_nothing_to_add_is_no_work(repository: RunRepository) -> None:
    start(repository, "r1")
    repository.add_orders("r1", [], [])
    repository.add_fills("r1", [], ["AAPL"])
    assert repository.counts("r1") == (0, 0)


def test_orders_of_a_run_that_does_not_exist_are_refused(repository: RunRepository) -> None:
    with pytest.raises(DataError, match=r"(?i)foreign key"):
        repository.add_orders("nowhere", [order(1)], ["x"])


def test_a_batch_with_one_bad_row_is_not_written_at_all(repository: RunRepository) -> None:
    start(repository, "r1")
    with pytest.raises(DataError, match=r"(?i)unique"):
        repository.add_orders("r1", [order(1), order(2), order(1)], ["x"])
    assert repository.counts("r1") == (0, 0)


def test_the_beginning_of_an_id_is_enough_when_it_is_unique(repository: RunRepository) -> None:
    for run_id in ("20260105-aa", "20260105-ab", "20260106-a"):
        start(repository, run_id)
    assert repository.get_run("20260106")["run_id"] == "20260106-a"
    with pytest.raises(
        NotFoundError, match="2 runs begin with '20260105': 20260105-aa, 20260105-ab"
    ):
        repository.get_run("20260105")


def test_of_runs_that_began_in_one_second_the_newest_is_the_one_begun_last(
    repository: RunRepository,
) -> None:
    second = "20260105-100000"
    for begun_ns, name in enumerate(("zeta", "demo-9", "demo-10", "alpha")):
        start(repository, f"{second}-{name}", begun_ns=begun_ns)
    start(repository, "20260105-100001-old-clock", begun_ns=0)
    start(repository, f"{second}-of-before", begun_ns=None)
    order = [run["run_id"].partition("-100")[2][4:] for run in repository.list_runs()]
    assert order == ["old-clock", "alpha", "demo-10", "demo-9", "zeta", "of-before"]
    found = repository.get_run("last-1")
    assert found["run_id"] == f"{second}-alpha" and "begun_ns" not in found


def test_a_whole_id_is_found_though_another_begins_with_it(repository: RunRepository) -> None:
    start(repository, "run")
    start(repository, "run-2")
    assert repository.get_run("run")["run_id"] == "run"


@pytest.mark.parametrize("words", ["%", "_", "20260105%", "'; DROP TABLE runs; --", "\\"])
def test_an_id_is_text_not_a_pattern(repository: RunRepository, words: str) -> None:
    start(repository, "20260105-aa")
    with pytest.raises(NotFoundError):
        repository.get_run(words)


def test_a_misspelt_id_gets_a_suggestion(repository: RunRepository) -> None:
    start(repository, "20260105-demo")
    with pytest.raises(NotFoundError, match="Did you mean '20260105-demo'"):
        repository.get_run("20260105-dmeo")
    with pytest.raises(NotFoundError, match="no run 'x' to finish"):
        repository.finish_run("x", state=FINISHED, ended_at="")


def test_a_run_id_is_taken_once(repository: RunRepository) -> None:
    start(repository, "r1")
    with pytest.raises(DataError, match=r"(?i)unique"):
        start(repository, "r1")


@settings(max_examples=30)
@given(
    units=st.integers(-(10**18), 10**18).filter(bool), price=st.floats(1e-8, 1e9, allow_nan=False)
)
def test_quantities_and_prices_survive_exactly(units: int, price: float) -> None:
    engine = open_database("sqlite://")
    ensure_database(engine)
    repository = RunRepository(engine)
    start(repository, "r1")
    repository.add_fills("r1", [fill(1, units, price)], ["AAPL"])
    row = repository.get_fills("r1")[0]
    whole, _, decimals = row["quantity"].partition(".")
    assert int(whole + decimals.ljust(8, "0")) == units
    assert row["price"] == price
    engine.dispose()


def test_forty_thousand_rows_go_in_within_seconds(repository: RunRepository) -> None:
    """About 0.12 s into SQLite, 0.9 s into PostgreSQL; the bound leaves room for a busy machine."""
    start(repository, "r1")
    orders = [order(number) for number in range(1, 20_001)]
    fills = [fill(number) for number in range(1, 20_001)]
    began = time.perf_counter()
    repository.add_orders("r1", orders, ["SmaCross"])
    repository.add_fills("r1", fills, ["AAPL"])
    assert time.perf_counter() - began < 5.0
    assert repository.counts("r1") == (20_000, 20_000)
