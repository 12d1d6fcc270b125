"""A live run whose disk or database fails sends nothing that is not durable first."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.killed_audit import audit, check_flat, check_verified, placed_at_venue
from tests.faults.killed_house import House, wait_for
from tests.processes import PROGRAM

RATE = 240.0
FAILED, PASS = "journal failed", "entries pass"
pytestmark = pytest.mark.timeout(300)


def failing(kind: str, first: int, count: int = 1) -> tuple[str, ...]:
    return ("-m", "tests.faults.fault_launcher", kind, str(first), str(count))


def said(house: House, words: str) -> Callable[[], bool | None]:
    return lambda: words in house.log() or None


def settle(house: House) -> None:
    """Stopped, flat, equal to the venue, verified."""
    assert house.stop() == 0, house.log()
    check_flat(house)
    audit(house)
    check_verified(house)


@pytest.mark.parametrize(("kind", "first"), [("sync", 12), ("write", 25)])
def test_a_disk_that_fails_for_a_while_keeps_orders_in_and_lets_them_out_again(
    kind: str, first: int, tmp_path: Path
) -> None:
    with House(tmp_path, rate=RATE) as house:
        house.start(failing(kind, first, 3))
        wait_for(said(house, FAILED), "the alarm")
        time.sleep(0.2)  # for what was on its way
        before = placed = len(placed_at_venue(house))
        while PASS not in house.log():
            assert placed == before, "orders left while nothing could be made durable"
            time.sleep(0.05)
            placed, failed = len(placed_at_venue(house)), PASS not in house.log()
            placed = placed if failed else before
        wait_for(lambda: len(placed_at_venue(house)) > before + 20 or None, "orders again")
        settle(house)


def test_a_disk_that_is_full_keeps_orders_in_and_a_start_with_room_goes_on(tmp_path: Path) -> None:
    with House(tmp_path, rate=RATE) as house:
        house.start(failing("limit", 600_000))
        wait_for(said(house, FAILED), "the alarm", 120)
        time.sleep(0.2)  # for what was on its way
        last, before = house.last_input(), len(placed_at_venue(house))
        time.sleep(3)  # of the venue's, twelve minutes
        assert len(placed_at_venue(house)) == before
        house.kill()
        house.start()
        house.wait_ready(last)
        settle(house)


def test_a_record_that_cannot_be_written_costs_an_alarm_and_is_made_of_the_journal(
    tmp_path: Path,
) -> None:
    with House(tmp_path, rate=RATE) as house:
        house.start(failing("add", 20))
        wait_for(said(house, "record waits"), "the alarm")
        before = len(placed_at_venue(house))
        wait_for(lambda: len(placed_at_venue(house)) > before + 20 or None, "orders after it")
        settle(house)
        assert house.log().count("Alarm, record waits") == 1
        names = {path.name for path in (house.data / "runs" / house.run_id()).iterdir()}
        assert names >= {"equity.parquet", "report.md", "run.json"}
        assert not names & {"rows.waiting", "rebuilding"}


def test_a_database_locked_for_half_a_minute_at_the_end_costs_no_row(tmp_path: Path) -> None:
    with House(tmp_path, rate=RATE) as house:
        house.start()
        house.wait_ready()
        time.sleep(2)
        lock = sqlite3.connect(
            house.data / "mismartera.db", isolation_level=None, check_same_thread=False
        )
        lock.execute("BEGIN IMMEDIATE")
        release = threading.Timer(30.0, lock.rollback)
        release.start()
        assert house.stop() == 0, house.log()
        release.join()
        lock.close()
        check_flat(house)
        audit(house)
        check_verified(house)


def test_a_folder_that_cannot_be_written_is_refused_before_any_order(tmp_path: Path) -> None:
    with House(tmp_path, rate=RATE) as house:
        house.data.mkdir(exist_ok=True)
        script = f'mount --bind "{house.data}" "{house.data}" && mount -o remount,ro,bind'
        script += f' "{house.data}" && exec "$@"'
        sealed = ["unshare", "-m", "sh", "-c", script, "sh"]
        if shutil.which("unshare") is None or subprocess.run([*sealed, "true"]).returncode:
            pytest.skip("this machine lets nobody mount a folder read-only")
        done = subprocess.run(
            [*sealed, sys.executable, *PROGRAM, "system", "start", str(house.config), "--json"],
            cwd=house.folder,
            env={**os.environ, **house.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (1, 4), done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "read-only" in done.stderr.lower(), done.stderr
        assert not placed_at_venue(house)
        house.start()
        house.wait_ready()
        settle(house)
