"""What is named for typing can be typed: in a clone, and where there is only the package."""

import shlex
from collections.abc import Iterator

import pytest

from app.cli.doctor.examining import examined
from app.cli.help import help_text
from app.cli.main import main
from app.cli.tree import walk
from app.core import called
from app.core.called import as_called


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing lies beside the program."""
    monkeypatch.setattr(called, "is_clone", lambda: False)
    return


def test_in_a_clone_it_is_the_launcher() -> None:
    assert as_called("./start_cli.sh runs list") == "./start_cli.sh runs list"


def test_an_installed_package_is_called_by_its_name(package: None) -> None:
    assert as_called("'./start_cli.sh runs list'") == "'mismartera runs list'"
    for node in walk():
        assert "start_cli" not in help_text(node)
    assert not any("start_cli" in f"{one.what} {one.remedy}" for one in examined(None, 5.0))


def test_its_extras_are_installed_by_their_own_names(package: None) -> None:
    *python, package_of_postgres = shlex.split(as_called("./start_cli.sh --setup postgres"))
    assert python[1:] == ["-m", "pip", "install"]
    assert package_of_postgres.startswith("psycopg[binary]>=")


def test_a_command_that_an_error_names_can_be_typed(
    package: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.main.of_nouns", lambda word: " './start_cli.sh help' tells more.")
    assert main(["nonsense"]) == 2
    assert "'mismartera help' tells more." in capsys.readouterr().err
