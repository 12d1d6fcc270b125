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
