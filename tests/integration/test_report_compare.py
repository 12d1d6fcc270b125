"""`report compare` over real runs of one data folder."""

import json
from typing import Any

import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app.cli.main import main
from app.core.intervals import MINUTE_NS

__all__ = ["stored_market", "system_house"]

OTHER = """
from app.strategies import Strategy

class Trader(Strategy):
    def on_bar(self, bar):
        minute = self.now.minute
        if minute % 10 == 0:
            self.order_target(bar.symbol, 100 if minute % 20 else (-50 if self.now.day < 5 else 0))
"""


@pytest.fixture
def house(system_house: SystemHouse, monkeypatch: pytest.MonkeyPatch) -> SystemHouse:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(system_house.folder))
    return system_house


def run(house: SystemHouse, **parts: Any) -> str:
    return house.system.run(house.config(**parts)).run_id


def test_runs_are_compared_by_figures_config_code_and_their_first_other_decision(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(house)
    house.strategy("trader.py", OTHER)
    other = run(house, account={"cash": 50_000})
    same = run(house, account={"cash": 50_000}, name="again")
    capsys.readouterr()
    assert main(["report", "compare", first, other, same, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["run_id"] for one in told["runs"]] == [first, other, same]
    assert told["figures"]["start_equity"] == [100_000, 50_000, 50_000]
    assert told["config"] == [
        {"path": "name", "values": ["proof run", "proof run", "again"]},
        {"path": "account.cash", "values": ["100000", "50000", "50000"]},
    ]
    assert (told["data"], told["platform"]) == ([], [])
    (code,) = told["code"]
    assert code["path"] == "trader"
    assert code["values"][0] != code["values"][1] == code["values"][2]
    for one in told["partings"]:
        left, right = one["parting"]["sides"]
        # Short 50 over the night to Wednesday: at 09:40 one stays so, the other buys back.
        assert one["parting"]["at_ns"] == right["at_ns"] == left["at_ns"] - 10 * MINUTE_NS
        assert [(side["side"], side["quantity"]) for side in (left, right)] == [
            ("buy", "150"),
            ("buy", "50"),
        ]
    assert main(["report", "compare", other, same]) == 0
    text = capsys.readouterr().out
    assert "A and B decide the same to the end." in text
    assert "The same in both: data, code, platform." in text
    prints = [house.runs().get_run(name)["fingerprint"] for name in (other, same)]
    for letter, told in zip("AB", prints, strict=True):  # at 80 columns, too
        assert len(line := f"fingerprint {letter}: {told}") < 80
        assert line in text.splitlines()


def test_other_bars_are_told_by_their_hashes(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, part = run(house), run(house, symbols=("AAA",), end="2024-06-03")
    capsys.readouterr()
    assert main(["report", "compare", whole, part, "--json"]) == 0
    data = {one["path"]: one["values"] for one in json.loads(capsys.readouterr().out)["data"]}
    assert data["AAA.source_hash"][0] != data["AAA.source_hash"][1]
    assert data["BBB.coverage_percent"] == [100.0, None]
    assert main(["report", "compare", whole, part]) == 0
    assert "What differs in data" in capsys.readouterr().out


HOLD = """
from app.strategies import Strategy

class Hold(Strategy):
    def on_bar(self, bar):
        if bar.symbol == "BBB":
            self.order_target("BBB", 100)
"""


def pay(house: SystemHouse, row: str) -> None:
    """Have the store know of one more corporate action."""
    path = house.folder.parent / "actions.csv"
    path.write_text(f"symbol,ex_date,kind,value\n{row}\n")
    house.system.data_manager.import_actions(path, "XNYS")


def test_a_dividend_that_came_between_two_runs_is_told_though_they_decide_the_same(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    use = house.strategy("hold.py", HOLD)
    before = run(house, use=use)
    pay(house, "BBB,2024-06-05,dividend,0.5")
    after = run(house, use=use)
    capsys.readouterr()
    assert main(["report", "compare", before, after, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["figures"]["final_equity"][1] - told["figures"]["final_equity"][0] == 50
    assert told["data"] == [
        {"path": "actions.BBB.2024-06-05.split_ratio", "values": [None, "1"]},
        {"path": "actions.BBB.2024-06-05.dividend", "values": [None, "0.5"]},
    ]
    assert (told["config"], told["code"], told["partings"][0]["parting"]) == ([], [], None)
    assert main(["report", "compare", before, after]) == 0
    text = capsys.readouterr().out
    assert "What differs in data" in text
    assert "actions.BBB.2024-06-05.dividend" in text
    assert "The same in both: config, code, platform." in text


def test_other_sizes_of_an_instrument_are_told(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {"tick": "0.05", "lot": "10", "multiplier": "2", "least_value": "7"}
    before = run(house, end="2024-06-03")
    house.system.data_manager.set_instrument("XNYS", "BBB", sizes)
    after = run(house, end="2024-06-03")
    capsys.readouterr()
    assert main(["report", "compare", before, after, "--json"]) == 0
    data = {one["path"]: one["values"] for one in json.loads(capsys.readouterr().out)["data"]}
    assert data == {
        "instruments.BBB.tick": ["0.01", "0.05"],
        "instruments.BBB.lot": ["1", "10"],
        "instruments.BBB.multiplier": ["1", "2"],
        "instruments.BBB.least_value": ["0", "7"],
    }


def test_another_account_file_is_told_as_what_the_runs_were_given(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    file = house.folder.parent / "account.json"
    runs = [run(house, end="2024-06-03")]
    for most in (500, 600):
        file.write_text(json.dumps({"max_order_quantity": most}))
        house.system = house.another(account_limits=file)
        runs.append(run(house, end="2024-06-03"))
    capsys.readouterr()
    assert main(["report", "compare", *runs, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["config"] == [
        {"path": "account file.max_order_quantity", "values": [None, "500", "600"]}
    ]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("x", "y"), 3, "There is no run 'x'"),
        (("RUN",), 2, "Two runs at least"),
        (("RUN", "RUN"), 2, "is given twice"),
    ],
)
def test_what_cannot_be_compared_is_told(
    house: SystemHouse,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    name = run(house, end="2024-06-03")
    assert main(["report", "compare", *(name if word == "RUN" else word for word in words)]) == code
    assert message in capsys.readouterr().err


def test_a_run_is_shown_with_what_its_config_says_and_not_with_its_defaults(
    house: SystemHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    name = run(house, end="2024-06-03", account={"cash": 50_000})
    capsys.readouterr()
    assert main(["runs", "show", name]) == 0
    shown = json.loads(capsys.readouterr().out.partition("has all of it):")[2])
    assert shown["account"] == {"cash": "50000"}
    assert "risk" not in shown
    assert main(["runs", "show", name, "--json"]) == 0
    assert "risk" in json.loads(capsys.readouterr().out)["config"]
