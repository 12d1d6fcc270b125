"""What `system start` says behind the figures, where they say too little."""

import sys
from collections.abc import Callable, Iterator

import pytest
from loguru import logger
from tests.system_house import SystemHouse, stored_market, system_house

from app.cli.main import main
from app.cli.shell.events import ended

__all__ = ["stored_market", "system_house"]

Start = Callable[..., "pytest.CaptureResult[str]"]


@pytest.fixture(autouse=True)
def as_a_command() -> Iterator[None]:
    """A command sets up its log, and here that has to be put back."""
    yield
    logger.remove()
    logger.add(sys.stderr)


@pytest.fixture
def start(
    system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Start:
    """Starts the house's two symbols from 3 June on, with a strategy's text if it is given one."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(system_house.strategies))

    def run(text: str = "", end: str = "2024-06-03") -> "pytest.CaptureResult[str]":
        own = {"use": system_house.strategy("own.py", text)} if text else {}
        config = system_house.file(system_house.config(end=end, **own))
        capsys.readouterr()
        assert main(["system", "start", str(config)]) == 0
        return capsys.readouterr()

    return run


def test_who_gave_no_order_is_told_how_to_see_what_was_seen(start: Start) -> None:
    idle = "from app.strategies import Strategy\n\nclass Idle(Strategy):\n    pass\n"
    assert "No order was given: 'why-not SYMBOL TIME' shows" in start(idle).out


def test_a_run_over_days_without_bars_says_how_many_there_are(start: Start) -> None:
    assert "without a bar" not in start(end="2024-06-07").err
    said = start(end="2024-06-11").err
    assert "Sessions without a bar, of 7: 2 of AAA, 2 of BBB. They count in all figures" in said


def test_a_run_of_prices_between_the_ticks_says_so(system_house: SystemHouse, start: Start) -> None:
    data = system_house.system.get_data_manager()
    for tick in ("0.01", "0.02"):  # cents lie on the one, and on or halfway between the other
        data.set_instrument("XNYS", "AAA", {"tick": tick})
        assert "tick" not in start().err
    data.set_instrument("XNYS", "AAA", {"tick": "0.1"})
    said = start().err
    assert "AAA has a tick of 0.1, and most of its prices lie between, such as" in said
    assert "'data instruments set AAA --market XNYS --tick ...' sets it." in said
    assert "BBB" not in said


HOLDING = """
from app.strategies import Strategy

class Holding(Strategy):
    def on_bar(self, bar):
        if self.now.hour == 10 and self.now.minute == 0:
            self.order_target(bar.symbol, 100 if bar.symbol == "AAA" else -50)
        if self.now.hour == 15 and self.now.minute == 59 and bar.symbol == "AAA":
            self.order("AAA", 10, limit=1.5, tif="gtc")
"""


def test_what_a_replay_holds_at_its_end_is_told_with_its_worth_and_what_works_on(
    system_house: SystemHouse, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    out = " ".join(start(HOLDING).out.split())
    store = system_house.system.data_manager.store
    last = {
        symbol: float(store.columns("XNYS", symbol, "1m", 0, 1 << 62).close[389])
        for symbol in ("AAA", "BBB")
    }
    held = (
        f"100 AAA at {last['AAA']}, worth {100 * last['AAA']:,.2f}; "
        f"-50 BBB at {last['BBB']}, worth {-50 * last['BBB']:,.2f}"
    )
    row = system_house.row(system_house.runs().list_runs()[0]["run_id"])
    assert row["summary"]["held_at_end"] == held
    assert "held at end" in out
    assert "no run looks after it" not in out, "that is for venues"
    outlived = f"At its end 1 order was working, and ended with it: 'runs orders {row['run_id']}'"
    assert outlived in out
    assert main(["runs", "show", "last"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "held at end" in shown and outlived in shown
    assert f"still holds {held}" in ended(row["run_id"], None, row).text


def test_of_a_replay_that_ends_flat_nothing_is_told(start: Start) -> None:
    text = HOLDING.replace("hour == 10", "hour == 25").replace("hour == 15", "hour == 25")
    out = start(text).out
    assert "held at end" not in out and "At its end" not in out
