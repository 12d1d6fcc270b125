"""The bundled sample: the same everywhere, and with what real data throws at us."""

import datetime as dt
import time
from decimal import Decimal

import numpy as np
import pytest
from tests.data_house import House, bars, calendars, house, minute_rows, ns, rows_text

from app.core.errors import DataError
from app.core.intervals import MINUTE_NS
from app.managers.data_manager.sample import (
    DIVIDEND_DATE,
    FIRST_DATE,
    LAST_DATE,
    SPLIT_DATE,
    SYMBOLS,
)
from app.repositories.bar_store_codec import content_hash

__all__ = ["calendars", "house"]

HASHES = {
    "SYN1": "28ecefa7bd1cff65648e56ce7b6bc93e06e5f89a2656ded6f9ebd5715bbe9613",
    "SYN2": "7415065e1eb1a833a550214c497156ec5cd4c9b107f9e7d9919a8ed9f04e7537",
    "THIN": "723f11477924719316f093c7f9c65af8797543b184b3043e66400243070d2406",
}


def test_the_sample_is_the_same_on_every_machine(house: House) -> None:
    house.data.make_sample()
    found = {symbol: content_hash(house.all_bars(symbol), {}) for symbol in SYMBOLS}
    assert found == HASHES


def test_making_it_again_changes_nothing(house: House) -> None:
    first = house.data.make_sample()
    again = house.data.make_sample()
    assert first.added == again.same
    assert again.added == again.changed == 0


def test_it_is_made_in_less_than_three_seconds(house: House) -> None:
    begun = time.perf_counter()
    house.data.make_sample()
    assert time.perf_counter() - begun < 3.0


def test_it_is_labelled_synthetic(house: House) -> None:
    house.data.make_sample()
    assert [info.synthetic for info in house.data.catalogue()] == [True, True, True]


def test_it_has_a_half_day_and_a_clock_change(house: House) -> None:
    house.data.make_sample()
    starts = house.all_bars("SYN1").start_ns
    half_day = starts[(starts >= ns("2024-11-29T00:00")) & (starts < ns("2024-11-30T00:00"))]
    assert len(half_day) == 210
    opens = [house.time.to_local(int(at)).time() for at in starts[::390]]
    assert opens[0] == opens[9] == opens[11] == dt.time(9, 30)
    assert house.time.to_local(int(starts[0])).utcoffset() == dt.timedelta(hours=-4)
    assert house.time.to_local(int(starts[-1])).utcoffset() == dt.timedelta(hours=-5)


def test_prices_are_in_cents_and_bars_are_sound(house: House) -> None:
    house.data.make_sample()
    for symbol in SYMBOLS:
        found = house.all_bars(symbol)
        for column in (found.open, found.high, found.low, found.close):
            assert np.array_equal(column, np.round(column, 2))
        assert np.all(found.low > 0)
        assert np.all(found.low <= np.minimum(found.open, found.close))
        assert np.all(found.high >= np.maximum(found.open, found.close))
        assert np.all(found.volume > 0)


def test_volume_is_highest_at_the_ends_of_the_day(house: House) -> None:
    house.data.make_sample()
    found = house.all_bars("SYN1")
    minute = (found.start_ns - ns("2024-10-21T09:30")) // MINUTE_NS % 1440
    summer = found.start_ns < ns("2024-11-03T00:00")
    opening = found.volume[summer & (minute < 30)].mean()
    noon = found.volume[summer & (minute >= 180) & (minute < 210)].mean()
    closing = found.volume[summer & (minute >= 360)].mean()
    assert min(opening, closing) > 3 * noon


def test_one_symbol_is_thin_without_holes(house: House) -> None:
    house.data.make_sample()
    sessions = house.time.sessions_between(FIRST_DATE, LAST_DATE)
    full, _, thin = house.data.passport("XNYS", SYMBOLS, "1m", sessions)
    assert full.coverage_percent == 100.0
    assert 40 < thin.coverage_percent < 60
    assert thin.holes == 0
    assert thin.thin_bars == thin.expected_bars - thin.bars
    assert full.thin_bars == 0
    assert thin.half_days == 1
    assert thin.synthetic


def test_its_split_and_dividend_are_at_work(house: House) -> None:
    house.data.make_sample()
    sessions = house.time.sessions_between(FIRST_DATE, LAST_DATE)
    [split] = house.data.adjustments("XNYS", "SYN2", sessions)
    assert (split.session_date, split.split_ratio) == (SPLIT_DATE, Decimal(2))
    assert (split.price_factor, split.volume_factor) == (0.5, 2.0)
    [dividend] = house.data.adjustments("XNYS", "SYN1", sessions)
    assert (dividend.session_date, dividend.dividend) == (DIVIDEND_DATE, Decimal("0.45"))
    assert 0.99 < dividend.price_factor < 1.0
    closes = house.data.get_bars("SYN2", "1d")["close"]
    before, after = closes[closes.index.date < SPLIT_DATE], closes[closes.index.date >= SPLIT_DATE]
    assert after.iloc[0] == pytest.approx(before.iloc[-1] / 2, rel=0.05)


def test_it_is_made_when_a_run_asks_for_it(house: House) -> None:
    assert house.data.ensure_sample("XNYS", ["SYN1"], "1m")
    assert not house.data.ensure_sample("XNYS", ["SYN1", "THIN"], "1m")


@pytest.mark.parametrize(
    ("market", "symbols", "interval"),
    [("XNYS", ["AAPL"], "1m"), ("XLON", ["SYN1"], "1m"), ("XNYS", ["SYN1"], "5m")],
)
def test_it_is_not_made_for_anything_else(
    house: House, market: str, symbols: list[str], interval: str
) -> None:
    assert not house.data.ensure_sample(market, symbols, interval)
    assert house.data.catalogue() == ()


def test_it_does_not_overwrite_bars_of_a_users_own(house: House) -> None:
    house.import_text(rows_text(minute_rows("2024-11-01T10:00", 3)), symbol="SYN2")
    before = house.files()
    with pytest.raises(DataError, match="SYN2 1m were imported"):
        house.data.make_sample()
    assert house.files() == before


def test_a_passport_of_nothing_is_empty(house: House) -> None:
    [found] = house.data.passport("XNYS", ["NONE"], "1m", ())
    assert (found.bars, found.expected_bars, found.coverage_percent) == (0, 0, 0.0)


def test_a_passport_tells_a_hole_and_any_change_of_a_bar(house: House) -> None:
    house.data.make_sample()
    sessions = house.time.sessions_between(dt.date(2024, 11, 27), dt.date(2024, 11, 29))
    [before] = house.data.passport("XNYS", ["SYN1"], "1m", sessions)
    assert before.half_days == 1
    assert before.bars == before.expected_bars == 600
    at = house.all_bars("SYN1").start_ns
    changed = bars(at[(at >= sessions[0].open_ns)][:1].tolist(), price=999.0)
    house.store.merge(house.store.series()[0], changed, {}, synthetic=True)
    [after] = house.data.passport("XNYS", ["SYN1"], "1m", sessions)
    assert after.source_hash != before.source_hash
