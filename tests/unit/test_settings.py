"""Settings: every fault at once, in plain words, and no secret in any of them."""

from pathlib import Path

import pytest

from app.core.errors import ConfigError
from app.core.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without `.env`, and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MISMARTERA_DATA_FOLDER", raising=False)
    return tmp_path


def test_everything_has_a_working_default() -> None:
    settings = read_settings()
    assert settings.data_folder == Path("data")
    assert settings.strategies_folder == Path("strategies")
    assert settings.database_url is None
    assert settings.log_level is None


def test_the_environment_wins_over_the_env_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["MISMARTERA_DATA_FOLDER=from-file", "MISMARTERA_STRATEGIES_FOLDER=mine", "OTHER=1"]
    (empty_folder / ".env").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", "from-environment")
    settings = read_settings()
    assert settings.data_folder == Path("from-environment")
    assert settings.strategies_folder == Path("mine")


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", "")
    assert read_settings().data_folder == Path("data")


def test_a_tilde_means_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", "~/bars")
    assert read_settings().data_folder == Path.home() / "bars"


@pytest.mark.parametrize("name", ["MISMARTERA_LOG_LEVEL", "LOG_LEVEL"])
def test_the_log_level_has_two_names_and_any_case(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "debug")
    assert read_settings().log_level == "DEBUG"


def test_every_fault_is_reported_at_once_with_its_name(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_LOG_LEVEL", "LOUD")
    monkeypatch.setenv("MISMARTERA_DATA_FODLER", "x")
    (empty_folder / ".env").write_text("MISMARTERA_COLOUR=red\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_settings()
    message = str(caught.value)
    assert "MISMARTERA_LOG_LEVEL: 'LOUD' is not a log level; use one of TRACE, DEBUG" in message
    assert "MISMARTERA_DATA_FODLER is not a setting. Did you mean 'MISMARTERA_DATA_FOLDER'?" in (
        message
    )
    assert "MISMARTERA_COLOUR is not a setting." in message


def test_a_database_url_with_a_password_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", "postgresql://me:hunter2@db/bars")
    settings = read_settings()
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump())
    assert settings.secrets() == ["postgresql://me:hunter2@db/bars"]


def test_a_setting_given_in_code_by_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"no setting 'data_fodler'\. Did you mean 'data_folder'\?"
    ):
        Settings(data_fodler="elsewhere")
    assert Settings(data_folder="elsewhere", log_level="debug").log_level == "DEBUG"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().log_level = "DEBUG"  # type: ignore[misc]


def test_every_setting_is_in_the_example_file_and_in_the_docs() -> None:
    root = Path(__file__).resolve().parents[2]
    for document in (root / ".env.example", root / "docs" / "CLI.md"):
        text = document.read_text(encoding="utf-8")
        for name in Settings.model_fields:
            assert f"MISMARTERA_{name.upper()}" in text, f"{name} is missing in {document.name}"
