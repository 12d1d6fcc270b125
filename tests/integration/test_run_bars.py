"""What a replay asks of its stored bars before it begins, and what that takes."""

import tracemalloc

import pytest
from benchmarks.house import INTERVAL, MARKET, cent_bars, config_of, session_minutes
from tests.system_house import SystemHouse, stored_market, system_house

from app.managers.system_manager.needs.run_bars import need_bars, replayed_sessions
from app.managers.system_manager.rerun.how_far import stored_bars
from app.repositories.bar_store_files import Series

__all__ = ["stored_market", "system_house"]


COUNT = 200_000  # of minutes: two years and a part of the third


@pytest.mark.parametrize("what", ["whether there are any", "how many there are"])
def test_bars_of_years_are_asked_for_without_being_in_memory_at_once(
    system_house: SystemHouse, what: str
) -> None:
    times, data = system_house.system.get_time_manager(), system_house.system.get_data_manager()
    starts = session_minutes(times, COUNT)
    data.store.merge(Series(MARKET, "LONG", INTERVAL), cent_bars(starts, 1), {}, synthetic=True)
    config = config_of(["LONG"], times.to_local(int(starts[-1]), MARKET).date())
    sessions = replayed_sessions(config, times)

    def ask() -> None:
        if what == "how many there are":
            assert stored_bars(config, sessions, data.store) == COUNT
        else:
            need_bars(config, sessions, data, tells=True)

    ask()  # opens the files
    tracemalloc.start()
    ask()
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < COUNT * 8 / 2  # a half of one of the six columns
