"""What lies in the working folder takes the place of nothing that the program needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.strategies import probe
from app.cli.system.serving import PROGRAM

THEIRS = ("app", "signal", "calendar", "queue", "numpy")  # as a trader names what is his

STRATEGY = """
from app.strategies import Strategy
from rules import SIZE

class Buyer(Strategy):
    \"\"\"Buys once.\"\"\"
    def on_bar(self, bar):
        self.order_target(bar.symbol, SIZE)
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of somebody's own modules, and a strategy that needs one of them."""
    for name in THEIRS:
        (tmp_path / f"{name}.py").write_text(f'raise SystemExit("{name} is theirs")\n')
    (tmp_path / "rules.py").write_text("SIZE = 7\n")
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "buyer.py").write_text(STRATEGY)
    config = {
        "name": "desk", "symbols": ["SYN1"], "replay": {"start": "2024-11-01", "end": "2024-11-01"},
        "strategies": [{"use": "buyer.py"}],
    }  # fmt: skip
    (tmp_path / "desk.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return tmp_path


def said(*words: str, program: tuple[str, ...] = PROGRAM) -> str:
    """By processes as they are started when no test looks."""
    done = subprocess.run([*program, *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "theirs" in done.stdout + done.stderr) == (0, False), done.stderr
    return done.stdout


def test_every_process_finds_its_own_modules_and_a_strategy_what_it_imports(desk: Path) -> None:
    assert "SYN1" in said("data", "sample")
    assert "Buyer" in said("strategies", "list")
    assert "as process" in said("system", "start", "desk.json", "--detach")
    script = f"{Path(sys.executable).parent}{os.sep}mismartera"
    shown = json.loads(said("system", "start", "desk.json", "--json", program=(script,)))
    assert shown["fills"] == 1


def test_a_working_folder_that_is_gone_is_no_fault(
    desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    program = " ".join((f"cd '{gone}' && rmdir '{gone}' &&", *PROGRAM, "version"))
    assert "MisMartera" in said("-c", program, program=("sh",))
    assert probe.CHILD[1] == "-P"
