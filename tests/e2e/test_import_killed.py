"""An import killed in its middle, as a power cut would: the store stays readable and whole."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data_house import same_bars
from tests.processes import begin

from app.cli.main import main
from app.core.intervals import MINUTE_NS
from app.managers.time_manager import TimeManager
from app.repositories.bar_store import BarStore

Ask = Callable[..., Any]
WORDS = ("data", "import-csv", "--symbol", "BTC/USDT", "--market", "24/7")
FIRST_MINUTE = 1_640_995_200 // 60 - 40_000  # minutes before 2022 begins
ROWS = 120_000
NAMES = ("2021.parquet", "2022.parquet")


def written(folder: Path, name: str, price: float, rows: int = ROWS) -> str:
    """A CSV of minutes that lie in two years; the second file holds a part of the first."""
    minutes = np.arange(FIRST_MINUTE, FIRST_MINUTE + rows) * 60
    closes = price + np.arange(rows) % 97 / 100
    lines = [f"{at},{close},{close},{close},{close},1" for at, close in zip(minutes, closes)]  # noqa: B905
    (folder / name).write_text("timestamp,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    return name


def bar_files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "data" / "bars").glob("*/*/*/*")}


def a_part(names: set[str]) -> bool:
    """The first year is being written."""
    return any(name.endswith(".part") for name in names)


def both_parts(names: set[str]) -> bool:
    """Both years are written beside their places, or the second is being."""
    return len({name.partition(".")[0] for name in names if name.endswith(".part")}) == 2


def kill_when(folder: Path, file: str, moment: Callable[[set[str]], bool]) -> bool:
    """Import in a process of its own; kill it at that moment; whether it was caught."""
    env = {**os.environ, "MISMARTERA_DATA_FOLDER": str(folder / "data")}
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = begin([*WORDS, file], folder, env, **nowhere)
    while process.poll() is None:
        if moment(bar_files(folder)):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.0005)
    return process.wait(timeout=60) == -signal.SIGKILL


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """What a command answers with `--json`, in this process and the folder of the killed one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))

    def run(*words: str) -> Any:
        assert main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("moment", [a_part, both_parts])
def test_an_import_killed_while_it_writes_leaves_what_was_there_or_all_of_it(
    ask: Ask, tmp_path: Path, moment: Callable[[set[str]], bool]
) -> None:
    small, large = written(tmp_path, "small.csv", 100.0, 50_000), written(tmp_path, "all.csv", 200)
    assert ask(*WORDS, small)["added"] == 50_000
    assert kill_when(tmp_path, large, moment)

    store = BarStore(tmp_path / "data", TimeManager(tmp_path / "data").zone)
    found = store.columns("24/7", "BTC/USDT", "1m", 0, 1 << 62)
    assert np.all(np.diff(found.start_ns) == MINUTE_NS)
    per_year = [found.close < 150, found.close > 150]
    assert len(found) in (50_000, ROWS) or (per_year[0].any() and per_year[1].any())
    [listed] = ask("data", "list")
    assert listed["bars"] == len(found)

    again = ask(*WORDS, large)
    assert again["added"] + again["changed"] + again["same"] == ROWS
    names = bar_files(tmp_path)
    assert names == set(NAMES)
    after = store.columns("24/7", "BTC/USDT", "1m", 0, 1 << 62)
    assert len(after) == ROWS
    assert np.all(after.close >= 200)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_import_says_so_and_leaves_nothing_half(ask: Ask, tmp_path: Path) -> None:
    small, large = written(tmp_path, "small.csv", 100.0, 50_000), written(tmp_path, "all.csv", 200)
    ask(*WORDS, small)
    store = BarStore(tmp_path / "data", TimeManager(tmp_path / "data").zone)
    before = store.columns("24/7", "BTC/USDT", "1m", 0, 1 << 62)
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli.main", *WORDS, large],
        cwd=tmp_path,
        env={**os.environ, "MISMARTERA_DATA_FOLDER": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not a_part(bar_files(tmp_path)):
        time.sleep(0.0005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was done before the interruption came")
    assert (process.returncode, said) == (130, "error: interrupted\n")
    assert bar_files(tmp_path) == set(NAMES)
    assert same_bars(store.columns("24/7", "BTC/USDT", "1m", 0, 1 << 62), before)
