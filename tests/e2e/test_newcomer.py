"""What a newcomer runs into: slips, pipes, narrow terminals, a run that has to be stopped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests import processes
from tests.conftest import Run

from app.cli.terminal import output

CONFIG = {
    "name": "first",
    "symbols": ["SYN1"],
    "replay": {"start": "2024-11-01", "end": "2024-11-04"},
    "strategies": [{"use": "app.strategies.examples.sma_cross:SmaCross"}],
}
TWO = """from app.strategies import Strategy

class Buyer(Strategy):
    def on_session_open(self, session):
        self.order("SYN1", 10)

class Seller(Strategy):
    def on_session_open(self, session):
        self.order("SYN1", -10)
"""


def _write(path: Path, **changes: object) -> str:
    path.write_text(json.dumps({**CONFIG, **changes}))
    return str(path)


@pytest.mark.parametrize("noun", ["instruments", "actions"])
def test_a_bare_noun_within_a_noun_lists_its_verbs(cli: Run, noun: str) -> None:
    done = cli("data", noun)
    assert done.returncode == 0
    assert "import" in done.stdout


@pytest.mark.parametrize("words", ["config schema", "version"])  # more than a buffer, and less
def test_a_reader_that_goes_early_ends_a_command_without_a_word(tmp_path: Path, words: str) -> None:
    command = f"{sys.executable} -m app.cli.main {words} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_file_cannot_steer_the_terminal_through_a_message(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("\x1b[31mopen,\x07high\n1,2\n")
    done = cli("data", "import-csv", "bad.csv", "--symbol", "BAD")
    assert done.returncode == 1
    assert "\ufffd[31mopen" in done.stderr
    assert not {"\x1b", "\x07"} & set(done.stderr)


def test_times_beside_their_date_may_be_written_with_a_colon(cli: Run, tmp_path: Path) -> None:
    header = "Date,Time,Open,High,Low,Close,Volume\n"
    for number, form in enumerate(("9:30", "09:30", "9:30:00", "09:30:00")):
        (tmp_path / "bars.csv").write_text(f"{header}2024-11-29,{form},1,2,1,2,10\n")
        done = cli("data", "import-csv", "bars.csv", "--symbol", f"T{number}", "--json")
        assert done.returncode == 0, (form, done.stderr)
        assert json.loads(done.stdout)["first"] == "2024-11-29T09:30:00-05:00"


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_in_order_and_it_is_recorded(
    cli: Run, tmp_path: Path, number: signal.Signals
) -> None:
    replay = {**CONFIG["replay"], "speed": 60}  # type: ignore[dict-item]
    path = _write(tmp_path / "paced.json", replay=replay)
    env = {**os.environ, "MISMARTERA_DATA_FOLDER": str(tmp_path / "data")}
    words = ["system", "start", path]
    process = processes.begin(
        words, tmp_path, env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert "sessions of SYN1" in process.stderr.readline()
    process.send_signal(number)
    with process.stderr:
        process.stderr.read()  # to its end: what it still says must find a reader
    assert process.wait(20) == 130
    (run,) = json.loads(cli("runs", "list", "--json").stdout)
    assert run["state"] == "stopped"


def test_strategies_of_one_file_are_told_apart(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "two.py").write_text(TWO)
    uses = [{"use": "two.py:Buyer"}, {"use": "two.py:Seller"}]
    done = cli("system", "start", _write(tmp_path / "two.json", strategies=uses), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["orders"] == 4
    done = cli("system", "start", _write(tmp_path / "which.json", strategies=[{"use": "two.py"}]))
    assert done.returncode == 4
    assert "it has Buyer, Seller" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "show", "SYN1"], "none in the range asked for; there are from 2024-10-21 to"),
        (["data", "quality", "SYN1"], "No session of SYN1"),
    ],
)
def test_a_range_without_bars_is_said_to_be_so(cli: Run, words: list[str], message: str) -> None:
    cli("data", "sample")
    done = cli(*words, "--start", "2030-01-02")
    assert (done.returncode, done.stderr) == (0, "")
    assert message in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "quality", "SYN1", "--market", "XNY"], "on XNY are stored; there are on XNYS."),
        (["practice", "start", "--market", "XNY", "--port", "0"], "Did you mean 'XNYS'?"),
    ],
)
def test_a_market_that_has_no_bars_is_told_with_the_one_that_has(
    cli: Run, words: list[str], message: str
) -> None:
    cli("data", "sample")
    done = cli(*words)
    assert done.returncode == 3
    assert message in done.stderr


def test_nothing_is_cut_off_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "PIPED_WIDTH", 40)
    output._console.cache_clear()
    value = "abcdefghij" * 6
    output.print_table("A title longer than this narrow table", ("x",), [("y",)])
    output.print_table("T", ("fingerprint",), [(value,)])
    printed = capsys.readouterr().out
    output._console.cache_clear()
    assert "A title longer than this narrow table\n" in printed
    assert "…" not in printed
    rows = [line.strip("│ ") for line in printed.splitlines() if line.startswith("│")]
    assert "".join(rows[1:]) == value


def test_quotes_beside_stored_trades_are_not_said_to_lack_volume(cli: Run, tmp_path: Path) -> None:
    sides = [
        f"{side}_{what}" for side in ("bid", "ask") for what in ("open", "high", "low", "close")
    ]
    files = {
        "trades.csv": ("open,high,low,close,volume", "1,1,1,1,10"),
        "quotes.csv": (",".join(sides), ",".join("11112222")),
    }
    for name, (columns, values) in files.items():
        (tmp_path / name).write_text(f"timestamp,{columns}\n2024-11-29T14:30:00Z,{values}\n")
        done = cli("data", "import-csv", name, "--symbol", "AAA")
        assert done.returncode == 0, done.stderr
        assert "No volume" not in done.stdout
    alone = cli("data", "import-csv", "quotes.csv", "--symbol", "BBB").stdout
    assert "No volume: it is stored as 0." in alone


@pytest.mark.parametrize("words", [["-h"], ["data", "-h"], ["runs", "list", "-h"]])
def test_help_may_be_asked_for_in_short(cli: Run, words: list[str]) -> None:
    done = cli(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: ./start_cli.sh " in done.stdout
