"""`strategies reload`: its words, and what is no live session."""

from pathlib import Path

import pytest

from app.cli.main import main
from app.cli.strategies.reloading import _given
from app.core.errors import UsageError


def test_values_are_read_as_a_config_has_them() -> None:
    words = ["fast=12", "share=0.5", "on=true", "side=buy", "none=", "list=[1]", "text=null"]
    assert _given(words) == {
        "fast": 12, "share": 0.5, "on": True, "side": "buy", "none": None, "list": "[1]",
        "text": "null",
    }  # fmt: skip


@pytest.mark.parametrize("word", ["fast", "=5", " =5", ""])
def test_a_parameter_without_a_name_or_a_value_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        _given([word])


def test_without_a_session_there_is_nothing_to_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path))
    assert main(["strategies", "reload", "sma_cross"]) == 3
    assert "No session runs." in capsys.readouterr().err
