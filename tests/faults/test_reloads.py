"""Code is replaced in a run on real threads, before a venue of its own; also around kills."""

from pathlib import Path

from tests.faults.killed_audit import audit, check_flat, check_verified
from tests.faults.killed_house import wait_for
from tests.faults.reload_texts import BAD, GOOD
from tests.faults.reloading import ReloadHouse, check_bars, reload_often

RATE = 240.0


def test_reloads_good_and_bad_lose_no_bar_and_no_order(tmp_path: Path) -> None:
    names = ("syntax", "hangs", "state", "in the run", "exits")
    kinds = [*((name, BAD[name]) for name in names), *GOOD.items()]
    with ReloadHouse(tmp_path, rate=RATE) as house:
        found = reload_often(house, kinds)
    assert (found.taken.total(), found.refused.total()) == (len(GOOD), len(names))
    assert found.bars > 30
    assert found.audit is not None
    assert found.audit.executions > 0


def test_a_run_that_was_killed_goes_on_with_the_code_that_was_in_force(tmp_path: Path) -> None:
    with ReloadHouse(tmp_path, rate=RATE) as house:
        house.start()
        house.wait_ready()
        assert not house.reload(GOOD["indicators"])
        assert house.reload(BAD["in the run"])
        (first,) = (one for one in house.journal().reloads() if not one.refused)
        house.kill()
        house.write(BAD["syntax"])  # the file of today has no say

        house.start()
        house.wait_ready(house.last_input())
        assert not house.reload(GOOD["indicator"])
        inputs = house.last_input()
        house.ask_reload(GOOD["plain"])
        wait_for(lambda: house.last_input() > inputs + 3 or None, "the middle of a reload")
        house.kill()

        house.start()
        house.wait_ready(house.last_input())
        assert not house.reload(GOOD["fresh"])
        assert house.stop() == 0, house.log()
        assert first.hash in house.command("runs", "show", house.run_id()).stdout.replace("\n", "")
        check_bars(house)  # the last life has run all of it
        check_flat(house)
        audit(house)
        check_verified(house)
