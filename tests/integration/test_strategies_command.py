"""`strategies list` over files that are well, broken and hostile: each is an answer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.live_terminal import wait_until

from app.cli.main import main
from app.cli.strategies import probe as strategy_probe
from app.core.processes import is_running

TWO = (
    "print('hel\\x1b[2Jlo')\nfrom app.strategies import Strategy\n\n\n"
    'class Dip(Strategy):\n    """Buys dips.\n\n    More of it.\n    """\n\n\n'
    'class Dop(Dip):\n    intervals = ("5m",)\n'
)
FILES = {
    "ends.py": ("import os\nos._exit(3)\n", "ended its process with exit code 3 while"),
    "loop.py": ("while True:\n    pass\n", "(loop.py, line 1): HookInterrupted: it did not ret"),
    "stuck.py": (
        "import ctypes\nctypes.CDLL(None).pause()\n",
        "it did not return for 0.3 s, and could not be interrupted.",
    ),
    "leaves.py": ("import sys\nsys.exit(0)\n", "(leaves.py, line 2): SystemExit: 0"),
    "reads.py": ("x = input()\n", "(reads.py, line 1): EOFError"),
    "torn.py": ("x = (\n", "SyntaxError: '(' was never closed (torn.py, line 1)"),
    "taken.py": (
        "from app.strategies import Param, Strategy\n\n\nclass A(Strategy):\n    cash = Param(1)\n",
        "A.cash is a Param, but every strategy has a 'cash' already",
    ),
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a strategies folder in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(strategy_probe, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(strategy_probe, "STUBBORN_SECONDS", 0.3)
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "two.py").write_text(TWO, encoding="utf-8")
    return tmp_path


def listed(capfd: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert main(["strategies", "list", "--json"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    return {row["use"]: row for row in json.loads(out)}


def test_each_strategy_is_listed_and_each_broken_file_has_its_reason(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, (text, _) in FILES.items():
        (desk / "strategies" / name).write_text(text, encoding="utf-8")
    rows = listed(capfd)
    for name, (_, reason) in FILES.items():
        assert reason in rows[name]["problem"], name
    assert rows["two.py:Dip"]["doc"] == "Buys dips.\n\nMore of it."
    assert rows["two.py:Dop"]["intervals"] == ["5m"]
    assert rows["two.py:Dip"]["printed"] == "hel\ufffd[2Jlo"
    sound = [use for use, row in rows.items() if row["problem"] is None]
    assert sound[:3] == [
        "app.strategies.examples.opening_range:OpeningRangeBreakout",
        "app.strategies.examples.rsi_reversion:RsiReversion",
        "app.strategies.examples.sma_cross:SmaCross",
    ]
    assert sound[3:] == ["two.py:Dip", "two.py:Dop"]


@pytest.mark.usefixtures("warm_looks")
def test_the_table_names_what_is_broken_and_what_configs_use_that_is_not_there(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "strategies" / "torn.py").write_text("x = (\n", encoding="utf-8")
    (desk / "session_configs").mkdir()
    (desk / "session_configs" / "bad.json").write_text("{", encoding="utf-8")
    used = {"strategies": [{"use": "gone.py"}, {"use": "no.such.module:Rule"}, {"use": 5}, 7]}
    (desk / "session_configs" / "odd.json").write_text(json.dumps(used), encoding="utf-8")
    assert main(["strategies", "list"]) == 0
    out = capfd.readouterr().out
    assert "torn.py cannot be used: it does not import: SyntaxError" in out
    assert "two.py:Dip prints while it is loaded: hel\ufffd[2Jlo" in out
    assert "gone.py cannot be used: there is no such file in strategies." in out
    assert "no.such.module:Rule cannot be used: there is no module 'no.such.module'." in out


KEEPER = """
from typing import Any, ClassVar

from app.strategies import Param, Strategy


class Keeper(Strategy):
    protection: ClassVar[dict[str, Any]] = {"stop_loss_percent": 1}
    period = Param(20, low=5, high=200)
    side = Param("buy", choices=("buy", "sell"))

    def setup(self) -> None:
        self.indicator("SMA", self.period, symbol="SPY")
        self.log("set up")

    def on_bar(self, bar: object) -> None:
        self.order("SPY", self.entry_size("SPY"))

    def save_state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: object) -> None:
        pass
"""


@pytest.mark.usefixtures("warm_looks")
def test_a_strategy_is_shown_as_it_is_set_up_for_the_symbols_of_its_config(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (desk / "strategies" / "keeper.py").write_text(KEEPER, encoding="utf-8")
    (desk / "session_configs").mkdir()
    config = {"name": "k", "symbols": ["SPY"], "mode": "live", "strategies": [{"use": "keeper.py"}]}
    (desk / "session_configs" / "k.json").write_text(json.dumps(config), encoding="utf-8")
    assert main(["strategies", "show", "keeper", "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["hooks"] == ["setup", "on_bar", "save_state", "load_state"]
    assert facts["indicators"] == [
        {"name": "SMA(20)", "interval": "1m", "symbol": "SPY", "bars": 20}
    ]
    assert facts["history"] == {"1m": 1}
    assert (facts["keeps_state"], facts["asks_for_sizes"]) == (True, True)
    assert facts["protection"] == {"stop_loss_percent": 1}
    assert (facts["symbols"], facts["configs"], facts["printed"]) == (["SPY"], ["k.json"], "")
    assert facts["params"][1]["allowed"] == "a text out of 'buy', 'sell'"
    (desk / "session_configs" / "k.json").unlink()
    assert main(["strategies", "show", "Keeper"]) == 0
    out = capfd.readouterr().out
    assert "a whole number from 5 to 200" in out
    assert "It cannot be set up: Strategy Keeper failed in setup at the start: " in out
    assert "SPY" in out.partition("It cannot be set up")[2]


@pytest.mark.usefixtures("warm_looks")
def test_parameters_are_those_of_a_config_and_the_source_is_what_the_file_has(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategies", "params", "SmaCross", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"fast": 10, "slow": 30}
    assert main(["strategies", "show", "two.py:Dop", "--code"]) == 0
    assert capfd.readouterr().out == TWO


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("twoo.py", 3, "no file 'twoo.py' in strategies. 'strategies list' shows what there is."),
        ("twoo.py:Dip", 3, "Did you mean 'two.py'?"),
        ("SmaCros", 3, "There is no strategy 'SmaCros'. 'strategies list' shows them. Did you"),
        ("two", 4, "it has Dip, Dop; name one: two.py:Dip."),
    ],
)
@pytest.mark.usefixtures("warm_looks")
def test_a_name_that_is_no_strategy_is_refused(
    desk: Path, capfd: pytest.CaptureFixture[str], name: str, code: int, text: str
) -> None:
    assert main(["strategies", "params", name]) == code
    assert text in capfd.readouterr().err


STUCK = "import os\nopen('pid', 'w').write(str(os.getpid()))\nimport ctypes\n" + (
    "ctypes.CDLL(None).pause()\n"
)


def test_what_hangs_dies_with_whoever_asked(desk: Path) -> None:
    (desk / "strategies" / "stuck.py").write_text(STUCK, encoding="utf-8")
    asking = subprocess.Popen([sys.executable, "-m", "app.cli.main", "strategies", "list"])
    wait_until(lambda: (desk / "pid").exists() and (desk / "pid").read_text(), "the import")
    pid = int((desk / "pid").read_text())
    asking.kill()
    asking.wait(20)
    wait_until(lambda: not is_running(pid), "its end")
