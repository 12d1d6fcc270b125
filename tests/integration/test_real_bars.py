"""Whole runs on real bars: a half day, a spin-off, coins, currencies, twenty years of dividends.

The bars lie in a folder beside the checkout, or where MISMARTERA_REAL_DATA says; without them
these tests skip. What a run came to is compared with sums over the CSV files themselves.
"""

import csv
import datetime as dt
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.errors import DataError
from app.core.settings import Settings
from app.managers.data_manager import ImportOptions
from app.managers.system_manager.record.summary import Summary
from app.managers.system_manager.system_manager import SystemManager
from app.repositories.bar_store_files import Series

NEW_YORK = ZoneInfo("America/New_York")
MINUTE = dt.timedelta(minutes=1)
Row = dict[str, str]

HOLDER = """from app.strategies import Param, Strategy

class Holder(Strategy):
    quantity = Param(1.0, low=0.0, high=1e6)

    def setup(self):
        self.bought = False

    def on_session_open(self, session):
        if not self.bought:
            self.bought = True
            self.order(self.symbols[0], self.quantity)
"""


_BESIDE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
# Read when this is imported: once tests run, the shell's settings are taken away.
FOLDER = Path(os.environ.get("MISMARTERA_REAL_DATA", _BESIDE))


@pytest.fixture
def files() -> Path:
    if not (FOLDER / "IBM_factors.csv").is_file():
        pytest.skip(f"no real bars in {FOLDER}; MISMARTERA_REAL_DATA names their folder")
    return FOLDER


class RealHouse:
    """A system over an empty folder, fed from the real files."""

    def __init__(self, files: Path, folder: Path) -> None:
        self.files = files
        self.folder = folder
        strategies = folder / "strategies"
        strategies.mkdir()
        (strategies / "holder.py").write_text(HOLDER)
        self.system = SystemManager(
            Settings(data_folder=folder / "data", strategies_folder=strategies)
        )
        self.data = self.system.data_manager

    def rows(self, name: str) -> list[Row]:
        with (self.files / name).open() as file:
            return list(csv.DictReader(file))

    def enter(self, name: str, market: str, symbol: str, interval: str = "1m") -> int:
        options = ImportOptions(market, symbol, interval)
        return self.data.import_csv(self.files / name, options).stored

    def actions(self, market: str, *rows: str) -> None:
        path = self.folder / "actions.csv"
        path.write_text("\n".join(["symbol,ex_date,kind,value", *rows]) + "\n")
        self.data.import_actions(path, market)

    def hold(
        self, market: str, symbol: str, dates: tuple[str, str], quantity: float, **parts: Any
    ) -> Summary:
        """Buy so much at the first open and hold it to the end."""
        config = {
            "name": "real",
            "market": market,
            "symbols": [symbol],
            "replay": {"start": dates[0], "end": dates[1]},
            "strategies": [{"use": "holder.py", "params": {"quantity": quantity}}],
            "execution": {"participation": None},
            **parts,
        }
        path = self.folder / "config.json"
        path.write_text(json.dumps(config))
        return self.system.run(path)

    def passport(self, run: Summary) -> dict[str, Any]:
        """What the run's folder says of its one symbol's data."""
        [folder] = (self.folder / "data" / "runs").glob(f"*{run.run_id}*")
        [found] = json.loads((folder / "run.json").read_text())["passport"]
        return dict(found)


@pytest.fixture
def real(files: Path, tmp_path: Path) -> Iterator[RealHouse]:
    house = RealHouse(files, tmp_path)
    yield house
    house.system._engine.dispose()


def local(row: Row, zone: ZoneInfo = NEW_YORK) -> dt.datetime:
    return dt.datetime.fromisoformat(row["timestamp"]).astimezone(zone)


def regular(rows: list[Row], closes: dict[str, dt.time] | None = None) -> list[Row]:
    """The rows of New York's regular hours; some days close early."""
    opens, usual = dt.time(9, 30), dt.time(16)
    return [
        row
        for row in rows
        if opens <= local(row).time() < (closes or {}).get(str(local(row).date()), usual)
    ]


HALF_DAY = {"2015-12-24": dt.time(13)}


# A half day


def test_a_half_day_ends_at_one_and_its_later_bars_are_post_market(real: RealHouse) -> None:
    rows = real.rows("GOOG_1m_trades.csv")
    assert real.enter("GOOG_1m_trades.csv", "XNAS", "GOOG") == len(rows)
    days = {str(one.session.date): one for one in real.data.quality(Series("XNAS", "GOOG", "1m"))}
    expected = {"2015-12-23": 390, "2015-12-24": 210, "2015-12-28": 390}
    for day, one in days.items():
        inside = [row for row in regular(rows, HALF_DAY) if str(local(row).date()) == day]
        assert one.session.early_close is (day in HALF_DAY)
        assert (one.quality.expected, one.quality.present) == (expected[day], len(inside))
        assert one.quality.holes == ()
    assert set(days) == set(expected)


