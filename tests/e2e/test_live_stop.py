"""The emergency stop of a live run whose strategy hangs, by the command a user gives."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.live_terminal import HALF_DAY, LiveTerminal, adapter, held, stocked_terminal, wait_until

pytestmark = pytest.mark.live

# Holds ten shares, leaves an order far away, and hangs from its fourth bar on.
HANGING = """
from app.strategies import Strategy

class Hanging(Strategy):
    def setup(self):
        self.count = 0

    def on_bar(self, bar):
        self.count += 1
        if self.count == 1:
            self.order(bar.symbol, 10)
            self.order(bar.symbol, 5, limit=round(bar.close * 0.5, 2))
        if self.count > 3:
            open("hangs", "w").close()
            while True:
                pass
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[LiveTerminal]:
    with stocked_terminal(tmp_path, hanging=HANGING) as made:
        yield made


def test_a_live_run_whose_strategy_hangs_is_flat_at_the_venue_after_one_command(
    terminal: LiveTerminal,
) -> None:
    venue = terminal.venue(
        "--at", f"{HALF_DAY}T10:00", "--rate", "120", "--ticks", "--participation", "1"
    )
    path = terminal.config(
        venue.url, "hung", {}, strategies=[{"use": "hanging.py"}], engine={"hook_seconds": 600}
    )
    run_id = terminal.detach(path)
    wait_until(lambda: held(venue, "SYN1") == 10, "a position")
    (order,) = adapter(venue).open_orders()
    assert order.units > 0
    wait_until((terminal.folder / "hangs").exists, "a hook that hangs")
    told = terminal.json("risk", "flatten", "--reason", "it hangs")
    assert (told["run_id"], told["done"], told["again"]) == (run_id, True, False)
    assert told["found"] == {"orders": 1, "opening": 1, "positions": {"SYN1": "10"}}
    assert told["left"] == {"orders": 0, "opening": 0, "positions": {}}
    assert told["seconds"] < 10
    assert held(venue, "SYN1") == 0
    assert not adapter(venue).open_orders()
    assert terminal.facts(run_id)["killed"]["reason"] == "it hangs"
    again = terminal.json("risk", "flatten", run_id, "--reason", "once more")
    assert again == {**told, "again": True}


@pytest.mark.parametrize("broker", ["venue", "paper"])
def test_a_run_killed_out_of_a_hook_that_hangs_is_verified_explained_and_rebuilt(
    terminal: LiveTerminal, broker: str
) -> None:
    venue = terminal.venue(
        "--at", f"{HALF_DAY}T10:00", "--rate", "120", "--ticks", "--participation", "1"
    )
    path = terminal.config(
        venue.url,
        "hung",
        {"broker": broker},
        strategies=[{"use": "hanging.py"}],
        engine={"hook_seconds": 600},  # a kill does not wait for it, nor does what runs it again
    )
    run_id = terminal.detach(path)
    wait_until((terminal.folder / "hangs").exists, "a hook that hangs")
    assert terminal.json("risk", "flatten", "--reason", "it hangs")["done"]
    shown = terminal.json("runs", "show", run_id)
    assert (shown["state"], shown["error"]) == ("stopped", None)
    told = terminal.json("verify", run_id)
    assert told["equal"]
    assert told["fingerprint"] == shown["fingerprint"]
    assert terminal.json("why", "1", "--run", run_id)["again"]["equal"]
    terminal.json("runs", "rebuild", run_id)
    assert terminal.json("runs", "show", run_id) == shown


def test_while_a_hook_hangs_every_look_at_the_run_says_that_it_shows_an_older_state(
    terminal: LiveTerminal,
) -> None:
    venue = terminal.venue("--at", f"{HALF_DAY}T10:00", "--rate", "120", "--participation", "1")
    path = terminal.config(
        venue.url, "hung", {}, strategies=[{"use": "hanging.py"}], engine={"hook_seconds": 600}
    )
    run_id = terminal.detach(path)
    (before,) = terminal.json("system", "status")["sessions"]
    assert before["stale_seconds"] == 0
    wait_until((terminal.folder / "hangs").exists, "a hook that hangs")
    terminal.run("system", "status")  # what is told first is the moment it is looked at

    def is_stale() -> bool:
        (seen,) = terminal.json("system", "status")["sessions"]
        return int(seen["stale_seconds"]) > 1

    wait_until(is_stale, "an older state")
    told = " ago: a block takes long, or a hook hangs."
    for words in ("status", "positions", "orders", "fills"):
        _, out, err = terminal.run("system", words)
        assert told in " ".join(out.split())
        assert told not in err
    for words in ("positions", "orders", "fills"):
        _, out, err = terminal.run("system", words, "--json")
        assert isinstance(json.loads(out), list)
        assert f"Run {run_id}: As it stood " in err
        assert told in err
    assert terminal.json("risk", "flatten", "--reason", "it hangs")["done"]
