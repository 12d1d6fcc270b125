"""A run's report: what it holds is what is on record, however the run ended."""

import base64
import datetime as dt
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.test_account_runs import with_rate
from tests.report_house import house_in, report_of, rich_config, sources_of
from tests.system_house import SystemHouse, stored_market
from tests.unit.test_report_columns import read

from app.core.bars import COLUMNS, BarColumns
from app.core.errors import AppError, DataError, UsageError
from app.core.intervals import MINUTE_NS
from app.report import series
from app.report.columns import Packed
from app.report.figures import spoken
from app.report.indicators import indicators_of
from app.repositories.bar_store_files import Series
from app.results import Run
from app.results.opening import open_from

__all__ = ["stored_market"]

SEEN = '''
"""Notes what it reads of its indicator at each bar."""

from pathlib import Path

from app.strategies import Strategy


class Seen(Strategy):
    def setup(self):
        self.mean = self.indicator("SMA", 5)
        self.slow = self.indicator("EMA", 3, interval="15m")

    def on_bar(self, bar):
        with Path(__file__).with_suffix(".txt").open("a") as file:
            for name, one in (("SMA(5)", self.mean), ("EMA(3) 15m", self.slow)):
                if one.ready:
                    file.write(f"{bar.symbol},{name},{self.now.timestamp()},{one.value}\\n")
'''

RECORDED = {"equity", "trades", "sessions", "orders", "changes", "fills"}  # not a bar is read


class Page:
    """A report, taken apart."""

    def __init__(self, path: Path) -> None:
        self.content = path.read_text(encoding="utf-8")
        found = re.search(r'id="facts">(.*?)</script>', self.content)
        assert found is not None
        self.facts: dict[str, Any] = json.loads(found[1])

    def table(self, name: str) -> dict[str, list[Any]]:
        spec = self.facts["tables"][name]
        return read(Packed(spec["rows"], spec["columns"], self.packed(name)))

    def packed(self, name: str) -> str:
        place = self.facts["tables"][name]["place"]
        found = re.search(rf'id="table-{place}">(.*?)</script>', self.content)
        assert found is not None
        return found[1]


@pytest.fixture(scope="module")
def rich(stored_market: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Page, Path]:
    """One run of everything, for those who only look; its page, and its data folder."""
    folder = tmp_path_factory.mktemp("rich")
    house = house_in(stored_market, folder)
    house.system.run(rich_config(house))
    run, path = report_of(house.folder, folder / "report.html")
    return run, Page(path), house.folder


