"""A run of another data folder on the same database: what it has here, and what it has not."""

from pathlib import Path

import pytest
from tests.empty_database import put_database

from app.cli.main import main
from app.core.config import SessionConfig
from app.repositories.database import open_database
from app.repositories.run_repository import RunRepository

CONFIG = {
    "name": "theirs",
    "mode": "live",
    "symbols": ["SYN1"],
    "strategies": [{"use": "app.strategies.examples.sma_cross:SmaCross"}],
    "live": {"account": "theirs"},
}


@pytest.mark.parametrize(
    "words",
    ["verify 1", "why 3 --run 1", "report show 1", "report html 1", "runs rebuild 1"],
)
def test_what_needs_a_run_s_folder_says_that_it_is_not_here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
) -> None:
    url = put_database(tmp_path / "shared")
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", url)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "mine"))
    engine = open_database(url)
    runs = RunRepository(engine)
    config = SessionConfig.model_validate(CONFIG).model_dump(mode="json")
    runs.start_run("1", name="theirs", mode="live", config=config, started_at="2026", pid=0)
    runs.finish_run("1", state="finished", ended_at="2026", summary={"sessions": 1})
    engine.dispose()
    assert main(words.split()) == 3
    told = " ".join("".join(capsys.readouterr()).split())
    assert "Run 1 has no folder in " in told
    assert main(["runs", "show", "1"]) == 0
