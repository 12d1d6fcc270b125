"""How far an import is, and that it waits: seen from another thread."""

import threading

from app.cli.data.waiting import Waited, WaitingClock
from app.cli.terminal.progress import how_far_text


def test_a_wait_under_way_is_told_and_is_over_when_it_is() -> None:
    clock, event = WaitingClock(), threading.Event()
    shown = Waited("BTC/USDT", clock)
    shown.count(10_800, 43_200)
    assert shown.look() == ("BTC/USDT", 10_800, 0.25, 43_200)
    waiter = threading.Thread(target=clock.wait, args=(event, 50.0))
    waiter.start()
    while not clock.left_seconds():
        assert waiter.is_alive()
    assert shown.look().what == "BTC/USDT, waits 50 s"
    event.set()
    waiter.join(5.0)
    assert (clock.left_seconds(), shown.look().what) == (0.0, "BTC/USDT")
    assert (
        how_far_text(shown.look(), "bars", 10.0) == "10,800 of 43,200 bars, 1,080 bars/s, 0:30 left"
    )


def test_nothing_is_known_before_the_first_page() -> None:
    assert Waited("BTC/USDT", WaitingClock()).look().share is None
