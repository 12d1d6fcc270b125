"""`config check` and `config schema` as a user types them."""

import json
import subprocess
from pathlib import Path

import pytest
from tests import processes

pytestmark = pytest.mark.usefixtures("warm")

EXAMPLES = Path(__file__).parents[2] / "session_configs"


def run(*words: object) -> "subprocess.CompletedProcess[str]":
    return processes.run(["config", *map(str, words)], Path.cwd())


def example_but(folder: Path, words: str, others: str) -> Path:
    """The example with other words in the place of some."""
    path = folder / "config.json"
    text = (EXAMPLES / "example_session.json").read_text()
    path.write_text(text.replace(words, others))
    return path


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    return example_but(tmp_path, '"mode": "replay"', '"mode": "live", "symbol": []')


def test_the_examples_pass_and_tell_what_they_would_run() -> None:
    files = sorted(set(EXAMPLES.glob("*.json")) - {EXAMPLES / "schema.json"})
    done = run("check", *EXAMPLES.glob("*.json"))  # as a wildcard has them: the schema, too
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(": ok") == len(files)
    assert "SYN1, SYN2, THIN" in done.stdout
    assert "SmaCross" in done.stdout


LEADING = """
from app.strategies import Strategy

class Leading(Strategy):
    intervals = ("5m",)

    def setup(self):
        self.indicator("SMA", 4)
        self.indicator("RSI", 14, symbol="SYN2", interval="15m")

    def on_bar(self, bar):
        pass
"""


def test_what_strategies_declare_in_their_code_is_among_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leading.py").write_text(LEADING)
    monkeypatch.setenv("MISMARTERA_STRATEGIES_FOLDER", str(tmp_path))
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    config["strategies"] = [{"use": "leading.py"}]
    config["indicators"] = [{"name": "EMA", "params": {"timeperiod": 9}}]
    path = tmp_path / "leading.json"
    path.write_text(json.dumps(config))
    cells = [line.split("│")[1:3] for line in run("check", path).stdout.splitlines()]
    told = {row[0].strip(): row[1].strip() for row in cells if row}
    assert told["indicators"] == "EMA(9) on 1m, SMA(4) on 5m, RSI(14) on 15m of SYN2"
    assert told["intervals"] == "1m, 5m, 15m"
    assert told["history sessions"] == "1m: 1, 5m: 1, 15m: 1"


def rules_of(path: Path, **parts: object) -> dict[str, str]:
    """What a check tells of the example with other parts, by its names."""
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    path.write_text(json.dumps({**config, **parts}))
    (file,) = json.loads(run("check", path, "--json").stdout)["files"]
    told: dict[str, str] = file["would_run"]
    shown = " ".join(run("check", path).stdout.split())
    for words in filter(None, told.values()):
        assert words in shown, "the table says the same"
    return told


def test_the_rules_of_account_fees_and_fills_are_among_it(tmp_path: Path) -> None:
    path = tmp_path / "ruled.json"
    usual = rules_of(path)
    assert usual["account"] == "100,000 USD, margin, leverage 2"
    assert (usual["fees"], usual["slippage"]) == ("zero", "none")
    assert usual["fills"] == (
        "market_fill: next_open, same_bar: worst, limit_fill: touch, participation: 0.1"
    )
    execution = {
        "fees": {"like": "ib_fixed", "minimum": 2},
        "slippage": {"kind": "bps", "amount": 2},
        "participation": None,
        "latency_ms": 250,
    }
    told = rules_of(path, account={"cash": 5000, "kind": "cash"}, execution=execution)
    assert told["account"] == "5,000 USD, cash"
    assert told["fees"] == "like: ib_fixed, minimum: 2"
    assert told["slippage"] == "kind: bps, amount: 2.0"
    assert told["fills"].endswith("participation: null, latency_ms: 250")
    lent = rules_of(path, account={"leverage": 4, "margin_rate": 0.06}, execution={"fees": "zero"})
    assert lent["account"] == "100,000 USD, margin, leverage 4, margin_rate: 0.06"


def test_where_a_venue_fills_it_charges_too(tmp_path: Path) -> None:
    live = {"mode": "live", "replay": None, "live": {"broker": "venue"}, "execution": {}}
    told = rules_of(tmp_path / "live.json", **live)
    assert told["fees"] == "as its venue charges"
    assert told["fills"] == "as its venue tells of them"
    assert "slippage" not in told


def test_what_a_config_says_of_its_risk_is_among_it(tmp_path: Path) -> None:
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    config["risk"] = {"max_order_quantity": 150, "breakers": {"daily_loss": {"at": 40}}}
    config["protection"] = {"stop_loss_percent": 0.2}
    path = tmp_path / "guarded.json"
    path.write_text(json.dumps(config))
    told = run("check", path).stdout
    assert 'max_order_quantity: 150, breakers: {"daily_loss": {"at": "40"}}' in told
    assert "stop_loss_percent: 0.2" in told
    assert "as its strategies declare" in run("check", EXAMPLES / "example_session.json").stdout


