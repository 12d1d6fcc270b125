"""Corporate actions mapped to sessions, and prices adjusted by them."""

import csv
import datetime as dt
import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from tests.data_house import House, bars, calendars, house, minutes, ns

from app.core.errors import AppError, DataError, NotFoundError, UsageError
from app.core.instruments import Adjustment
from app.managers.data_manager import ImportOptions
from app.repositories.bar_store_files import Series

__all__ = ["calendars", "house"]

ACTIONS = "symbol,ex_date,kind,value\n"
# Read at once: tests run without these names in their environment.
REAL_DATA = Path(
    os.environ.get("MISMARTERA_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
AAA, AAA_FILE = Series("XNYS", "AAA", "1m"), ImportOptions("XNYS", "AAA")
JUNE = (dt.date(2024, 6, 3), dt.date(2024, 6, 28))


def actions(house: House, *rows: str) -> None:
    house.data.import_actions(house.write("actions.csv", ACTIONS + "\n".join(rows)), "XNYS")


def adjustments(
    house: House, first: dt.date = JUNE[0], last: dt.date = JUNE[1]
) -> tuple[Adjustment, ...]:
    sessions = house.time.sessions_between(first, last)
    return house.data.adjustments("XNYS", "AAA", sessions)


def store(house: House, first: str, count: int = 1, price: float = 100.0) -> None:
    house.store.merge(Series("XNYS", "AAA", "1m"), minutes(first, count, price), {})


def test_an_action_takes_effect_at_its_session(house: House) -> None:
    actions(house, "AAA,2024-06-10,split,10", "BBB,2024-06-10,split,3")
    [found] = adjustments(house)
    assert found.session_date == dt.date(2024, 6, 10)
    assert found.split_ratio == Decimal(10)


def test_an_ex_date_without_a_session_takes_effect_at_the_next(house: House) -> None:
    actions(house, "AAA,2024-06-08,split,2", "AAA,2024-06-19,dividend,1")  # Saturday, Juneteenth
    assert [one.session_date.day for one in adjustments(house)] == [10, 20]


def test_actions_that_fall_on_one_session_are_one(house: House) -> None:
    store(house, "2024-06-07T15:59", price=100.0)
    actions(house, "AAA,2024-06-09,dividend,1", "AAA,2024-06-10,split,2")
    [found] = adjustments(house)
    assert found.price_factor == 0.5 * (1 - 1 / (100.5 / 2))
    assert found.volume_factor == 2.0


def test_actions_before_and_after_the_sessions_are_not_theirs(house: House) -> None:
    actions(house, "AAA,2024-05-31,split,2", "AAA,2024-06-29,split,2", "AAA,2023-06-10,split,2")
    assert adjustments(house) == ()


def test_a_weekend_before_the_first_session_counts_for_it(house: House) -> None:
    actions(house, "AAA,2024-06-01,split,2")  # Saturday; the sessions start on Monday the 3rd
    [found] = adjustments(house)
    assert found.session_date == dt.date(2024, 6, 3)


def test_without_sessions_or_actions_there_is_nothing(house: House) -> None:
    assert house.data.adjustments("XNYS", "AAA", ()) == ()
    assert adjustments(house) == ()


def test_the_reference_is_the_last_close_of_regular_hours(house: House) -> None:
    store(house, "2024-06-07T15:50", 10, price=100.0)  # the last closes at 100.59
    store(house, "2024-06-07T16:30", price=300.0)  # after hours
    store(house, "2024-06-10T08:00", price=400.0)  # before the open
    store(house, "2024-06-10T09:30", price=500.0)  # the ex-date itself
    actions(house, "AAA,2024-06-10,dividend,1")
    [found] = adjustments(house)
    assert found.price_factor == pytest.approx(1 - 1 / 100.59, rel=1e-15)


def test_the_reference_may_lie_years_back(house: House) -> None:
    store(house, "2021-03-01T10:00", price=50.0)
    store(house, "2024-06-10T04:30", price=400.0)
    actions(house, "AAA,2024-06-10,dividend,1")
    [found] = adjustments(house)
    assert found.price_factor == 1 - 1 / 50.5


def test_without_an_earlier_bar_a_dividend_leaves_prices_alone(house: House) -> None:
    store(house, "2024-06-10T09:30")
    actions(house, "AAA,2024-06-10,dividend,1")
    [found] = adjustments(house)
    assert (found.price_factor, found.dividend) == (1.0, Decimal(1))


def test_the_latest_session_wins_whatever_its_interval(house: House) -> None:
    store(house, "2024-06-05T15:59", price=100.0)
    daily = bars([ns("2024-06-07T09:30")], price=200.0)
    house.store.merge(Series("XNYS", "AAA", "1d"), daily, {})
    actions(house, "AAA,2024-06-10,dividend,1")
    [found] = adjustments(house)
    assert found.price_factor == 1 - 1 / 200.5


def test_within_a_session_the_shortest_interval_wins(house: House) -> None:
    store(house, "2024-06-07T15:59", price=100.0)
    daily = bars([ns("2024-06-07T09:30")], price=200.0)
    house.store.merge(Series("XNYS", "AAA", "1d"), daily, {})
    actions(house, "AAA,2024-06-10,dividend,1")
    [found] = adjustments(house)
    assert found.price_factor == 1 - 1 / 100.5


def test_later_bars_and_actions_change_nothing_earlier(house: House) -> None:
    store(house, "2024-06-07T15:59")
    actions(house, "AAA,2024-06-10,dividend,1")
    [before] = adjustments(house)
    store(house, "2024-06-10T09:30", 300, price=900.0)
    actions(house, "AAA,2024-06-11,split,7", "AAA,2024-06-12,dividend,2")
    assert adjustments(house)[0] == before


def test_adjusting_back_covers_later_actions_and_is_marked(house: House) -> None:
    store(house, "2024-06-07T15:58", 2, price=100.0)
    store(house, "2024-06-10T09:30", 2, price=50.0)
    actions(house, "AAA,2024-06-10,split,2")
    raw = house.data.get_bars("AAA", "1m")
    back = house.data.get_bars("AAA", "1m", adjust="back")
    assert (raw.attrs["adjust"], back.attrs["adjust"]) == ("raw", "back")
    assert (back["close"] / raw["close"]).tolist() == [0.5, 0.5, 1.0, 1.0]
    assert (back["volume"] / raw["volume"]).tolist() == [2.0, 2.0, 1.0, 1.0]
    friday = house.data.get_bars("AAA", "1m", end=dt.date(2024, 6, 7), adjust="back")
    assert friday["close"].tolist() == back["close"].tolist()[:2]


def test_importing_actions_again_reports_what_changed(house: House) -> None:
    path = house.write("actions.csv", ACTIONS + "AAA,2024-06-10,split,2\nAAA,2024-06-11,dividend,1")
    assert house.data.import_actions(path, "XNYS").added == 2
    assert house.data.import_actions(path, "XNYS").same == 2
    changed = house.write("actions.csv", ACTIONS + "AAA,2024-06-10,split,3")
    assert house.data.import_actions(changed, "XNYS").changed == 1
    assert [str(one.value) for one in house.data.actions("XNYS", "AAA")] == ["3", "1"]


BAD_ACTIONS = {
    "empty": "",
    "a header alone": ACTIONS,
    "another header": "ticker,date,type,amount\nAAA,2024-06-10,split,2",
    "a column too many": "symbol,ex_date,kind,value,note\nAAA,2024-06-10,split,2,x",
    "a column too few": "symbol,ex_date,kind\nAAA,2024-06-10,split",
    "a short row": ACTIONS + "AAA,2024-06-10,split",
    "a long row": ACTIONS + "AAA,2024-06-10,split,2,3",
    "no such day": ACTIONS + "AAA,2024-06-31,split,2",
    "an American date": ACTIONS + "AAA,06/10/2024,split,2",
    "no date": ACTIONS + "AAA,,split,2",
    "another kind": ACTIONS + "AAA,2024-06-10,spinoff,2",
    "a ratio in words": ACTIONS + "AAA,2024-06-10,split,2:1",
    "a ratio of nothing": ACTIONS + "AAA,2024-06-10,split,0",
    "a negative dividend": ACTIONS + "AAA,2024-06-10,dividend,-1",
    "nan": ACTIONS + "AAA,2024-06-10,dividend,nan",
    "infinity": ACTIONS + "AAA,2024-06-10,dividend,inf",
    "lower case": ACTIONS + "aaa,2024-06-10,split,2",
    "no symbol": ACTIONS + ",2024-06-10,split,2",
    "the same twice": ACTIONS + "AAA,2024-06-10,split,2\nAAA,2024-06-10,split,3",
    "a good row, then a bad one": ACTIONS + "AAA,2024-06-10,split,2\nAAA,2024-06-11,split,x",
    "a quote that never closes": ACTIONS + '"AAA,2024-06-10,split,2',
    "noise": "\x00\x01\x02",
}


@pytest.mark.parametrize("name", BAD_ACTIONS)
def test_bad_actions_are_refused_and_none_is_stored(house: House, name: str) -> None:
    with pytest.raises(DataError):
        house.data.import_actions(house.write("bad.csv", BAD_ACTIONS[name]), "XNYS")
    assert house.data.actions("XNYS") == ()


def test_actions_that_are_no_text_are_refused(house: House) -> None:
    path = house.write("bad.csv", b"\xff\xfe\x00symbol")
    with pytest.raises(DataError, match="cannot be read as CSV: it is UTF-16 text"):
        house.data.import_actions(path, "XNYS")


def test_a_file_of_actions_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFoundError):
        house.data.import_actions(house.folder / "none.csv", "XNYS")


# Instruments


def test_an_instrument_has_its_markets_defaults(house: House) -> None:
    tokyo = house.data.instrument("XTKS", "7203")
    assert (tokyo.tick, tokyo.lot, tokyo.currency) == (Decimal(1), Decimal(100), "JPY")
    coin = house.data.instrument("24/7", "BTC/USDT")
    assert (coin.lot, coin.currency) == (Decimal("0.00001"), "USDT")
    assert house.data.instrument("XNYS", "IBM").tick == Decimal("0.01")


def test_what_is_set_goes_before_defaults_and_the_rest_stays(house: House) -> None:
    house.data.set_instrument("XNYS", "AAA", {"tick": "0.05"})
    found = house.data.set_instrument("XNYS", "AAA", {"lot": 10}, "EUR")
    assert (found.tick, found.lot, found.currency) == (Decimal("0.05"), Decimal(10), "EUR")
    assert house.data.instrument("XNYS", "AAA") == found
    assert house.data.instruments() == (found,)
    assert house.data.instruments("XLON") == ()


@pytest.mark.parametrize(
    ("market", "symbol", "sizes", "currency"),
    [
        ("XNYS", "AAA", {"tick": "0"}, None),
        ("XNYS", "AAA", {"tick": "a cent"}, None),
        ("XNYS", "AAA", {"lot": "-1"}, None),
        ("XNYS", "AAA", {"lot": -1.5}, None),
        ("XNYS", "AAA", {"lots": "1"}, None),
        ("XNYS", "AAA", {"multiplier": "nan"}, None),
        ("XNYS", "AAA", {"multiplier": "1" * 40}, None),
        ("XNYS", "AAA", {}, "usd"),
        ("XNYS", "AAA", {}, "DOLLARSUS"),
        ("XNYS", "aaa", {}, None),
        ("XNYC", "AAA", {}, None),
    ],
)
def test_sizes_without_sense_are_refused(
    house: House,
    market: str,
    symbol: str,
    sizes: dict[str, str | Decimal | float],
    currency: str | None,
) -> None:
    with pytest.raises((UsageError, NotFoundError)):
        house.data.set_instrument(market, symbol, sizes, currency)
    assert house.data.instruments() == ()


def test_a_path_may_be_text(house: House) -> None:
    bars = house.write("bars.csv", "timestamp,open,high,low,close\n2024-01-02T09:30,1,1,1,1\n")
    actions = house.write("actions.csv", ACTIONS + "AAA,2024-01-03,split,2\n")
    sizes = house.write("sizes.csv", "symbol,tick\nAAA,0.1\n")
    assert house.data.import_csv(str(bars), ImportOptions("XNYS", "AAA")).added == 1
    assert house.data.import_actions(str(actions), "XNYS").added == 1
    assert len(house.data.import_instruments(str(sizes), "XNYS")) == 1
    assert house.data.export(f"{house.folder}/all.parquet", "parquet", AAA) == 1
    assert house.data.import_parquet(f"{house.folder}/all.parquet", AAA_FILE).same == 1


def test_instruments_are_imported_all_or_none(house: House) -> None:
    good = house.write("good.csv", "symbol,market,tick,currency\nES,CMES,0.25,USD\nAAA,,,\n")
    assert [one.market for one in house.data.import_instruments(good, "XNYS")] == ["CMES", "XNYS"]
    bad = house.write("bad.csv", "symbol,tick\nBBB,0.1\nCCC,zero\n")
    with pytest.raises(DataError, match="line 3: The tick 'zero'"):
        house.data.import_instruments(bad, "XNYS")
    assert [one.symbol for one in house.data.instruments()] == ["ES", "AAA"]


# Twenty years of splits and dividends, against factors computed elsewhere


@pytest.fixture
def real_data() -> Iterator[Path]:
    if not (REAL_DATA / "IBM_factors.csv").is_file():
        pytest.skip(f"no real bars in {REAL_DATA}; MISMARTERA_REAL_DATA names their folder")
    yield REAL_DATA


def factor_rows(folder: Path) -> list[tuple[dt.date, float, float, float]]:
    with (folder / "IBM_factors.csv").open() as file:
        return [
            (
                dt.date.fromisoformat(row["last_date"]),
                float(row["price_factor"]),
                float(row["split_factor"]),
                float(row["reference_close"]),
            )
            for row in csv.DictReader(file)
        ]


def test_twenty_years_of_real_actions_give_the_known_factors(house: House, real_data: Path) -> None:
    options = ImportOptions("XNYS", "IBM", "1h")
    report = house.data.import_csv(real_data / "IBM_1h_trades.csv", options)
    assert report.moved_to_open > 5000
    steps = factor_rows(real_data)
    lines = []
    for (date, price, split, close), (_, next_price, next_split, _) in pairwise(steps):
        ex_date = date + dt.timedelta(days=1)
        if ex_date > dt.date(2021, 3, 30) or date < dt.date(1998, 1, 5):
            continue
        ratio = next_split / split
        if ratio != 1.0:
            lines.append(f"IBM,{ex_date},split,{ratio:g}")
        if price != next_price:
            lines.append(f"IBM,{ex_date},dividend,{close / ratio * (1 - price / next_price):.6f}")
    actions(house, *lines)
    sessions = house.time.sessions_between(dt.date(1998, 1, 2), dt.date(2021, 3, 31))
    found = house.data.adjustments("XNYS", "IBM", sessions)
    assert len(found) > 85
    total = 1.0
    for adjustment in found:
        total *= adjustment.price_factor
    first = next(row for row in steps if row[0] >= dt.date(1998, 1, 5))
    last = next(row for row in steps if row[0] >= dt.date(2021, 3, 31))
    expected = first[1] * first[2] / (last[1] * last[2])
    # The factors rest on official closes, ours on the last trade of regular hours.
    assert total == pytest.approx(expected, rel=2e-3)
    assert [one.split_ratio for one in found if one.split_ratio != 1] == [Decimal(2)]


@pytest.mark.parametrize(
    ("file", "market", "symbol", "rows"),
    [
        ("GOOG_1m_trades.csv", "XNAS", "GOOG", 1091),
        ("TWX_1m_trades.csv", "XNYS", "TWX", 1206),
        ("ETHUSD_1m_trades.csv", "24/7", "ETH/USD", 5329),
        ("NZDUSD_1m_quotes.csv", "24/7", "NZD/USD", 15874),
    ],
)
def test_real_bars_enter_whole(
    house: House, real_data: Path, file: str, market: str, symbol: str, rows: int
) -> None:
    report = house.data.import_csv(real_data / file, ImportOptions(market, symbol))
    assert (report.rows, report.stored, report.kept_out) == (rows, rows, {})
    assert report.prices == ("mid" if "quotes" in file else "trades")


def test_real_quotes_join_their_trades(house: House, real_data: Path) -> None:
    house.data.import_csv(real_data / "GOOG_1m_trades.csv", ImportOptions("XNAS", "GOOG"))
    before = house.all_bars("GOOG", "XNAS")
    quotes = house.data.import_csv(real_data / "GOOG_1m_quotes.csv", ImportOptions("XNAS", "GOOG"))
    assert quotes.added == 0
    assert quotes.changed > 600
    after = house.all_bars("GOOG", "XNAS")
    assert after.close.tolist() == before.close.tolist()
    series = Series("XNAS", "GOOG", "1m")
    assert len(house.store.quotes(series, -(1 << 62), 1 << 62)) == 10


def test_trades_do_not_join_bars_made_of_quotes(house: House, real_data: Path) -> None:
    house.data.import_csv(real_data / "ETHUSD_1m_quotes.csv", ImportOptions("24/7", "ETH/USD"))
    with pytest.raises(AppError, match="holds mid prices"):
        house.data.import_csv(real_data / "ETHUSD_1m_trades.csv", ImportOptions("24/7", "ETH/USD"))