def test_the_day_bar_of_a_half_day_is_that_of_its_regular_minutes(real: RealHouse) -> None:
    real.enter("GOOG_1m_trades.csv", "XNAS", "GOOG")
    frame = real.data.get_bars("GOOG", "1d", market="XNAS")
    for at, day in frame.iterrows():
        inside = [
            row
            for row in regular(real.rows("GOOG_1m_trades.csv"), HALF_DAY)
            if local(row).date() == at.date()  # type: ignore[attr-defined]
        ]
        assert day["open"] == float(inside[0]["open"])
        assert day["close"] == float(inside[-1]["close"])
        assert day["high"] == max(float(row["high"]) for row in inside)
        assert day["low"] == min(float(row["low"]) for row in inside)
        assert day["volume"] == sum(float(row["volume"]) for row in inside)
    assert len(frame) == 3


def test_an_hour_never_spans_the_close_of_a_half_day(real: RealHouse) -> None:
    real.enter("GOOG_1m_trades.csv", "XNAS", "GOOG")
    frame = real.data.get_bars("GOOG", "1h", "2015-12-24", "2015-12-24", market="XNAS")
    starts = [f"{at:%H:%M}" for at in frame.index]  # type: ignore[str-format]
    assert starts[starts.index("09:30") :][:5] == ["09:30", "10:30", "11:30", "12:30", "13:00"]


def test_a_run_over_the_half_day_buys_and_holds_to_the_cent(real: RealHouse) -> None:
    real.enter("GOOG_1m_trades.csv", "XNAS", "GOOG")
    run = real.hold("XNAS", "GOOG", ("2015-12-23", "2015-12-28"), 10)
    inside = regular(real.rows("GOOG_1m_trades.csv"), HALF_DAY)
    gain = 10 * (Decimal(inside[-1]["close"]) - Decimal(inside[0]["open"]))
    assert (run.sessions, run.bars, run.fills) == (3, len(inside), 1)
    assert run.final_equity == Decimal(100_000) + gain - run.fees
    told = real.passport(run)
    assert (told["bars"], told["expected_bars"], told["half_days"]) == (len(inside), 990, 1)
    assert (told["holes"], told["synthetic"]) == (0, False)


def test_with_extended_hours_every_bar_of_the_file_is_seen(real: RealHouse) -> None:
    real.enter("GOOG_1m_trades.csv", "XNAS", "GOOG")
    dates = ("2015-12-23", "2015-12-28")
    run = real.hold("XNAS", "GOOG", dates, 10, extended_hours=True)
    assert run.bars == len(real.rows("GOOG_1m_trades.csv")) == real.passport(run)["bars"]