def test_every_fault_of_a_file_goes_to_standard_error_with_exit_code_4(faulty: Path) -> None:
    done = run("check", faulty)
    assert done.returncode == 4
    assert "has 2 problems" in done.stderr
    assert "replay: a live run has no dates; leave it out." in done.stderr
    assert "symbol: unknown key" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_one_object_for_all_files(faulty: Path) -> None:
    done = run("check", "--json", EXAMPLES / "rsi_reversion.json", faulty)
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (4, False)
    good, bad = told["files"]
    assert good["ok"]
    assert good["config"]["derived_intervals"] == ["5m"]
    assert [error["path"] for error in bad["errors"]] == ["replay", "symbol"]


def test_an_indicator_is_checked_against_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    path.write_text(json.dumps(config | {"indicators": [{"name": "SMAA"}]}))
    done = run("check", path)
    assert done.returncode == 4
    assert "indicators[0].name: 'SMAA'" in done.stderr
    assert "Did you mean 'SMA'?" in done.stderr


def test_a_file_that_is_not_there_ends_with_3(tmp_path: Path) -> None:
    done = run("check", tmp_path / "none.json")
    assert done.returncode == 3
    assert "There is no file" in done.stderr


def test_a_config_without_its_folder_is_told_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    done = run("check", "example_session.json")
    assert done.stderr.endswith("Did you mean 'session_configs/example_session.json'?\n")


def test_no_file_is_a_usage_error() -> None:
    assert run("check").returncode == 2


def test_the_schema_is_shown_and_written(tmp_path: Path) -> None:
    shown = run("schema")
    assert json.loads(shown.stdout) == json.loads((EXAMPLES / "schema.json").read_text())
    output = tmp_path / "schema.json"
    written = run("schema", "--output", output, "--json")
    assert json.loads(written.stdout) == {"file": str(output)}
    assert output.read_text() == (EXAMPLES / "schema.json").read_text() == shown.stdout


def test_a_schema_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("schema", "--output", tmp_path / "none" / "schema.json")
    assert done.returncode == 1
    assert "cannot be written: No such file or directory" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_name_in_brackets_is_shown_as_it_is(tmp_path: Path) -> None:
    done = run("check", example_but(tmp_path, '"example"', '"[/bold]"'))
    assert done.returncode == 0
    assert "[/bold]" in done.stdout


def test_a_check_loads_the_strategies_and_refuses_what_could_never_run(tmp_path: Path) -> None:
    config: dict[str, object] = {
        "name": "x",
        "symbols": ["SYN1"],
        "replay": {"start": "2024-11-01", "end": "2024-11-20"},
        "strategies": [{"use": "app.strategies.examples.sma_cross:SmaCross"}],
    }
    path = tmp_path / "c.json"

    def checked(**changes: object) -> str:
        path.write_text(json.dumps({**config, **changes}))
        result = run("check", path)
        assert result.returncode == (4 if changes else 0), result.stderr
        return result.stderr

    checked()
    use = "app.strategies.examples.sma_cross:SmaCross"
    assert "Did you mean 'fast'?" in checked(strategies=[{"use": use, "params": {"fst": 3}}])
    daily = {"name": "SMA", "interval": "1d", "params": {"timeperiod": 200}}
    assert "never be ready" in checked(
        indicators=[daily], history={"1d": 5}, derived_intervals=["1d"]
    )
    assert "no session" in checked(replay={"start": "2024-11-02", "end": "2024-11-03"})


def test_all_that_strategies_have_wrong_is_told_at_once_each_with_its_place(tmp_path: Path) -> None:
    """By the check, and by a start, which names the file, too."""
    cross = "app.strategies.examples.sma_cross:SmaCross"
    config: dict[str, object] = {
        "name": "x",
        "symbols": ["SYN1"],
        "replay": {"start": "2024-11-01", "end": "2024-11-20"},
        "strategies": [
            {"use": cross, "params": {"fast": 1000, "slw": 3}},
            {"use": cross, "name": "second"},
            {"use": cross[:-1], "name": "third"},
        ],
    }
    path = tmp_path / "c.json"
    path.write_text(json.dumps(config))
    (file,) = json.loads(run("check", path, "--json").stdout)["files"]
    assert {one["path"]: one["message"] for one in file["errors"]} == {
        "strategies[0].params.fast": "1000 is not a whole number from 2 to 50.",
        "strategies[0].params.slw": "no such parameter; it has fast, slow. Did you mean 'slow'?",
        "strategies[2].use": f"'{cross[:-1]}': no strategy 'SmaCros' there. "
        "Did you mean 'SmaCross'?",
    }
    started = processes.run(["system", "start", str(path)], tmp_path)
    assert started.returncode == 4
    assert f'"{path}" has 3 problems:' in " ".join(started.stderr.split())


