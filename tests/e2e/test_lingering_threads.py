"""A strategy's own threads behind the end of its run, in processes as a user starts them."""

import json
import os
import subprocess
import sys

from tests.system_house import SystemHouse, stored_market, system_house
from tests.warm import run_warm

__all__ = ["stored_market", "system_house"]  # fixtures

THREADED = """
import threading
from concurrent.futures import ThreadPoolExecutor
from app.strategies import Strategy

def forever():
    threading.Event().wait()

class Threaded(Strategy):
    def setup(self):  # on the main thread: what is begun there is no daemon of itself
        BEGIN

    def on_session_close(self, session):
        END
"""
GOES_ON = "self.pool = threading.Thread(target=forever, name='ticker'); self.pool.start()"
IDLE = "self.pool = ThreadPoolExecutor(); self.pool.submit(int).result()"
WARNING = (
    "warning: Thread 'ticker', threaded.py:7 in forever, goes on though all is done: it was left"
)


def ended(
    house: SystemHouse, begin: str, end: str = "pass", warm: str = ""
) -> tuple[int, str, str]:
    """Exit code, output and errors of a run of this strategy."""
    use = house.strategy("threaded.py", THREADED.replace("BEGIN", begin).replace("END", end))
    words = ["system", "start", str(house.file(house.config(use=use))), "--json"]
    env = {**os.environ, "MISMARTERA_DATA_FOLDER": str(house.folder),
           "MISMARTERA_STRATEGIES_FOLDER": str(house.strategies)}  # fmt: skip
    if warm:
        done = run_warm(warm, words, house.folder.parent, env, 30)
    else:
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", *words],
            env=env, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_thread_that_goes_on_is_named_and_left_behind_when_all_is_recorded(
    system_house: SystemHouse,
) -> None:
    code, out, err = ended(system_house, GOES_ON)
    assert code == 0
    summary = json.loads(out)
    assert system_house.row(summary["run_id"])["state"] == summary["state"] == "finished"
    assert (err.count("warning:"), WARNING in err) == (1, True)


def test_the_exit_code_of_a_run_that_failed_stays(system_house: SystemHouse, warm: str) -> None:
    code, out, err = ended(system_house, GOES_ON, "1 / 0", warm)
    assert (code, out) == (1, "")
    assert "Strategy threaded failed in on_session_close" in err
    assert WARNING in err.splitlines()[-1]


def test_a_pool_that_has_nothing_to_do_is_no_word_and_no_wait(system_house: SystemHouse) -> None:
    code, _, err = ended(system_house, IDLE)
    assert (code, "warning" in err) == (0, False)
