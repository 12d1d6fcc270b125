"""Commands in the test's own process, over a house's data and strategies."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from loguru import logger

from app.cli.main import main
from tests.system_house import SystemHouse


class Teller:
    """Gives commands, and takes what they print."""

    def __init__(self, house: SystemHouse, capsys: pytest.CaptureFixture[str]) -> None:
        self.house = house
        self._capsys = capsys

    def say(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command."""
        self._capsys.readouterr()
        code = main(words)
        out, errors = self._capsys.readouterr()
        return code, out, errors

    def text(self, *words: str) -> str:
        """What a command that works prints."""
        code, out, errors = self.say(*words)
        assert (code, errors) == (0, "")
        return out

    def json(self, *words: str, code: int = 0) -> Any:
        """What a command prints for scripts."""
        ended, out, errors = self.say(*words, "--json")
        assert ended == code, errors
        return json.loads(out)

    def run(self, **parts: Any) -> str:
        """A replay that has ended; its id."""
        return self.house.system.run(self.house.config(**parts)).run_id


@pytest.fixture
def teller(
    system_house: SystemHouse,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Teller]:
    """One over a system house."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(system_house.strategies))
    monkeypatch.setenv("MISMARTERA_LOG_LEVEL", "ERROR")
    yield Teller(system_house, capsys)
    logger.remove()  # what a command logs to is this test's