def test_faults_of_form_are_told_with_those_of_market_and_strategies(tmp_path: Path) -> None:
    """By the check, and by a start: whoever mends the one finds no other behind it."""
    cross = "app.strategies.examples.sma_cross:SmaCross"
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    config |= {
        "symbol": [],
        "market": "XNYSS",
        "strategies": [
            {"use": cross, "params": {"fst": 3}},
            {"use": "nowhere.py"},
            {"use": 5},
            {"use": cross, "params": []},
            "x",
        ],
    }
    path = tmp_path / "c.json"
    path.write_text(json.dumps(config))
    (file,) = json.loads(run("check", path, "--json").stdout)["files"]
    assert [error["path"] for error in file["errors"]] == [
        *("strategies[2].use", "strategies[3].params", "strategies[4]", "symbol"),
        *("market", "strategies[0].params.fst", "strategies[1].use"),
    ]
    started = processes.run(["system", "start", str(path)], tmp_path)
    assert started.returncode == 4
    assert f'"{path}" has 7 problems' in " ".join(started.stderr.split())
    path.write_text("{")
    assert "not JSON at line 1" in run("check", path).stderr


def test_a_market_that_is_none_is_a_fault_of_the_config(tmp_path: Path) -> None:
    done = run("check", example_but(tmp_path, '"XNYS"', '"XNYSS"'))
    assert done.returncode == 4
    assert "market: There is no market 'XNYSS'. Did you mean 'XNYS'?" in done.stderr


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"market": "XNYSS"}, "market"),
        ({"replay": {"start": "2024-11-02", "end": "2024-11-03"}}, "replay"),
    ],
)
def test_no_market_or_no_session_is_told_with_what_strategies_have_wrong(
    tmp_path: Path, parts: dict[str, object], place: str
) -> None:
    """By the check, and by a start."""
    cross = "app.strategies.examples.sma_cross:SmaCross"
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    config["strategies"] = [
        {"use": cross, "params": {"fst": 3}},
        {"use": "nowhere.py"},
    ]
    path = tmp_path / "c.json"
    path.write_text(json.dumps({**config, **parts}))
    (file,) = json.loads(run("check", path, "--json").stdout)["files"]
    places = [place, "strategies[0].params.fst", "strategies[1].use"]
    assert [error["path"] for error in file["errors"]] == places
    started = processes.run(["system", "start", str(path)], tmp_path)
    assert started.returncode == 4
    assert "has 3 problems" in " ".join(started.stderr.split())


@pytest.mark.parametrize(("count", "warns"), [(19, True), (20, False), (None, False)])
def test_a_history_with_which_a_daily_average_never_crosses_is_warned_of(
    tmp_path: Path, count: int | None, warns: bool
) -> None:
    """By the check, and by a start."""
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    config["indicators"] = [{"name": "SMA", "interval": "1d", "params": {"timeperiod": 20}}]
    config["derived_intervals"] = ["1d"]
    config["history"] = {} if count is None else {"1d": count}
    config["replay"] = {"start": "2024-12-10", "end": "2024-12-10"}
    path = tmp_path / "daily.json"
    path.write_text(json.dumps(config))
    done = run("check", path)
    assert done.returncode == 0
    words = "history.1d: with 19 sessions SMA(20) has a value on a session's last bar alone"
    assert (f"warning: {words}" in done.stderr) is warns
    (file,) = json.loads(run("check", path, "--json").stdout)["files"]
    assert [one.startswith(words) for one in file["warnings"]] == [True] * warns
    started = processes.run(["system", "start", str(path)], Path.cwd())
    assert started.returncode == 0, started.stderr
    assert (words in " ".join(started.stderr.split())) is warns


def test_limits_that_let_nothing_in_are_warned_of_by_the_check_and_by_a_start(
    tmp_path: Path,
) -> None:
    config = json.loads((EXAMPLES / "example_session.json").read_text())
    config["replay"] = {"start": "2024-12-10", "end": "2024-12-10"}
    config["risk"] = {"groups": {"all": config["symbols"]}, "restricted": config["symbols"]}
    path = tmp_path / "shut.json"
    path.write_text(json.dumps(config))
    done = run("check", path)
    assert done.returncode == 0
    assert "warning: risk.groups: nothing limits them" in done.stderr
    assert "warning: risk.restricted: it has every symbol of the run" in done.stderr
    started = processes.run(["system", "start", str(path)], Path.cwd())
    assert started.returncode == 0, started.stderr
    assert "risk.restricted: it has every symbol of the run" in " ".join(started.stderr.split())
