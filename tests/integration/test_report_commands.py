"""`report show`, `report export` and the metrics of `report compare`, over real runs."""

import csv
import datetime as dt
import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app import open_run
from app.cli.main import main
from app.cli.report import show as report_show
from app.cli.terminal.candles import sparkline
from app.results import Run
from app.results.columns import NONE_IS_ZERO

__all__ = ["stored_market", "system_house"]

COSTLY = {"fees": {"per_share": 0.0035, "minimum": 0.35}}
OPEN_ENDED = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        if self.now.minute % 10 == 0:
            self.order_target(bar.symbol, 100 if self.now.minute % 20 else -50)
        if self.now.minute % 30 == 5:
            self.order(bar.symbol, 7, limit=round(bar.close * 0.99, 2), tif="gtc")
"""


@pytest.fixture
def house(system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch) -> SystemHouse:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    system_house.strategy("trader.py", OPEN_ENDED)
    return system_house


def run(house: SystemHouse, **parts: Any) -> Run:
    parts.setdefault("end", "2024-06-04")
    run_id = house.system.run(house.config(execution=COSTLY, **parts)).run_id
    return open_run(run_id, data_folder=house.folder)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["report", *words]) == 0
    return capsys.readouterr().out


# -- export ----------------------------------------------------------------------------------------


def instant(value: object) -> int:
    """Nanoseconds of what a file says; 0 for nothing."""
    if value in (None, ""):
        return 0
    text = str(value)
    whole = dt.datetime.fromisoformat(text[:19] + text[29:])
    return int(whole.timestamp()) * 10**9 + int(text[20:29])


def check_column(field: str, values: Any, read: list[Any], run: Run) -> None:
    """What was read is what the run has, to the last unit and nanosecond."""
    if field.endswith("_ns"):
        assert [instant(value) for value in read] == values.tolist(), field
    elif field.endswith("_units"):
        assert [int(Decimal(value) * 10**8) for value in read] == values.tolist(), field
    elif field in ("strategy", "symbol"):
        names = run.strategies if field == "strategy" else run.symbols
        assert read == [names[code] for code in values], field
    elif field in NONE_IS_ZERO:
        assert [int(value or 0) for value in read] == values.tolist(), field
    elif values.dtype.kind == "f":
        found = [float("nan") if value in (None, "") else float(value) for value in read]
        assert np.array_equal(np.array(found), values, equal_nan=True), field
    elif values.dtype.kind == "b":
        assert [str(value).lower() == "true" for value in read] == values.tolist(), field
    elif values.dtype.kind == "M":
        assert [str(value) for value in read] == values.astype(str).tolist(), field
    else:
        assert [str(value or "") for value in read] == [str(one or "") for one in values], field


def read_back(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".json":
        found: list[dict[str, Any]] = json.loads(path.read_text())
        return found
    table = pq.read_table(path)
    for place, field in enumerate(table.schema):
        if str(field.type).startswith("timestamp"):
            assert str(field.type) == "timestamp[ns, tz=America/New_York]"
            whole = [
                None if at is None else f"{at_ns(at)}"
                for at in table.column(place).cast("int64").to_pylist()
            ]
            table = table.set_column(place, field.name, [whole])
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def at_ns(ns: int) -> str:
    moment = dt.datetime.fromtimestamp(ns // 10**9, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09}+00:00"


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_what_is_exported_reads_back_equal(
    house: SystemHouse, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(house)
    assert found.orders.ended.isna().any() or found.orders.limit.notna().any()
    folder = house.folder / "out"
    words = ("export", found.id, "--format", kind, "--output", str(folder), "--json")
    written = json.loads(told(capsys, *words))
    for name in ("orders", "fills", "trades", "equity", "sessions"):
        columns = getattr(found.columns, name)
        rows = read_back(Path(written[name]["path"]))
        assert len(rows) == written[name]["rows"] == len(columns) > 0
        for field in columns.__struct_fields__:
            short = field.removesuffix("_units").removesuffix("_ns")
            check_column(field, getattr(columns, field), [row[short] for row in rows], found)
    metrics: Any = read_back(Path(written["metrics"]["path"]))
    if kind == "json":
        assert metrics == json.loads(json.dumps(found.metrics.as_json()))
    else:
        values = {
            row["name"]: None if row["value"] in ("", None) else row["value"] for row in metrics
        }
        assert values.keys() == {one.name for one in found.metrics}
        for one in found.metrics:
            read = values[one.name]
            assert (None if read is None else float(read)) == one.value


def test_only_what_is_asked_for_is_written_and_nothing_over_another(
    house: SystemHouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run(house, end="2024-06-03")
    monkeypatch.chdir(house.folder)
    folder = house.folder / found.id
    shown = told(capsys, "export", "last", "--what", "fills, trades").splitlines()
    assert shown[0] == f"{folder}/fills.csv: {len(found.fills):,} rows"
    assert sorted(path.name for path in folder.iterdir()) == ["fills.csv", "trades.csv"]
    before = (folder / "fills.csv").read_bytes()
    assert main(["report", "export", "last", "--what", "equity,fills"]) == 2
    refused = " ".join(capsys.readouterr().err.split())
    assert f"In {folder} fills.csv is there already; nothing was written. --output" in refused
    assert (folder / "fills.csv").read_bytes() == before
    assert not (folder / "equity.csv").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("export", "last", "--format", "xlsx"), 2, "There is no format 'xlsx'"),
        (("export", "last", "--what", "trade"), 2, "Did you mean 'trades'?"),
        (("show", "last", "--by", "day"), 2, "--by: found 'day'"),
        (("show", "nothing"), 3, "There is no run 'nothing'"),
        (("show", ""), 3, "The run is missing: give its id"),
    ],
)
def test_what_cannot_be_shown_or_written_is_told(
    house: SystemHouse,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    run(house, end="2024-06-03")
    assert main(["report", *words]) == code
    assert message in capsys.readouterr().err


# -- show ------------------------------------------------------------------------------------------


def test_a_run_is_shown_with_all_that_is_measured(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(house)
    text = told(capsys, "show", found.id, "--by", "all")
    for one in found.metrics:
        assert one.name in text
    assert f"Run {found.id}, replay, finished: AAA, BBB, 2024-06-03 to 2024-06-04" in text
    for title in ("Strategies", "Trades by hour", "Trades by weekday", "Months", "drawdowns"):
        assert title in text
    assert "Tuesday" in text
    assert f"{found.summary['final_equity']:,.2f} USD" in text
    usual = told(capsys, "show", "last")
    assert "Trades by symbol" in usual
    assert "Trades by hour" not in usual


def test_the_same_as_json(house: SystemHouse, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(house)
    shown = json.loads(told(capsys, "show", "last", "--json"))
    assert shown["metrics"] == {one.name: one.value for one in found.metrics}
    assert shown["summary"] == found.summary
    assert [one["equity"] for one in shown["days"]] == found.columns.sessions.equity.tolist()
    assert shown["days"][0]["date"] == "2024-06-03"
    assert shown["basis"] == {
        "year": 252, "days": 2, "risk_free_percent": 0.0, "benchmark": "symbols",
        "currency": "USD",
    }  # fmt: skip


# -- compare ---------------------------------------------------------------------------------------


def test_runs_of_other_days_are_compared_day_by_day(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    early, late = run(house, end="2024-06-05"), run(house, start="2024-06-05", end="2024-06-07")
    compared = json.loads(told(capsys, "compare", early.id, late.id, "--json"))
    assert compared["days"]["dates"] == [f"2024-06-0{day}" for day in range(3, 8)]
    first, second = compared["days"]["equity"]
    assert first == [*early.columns.sessions.equity.tolist(), None, None]
    assert second == [None, None, *late.columns.sessions.equity.tolist()]
    rates = [one.metrics["win_rate"] for one in (early, late)]
    assert compared["metrics"]["win_rate"] == rates
    text = told(capsys, "compare", early.id, late.id)
    assert "sharpe_daily_252" in text
    assert "equity B    " in text  # it has no such days


def test_a_run_that_has_not_ended_is_compared_without_metrics(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(house, end="2024-06-03")
    house.runs().start_run(
        "20990101-run", name="x", mode="replay", config=dict(found.config),
        started_at="2099-01-01", pid=os.getpid(),
    )  # fmt: skip
    compared = json.loads(told(capsys, "compare", found.id, "20990101-run", "--json"))
    assert compared["metrics"]["win_rate"] == [found.metrics["win_rate"], None]
    assert compared["days"]["equity"][1] == [None]
    assert "profit_factor" in told(capsys, "compare", found.id, "20990101-run")


def test_the_command_names_the_keys_that_there_are(house: SystemHouse) -> None:
    assert tuple(run(house, end="2024-06-03").metrics.slices) == report_show.SLICES


def test_a_sparkline_leaves_out_what_is_missing_and_keeps_to_a_scale() -> None:
    assert sparkline([None, 0.0, None, 1.0], False) == " ▁ █"
    assert sparkline([0.0, 1.0], False, [0.0, 2.0]) == "▁▅"
    assert sparkline([None, None], True) == "  "


def test_orders_of_a_run_under_way_are_not_said_to_be_none(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(house, end="2024-06-03")
    gone = subprocess.Popen(["true"])
    gone.wait()
    for run_id, pid in (("2099-alive", os.getpid()), ("2099-gone", gone.pid)):
        house.runs().start_run(
            run_id, name="x", mode="live", config=dict(found.config), started_at="2099", pid=pid
        )
    for run_id, remedy in (("2099-alive", "'system fills'"), ("2099-gone", "'runs rebuild'")):
        assert main(["runs", "orders", run_id]) == 1
        assert remedy in capsys.readouterr().err
        assert main(["runs", "show", run_id, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["orders"], shown["refused"], shown["fills"]) == (None, None, None)
