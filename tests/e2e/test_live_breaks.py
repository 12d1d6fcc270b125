"""What a live run tells of the time it was away: nothing happened before it did at the venue."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.live_terminal import HALF_DAY, LiveTerminal, adapter, held, stocked_terminal, wait_until

from app.core.intervals import MINUTE_NS

pytestmark = pytest.mark.live

# Gives one order that fills at the next open, and then only looks on.
ONCE = """
from app.strategies import Strategy

class Once(Strategy):
    def setup(self):
        self.asked = False

    def on_bar(self, bar):
        if not self.asked:
            self.asked = True
            self.order(bar.symbol, 10, limit=round(bar.close * 1.05, 2))
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[LiveTerminal]:
    with stocked_terminal(tmp_path, once=ONCE) as made:
        yield made


def test_a_fill_of_a_break_is_told_at_the_venues_time_and_no_bar_counts_as_late_twice(
    terminal: LiveTerminal,
) -> None:
    venue = terminal.venue("--at", f"{HALF_DAY}T10:00", "--rate", "60", "--participation", "1")
    path = terminal.config(venue.url, "away", {}, strategies=[{"use": "once.py"}])
    run_id = terminal.detach(path)
    wait_until(adapter(venue).open_orders, "its order at the venue")
    terminal.kill_detached()
    assert held(venue, "SYN1") == 0
    wait_until(lambda: held(venue, "SYN1") == 10, "a fill while it is away")
    (execution,) = adapter(venue).executions(0)
    later_ns = execution.at_ns + 3 * MINUTE_NS
    wait_until(lambda: adapter(venue).time().venue_ns > later_ns, "three minutes more")
    terminal.detached("recover", "--account", "away")
    wait_until(lambda: terminal.json("system", "fills", run_id), "the fill")
    (fill,) = terminal.json("system", "fills", run_id)
    assert fill["at_ns"] >= execution.at_ns
    wait_until(
        lambda: terminal.json("data", "session", run_id, "--once")["through_ns"] > later_ns,
        "its time, again with the venue's",
    )
    (seen,) = terminal.json("data", "session", run_id, "--once")["symbols"]
    assert 0 < seen["quality"]["filled"] <= seen["quality"]["present"]
    terminal.json("system", "stop", run_id)
    told = terminal.json("why", "1", "--run", run_id)
    (fill,) = told["fills"]
    assert fill["instant"] < fill["bar_start"] == fill["at"] == told["ended"]
    text = " ".join(terminal.run("why", "1", "--run", run_id)[1].split())
    assert "by the venue's clock; the run heard of it as its own time stood at" in text
    assert told["again"]["equal"]
    assert terminal.json("verify", run_id)["equal"]
