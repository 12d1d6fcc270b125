"""What `system start` says behind the figures, where they say too little."""

import sys
from collections.abc import Iterator

import pytest
from loguru import logger
from tests.system_house import SystemHouse, stored_market, system_house

from app.cli.main import main

__all__ = ["stored_market", "system_house"]


@pytest.fixture(autouse=True)
def as_a_command() -> Iterator[None]:
    """A command sets up its log, and here that has to be put back."""
    yield
    logger.remove()
    logger.add(sys.stderr)


def test_who_gave_no_order_is_told_how_to_see_what_was_seen(
    system_house: SystemHouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(system_house.strategies))
    idle = "from app.strategies import Strategy\n\nclass Idle(Strategy):\n    pass\n"
    config = system_house.config(use=system_house.strategy("idle.py", idle), end="2024-06-03")
    assert main(["system", "start", str(system_house.file(config))]) == 0
    assert "No order was given: 'why-not SYMBOL TIME' shows" in capsys.readouterr().out


def told(
    house: SystemHouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: str,
) -> str:
    """What a start of the house's two symbols from 3 June on says on standard error, unfolded."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(house.folder))
    capsys.readouterr()
    assert main(["system", "start", str(house.file(house.config(end=end)))]) == 0
    return capsys.readouterr().err


def test_a_run_over_days_without_bars_says_how_many_there_are(
    system_house: SystemHouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "without a bar" not in told(system_house, monkeypatch, capsys, "2024-06-07")
    said = told(system_house, monkeypatch, capsys, "2024-06-11")
    assert "Sessions without a bar, of 7: 2 of AAA, 2 of BBB. They count in all figures" in said


def test_a_run_of_prices_between_the_ticks_says_so(
    system_house: SystemHouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = system_house.system.get_data_manager()
    for tick in ("0.01", "0.02"):  # cents lie on the one, and on or halfway between the other
        data.set_instrument("XNYS", "AAA", {"tick": tick})
        assert "tick" not in told(system_house, monkeypatch, capsys, "2024-06-03")
    data.set_instrument("XNYS", "AAA", {"tick": "0.1"})
    said = told(system_house, monkeypatch, capsys, "2024-06-03")
    assert "AAA has a tick of 0.1, and most of its prices lie between, such as" in said
    assert "'data instruments set AAA --market XNYS --tick ...' sets it." in said
    assert "BBB" not in said
