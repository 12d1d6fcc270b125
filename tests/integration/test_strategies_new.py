"""`strategies new`: what it writes passes every check, and runs; what it cannot is refused."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.config_text import written
from app.cli.main import main
from app.cli.strategies.new import names_of
from app.core.config import load_session_config
from app.core.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
LONGEST = "ABuyOfEveryDipThatIsAsDeepAsADipCanBeOne"
STEM = "a_buy_of_every_dip_that_is_as_deep_as_a_dip_can_be_one"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tool(*words: str) -> None:
    """A tool in the new folder, with this project's settings; it has to find nothing wrong."""
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def own_tests(path: Path) -> Iterator[Callable[[Path], None]]:
    """The tests of a file, as they would be collected."""
    spec = importlib.util.spec_from_file_location("a_user_s_tests", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from (test for name, test in vars(module).items() if name.startswith("test_"))


def files_of(folder: Path) -> list[str]:
    return sorted(x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file())


def test_a_new_strategy_passes_every_check_and_its_own_test(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(LONGEST) == 40
    assert main(["strategies", "new", LONGEST, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    rule, test, config = (Path(name) for name in made["files"][:3])
    assert files_of(desk) == sorted([*made["files"]])
    assert made["files"][3] == "session_configs/schema.json"
    assert made["next"][0] == f"strategies show {LONGEST}"
    assert made["next"][2] == f"system start {config}"
    settings = str(ROOT / "pyproject.toml")
    tool("ruff", "check", "--config", settings, str(rule), str(test))
    tool("ruff", "format", "--check", "--config", settings, str(rule), str(test))
    for number, own in enumerate(tests := list(own_tests(desk / test))):
        own(desk / f"data{number}")
    assert len(tests) == 2
    rule.write_text(rule.read_text(encoding="utf-8").replace("held == 0", "held < 0"))
    with pytest.raises(AssertionError):  # there are no trades: the test can fail
        tests[0](desk / "data2")
    assert main(["config", "check", str(config)]) == 0


def test_the_first_run_of_a_new_strategy_trades_and_no_order_of_it_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(desk / "data"))
    assert main(["strategies", "new", "my_dip"]) == 0
    capsys.readouterr()
    assert main(["system", "start", "session_configs/my_dip.json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "", "it logs nothing"
    assert "refused" not in shown.out
    assert main(["runs", "show", "last", "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert (run["state"], run["refused"]) == ("finished", 0)
    assert run["fills"] > 1_000


def test_without_a_config_it_says_how_to_make_one(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["strategies", "new", "my_dip", "--no-config"]) == 0
    assert files_of(desk) == ["strategies/my_dip.py", "strategies/tests/test_my_dip.py"]
    assert "config new --strategy my_dip.py" in capsys.readouterr().out


def test_a_config_in_a_folder_with_a_schema_uses_that_one(desk: Path) -> None:
    (desk / "session_configs").mkdir()
    (desk / "session_configs" / "schema.json").write_text("{}", encoding="utf-8")
    assert main(["strategies", "new", "MyDip"]) == 0
    assert (desk / "session_configs" / "schema.json").read_text(encoding="utf-8") == "{}"
    config = load_session_config(desk / "session_configs" / "my_dip.json")
    assert (config.name, config.strategies[0].use) == ("my_dip", "my_dip.py")
    text = (desk / "session_configs" / "my_dip.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "$schema": "./schema.json",\n  "name": "my_dip",\n')


@pytest.mark.parametrize("there", ["strategies/my_dip.py", "strategies/tests/test_my_dip.py",
                                   "session_configs/my_dip.json"])  # fmt: skip
def test_nothing_is_written_over(
    desk: Path, capsys: pytest.CaptureFixture[str], there: str
) -> None:
    (desk / there).parent.mkdir(parents=True)
    (desk / there).write_text("mine", encoding="utf-8")
    assert main(["strategies", "new", "MyDip"]) == 2
    assert f"{there} is there already; nothing was written." in capsys.readouterr().err
    assert files_of(desk) == [there]


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("my-dip", 2, "'my-dip' cannot name a strategy: allowed are up to 40 of A-Z a-z 0-9 _"),
        ("my-dip", 2, "Did you mean 'my_dip'?"),
        ("../dip", 2, "Did you mean 'dip'?"),
        ("1st", 2, "cannot name a strategy"),
        ("", 2, "cannot name a strategy"),
        ("d" * 41, 2, "cannot name a strategy"),
        ("dip\n", 2, "cannot name a strategy"),
        ("\u00fcber", 2, "cannot name a strategy"),
        ("class", 2, "'class' is a word of Python's own; choose another name."),
        ("json", 2, "'json' is the name of a module or class there is; choose another."),
        ("numpy", 2, "'numpy' is the name of a module"),
        ("Strategy", 2, "'Strategy' is the name of a module or class"),
        ("SmaCross", 2, "'SmaCross' is the name of a strategy in app.strategies.examples.sma_"),
        ("opening_range", 2, "is the name of a strategy in app.strategies.examples.opening_range"),
    ],
)
def test_a_name_that_means_something_else_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, text: str
) -> None:
    assert main(["strategies", "new", "--", name]) == code
    assert text in capsys.readouterr().err
    assert files_of(desk) == []


def test_what_cannot_be_written_whole_is_taken_back(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "session_configs").write_text("a file", encoding="utf-8")
    assert main(["strategies", "new", "my_dip"]) == 1
    assert (
        "'session_configs' is a file, but files are to be put into it." in capsys.readouterr().err
    )
    assert files_of(desk) == ["session_configs"]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("my_dip", ("my_dip", "MyDip")),
        ("MyDip", ("my_dip", "MyDip")),
        ("RSIDip2", ("rsi_dip2", "RsiDip2")),
        ("dip", ("dip", "Dip")),
        ("My_Dip_", ("my_dip", "MyDip")),
    ],
)
def test_the_file_and_the_class_are_named_alike_whichever_is_given(
    name: str, names: tuple[str, str]
) -> None:
    assert names_of(name) == names


@given(st.text(max_size=45))
def test_any_text_names_a_module_and_a_class_or_is_refused(name: str) -> None:
    try:
        stem, class_name = names_of(name)
    except UsageError:
        return
    assert stem.isidentifier() and class_name.isidentifier()
    assert names_of(stem) == (stem, class_name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@given(JSON)
def test_what_is_written_is_the_same_json(value: object) -> None:
    assert json.loads(written(value)) == value