def test_quotes_of_the_half_day_lie_beside_its_trades_alone(real: RealHouse) -> None:
    real.enter("GOOG_1m_trades.csv", "XNAS", "GOOG")
    trades = {row["timestamp"] for row in real.rows("GOOG_1m_trades.csv")}
    quotes = {row["timestamp"]: row for row in real.rows("GOOG_1m_quotes.csv")}
    assert real.enter("GOOG_1m_quotes.csv", "XNAS", "GOOG") == len(trades & quotes.keys())
    series = Series("XNAS", "GOOG", "1m")
    columns = real.data.store.columns("XNAS", "GOOG", "1m", 0, 1 << 62)
    bids = real.data.store.quotes(series, 0, 1 << 62)["bid_close"]
    for start_ns, bid in zip(columns.start_ns.tolist(), bids.tolist(), strict=True):
        at = dt.datetime.fromtimestamp(start_ns // 10**9, dt.UTC).isoformat()
        quote = quotes.get(at)
        assert (bid != bid) if quote is None else bid == float(quote["bid_close"])


# A spin-off


def test_a_spin_off_entered_at_its_worth_is_not_a_loss(real: RealHouse) -> None:
    real.enter("TWX_1m_trades.csv", "XNYS", "TWX")
    dates = ("2014-06-05", "2014-06-09")
    bare = real.hold("XNYS", "TWX", dates, 100)
    inside = regular(real.rows("TWX_1m_trades.csv"))
    held = [row for row in inside if str(local(row).date()) <= dates[1]]
    drop = 100 * (Decimal(held[-1]["close"]) - Decimal(held[0]["open"]))
    assert bare.final_equity == Decimal(100_000) + drop - bare.fees
    assert drop < -150  # prices as traded show the drop
    real.actions("XNYS", "TWX,2014-06-09,dividend,2.81")
    paid = real.hold("XNYS", "TWX", dates, 100)
    assert paid.final_equity == bare.final_equity + 281
    assert paid.max_drawdown < bare.max_drawdown
    assert paid.bars == bare.bars == len(held)


def test_adjusting_back_over_the_spin_off_closes_the_gap(real: RealHouse) -> None:
    real.enter("TWX_1m_trades.csv", "XNYS", "TWX")
    raw = real.data.get_bars("TWX", "1d", "2014-06-06", "2014-06-09")["close"]
    real.actions("XNYS", "TWX,2014-06-09,dividend,2.81")
    back = real.data.get_bars("TWX", "1d", "2014-06-06", "2014-06-09", adjust="back")["close"]
    assert raw.iloc[0] == 71.08
    assert back.iloc[0] == pytest.approx(71.08 - 2.81, abs=1e-9)
    assert back.iloc[1] == raw.iloc[1]


def test_a_day_that_is_not_in_the_file_is_a_hole_and_no_thin_one(real: RealHouse) -> None:
    real.enter("TWX_1m_trades.csv", "XNYS", "TWX")
    days = {str(one.session.date): one for one in real.data.quality(Series("XNYS", "TWX", "1m"))}
    assert (days["2014-06-10"].quality.score, len(days["2014-06-10"].quality.holes)) == (0.0, 1)
    assert days["2014-06-06"].quality.score == 1.0  # three minutes without a trade, no hole
    assert days["2014-06-06"].quality.thin_bars == 3


# Coins: round the clock, fractions


def test_fractions_of_a_coin_are_counted_to_the_last_digit(real: RealHouse) -> None:
    rows = real.rows("ETHUSD_1m_trades.csv")
    assert real.enter("ETHUSD_1m_trades.csv", "24/7", "ETH/USD") == len(rows)
    stored = real.data.store.columns("24/7", "ETH/USD", "1m", 0, 1 << 62)
    assert stored.volume.tolist() == [float(row["volume"]) for row in rows]
    run = real.hold("24/7", "ETH/USD", ("2017-09-03", "2017-09-04"), 0.12345)
    two_days = [row for row in rows if row["timestamp"] < "2017-09-05"]
    move = Decimal(two_days[-1]["close"]) - Decimal(two_days[0]["open"])
    assert (run.sessions, run.bars) == (2, 2 * 1440)
    wanted = Decimal(100_000) + Decimal("0.12345") * move - run.fees
    assert abs(run.final_equity - wanted) <= Decimal("2e-8")  # each posting is rounded once


def test_a_stretch_without_trades_is_a_hole_in_the_night(real: RealHouse) -> None:
    real.enter("ETHUSD_1m_trades.csv", "24/7", "ETH/USD")
    days = real.data.quality(Series("24/7", "ETH/USD", "1m"), "2018-04-04", "2018-04-05")
    [broken, whole] = [one.quality for one in days]
    assert (whole.expected, whole.present, whole.score) == (1440, 1440, 1.0)
    assert broken.present == 1009
    [(start_ns, end_ns)] = broken.holes
    assert (end_ns - start_ns) // (60 * 10**9) in range(400, 432)


def test_trades_and_mid_prices_of_a_coin_are_kept_apart(real: RealHouse) -> None:
    real.enter("ETHUSD_1m_quotes.csv", "24/7", "ETH/USD.Q")
    real.enter("ETHUSD_1m_trades.csv", "24/7", "ETH/USD")
    kinds = {info.symbol: info.prices for info in real.data.catalogue()}
    assert kinds == {"ETH/USD.Q": "mid", "ETH/USD": "trades"}
    with pytest.raises(DataError, match="holds mid prices and the file brings trades prices"):
        real.enter("ETHUSD_1m_trades.csv", "24/7", "ETH/USD.Q")
    quotes = real.rows("ETHUSD_1m_quotes.csv")[:50]
    frame = real.data.get_bars("ETH/USD.Q", "1m", market="24/7")
    for row, close in zip(quotes, frame["close"], strict=False):
        assert close == (float(row["bid_close"]) + float(row["ask_close"])) / 2


# Currencies: five days around the clock


def test_currencies_rest_over_the_weekend(real: RealHouse) -> None:
    options = ImportOptions("24/5", "NZD/USD")
    report = real.data.import_csv(real.files / "NZDUSD_1m_quotes.csv", options)
    rows = real.rows("NZDUSD_1m_quotes.csv")
    weekdays = [row for row in rows if local(row, ZoneInfo("UTC")).weekday() < 5]
    assert (report.rows, report.stored, report.prices) == (len(rows), len(weekdays), "mid")
    assert report.kept_out == {"the bar lies outside any trading session": len(rows) - 15385}
    days = [one.session.date for one in real.data.quality(Series("24/5", "NZD/USD", "1m"))]
    assert all(day.weekday() < 5 for day in days)
    gaps = {(later - day).days for day, later in pairwise(days)}
    assert gaps == {1, 3}


def test_a_run_passes_from_friday_to_monday_without_a_bar_between(real: RealHouse) -> None:
    real.enter("NZDUSD_1m_quotes.csv", "24/5", "NZD/USD")
    run = real.hold("24/5", "NZD/USD", ("2014-05-02", "2014-05-05"), 10_000)
    wanted = [
        row for row in real.rows("NZDUSD_1m_quotes.csv")
        if row["timestamp"][:10] in ("2014-05-02", "2014-05-05")
    ]  # fmt: skip
    assert (run.sessions, run.bars, run.fills) == (2, len(wanted), 1)

    def mid(row: Row, name: str) -> float:
        return (float(row[f"bid_{name}"]) + float(row[f"ask_{name}"])) / 2

    gain = 10_000 * (mid(wanted[-1], "close") - mid(wanted[0], "open"))
    assert float(run.final_equity + run.fees) == pytest.approx(100_000 + gain, abs=0.2)


# Twenty years of splits and dividends


def ibm_actions(real: RealHouse) -> list[tuple[dt.date, str, Decimal]]:
    """Splits and dividends as the file's cumulative factors tell them."""
    steps = real.rows("IBM_factors.csv")
    found = []
    for row, later in pairwise(steps):
        ex_date = dt.date.fromisoformat(row["last_date"]) + dt.timedelta(days=1)
        if not dt.date(1998, 1, 6) <= ex_date <= dt.date(2021, 3, 30):
            continue
        ratio = float(later["split_factor"]) / float(row["split_factor"])
        if ratio != 1.0:
            found.append((ex_date, "split", Decimal(f"{ratio:g}")))
        share = 1 - float(row["price_factor"]) / float(later["price_factor"])
        if share:
            worth = float(row["reference_close"]) / ratio * share
            found.append((ex_date, "dividend", Decimal(f"{worth:.4f}")))
    return found


def test_twenty_years_are_held_through_every_split_and_dividend(real: RealHouse) -> None:
    assert real.enter("IBM_1h_trades.csv", "XNYS", "IBM", "1h") > 40_000
    actions = ibm_actions(real)
    real.actions("XNYS", *(f"IBM,{day},{kind},{value}" for day, kind, value in actions))
    dates = ("1998-01-05", "2021-03-30")
    run = real.hold(
        "XNYS", "IBM", dates, 100, base_interval="1h", account={"cash": 1_000_000},
        report={"equity": "session"},
    )  # fmt: skip
    stored = real.data.get_bars("IBM", "1h", *dates)
    shares, cash = Decimal(100), Decimal(1_000_000) - 100 * Decimal(str(stored["open"].iloc[0]))
    for _, kind, value in sorted(actions, key=lambda one: (one[0], one[1] != "split")):
        if kind == "split":
            shares *= value
        else:
            cash += shares * value
    assert shares == 200
    wanted = cash + shares * Decimal(str(stored["close"].iloc[-1]))
    assert run.fills == 1
    after_half_days = [at for at in stored.index if not real.system.time_manager.is_open(at)]
    assert run.bars == len(stored) - len(after_half_days) == real.passport(run)["bars"]
    assert 0 < len(after_half_days) < 30
    assert run.final_equity + run.fees == wanted


def test_a_year_of_the_twenty_is_the_same_whatever_came_later(real: RealHouse) -> None:
    real.enter("IBM_1h_trades.csv", "XNYS", "IBM", "1h")
    actions = ibm_actions(real)
    dates = ("2003-01-02", "2003-12-31")
    prints = []
    for until in (dates[1], "2021-03-30"):
        known = [one for one in actions if str(one[0]) <= until]
        real.actions("XNYS", *(f"IBM,{day},{kind},{value}" for day, kind, value in known))
        run = real.hold(
            "XNYS", "IBM", dates, 100, base_interval="1h",
            history={"1h": 60}, indicators=[{"name": "SMA", "params": {"timeperiod": 50}}],
        )  # fmt: skip
        prints.append((run.fingerprint, run.final_equity))
    assert prints[0] == prints[1]
