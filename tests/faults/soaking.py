"""A live run on real threads for a while: `python -m tests.faults.soaking --minutes 20`.

Sessions follow each other at once, for the venue's clock is set forward over the hours between.
Memory, threads and open files of the trader are looked at all the time. With `--until 2024-12-04`
it goes on to that session, and with `--at 2024-11-27T09:29` it begins there: over a half day and a
split.
"""

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2
import msgspec

from app.cli.terminal.output import print_table
from app.core.intervals import MINUTE_NS
from app.integrations.practice import wire
from app.managers.time_manager import TimeManager
from tests.faults.killed_audit import Audit, audit, check_flat, check_verified
from tests.faults.killed_house import AT, House

RATE = 120.0  # and one strategy: some orders a second, each of which a run remembers
WARM_SHARE = 1 / 3  # of the time, until all code and caches are there
LOOK_SECONDS = 0.5
NEWS_SECONDS = 20.0  # by then a run knows of a leap of its venue's clock
MOST_GROWTH = 0.05


class Look(msgspec.Struct):
    """The trader at one moment."""

    anonymous_mb: float
    threads: int
    files: int


class Soaked(msgspec.Struct):
    """What a soak came to."""

    audit: Audit
    sessions: int
    growth: float  # of anonymous memory, from after the warm-up to the end
    anonymous_mb: float
    threads: tuple[int, int]  # the fewest then, and at the end: what is under way comes and goes
    files: tuple[int, int]


def look_at(pid: int) -> Look:
    """By the kernel's word."""
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Look(
        int(status["RssAnon"].split()[0]) / 1024,
        int(status["Threads"]),
        len(list((process / "fd").iterdir())),
    )


class Nights:
    """Sets the venue's clock forward, when its session has closed, to just before the next."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._times = TimeManager(house.data, "XNYS")
        today = self._times.to_local(house.adapter.time().venue_ns, "XNYS").date()
        self._session = self._times.next_session(today, "XNYS")
        if self._session.date != today:
            self._session = self._times.previous_session(self._session.date, "XNYS")
        self.passed = 0
        self._leapt = time.monotonic()

    def has_come_to(self, date: dt.date) -> bool:
        """Whether a session of that date, or a later one, is the one under way."""
        return self._session.date >= date

    def is_day(self) -> bool:
        """Whether the session is well under way: what is closed now finds bars."""
        now_ns = self._house.adapter.time().venue_ns
        after_open, before_close = now_ns - self._session.open_ns, self._session.close_ns - now_ns
        is_known = time.monotonic() - self._leapt > NEWS_SECONDS
        return is_known and after_open > 5 * MINUTE_NS and before_close > 60 * MINUTE_NS

    def skip(self) -> None:
        """Call it now and then."""
        if self._house.adapter.time().venue_ns < self._session.close_ns + 10 * MINUTE_NS:
            return
        self._session = self._times.next_session(self._session.date, "XNYS")
        self.passed += 1
        self._leapt = time.monotonic()
        body = wire.encode(wire.Control(advance_to_ns=self._session.open_ns - MINUTE_NS))
        httpx2.post(f"{self._house.url}{wire.CONTROL}", content=body, trust_env=False)


def soak(
    folder: Path,
    seconds: float,
    rate: float = RATE,
    until: dt.date = dt.date.min,
    at: str = AT,
) -> Soaked:
    """Trade so long, and so far, end in order, agree with the venue."""
    with House(folder, rate=rate, at=at, live={"sessions": 38}, phases=(0,), is_cold=True) as house:
        house.start()
        house.wait_ready()
        nights, looks = Nights(house), list[Look]()
        assert house.trader is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end or not nights.has_come_to(until) or not nights.is_day():
            time.sleep(LOOK_SECONDS)
            nights.skip()
            assert house.trader.poll() is None, house.log()
            looks.append(look_at(house.trader.pid))
        assert house.stop() == 0, house.log()
        check_flat(house)
        found = audit(house)
        check_verified(house)
        assert "Traceback" not in house.log()
    return _soaked(found, nights.passed + 1, looks)


def _soaked(found: Audit, sessions: int, looks: Sequence[Look]) -> Soaked:
    warm = looks[int(len(looks) * WARM_SHARE) :]
    share = max(len(warm) // 5, 1)
    first, last = warm[:share], warm[-share:]
    begun, ended = (statistics.median(one.anonymous_mb for one in part) for part in (first, last))
    threads, files = (
        tuple(min(getattr(one, name) for one in part) for part in (first, last))
        for name in ("threads", "files")
    )
    return Soaked(found, sessions, ended / begun - 1, ended, threads, files)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soaking", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--until", type=dt.date.fromisoformat, default=dt.date.min)
    parser.add_argument("--at", default=AT)
    parser.add_argument("--rate", type=float, default=RATE)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        begun = time.monotonic()
        found = soak(Path(folder), given.minutes * 60, given.rate, given.until, given.at)
        minutes = (time.monotonic() - begun) / 60
    rows = [
        ("minutes", f"{minutes:.0f}"),
        ("sessions", found.sessions),
        ("orders at the venue", found.audit.at_venue),
        ("executions", found.audit.executions),
        ("anonymous memory", f"{found.anonymous_mb:.0f} MB"),
        ("its growth after the warm-up", f"{100 * found.growth:.1f} %"),
        ("threads, then and at the end", " ".join(map(str, found.threads))),
        ("open files, then and at the end", " ".join(map(str, found.files))),
        ("lost or doubled", 0),
        ("verify", "equal"),
    ]
    print_table("Soak", ("figure", "value"), rows)
    return int(found.growth >= MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
