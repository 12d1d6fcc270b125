"""A live run and the store: history it lacks comes from the venue, its own bars are kept."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.data_house import House, calendars, house, minutes, ns, same_bars, session
from tests.live_run_house import LiveRunHouse

from app.core.bars import COLUMNS, BarColumns, Block, SessionSpan, Table
from app.core.errors import NotFoundError
from app.core.intervals import MINUTE_NS
from app.core.messages import Backfill, Bars
from app.core.venue import VenueUnclear
from app.managers.data_manager import DataManager
from app.managers.data_manager.bar_keeper import BarKeeper, KeptTerms
from app.managers.data_manager.missing_bars import HistoryNeed, need_history
from app.managers.time_manager import TimeManager
from app.repositories.bar_store_files import Series

pytestmark = pytest.mark.live

__all__ = ["calendars", "house"]

DAYS = (session("2024-11-04", "09:30", "09:40"), session("2024-11-05", "09:30", "09:40"))
AAA = Series("XNYS", "AAA", "1m")


class PastVenue:
    """A venue's history, and what it was asked for."""

    def __init__(self, *parts: BarColumns) -> None:
        self.parts = parts
        self.asked: list[tuple[str, int, int]] = []
        self.error: Exception | None = None

    def bars(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> BarColumns:
        self.asked.append((interval, start_ns, end_ns))
        if self.error is not None:
            raise self.error
        joined = [np.concatenate([getattr(p, name) for p in self.parts]) for name in COLUMNS]
        found = BarColumns(*joined)
        inside = (found.start_ns >= start_ns) & (found.start_ns < end_ns)
        if interval != "1m":
            inside &= False
        return BarColumns(*(getattr(found, name)[inside] for name in COLUMNS))


class Keeping:
    """A keeper of two short sessions, driven by hand."""

    def __init__(self, house: House, venue: PastVenue) -> None:
        self.house = house
        self.alarms: list[tuple[str, str]] = []
        terms = KeptTerms("XNYS", ("AAA",), "1m", False, DAYS, "practice")
        self.keeper = BarKeeper(
            house.data, venue, terms, lambda *alarm: self.alarms.append(alarm), lambda run: run()  # type: ignore[arg-type]
        )  # fmt: skip

    def hear(self, bars: BarColumns, through: str) -> None:
        columns = table_of(bars)
        through_ns = ns(through)
        spans = tuple(SessionSpan(day, 0, len(bars)) for day in DAYS[:1])
        names = ("start_ns", "known_ns", "symbol", *COLUMNS[1:])
        values = {name: getattr(columns, name) for name in names}
        self.keeper.hear(Bars(Block(**values, spans=spans, through_ns=through_ns)))

    def stored(self) -> BarColumns:
        store = self.house.store
        return store.columns("XNYS", "AAA", "1m", DAYS[0].open_ns, DAYS[1].close_ns)


def table_of(bars: BarColumns) -> Table:
    return Table(
        symbol=np.zeros(len(bars), np.int32),
        known_ns=bars.start_ns + MINUTE_NS,
        **{name: getattr(bars, name) for name in COLUMNS},
    )


DAY = minutes("2024-11-04T09:30", 10)
FLAT = minutes("2024-11-04T09:30", 10, 200.0)


def test_a_session_s_bars_are_stored_when_it_is_over_its_holes_filled_once(house: House) -> None:
    venue = PastVenue(DAY)
    keeping = Keeping(house, venue)
    keeping.hear(FLAT.slice(2, 5), "2024-11-04T09:35")
    assert not len(keeping.stored())
    keeping.hear(FLAT.slice(5, 8), "2024-11-04T09:40")
    stored = keeping.stored()
    assert stored.start_ns.tolist() == DAY.start_ns.tolist()
    assert stored.open.tolist() == [*DAY.open[:2], *FLAT.open[2:8], *DAY.open[8:]]
    assert venue.asked == [("1m", DAYS[0].open_ns, DAYS[0].close_ns)]
    assert house.store.info(AAA).venues == ("practice",)
    assert keeping.alarms == []
    keeping.keeper.finish()
    assert len(venue.asked) == 1


def test_a_correction_that_comes_late_counts_and_other_s_bars_stay(house: House) -> None:
    house.store.merge(AAA, DAY.slice(0, 2), {})
    venue = PastVenue(DAY)
    keeping = Keeping(house, venue)
    keeping.hear(FLAT.slice(0, 10), "2024-11-04T09:40")
    assert keeping.stored().open.tolist() == [*DAY.open[:2], *FLAT.open[2:]]
    ((what, details),) = keeping.alarms
    assert what == "bars differ"
    assert details.startswith("2 bars of XNYS AAA 1m that practice told are not those stored")
    keeping.keeper.hear(Backfill({0: table_of(DAY.slice(5, 6))}))
    keeping.keeper.finish()
    assert keeping.stored().open[5] == DAY.open[5]
    assert keeping.keeper.kept[-1].changed == 1


def test_a_venue_that_does_not_answer_is_an_alarm_and_the_bars_are_kept(house: House) -> None:
    venue = PastVenue(DAY)
    venue.error = VenueUnclear("no answer")
    keeping = Keeping(house, venue)
    keeping.hear(DAY.slice(0, 9), "2024-11-04T09:40")
    assert len(keeping.stored()) == 9
    assert keeping.alarms == [("bars not kept", "AAA: no answer")]


def test_a_run_that_ends_within_a_session_keeps_what_it_was_given(house: House) -> None:
    venue = PastVenue(DAY)
    keeping = Keeping(house, venue)
    keeping.hear(DAY.slice(2, 5), "2024-11-04T09:35")
    keeping.keeper.finish()
    assert keeping.stored().start_ns.tolist() == DAY.start_ns[:5].tolist()


def test_only_the_years_a_venue_told_bars_of_name_it(house: House) -> None:
    house.store.merge(AAA, minutes("2023-11-03T09:30", 3), {})
    kept = house.data.keep_bars(AAA, DAY, "practice", np.empty(0, np.int64))
    assert (kept.added, kept.left) == (10, 0)
    assert [label.venues for label in house.store.labels(AAA)] == [(), ("practice",)]
    house.store.merge(AAA, minutes("2023-11-06T09:30", 3), {})
    house.store.merge(AAA, minutes("2024-11-06T09:30", 3), {})
    assert [label.venues for label in house.store.labels(AAA)] == [(), ("practice",)]
    same = house.data.keep_bars(AAA, DAY, "another", np.empty(0, np.int64))
    assert (same.same, house.store.info(AAA).venues) == (10, ("practice",))


# -- before the open -------------------------------------------------------------------------------


def need(**history: int) -> HistoryNeed:
    names = {name.lstrip("_"): count for name, count in history.items()}
    return HistoryNeed("XNYS", ("AAA",), "1m", False, names, lambda count: DAYS[-count:])


def test_history_that_the_store_lacks_is_fetched_and_marked(house: House) -> None:
    second = minutes("2024-11-05T09:30", 10)
    house.store.merge(AAA, DAY.slice(0, 4), {})
    need_history(house.data, PastVenue(FLAT, second), "practice", need(_1m=2))  # type: ignore[arg-type]
    stored = house.store.columns("XNYS", "AAA", "1m", DAYS[0].open_ns, DAYS[1].close_ns)
    assert stored.open.tolist() == [*DAY.open[:4], *FLAT.open[4:], *second.open]
    assert house.store.info(AAA).venues == ("practice",)
    venue = PastVenue()
    need_history(house.data, venue, "practice", need(_1m=2))  # type: ignore[arg-type]
    assert venue.asked == []  # it is all there now


def test_days_that_are_nowhere_stored_are_made_of_the_base_bars(house: House) -> None:
    venue = PastVenue(DAY, minutes("2024-11-05T09:30", 10))
    need_history(house.data, venue, "practice", need(_1d=2))  # type: ignore[arg-type]
    assert [interval for interval, _, _ in venue.asked] == ["1d", "1m"]
    assert house.store.info(AAA).bars == 20


def test_a_start_without_its_history_names_what_lacks_and_what_to_do(house: House) -> None:
    house.store.merge(AAA, DAY, {})
    venue = PastVenue()
    venue.error = VenueUnclear("No such symbol.")
    with pytest.raises(NotFoundError) as refused:
        need_history(house.data, venue, "practice", need(_1m=2))  # type: ignore[arg-type]
    assert str(refused.value) == (
        "History is missing that the run needs: AAA 1m: 1 of 2 sessions (2024-11-05). Neither the "
        "store nor the venue practice has it. It says: No such symbol. Import it with 'data "
        "import-csv', declare less in 'history', use shorter indicators, or begin on a later day."
    )


# -- a real run ------------------------------------------------------------------------------------


@pytest.fixture
def venue_s_data(tmp_path: Path) -> DataManager:
    """Another data folder, the venue's, with bars that ours lacks."""
    folder = tmp_path / "theirs"
    made = House(folder, TimeManager(folder, "XNYS")).data
    made.make_sample()
    bars = made.store.columns("XNYS", "SYN1", "1m", 0, 1 << 62)
    made.store.merge(Series("XNYS", "AAA", "1m"), bars, {})
    return made


@pytest.fixture
def live(
    tmp_path: Path, venue_s_data: DataManager, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveRunHouse]:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "theirs"))
    made = LiveRunHouse(tmp_path, at="2024-11-01T14:30", rate=900, symbols="AAA")
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    yield made
    made.close()


def test_a_live_run_brings_its_history_and_its_day_into_the_store(
    live: LiveRunHouse, venue_s_data: DataManager, cli: Callable[..., object]
) -> None:
    live.to_the_end(live.config(history={"1m": 3}))
    span = ns("2024-10-29T09:30"), ns("2024-11-01T16:00")
    ours = live.bars.store.columns("XNYS", "AAA", "1m", *span)
    assert same_bars(ours, venue_s_data.store.columns("XNYS", "AAA", "1m", *span))
    assert len(ours) > 1_500
    shown = cli("data", "show", "AAA", "--json")
    assert json.loads(shown.stdout)["venues"] == ["practice"]  # type: ignore[attr-defined]


def test_a_live_run_is_refused_where_nobody_has_its_history(live: LiveRunHouse) -> None:
    process = live.start(live.config(history={"1m": 20}))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "AAA 1m: 11 of 20 sessions (2024-10-04 to 2024-10-18)" in errors
    assert live.runs.list_runs() == []