@pytest.fixture
def house(stored_market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SystemHouse:
    monkeypatch.chdir(tmp_path)
    return house_in(stored_market, tmp_path)


def reported(house: SystemHouse) -> tuple[Run, Page]:
    run, path = report_of(house.folder, house.folder.parent / "report.html")
    return run, Page(path)


def test_the_tables_of_the_page_are_those_on_record(rich: tuple[Run, Page, Path]) -> None:
    run, page, _ = rich
    trades, orders, fills = page.table("trades"), page.table("orders"), page.table("fills")
    assert trades["profit"] == run.trades.profit.tolist()
    assert trades["own"] == trades["profit"]
    assert trades["strategy"] == run.trades.strategy.tolist()
    assert orders["number"] == run.orders.order_id.tolist()
    assert orders["stop"] == pytest.approx(run.orders.stop.tolist(), nan_ok=True, abs=0)
    assert fills["price"] == run.fills.price.tolist()
    assert [at * 1_000_000 for at in fills["at"]] == run.columns.fills.instant_ns.tolist()
    curve = page.table("equity")
    assert curve["equity"] == pytest.approx(run.columns.equity.equity.tolist(), abs=0.006)
    for symbol in ("AAA", "BBB"):
        bars, stored = page.table(page.facts["bars"][symbol]["table"]), run.bar_columns(symbol)
        for name in ("open", "high", "low", "close", "volume"):
            assert bars[name] == getattr(stored, name).tolist(), name
    amended = [what for what in page.table("changes")["what"] if what == "amend"]
    assert amended


def test_the_figures_of_the_page_are_the_runs_metrics(rich: tuple[Run, Page, Path]) -> None:
    run, page, _ = rich
    assert page.content.count("the same</td>") == 2  # the store has its bars still
    plain = re.sub(r"<[^>]*>", " ", page.content)
    assert f"{run.metrics['net_profit']:,.2f}".replace("-", "−") in plain
    assert f"{run.metrics['win_rate']:.2%}" in plain
    for one in run.metrics:
        if one.value is None:
            assert str(one.reason) in plain
    titles = [spoken(one.name, one.kind) for one in run.metrics]
    assert len({*titles}) == len(titles)  # no two figures of one name
    assert {"Up days", "Max drawdown", "Max drawdown time", "Sharpe daily 252"} < {*titles}
    assert all(f"<tr><td>{title}" in page.content for title in titles)
    assert page.facts["slices"]["hour"][0][1] == run.metrics.slices["hour"][0].profit
    assert str(run.fingerprint) in plain
    for row in run.passport:
        assert row["source_hash"] in plain


def test_indicators_are_what_the_strategy_read(house: SystemHouse) -> None:
    house.strategy("seen.py", SEEN)
    house.system.run(house.config(use="seen.py", end="2024-06-04"))
    notes = house.strategies / "seen.txt"
    lines = [line.split(",") for line in notes.read_text().splitlines()]
    sources = sources_of(house.folder)
    drawn, why_not = indicators_of(open_from(sources, "last"), sources)
    assert why_not == ""
    found = {
        (one.symbol, output.label): (one.known_ns, output)
        for one in drawn
        for output in one.outputs
    }
    assert {label for _, label in found} == {"SMA(5)", "EMA(3) 15m"}
    assert all(output.overlay for _, output in found.values())
    assert len(lines) > 1_500
    _, mean = found["AAA", "SMA(5)"]
    read_of_it = [line for line in lines if line[:2] == ["AAA", "SMA(5)"]]
    assert np.isfinite(mean.values).sum() == len(read_of_it) < len(mean.values)
    compared = 0
    for symbol, label, at, value in lines:
        (known, output), at_ns = found[symbol, label], round(float(at) * 1e9)
        row = int(np.searchsorted(known, at_ns, side="right")) - 1
        if at_ns - known[row] < 15 * MINUTE_NS:  # else it is the day before's, read from today
            assert output.values[row] == float(value)
            compared += 1
    assert compared > 0.9 * len(lines)


def test_a_strategy_that_has_changed_since_has_no_indicators(house: SystemHouse) -> None:
    house.system.run(rich_config(house, end="2024-06-03"))
    house.strategy("brackets.py", "# changed\n" + (house.strategies / "brackets.py").read_text())
    _, page = reported(house)
    assert page.facts["indicators"] == {}
    assert "the file of the strategy Brackets has changed since the run" in page.content


def test_a_failed_run_says_so_first(house: SystemHouse) -> None:
    house.strategy(
        "failing.py",
        """
        from app.strategies import Strategy

        class Failing(Strategy):
            def on_bar(self, bar):
                if self.now.day == 5:
                    raise ValueError("enough <b>now</b> api_key=hunter2")
        """,
    )
    with pytest.raises(AppError):
        house.system.run(house.config(use="failing.py"))
    _, page = reported(house)
    first = page.content.index('<li class="notice')
    assert page.content[first:].startswith('<li class="notice bad"><b>It failed.')
    assert "enough &lt;b&gt;now&lt;/b&gt;" in page.content
    assert "hunter2" not in page.content  # a page is passed on
    assert "No trades." in page.content


def test_bars_that_have_gone_leave_a_page_without_candles(house: SystemHouse) -> None:
    house.system.run(rich_config(house, end="2024-06-04"))
    whole, before = reported(house)
    for file in (house.folder / "bars").rglob("*.parquet"):
        file.unlink()
    run, page = reported(house)
    assert "Its bars are not what they were." in page.content
    assert page.content.count("gone</td>") == 2
    assert page.facts["bars"] == {}
    assert len(page.table("trades")["profit"]) > 0
    assert "not in the store any more" in page.content
    kept = {name for name in before.facts["tables"] if not name.startswith(("bars", "indicators"))}
    assert kept == set(page.facts["tables"]) == RECORDED
    for name in kept:
        assert page.packed(name) == before.packed(name), name
    was, has = ({one.name: one.value for one in found.metrics} for found in (whole, run))
    looked_up = {name for name in was if was[name] != has[name]}
    assert looked_up == {"slippage_paid", "benchmark_return", "beta_daily"}  # no alpha of 2 days
    assert run.metrics.metric("slippage_paid").reason == "no bars of AAA are stored"


def test_a_history_that_has_changed_is_told_beside_bars_that_have_not(house: SystemHouse) -> None:
    """As `report compare` and `why` look at both."""
    house.strategy("seen.py", SEEN)
    house.system.run(house.config(use="seen.py", start="2024-06-05", end="2024-06-05"))
    _, before = reported(house)
    assert before.content.count("the same</td>") == 2
    assert "Its history is not what it was." not in before.content
    store, series_of = house.system.data_manager.store, Series("XNYS", "AAA", "1m")
    bars = store.columns("XNYS", "AAA", "1m", 0, 1 << 62)
    store.delete(series_of)
    for first, end in ((0, 700), (780, len(bars))):  # without the end of the session before
        store.merge(series_of, bars.slice(first, end), {})
    _, page = reported(house)
    assert (page.content.count("the same</td>"), page.content.count("other history</td>")) == (1, 1)
    assert "Bars of AAA from before its dates" in page.content
    house.strategy("seen.py", SEEN + "\n")
    _, page = reported(house)
    assert page.content.count("the same</td>") == 2, "what other code looks back on says nothing"


def test_a_hole_is_told_and_marked_and_thin_trading_is_none(house: SystemHouse) -> None:
    store = house.system.data_manager.store
    random = np.random.default_rng(3)
    minutes = np.arange(390)
    chosen = {"AAA": (minutes < 100) | (minutes >= 130), "BBB": random.random(390) < 0.6}
    for symbol, kept in chosen.items():
        bars = store.columns("XNYS", symbol, "1m", 0, 1 << 62).slice(0, 390)
        store.delete(Series("XNYS", symbol, "1m"))
        left = BarColumns(*(getattr(bars, name)[kept] for name in COLUMNS))
        store.merge(Series("XNYS", symbol, "1m"), left, {})
    house.system.run(rich_config(house, end="2024-06-03"))
    run, page = reported(house)
    holed, thin = run.passport
    assert (holed["thin_bars"], holed["holes"], thin["holes"]) == (0, 1, 0)
    assert thin["thin_bars"] == 390 - thin["bars"] > 100
    assert "1, in 1 of 2 symbols; most is lost of AAA, 7.69%" in page.content
    assert f"BBB lacks {thin['thin_bars'] / 390:.2%} of its bars, as nothing" in page.content
    behind = run.bar_columns("AAA").start_ns[100] // 1_000_000
    assert [page.facts["bars"][name]["holes"] for name in ("AAA", "BBB")] == [[behind], []]


def test_what_is_added_up_over_currencies_is_in_the_accounts(house: SystemHouse) -> None:
    with_rate(house, 1.25)
    account = {"cash": 100_000, "rates": {"EUR": "EUR/USD"}}
    house.system.run(rich_config(house, end="2024-06-03", account=account))
    run, page = reported(house)
    table, rates = page.table("trades"), {"AAA": 1.25, "BBB": 1.0}
    for own, amounts in (("own", table["profit"]), ("ownFees", table["fees"])):
        pairs = zip(amounts, table["symbol"], strict=True)
        assert table[own] == pytest.approx([amount * rates[symbol] for amount, symbol in pairs])
    assert sum(table["ownFees"]) == pytest.approx(run.summary["fees"])
    assert "Money is in each symbol's own currency, sums are in USD." in page.content.replace(
        "&#x27;", "'"
    )


def test_a_breaker_that_tripped_is_told(house: SystemHouse) -> None:
    risk = {"breakers": {"daily_loss": {"at": 1, "then": "halted"}}}
    house.system.run(rich_config(house, end="2024-06-03", risk=risk))
    run, page = reported(house)
    (event,) = run.facts["risk"]["history"]
    at = run.columns.to_local(event["at_ns"])
    cells = f"{at:%Y-%m-%d %H:%M:%S}</td><td>breaker tripped</td><td>daily_loss"
    assert f"<td>{cells}; the account is halted</td><td>" in page.content
    assert "<b>It was not left alone.</b>Breaker tripped: 1." in page.content


def test_too_many_bars_are_folded_and_that_is_told(
    house: SystemHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "MOST_BARS", 100)
    monkeypatch.setattr(series, "MOST_SYMBOLS", 1)
    house.system.run(rich_config(house, end="2024-06-03"))
    run, page = reported(house)
    ((symbol, own),) = page.facts["bars"].items()
    assert own["minutes"] == 5
    assert page.table(own["table"])["close"] == run.bar_columns(symbol, "5m").close.tolist()
    assert "these are of 5m" in page.content
    assert "The 1 symbols traded most" in page.content


def test_a_long_curve_keeps_its_extremes_and_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "MOST_POINTS", 400)
    random = np.random.default_rng(11)
    equity = 1e5 + np.cumsum(random.normal(0, 20, 10_000))
    equity[7_777] = 1.0
    instants = np.arange(10_000) * 60 * 10**9
    table, digits = series.equity_table(instants, equity)
    kept = np.asarray(table["equity"])
    assert len(kept) <= 402
    assert (kept.min(), kept.max()) == (equity.min(), equity.max())
    assert (kept[0], kept[-1]) == (equity[0], equity[-1])
    assert digits == {"equity": 2}


