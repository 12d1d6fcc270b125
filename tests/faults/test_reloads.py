"""Code is replaced in a run on real threads, before a venue of its own; also around kills."""

import json
from pathlib import Path
from typing import Any

from app.managers.system_manager.control.client import connect
from tests.faults.killed_audit import audit, check_flat, check_verified
from tests.faults.killed_house import wait_for
from tests.faults.reload_texts import BAD, GOOD
from tests.faults.reloading import NAME, ReloadHouse, check_bars, reload_often

RATE = 240.0
REFUSED_AT_ONCE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"strategy": "reload"}, "no strategy 'reload'; it has reloaded. Did you mean 'reloaded'?"),
    ({"strategy": NAME}, "runs this very code already"),
    ({"strategy": NAME, "file": "../other.py"}, "the file must lie in"),
    ({"strategy": NAME, "file": "reloadet.py"}, "Did you mean 'reloaded.py'?"),
    ({"strategy": NAME, "file": "app.strategies.examples.sma_cross:SmaCross"}, "give it by --file"),
    ({"strategy": 5}, "cannot be read"),
)


def test_reloads_good_and_bad_lose_no_bar_and_no_order(tmp_path: Path) -> None:
    names = ("exits", "in the run")
    taken = ("indicators", "fresh", "intervals")
    kinds = [*((name, BAD[name]) for name in names), *((name, GOOD[name]) for name in taken)]
    with ReloadHouse(tmp_path, rate=RATE) as house:
        found = reload_often(house, kinds, is_one_day=True)
    assert (found.taken.total(), found.refused.total()) == (len(taken), len(names))
    assert found.bars > 30
    assert found.audit is not None
    assert found.audit.executions > 0


def test_a_run_that_was_killed_goes_on_with_the_code_that_was_in_force(tmp_path: Path) -> None:
    with ReloadHouse(tmp_path, rate=RATE) as house:
        house.start()
        house.wait_ready()
        for asked, says in REFUSED_AT_ONCE:
            assert says in house.ask(asked), asked
        with connect(house.data) as client:
            client.ask("pause")
        assert not house.reload(GOOD["indicators"])
        house.kill()
        house.write(BAD["syntax"])  # the file of today has no say

        house.start()
        house.wait_ready(house.last_input())
        with connect(house.data) as client:
            client.ask("resume")
        inputs = house.last_input()
        house.ask_reload(GOOD["plain"])
        wait_for(lambda: house.last_input() > inputs + 3 or None, "the middle of a reload")
        house.kill()

        house.start()
        house.wait_ready(house.last_input())
        house.write(GOOD["plain"])
        done = house.command("strategies", "reload", NAME, "--params", "phase=2", "--json")
        assert done.returncode == 0, done.stderr
        assert house.stop() == 0, house.log()
        run_id = house.run_id()
        shown = json.loads(house.command("runs", "show", run_id, "--json").stdout)
        assert shown["reloads"][-1]["hash"] == json.loads(done.stdout)["hash"]
        assert house.command("runs", "rebuild", run_id).returncode == 0
        facts = json.loads((house.data / "runs" / run_id / "run.json").read_text())
        assert facts["reloads"] == shown["reloads"]
        check_bars(house)  # the last life has run all of it
        check_flat(house)
        audit(house)
        check_verified(house)
        first = json.loads(house.command("runs", "orders", run_id, "--json").stdout)[0]["order_id"]
        why = house.command("why", str(first), "--run", run_id)
        assert why.returncode == 0, why.stderr
