"""Live runs that die at every named point: `python -m tests.faults.crashing --times 20`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.cli.terminal.output import print_table
from app.managers.system_manager.journal.journal_feed import RunJournal
from tests.faults.crash_launcher import ENDING, FLOWING, RECOVERING, STORING
from tests.faults.killed_audit import Audit, audit, check_flat, check_verified
from tests.faults.killed_house import House

RATE = 240.0
KILLED = -9


def bomb(point: str, at: int) -> Sequence[str]:
    """The program that dies at a point's n-th time."""
    return ("-m", "tests.faults.crash_launcher", point, str(at))


def die(house: House, point: str, at: int) -> None:
    """Start a trader that dies there by itself."""
    house.start(bomb(point, at))
    code = house.wait_trader()
    assert code == KILLED, f"'{point}' was not come to: {house.log()}"


def settle(house: House) -> Audit:
    """One more start, which goes on, is stopped, and agrees with the venue."""
    last = house.last_input()
    house.start()
    house.wait_ready(last)
    assert house.stop() == 0, house.log()
    check_flat(house)
    check_verified(house)
    return audit(house)


def crash_while_orders_flow(folder: Path, at: int) -> Audit:
    """One run that dies at each of these points in turn."""
    with House(folder, rate=RATE) as house:
        for point in FLOWING:
            die(house, point, at)
        return settle(house)


def crash_in_recovery(folder: Path, at: int) -> Audit:
    """One run, killed once, whose recoveries die."""
    with House(folder, rate=RATE) as house:
        house.start()
        house.wait_ready()
        time.sleep(0.5 + at % 5)
        house.kill()
        for point in RECOVERING:
            die(house, point, at if point.startswith("while") else 1)
        return settle(house)


def crash_at_the_end(folder: Path, at: int) -> Audit:
    """Run after run, each stopped and dying while it ends.

    The next start makes the record of the one before, and passes the same points: every second
    time it is this that dies.
    """
    with House(folder, rate=RATE) as house:
        for place, point in enumerate(ENDING):
            house.start(bomb(point, 1 + (point in STORING and (at + place) % 2)))
            if house.trader_ends_before_ready():
                assert house.wait_trader() == KILLED, house.log()
                assert not house.has_new_run()
                continue
            time.sleep(1.0 + 0.1 * (at % 10))
            assert house.stop() == KILLED, f"'{point}' was not come to: {house.log()}"
            if RunJournal(house.data / "runs" / house.run_ids()[-1]).end() is None:
                house.start()
                assert house.wait_trader() == 0, house.log()
                assert not house.has_new_run(), "it was to end the one it found"
        house.start()
        house.wait_ready()
        assert house.stop() == 0, house.log()
        check_flat(house)
        check_verified(house)
        return audit(house)


PHASES: dict[str, tuple[int, Callable[[Path, int], Audit]]] = {
    "while orders flow": (len(FLOWING), crash_while_orders_flow),
    "in recovery": (len(RECOVERING), crash_in_recovery),
    "at the end": (len(ENDING), crash_at_the_end),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crashing", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    given = parser.parse_args()
    rows = []
    for name, (points, crash) in PHASES.items():
        audits = []
        for at in range(1, given.times + 1):
            with tempfile.TemporaryDirectory(prefix="crashes-") as folder:
                try:
                    audits.append(crash(Path(folder), at))
                except AssertionError as error:
                    print(f"{name}, time {at}: {error}", file=sys.stderr)
                    return 1
            print(f"{name}: {at} of {given.times}", file=sys.stderr, flush=True)
        rows.append(
            (
                name,
                points,
                points * given.times,
                sum(one.intents for one in audits),
                sum(one.executions for one in audits),
                0,
            )
        )
    columns = ("points", "how many", "crashes", "intents", "executions", "lost or doubled")
    print_table("Crash points", columns, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
