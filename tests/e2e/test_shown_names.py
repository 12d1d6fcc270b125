"""Names and code of somebody else's files, shown on a real terminal: they steer it nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import begin

CODE = """import pathlib

from app.strategies import Strategy

pathlib.Path("ran").touch()


class Esc(Strategy):
\t"It buys.\x1b[2J"

\tdef setup(self) -> None:
\t\traise ValueError("all is well\\x1b[2J\\x9b31m")
"""
CONFIG = """{"name": "x", "symbols": ["SYN1"], "strategies": [{"use": "USE"}],
"replay": {"start": "2024-11-01", "end": "2024-12-13"}}"""
GOOD = "app.strategies.examples.sma_cross:SmaCross"
ODD = "a\x1b[2Jb.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("others")
    (found / "strategies").mkdir()
    (found / "strategies" / "esc.py").write_text(CODE, encoding="utf-8")
    (found / ODD).write_text(CONFIG.replace("USE", GOOD), encoding="utf-8")
    (found / "esc.json").write_text(CONFIG.replace("USE", "esc.py"), encoding="utf-8")
    return found


@pytest.mark.parametrize("words", [
    ("config", "check", ODD),
    ("config", "check", "esc.json"),
    ("config", "schema", "--output", "s\x1b[2J.json"),
    ("config", "new", "n\x1b[2J.json", "--yes", "--symbols", "SYN1", "--strategy", GOOD),
    ("system", "start", "esc.json"),
    ("strategies", "show", "esc.py"),
    ("strategies", "show", "esc.py", "--code"),
    ("admin", "log-level"),
    ("init-db",),
], ids=" ".join)  # fmt: skip
def test_no_name_and_no_code_steers_the_terminal(folder: Path, words: tuple[str, ...]) -> None:
    data = {"MISMARTERA_DATA_FOLDER": "data\x1b[2J", "NO_COLOR": "1", "TERM": "dumb"}
    mine, theirs = os.openpty()
    process = begin(words, folder, {**os.environ, **data}, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while more := os.read(mine, 65_536):
            said += more
    except OSError:  # its end, on Linux
        pass
    os.close(mine)
    process.wait(60)
    own = (b"\x1b[0m", b"\x1b[1m")  # of a title
    for one in own:
        said = said.replace(one, b"")
    assert said.strip()
    assert all(char.isprintable() or char in "\r\n\t" for char in said.decode()), said


def test_code_that_is_shown_is_the_file_s_and_is_not_run(folder: Path) -> None:
    words = [sys.executable, "-P", "-m", "app.cli.main", "strategies", "show", "esc.py", "--code"]
    (folder / "ran").unlink(missing_ok=True)
    told = subprocess.run(words, cwd=folder, capture_output=True, check=True, timeout=60).stdout
    assert told.decode() == CODE
    assert not (folder / "ran").exists()
