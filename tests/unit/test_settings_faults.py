"""Settings that cannot be used, down to bytes that are no text: one error in words, exit code 4."""

import os
from pathlib import Path

import pytest

from app.cli.doctor.examining import examined
from app.core.errors import ConfigError
from app.core.settings import Settings, get_settings, read_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment without a data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MISMARTERA_DATA_FOLDER")
    return tmp_path


@pytest.mark.parametrize("content", [b"\xff=1", b"A=caf\xe9\n", "A=1".encode("utf-16")])
def test_an_env_file_that_is_no_text_is_refused_with_the_way_out(
    folder: Path, content: bytes
) -> None:
    (folder / ".env").write_bytes(content)
    with pytest.raises(ConfigError, match=r"\.env is not UTF-8 text \(byte \d+\); save it as"):
        read_settings()


def test_an_env_file_in_utf_8_may_hold_any_words(folder: Path) -> None:
    (folder / ".env").write_text("MISMARTERA_DATA_FOLDER=Börse/数据\nOTHER=é\n", encoding="utf-8")
    assert read_settings().data_folder == Path("Börse/数据")


def test_a_folder_in_the_place_of_the_env_file_is_not_read(folder: Path) -> None:
    (folder / ".env").mkdir()
    assert read_settings() == Settings()


@pytest.mark.timeout(10)
def test_a_pipe_in_the_place_of_the_env_file_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / ".env")
    with pytest.raises(ConfigError, match=r"\.env is no plain file, such as a pipe.*in its place"):
        read_settings()
    (found,) = examined(["settings"], 1)
    assert (found.state, found.remedy) == ("failing", "mv .env .env.aside")


@pytest.mark.parametrize("name", ["DATA_FOLDER", "STRATEGIES_FOLDER"])
def test_a_tilde_of_nobody_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MISMARTERA_{name}", "~nobody_of_this_name/x")
    with pytest.raises(ConfigError) as caught:
        read_settings()
    assert str(caught.value) == (
        "The settings cannot be used:\n"
        f"  MISMARTERA_{name}: its ~ names no user of this machine; write the folder out."
    )


def test_a_value_is_never_repeated_for_it_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISMARTERA_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("MISMARTERA_API_KEY", "hunter2")
    monkeypatch.setenv("MISMARTERA_DATABASE_URLS", "postgresql://user:hunter2@host/name")
    with pytest.raises(ConfigError) as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)
    assert "MISMARTERA_DATABASE_URLS is not a setting. Did you mean" in str(caught.value)
    assert "MISMARTERA_API_KEY is not a setting." in str(caught.value)


def test_names_in_the_env_file_are_checked_like_those_of_the_environment(folder: Path) -> None:
    (folder / ".env").write_text("mismartera_data_foldr=x\nUNRELATED=y\n")
    with pytest.raises(ConfigError, match="MISMARTERA_DATA_FOLDR is not a setting"):
        read_settings()


def test_the_settings_of_a_process_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    get_settings.cache_clear()
    try:
        first = get_settings()
        monkeypatch.setenv("MISMARTERA_DATA_FOLDER", "elsewhere")
        assert get_settings() is first
        assert read_settings().data_folder == Path("elsewhere")
    finally:
        get_settings.cache_clear()


def test_secrets_are_not_shown_when_settings_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISMARTERA_DATABASE_URL", "postgresql://user:hunter2@host/name")
    settings = read_settings()
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.secrets() == ["postgresql://user:hunter2@host/name"]
    assert Settings(database_url=None).secrets() == []