@given(
    st.sampled_from(["America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.integers(1_000_000_000, 1_900_000_000),
    st.integers(0, 400 * 86_400),
)
def test_the_pages_clock_is_the_zones_at_every_instant(name: str, first: int, length: int) -> None:
    zone = ZoneInfo(name)
    found = series.offsets(zone, first * 10**9, (first + length) * 10**9)
    for at in np.linspace(first, first + length, 40).astype(int).tolist():
        minutes = [minutes for since, minutes in found if since <= at * 1000][-1]
        shift = dt.datetime.fromtimestamp(at, zone).utcoffset()
        assert shift == dt.timedelta(minutes=minutes)


def test_a_page_is_whole_or_as_it_was(rich: tuple[Run, Page, Path], tmp_path: Path) -> None:
    data = rich[2]
    (tmp_path / "taken").mkdir()
    with pytest.raises(UsageError, match="taken is a folder: name a file in it, such as"):
        report_of(data, tmp_path / "taken")
    with pytest.raises(DataError, match=r"nowhere/report\.html cannot be written"):
        report_of(data, tmp_path / "nowhere" / "report.html")
    assert not list(tmp_path.glob(".*.new"))


def leaves(content: str) -> Iterator[bytes]:
    """Every packed table of a page."""
    for text in re.findall(r'octet-stream" id="[^"]*">(.*?)</script>', content):
        yield zlib.decompress(base64.b64decode(text))


def test_the_same_run_gives_the_same_page(rich: tuple[Run, Page, Path], tmp_path: Path) -> None:
    page, again = rich[1], Page(report_of(rich[2], tmp_path / "again.html")[1])
    assert page.facts == again.facts
    assert [*leaves(page.content)] == [*leaves(again.content)]


def test_what_bars_leave_open_is_drawn_and_told(house: SystemHouse) -> None:
    house.strategy(
        "near.py",
        """
        from app.strategies import Strategy

        class Near(Strategy):
            intervals = ("15m",)

            def on_bar(self, bar):
                self.close(bar.symbol)
                limit, target, stop = (round(bar.close + by, 2) for by in (-0.02, 0.02, -0.05))
                self.bracket(bar.symbol, 100, limit=limit, target=target, stop=stop)
        """,
    )
    house.system.run(house.config(use="near.py", end="2024-06-03"), band=True)
    run, page = reported(house)
    count, band = run.summary["uncertain_bars"], run.summary["band"]
    assert count > 0
    assert f"{count:,} of {run.summary['bars']:,} bars leave open" in page.content
    assert f"{band:,.2f} USD" in page.content
    low, high = sorted((run.summary["equity_worst"], run.summary["equity_best"]))
    assert f"{low:,.2f} to {max(high, run.summary['final_equity']):,.2f} USD" in page.content
    assert f"The {count:,} bars" in page.content
    shown = page.content[page.content.index('id="honesty"') :]
    assert shown.count('class="part"') == 2  # drawn, and named


def test_a_reader_learns_first_what_the_figures_leave_out(rich: tuple[Run, Page, Path]) -> None:
    found = re.findall(r'<li class="notice[^"]*"><b>(.*?)</b>', rich[1].content)
    assert "No slippage." in found  # and no word of fees: it pays them
    assert not any("trades" in title for title in found)
    order = re.findall(r'<li class="notice ?(\w*)">', rich[1].content)
    assert order == sorted(order, key=("bad", "warn", "").index)
