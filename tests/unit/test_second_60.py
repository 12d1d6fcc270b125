"""A leap second, 23:59:60, at every edge where a time comes in: no clock here shows it, so it is
refused where it is written, with the place named, and never taken for the minute after it.
"""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pyarrow as pa
import pytest
from tests.unit.config_cases import spoiled

from app.cli.practice.commands import _moment_ns
from app.cli.time.commands import _parse_date
from app.core.config import load_session_config
from app.core.errors import ConfigError, UsageError
from app.core.intervals import SECOND_NS
from app.core.venue import Heartbeat, VenueTime, VenueUnclear
from app.integrations.practice import wire
from app.integrations.practice.transport import Reply, read
from app.managers.data_manager.ranges import _parse
from app.managers.time_manager import OffsetClock
from app.services.csv_times import read_times

LAST = "2016-12-31T23:59:60"  # it was one, by Greenwich
MIDNIGHT_NS = int(dt.datetime(2017, 1, 1, tzinfo=dt.UTC).timestamp()) * SECOND_NS


@pytest.mark.parametrize(
    ("before", "leap", "pattern"),
    [
        ("2016-12-31T23:59:59", LAST, None),
        ("2016-12-31 23:59:59Z", "2016-12-31 23:59:60Z", None),
        ("2016-12-31 23:59:59 +00:00", "2016-12-31 23:59:60 +00:00", None),
        ("20161231 235959", "20161231 235960", None),
        ("2016-12-31T23:59:59.5", "2016-12-31T23:59:60.5", None),
        ("12/31/2016 23:59:59", "12/31/2016 23:59:60", "%m/%d/%Y %H:%M:%S"),
        ("20161231235959", "20161231235960", "%Y%m%d%H%M%S"),
        ("31.12.16 23:59:59 +0000", "31.12.16 23:59:60 +0000", "%d.%m.%y %H:%M:%S %z"),
    ],
)
def test_a_file_s_row_at_it_cannot_be_read_and_the_others_are(
    before: str, leap: str, pattern: str | None
) -> None:
    times = read_times(pa.array([before, leap, before]), "UTC", pattern)
    assert times.unreadable.tolist() == [False, True, False]
    assert {*(times.ns[[0, 2]] // SECOND_NS).tolist()} == {MIDNIGHT_NS // SECOND_NS - 1}


@pytest.mark.parametrize("bad", ["02/30/2016 09:30", "04/31/2016 09:30", "02/29/2015 09:30"])
def test_nor_can_a_day_that_no_calendar_has(bad: str) -> None:
    times = read_times(pa.array(["02/29/2016 09:30", bad]), "UTC", "%m/%d/%Y %H:%M")
    assert times.unreadable.tolist() == [False, True]


@pytest.mark.parametrize(
    "reads",
    [
        lambda: _moment_ns(cast(Any, None), LAST),  # practice start --at
        lambda: _parse(LAST),  # data show --start
        lambda: _parse_date(LAST),  # time
    ],
    ids=["at", "range", "date"],
)
def test_a_command_refuses_it_and_shows_how_times_are_written(reads: Callable[[], object]) -> None:
    with pytest.raises(UsageError, match=rf"'{LAST}' is (no time|neither|not a date).*20\d\d-"):
        reads()


@pytest.mark.parametrize("field", ["start", "end"])
def test_a_config_s_date_is_refused_by_its_path(field: str, tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    path.write_text(json.dumps(spoiled(("replay", field), LAST)), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"replay\.{field}.*date like"):
        load_session_config(path)


def test_a_venue_that_writes_it_has_not_answered() -> None:
    with pytest.raises(VenueUnclear, match=r"is no VenueTime: .*venue_ns"):
        read(Reply(200, f'{{"venue_ns": "{LAST}", "rate": 1.0}}'.encode()), VenueTime)
    with pytest.raises(msgspec.ValidationError, match="at_ns"):  # the stream begins anew
        wire.decode_item(f'{{"type": "heartbeat", "at_ns": "{LAST}"}}')


def test_as_a_number_it_is_the_second_after_it() -> None:
    """Times on the wire are nanoseconds since 1970, in which it has no number of its own."""
    frame = wire.encode(Heartbeat(MIDNIGHT_NS))
    assert wire.decode_item(frame) == Heartbeat(MIDNIGHT_NS)


def test_a_venue_whose_clock_shows_a_second_twice_takes_no_time_back() -> None:
    machine_ns = 0
    clock = OffsetClock(VenueTime(MIDNIGHT_NS - SECOND_NS), lambda: machine_ns)
    shown = []
    for tenth in range(50):  # the venue repeats its last second before midnight
        machine_ns = tenth * SECOND_NS // 10
        venue_ns = MIDNIGHT_NS - SECOND_NS + machine_ns - SECOND_NS * (tenth >= 10)
        clock.sync(VenueTime(venue_ns))
        shown.append(clock.now_ns())
        assert 0 <= shown[-1] - venue_ns <= SECOND_NS
    assert shown == sorted(shown)
    assert shown[-1] - venue_ns < SECOND_NS // 100, "two seconds later they agree again"
