"""History of Binance into the store, asked for by its real library at a peer on this machine."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data_house import Counts, same_bars
from tests.fetch_house import (
    BTC,
    FIRST_NS,
    KLINES,
    SERIES,
    FetchHouse,
    MinutePeer,
    files_of,
    minutes,
)
from tests.sources.broken import Whole

from app.core.errors import DataError
from app.core.intervals import DAY_NS, HOUR_NS, MINUTE_NS
from app.core.source import BarPage
from app.managers.data_manager import fetching
from app.managers.data_manager.fetch_report import FetchBroken
from app.managers.time_manager import TimeManager

ROUTE = f"GET {KLINES}"
Make = Callable[..., FetchHouse]


COUNT = 2_500
HOLES = (0, 77, 78, 79, 299)


@pytest.fixture(scope="module")
def time(tmp_path_factory: pytest.TempPathFactory) -> TimeManager:
    return TimeManager(tmp_path_factory.mktemp("calendar"), "24/7")


@pytest.fixture(scope="module")
def usual(time: TimeManager) -> Iterator[MinutePeer]:
    peer = MinutePeer(COUNT)
    yield peer
    peer.close()


@pytest.fixture
def make(tmp_path: Path, usual: MinutePeer, time: TimeManager) -> Iterator[Make]:
    """A house with the usual peer, or with one of so many minutes."""
    opened: list[FetchHouse] = []

    def made(
        count: int = COUNT, without: Sequence[int] = (), after_seconds: int = 10
    ) -> FetchHouse:
        is_usual = count == COUNT and not without
        usual.to(usual.now_ns + MINUTE_NS)
        peer = usual if is_usual else MinutePeer(count, without, after_seconds)
        opened.append(FetchHouse(tmp_path / f"data{len(opened)}", peer, time))
        return opened[-1]

    yield made
    for house in opened:
        house.close()
        if house.peer is not usual:
            house.peer.close()


class Interrupted(Whole):
    """Ctrl+C comes while it is asked for its third page."""

    pages = 0

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        self.pages += 1
        if self.pages == 3:
            raise KeyboardInterrupt
        return super().page(symbol, interval, start_ns, end_ns)


def test_every_minute_comes_once_and_as_it_was(make: Make) -> None:
    house = make()
    report = house.fetch()
    assert same_bars(house.bars(), minutes(2_500))
    assert (report.expected, report.present, report.added, report.missing) == (2500, 2500, 2500, 0)
    assert (report.pages, report.zero_volume, report.gaps, report.kept_out) == (3, 25, (), {})
    assert (report.first, report.last) == ("2024-12-31T00:00+00:00", "2025-01-01T17:39+00:00")
    assert list(files_of(house.folder)) == ["2024.parquet", "2025.parquet"]
    assert house.data.store.info(SERIES).venues == ("binance",)


def test_asked_for_again_nothing_is_asked_and_nothing_changes(make: Make) -> None:
    house = make()
    house.fetch()
    before = files_of(house.folder)
    again = house.fetch()
    assert (again.pages, again.added, again.same, again.changed) == (0, 0, 0, 0)
    assert again.present == 2_500
    assert files_of(house.folder) == before


def test_only_what_the_store_lacks_is_asked_for(make: Make) -> None:
    house = make(5_000)
    house.fetch(end_ns=FIRST_NS + 2_000 * MINUTE_NS)
    house.fetch(start_ns=FIRST_NS + 2_600 * MINUTE_NS)
    report = house.fetch()
    assert (report.pages, report.added, report.same) == (1, 600, 400)
    assert same_bars(house.bars(), minutes(5_000))


def test_what_was_missing_is_counted_page_by_page(make: Make) -> None:
    house, counts = make(), Counts()
    house.fetch(on_count=counts)
    assert counts.told == [(1_000, COUNT), (2_000, COUNT), (COUNT, COUNT)]
    house.data.delete(SERIES)
    house.fetch(start_ns=FIRST_NS + 500 * MINUTE_NS)
    again = Counts()
    house.fetch(on_count=again)
    assert again.told == [(0, 500), (500, 500)]


def test_pages_keep_under_the_limit_that_binance_tells(make: Make) -> None:
    house = make(12_500)
    house.peer.weights.limit = 30
    source = house.source()
    source.listed(BTC)
    report = house.fetch(source=source)
    assert (report.pages, report.present, house.peer.refused) == (13, 12_500, 0)
    assert house.wall.waits  # or the limit was none


@pytest.mark.parametrize("buffer_bars", [500, 1_500, 100_000])
def test_interrupted_it_keeps_what_has_come_and_goes_on_there(
    make: Make, monkeypatch: pytest.MonkeyPatch, buffer_bars: int
) -> None:
    whole = make()
    whole.fetch()
    monkeypatch.setattr(fetching, "BUFFER_BARS", buffer_bars)
    house = make()
    with pytest.raises(FetchBroken) as broken:
        house.fetch(source=Interrupted(house.source()))
    assert broken.value.exit_code == 130
    assert str(broken.value) == (
        "interrupted. Of 24/7 BTC/USDT 1m 2,000 bars were added, and are stored; 500 of 2,500 are"
        " missing. The same command goes on from there."
    )
    assert len(house.bars()) == 2_000
    assert (house.fetch().pages, files_of(house.folder)) == (1, files_of(whole.folder))


def test_what_got_no_answer_is_asked_again(make: Make) -> None:
    house = make()
    for how in (
        {"status": 503},
        {"status": 200, "body": b"<html>"},
        {"silent": True},
        {"status": 200, "body": b'[["x"]]'},
        {"status": 200, "body": b'{"code": 0}'},
    ):
        house.peer.fail(ROUTE, **how)
    house.fetch()
    assert house.wall.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert same_bars(house.bars(), minutes(2_500))


def test_a_source_that_stays_away_ends_it_and_the_same_goes_on(make: Make) -> None:
    house = make()
    source = house.source()
    first = house.fetch(source=source, end_ns=FIRST_NS + 1_000 * MINUTE_NS)
    assert first.present == 1_000
    for _ in range(6):
        house.peer.fail(ROUTE, status=503)
    with pytest.raises(FetchBroken, match="1,500 of 2,500 are missing") as broken:
        house.fetch(source=source)
    assert broken.value.exit_code == 1
    assert house.fetch().added == 1_500


def test_turned_away_for_a_while_it_waits_for_as_long(make: Make) -> None:
    house = make()
    house.peer.fail(ROUTE, status=429, code=-1003, retry_after=40)
    house.fetch()
    assert house.wall.waits == [pytest.approx(40, abs=1)]
    assert same_bars(house.bars(), minutes(2_500))


def test_a_ban_ends_it_and_says_for_how_long(make: Make) -> None:
    house = make()
    house.peer.fail(ROUTE, status=418, code=-1003, retry_after=3_600)
    asked = house.peer.pages
    with pytest.raises(FetchBroken, match="418") as broken:
        house.fetch()
    assert "3,600 s" in str(broken.value)
    assert (house.wall.waits, house.peer.pages) == ([], asked + 1)


def test_what_the_source_has_not_is_told_by_stretches(make: Make) -> None:
    without = [0, 1, 100, *range(1_500, 1_560), 2_499]
    house = make(without=without)
    report = house.fetch()
    assert [(gap.start[11:16], gap.end[11:16], gap.bars) for gap in report.gaps] == [
        ("00:00", "00:02", 2),
        ("01:40", "01:41", 1),
        ("01:00", "02:00", 60),
        ("17:39", "17:40", 1),
    ]
    assert (report.missing, report.present, report.added) == (64, 2_436, 2_436)
    assert same_bars(house.bars(), minutes(2_500, without))
    again = house.fetch()  # they are asked for once more: they may have come meanwhile
    assert (again.pages, again.added, again.gaps) == (2, 0, report.gaps)


def test_a_symbol_that_was_listed_later_is_counted_from_there(make: Make) -> None:
    house = make()
    report = house.fetch(start_ns=FIRST_NS - 20_000 * DAY_NS)
    assert (report.begins, report.expected) == ("2024-12-31T00:00+00:00", COUNT)
    assert (report.missing, report.pages) == (0, 3)
    assert report.start.startswith("1970-")
    near = house.fetch(start_ns=FIRST_NS - 2 * MINUTE_NS)
    assert (near.begins, near.missing, near.pages) == (None, 2, 1)


def test_a_stretch_without_any_bar_is_told_and_no_more(make: Make) -> None:
    house = make()
    report = house.fetch(start_ns=FIRST_NS - 3 * DAY_NS, end_ns=FIRST_NS - 2 * DAY_NS)
    assert (report.expected, report.missing, report.present, report.pages) == (1440, 1440, 0, 1)
    assert [gap.bars for gap in report.gaps] == [1_440]
    early = house.fetch(start_ns=FIRST_NS - 30 * DAY_NS, end_ns=FIRST_NS - 2 * DAY_NS)
    assert (early.expected, early.missing, early.gaps, early.pages) == (0, 0, (), 1)


def test_bars_that_cannot_be_are_kept_out_and_told(make: Make) -> None:
    house = make(5)
    at = FIRST_NS // 1_000_000
    rows = [
        [at, "10", "11", "9", "10", "1"],
        [at + 60_000, "10", "9", "11", "10", "1"],
        [at + 120_000, "10", "11", "-9", "10", "1"],
        [at + 180_000, "10", "11", "9", "NaN", "1"],
        [at + 210_000, "10", "11", "9", "10", "1"],
    ]
    body = msgspec.json.encode([[*row, 0, "0", 1, "0", "0", "0"] for row in rows])
    house.peer.fail(ROUTE, status=200, body=body)
    report = house.fetch()
    assert report.kept_out == {
        "a price or volume is missing or not a finite number, such as 12.5": 1,
        "a price is not positive, or the volume is negative": 1,
        "high is not the highest or low not the lowest price": 1,
        "the bar does not start on a whole minute": 1,
    }
    assert (report.present, report.missing) == (1, 4)


def test_stored_bars_stay_unless_they_are_to_be_replaced(make: Make) -> None:
    house = make()
    odd = minutes(2_500).slice(700, 703)
    odd = msgspec.structs.replace(odd, volume=odd.volume + 1)
    house.data.store.merge(SERIES, odd, {})
    report = house.fetch()
    assert (report.added, report.differing, report.changed) == (2_497, 3, 0)
    assert np.array_equal(house.bars().slice(700, 703).volume, odd.volume)
    replaced = house.fetch(replace=True)
    assert (replaced.pages, replaced.changed, replaced.same) == (3, 3, 2_497)
    assert same_bars(house.bars(), minutes(2_500))


def test_bars_of_two_sources_are_not_mixed_unless_they_are_to_be_replaced(make: Make) -> None:
    house = make()
    none = np.empty(0, np.int64)
    house.data.keep_bars(SERIES, minutes(COUNT).slice(0, 5), "elsewhere", none)
    with pytest.raises(DataError, match="holds bars that elsewhere told"):
        house.fetch()
    assert house.fetch(replace=True).present == COUNT
    assert house.fetch().added == 0
    assert house.data.store.info(SERIES).venues == ("binance", "elsewhere")


@pytest.mark.parametrize(("after_seconds", "there"), [(-1, 9), (0, 9), (4, 9), (5, 10)])
def test_a_minute_is_taken_when_it_has_been_over_for_five_seconds(
    make: Make, after_seconds: int, there: int
) -> None:
    house = make(10, after_seconds=after_seconds)
    assert house.fetch(end_ns=house.peer.end_ns + HOUR_NS).present == there


@pytest.mark.parametrize(("interval", "count"), [("5m", 864), ("1h", 72), ("1d", 3)])
def test_longer_bars_come_as_they_are_made_of_minutes(
    make: Make, interval: str, count: int
) -> None:
    house = make(3 * 1_440)
    report = house.fetch(interval=interval)
    assert (report.expected, report.present) == (count, count)
    found = house.data.store.columns("24/7", BTC, interval, 0, 1 << 62)
    parts = np.array_split(np.arange(3 * 1_440), count)
    whole = minutes(3 * 1_440)
    assert found.high.tolist() == [whole.high[part].max() for part in parts]
    assert found.close.tolist() == [whole.close[part[-1]] for part in parts]


# -- whatever happens ------------------------------------------------------------------------------


class Breaking(Whole):
    """It ends the import before these pages, one way or the other."""

    def __init__(self, source: Any, steps: list[int]) -> None:
        super().__init__(source)
        self.steps = steps

    def page(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarPage:
        self.steps[0] -= 1
        if self.steps[0] < 0:
            raise KeyboardInterrupt
        return super().page(symbol, interval, start_ns, end_ns)


@pytest.fixture(scope="module")
def holed() -> Iterator[MinutePeer]:
    peer = MinutePeer(300, HOLES)
    yield peer
    peer.close()


@given(
    breaks=st.lists(st.integers(0, 4), max_size=4),
    buffer_bars=st.sampled_from([30, 1_000]),
    page_bars=st.sampled_from([40, 120, 1_000]),
    stored=st.lists(st.integers(1, 298), max_size=30, unique=True),
)
@settings(max_examples=8)
def test_however_often_it_is_broken_off_it_ends_with_the_same_bars(
    holed: MinutePeer,
    time: TimeManager,
    tmp_path_factory: pytest.TempPathFactory,
    breaks: list[int],
    buffer_bars: int,
    page_bars: int,
    stored: list[int],
) -> None:
    house = FetchHouse(tmp_path_factory.mktemp("house"), holed, time)
    whole = minutes(300, HOLES)
    if stored:
        part = minutes(300, (set(range(300)) - set(stored)) | set(HOLES))
        if len(part):
            house.data.keep_bars(SERIES, part, "binance", np.empty(0, np.int64))
    source: Any = house.source()
    source.facts = msgspec.structs.replace(source.facts, page_bars=page_bars)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "BUFFER_BARS", buffer_bars)
        for pages in breaks:
            try:
                house.fetch(source=Breaking(source, [pages]))
            except FetchBroken:
                there = house.bars()
                assert np.isin(there.start_ns, whole.start_ns).all()
        report = house.fetch(source=source)
    assert same_bars(house.bars(), whole)
    assert (report.missing, len(report.gaps)) == (5, 3)
    house.close()
