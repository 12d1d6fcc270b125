"""The files a run writes: rows that wait for SQL, the equity curve, what its record says."""

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.system_house import SystemHouse, stored_market, system_house

from app.core.errors import DataError
from app.core.orders import CANCELED, FILLED, FillRow, Order, OrderChange
from app.managers.system_manager.record import equity_file
from app.managers.system_manager.record.equity_file import EquityFile
from app.managers.system_manager.record.waiting_rows import WaitingRows

__all__ = ["stored_market", "system_house"]

DOCS = Path(__file__).parents[2] / "docs"
wide = st.integers(-(2**63), 2**63 - 1)
beyond = st.integers(-(10**30), 10**30)  # what is held, and cash, know no bound


@st.composite
def orders(draw: st.DrawFn) -> Order:
    state = draw(st.sampled_from([FILLED, CANCELED]))
    reason = draw(st.sampled_from(["", "the session closed", "größer als erlaubt"]))
    return Order(draw(wide), 0, "BTC/USDT", 1, draw(wide), draw(wide), state, draw(wide), reason)


@st.composite
def fills(draw: st.DrawFn) -> FillRow:
    price = draw(st.floats(allow_nan=False))
    ids = draw(wide), draw(wide), 1, draw(wide)
    return (*ids, price, draw(wide), draw(wide), draw(wide), 0, draw(beyond), draw(beyond))


@st.composite
def changes(draw: st.DrawFn) -> OrderChange:
    price = st.none() | st.floats(allow_nan=False)
    what = draw(st.sampled_from(["cancel", "amend", "amend refused", "reduce"]))
    return draw(wide), draw(wide), what, draw(wide), draw(price), draw(price), draw(st.text())


def facts(order: Order) -> tuple[object, ...]:
    return tuple(getattr(order, name) for name in order.__struct_fields__)


Block = tuple[list[Order], list[OrderChange], list[FillRow]]


@given(
    st.lists(st.tuples(*(st.lists(rows, max_size=4) for rows in (orders(), changes(), fills()))))
)
def test_rows_come_back_as_they_went_in_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[Block]
) -> None:
    rows = WaitingRows(tmp_path_factory.mktemp("run"))
    for block in blocks:
        rows.add(*block)
    for _ in range(2):  # each may be read again
        assert [facts(o) for o in rows.orders()] == [facts(o) for own, _, _ in blocks for o in own]
        assert list(rows.changes()) == [change for _, own, _ in blocks for change in own]
        assert list(rows.fills()) == [fill[:8] for _, _, own in blocks for fill in own]
    rows.delete()


def test_rows_that_found_their_place_leave_no_file(tmp_path: Path) -> None:
    rows = WaitingRows(tmp_path)
    rows.add([Order(1, 0, "X", 0, 5, 1)], [], [])
    assert [path.name for path in tmp_path.iterdir()] == ["rows.waiting"]
    rows.delete()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part_rows", [1, 7, 10_000])
def test_the_curve_is_the_same_in_parts_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    monkeypatch.setattr(equity_file, "PART_ROWS", part_rows)
    file = EquityFile(tmp_path)
    instants, equity = np.arange(50, dtype=np.int64) * 10**9, np.linspace(1e5, 2e5, 50)
    for first in range(0, 50, 9):
        file.add(instants[first : first + 9], equity[first : first + 9])
    file.add(instants[:0], equity[:0])
    file.close()
    table = pq.read_table(tmp_path / "equity.parquet")
    assert table["instant"].cast("int64").to_pylist() == instants.tolist()
    assert table["equity"].to_pylist() == equity.tolist()


def test_a_disk_that_refuses_on_the_writing_thread_is_told_at_the_close(tmp_path: Path) -> None:
    file = EquityFile(tmp_path)

    def refuse(table: object) -> None:
        raise OSError(28, "No space left on device")

    file._writer.write_table = refuse
    file.add(np.zeros(3, np.int64), np.zeros(3))
    with pytest.raises(DataError, match="cannot be written: No space left on device"):
        file.close()
    assert not file._thread._threads or all(not t.is_alive() for t in file._thread._threads)


def test_every_key_of_a_record_is_described(system_house: SystemHouse) -> None:
    breakers = {"breakers": {"daily_loss": {"at": 1}}}
    summary = system_house.system.run(system_house.config(risk=breakers), band=True)
    page = (DOCS / "FINISHED_RUNS.md").read_text(encoding="utf-8")
    table = page.partition("| key of `facts` |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", table))
    assert told == {*system_house.facts(summary.run_id), "reloads"}  # of live runs alone
