"""`config new`: answers of a script and of a person at a terminal become a config that is right."""

import fcntl
import json
import os
import struct
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.config.draft import Draft, number
from app.cli.config.new import usual_path
from app.cli.main import main
from app.cli.terminal.asking import Asker, one_of
from app.core.config import SessionConfig, load_session_config
from app.core.config_file import config_of
from app.core.errors import UsageError

SIZED = """
\"\"\"Buys what the config allows.\"\"\"

from app.strategies import Bar, Param, Strategy


class Sized(Strategy):
    every = Param(False)
    word = Param("up", choices=("up", "down"))
    share = Param(0.5, low=0.0, high=1.0)

    def on_bar(self, bar: Bar) -> None:
        self.order(bar.symbol, self.entry_size(bar.symbol))
"""


@pytest.fixture
def desk(
    tmp_path: Path, warm_looks: None, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:  # fmt: skip
    """A working folder of its own, and an empty store; the calendars of the test run are shared."""
    calendars = Path(os.environ["MISMARTERA_DATA_FOLDER"]) / "calendars"
    calendars.mkdir(parents=True, exist_ok=True)
    data = tmp_path_factory.mktemp("data")
    (data / "calendars").symlink_to(calendars)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(data))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_of(folder: Path) -> list[str]:
    return sorted(x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file())


# -- for scripts ---------------------------------------------------------------------------------


def stored(interval: str, symbol: str) -> None:
    """Bars of a symbol, at some interval, in the folder's store."""
    path = Path(f"{symbol}.csv")
    days = range(2, 6) if interval == "1d" else range(2, 3)
    hours = (10, 11, 12, 13)
    times = [f"2024-01-0{day}" for day in days] if interval == "1d" else [
        f"2024-01-02T{hour}:00" for hour in hours
    ]  # fmt: skip
    rows = "".join(f"{time},1,2,1,2,100\n" for time in times)
    path.write_text(f"timestamp,open,high,low,close,volume\n{rows}")
    assert main(["data", "import-csv", str(path), "--symbol", symbol, "--interval", interval]) == 0


def test_the_base_interval_is_one_at_which_all_its_symbols_are_stored(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored("1h", "AAA")
    stored("1d", "BBB")

    def made(name: str, symbols: str) -> tuple[str | None, str]:
        capsys.readouterr()
        assert main(["config", "new", "--yes", "--name", name, "--symbols", symbols]) == 0
        config = json.loads((desk / "session_configs" / f"{name}.json").read_text())
        return config.get("base_interval"), " ".join(capsys.readouterr().out.split())

    assert made("hourly", "AAA")[0] == "1h"
    interval, said = made("daily", "BBB")
    assert (interval, "are stored" in said) == ("1d", False)
    interval, said = made("mixed", "AAA BBB")
    assert interval == "1h"
    assert "No 1h bars of BBB are stored, but 1d bars: a run has one base interval" in said
    assert "No 1h bars of BBBB are stored. Did you mean 'BBB'?" in made("wrong", "BBBB")[1]


def test_the_defaults_alone_are_a_config_that_starts(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "new", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    path = desk / told["file"]
    assert told["file"] == "session_configs/my_run.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written == {"$schema": "./schema.json", **told["config"]}
    assert (desk / "session_configs" / "schema.json").exists()
    assert told["config"]["strategies"][0]["params"] == {"fast": 10, "slow": 30}
    assert told["next"] == [f"config check {told['file']}", f"system start {told['file']}"]
    assert main(["config", "check", str(path)]) == 0
    assert usual_path("My run!") == Path("session_configs/my_run_2.json")


def test_every_option_has_its_place_and_what_is_missing_is_said(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        "--name": "two", "--symbols": "syn1, AAPL", "--start": "2024-11-04", "--end": "2024-11-05",
        "--strategy": "sma_cross", "--param": "fast=5", "--cash": "250,000.50",
        "--max-position-percent": "20", "--max-daily-loss-percent": "2.5",
        "--stop-loss-percent": "1", "--flat-minutes": "15",
    }  # fmt: skip
    words = [word for item in options.items() for word in item]
    assert main(["config", "new", "sub/two", *words]) == 0  # no terminal: nothing is asked
    out = capsys.readouterr().out
    assert "No 1m bars of AAPL are stored: 'data import-csv' brings yours, 'data sample'" in out
    written = json.loads((desk / "sub" / "two.json").read_text(encoding="utf-8"))
    assert written.pop("$schema") == "./schema.json"
    assert written == {
        "name": "two",
        "mode": "replay",
        "symbols": ["SYN1", "AAPL"],
        "replay": {"start": "2024-11-04", "end": "2024-11-05"},
        "strategies": [
            {"use": "app.strategies.examples.sma_cross:SmaCross", "params": {"fast": 5, "slow": 30}}
        ],
        "account": {"cash": 250000.5},
        "risk": {"max_position_percent": 20, "max_daily_loss_percent": 2.5},
        "protection": {"stop_loss_percent": 1, "flat_before_close_minutes": 15},
    }


def test_a_live_config_asks_for_its_venue_and_names_the_practice_one(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--mode", "live", "--broker", "venue", "--sessions", "2", "--json"]
    assert main(["config", "new", "mine.json", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["config"]["live"] == {"venue": "practice", "broker": "venue", "sessions": 2}
    assert told["next"][1] == "practice start"
    assert load_session_config(desk / "mine.json").lived.sessions == 2


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([""], 2, "FILE is empty; give it a name"),
        (["--name", " x\x07"], 2, "--name: use printable characters"),
        (["--mode", "paper"], 2, "--mode: 'paper' is none of replay, live."),
        (["--symbols", "a?b"], 2, "--symbols: "),
        (["--symbols", "SYN1 SYN1"], 2, "--symbols: the symbol is the same as at [0]."),
        (["--symbols", ""], 2, "--symbols: found [], allowed is at least 1 item."),
        (["--start", "yesterday"], 2, '--start: found "yesterday", allowed is a date like'),
        (["--end", "2023-01-01"], 2, "--end: the end 2023-01-01 is before the start 2024-11-01."),
        (["--start", "2024-11-30", "--end", "2024-12-01"], 2, "XNYS has no session from 2024-11"),
        (["--mode", "live", "--venue", "nyse"], 2, "--venue: 'nyse' is none of practice, binance."),
        (["--mode", "live", "--sessions", "0"], 2, "--sessions: found 0, allowed is a number of"),
        (["--mode", "live", "--end", "2024-12-01"], 2, "--end: of no use in this config, whose"),
        (["--strategy", "SmaCros"], 3, "--strategy: There is no strategy 'SmaCros'."),
        (["--param", "fast=500"], 4, "--param: fast: 500 is not a whole number from 2 to 50."),
        (["--param", "quick=5"], 2, "--param quick: SmaCross has no such one, but fast, slow."),
        (["--param", "fast"], 2, "--param 'fast': write NAME=VALUE, as in fast=5."),
        (["--cash", "5k"], 2, '--cash: found "5k", allowed is a number.'),
        (["--cash", "1,5"], 2, '--cash: found "1,5", allowed is a number.'),
        (["--stop-loss-percent", "0,5"], 2, '--stop-loss-percent: found "0,5", allowed is '),
        (["--cash", "1,00,000"], 2, '--cash: found "1,00,000", allowed is a number.'),
        (["--cash", "nan"], 2, "--cash: found NaN, allowed is a finite number."),
        (["--cash", "-1"], 2, "--cash: found -1, allowed is a number above 0."),
        (["--stop-loss-percent", "-1"], 2, "--stop-loss-percent: found -1, allowed is "),
        (["--market", "XXXX"], 3, "There is no market 'XXXX'."),
    ],
)
def test_an_option_that_is_wrong_is_told_by_the_config_s_own_rules_and_nothing_is_written(
    desk: Path, capsys: pytest.CaptureFixture[str], strategies_told: None,
    words: list[str], code: int, text: str,
) -> None:  # fmt: skip
    assert main(["config", "new", "--yes", *words]) == code
    assert text in capsys.readouterr().err
    assert files_of(desk) == []


@pytest.fixture
def strategies_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is to know of one strategy, without a process of its own for each case."""
    from app.cli.config import new as config_new
    from app.core.errors import NotFoundError

    def facts_of(name: str, setting: object) -> dict[str, Any]:
        if name != "SmaCross":
            raise NotFoundError(f"There is no strategy '{name}'.")
        params = [
            {"name": name, "default": default, "low": low, "high": high, "choices": [],
             "allowed": ""}
            for name, default, low, high in (("fast", 10, 2, 50), ("slow", 30, 5, 200))
        ]  # fmt: skip
        use = "app.strategies.examples.sma_cross:SmaCross"
        return {"class": name, "use": use, "params": params, "problem": None,
                "asks_for_sizes": False, "protection": {}}  # fmt: skip

    monkeypatch.setattr(config_new, "facts_of", facts_of)


def test_a_file_that_is_there_is_kept_where_nobody_can_be_asked(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "mine.json").write_text("mine", encoding="utf-8")
    assert main(["config", "new", "mine", "--yes"]) == 2
    assert "mine.json is there already" in capsys.readouterr().err
    assert (desk / "mine.json").read_text(encoding="utf-8") == "mine"


# -- at a terminal -------------------------------------------------------------------------------


@pytest.fixture
def answered(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run a command on a real terminal where these lines have been typed: its code and screen."""

    def run(words: list[str], *lines: str) -> tuple[int, str]:
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 40, 160, 0, 0))
        os.write(master, "".join(f"{line}\n" for line in lines).encode())
        shown: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(master, shown), daemon=True)
        reader.start()
        with monkeypatch.context() as patch, os.fdopen(os.dup(slave)) as keys:
            with os.fdopen(os.dup(slave), "w") as screen:
                patch.setattr("sys.stdin", keys)
                patch.setattr("sys.stdout", screen)
                code = main(words)
                screen.flush()
            termios.tcdrain(slave)
        os.close(slave)
        reader.join(10)
        os.close(master)
        return code, b"".join(shown).decode().replace("\r\n", "\n")

    return run


def _drain(master: int, shown: list[bytes]) -> None:
    while True:
        try:
            part = os.read(master, 65_536)
        except OSError:  # the other end is closed
            return
        if not part:
            return
        shown.append(part)


def test_a_person_is_asked_again_until_each_answer_is_right(
    desk: Path, answered: Callable[..., tuple[int, str]]
) -> None:
    (desk / "strategies").mkdir()
    (desk / "strategies" / "sized.py").write_text(SIZED, encoding="utf-8")
    code, screen = answered(
        ["config", "new"],
        "mine", "rep", "syn1 s?n", "SYN2", "2024-13-01", "2024-11-04", "2024-11-01", "2024-11-08",
        "nosuch", "4", "maybe", "yes", "left", "down", "2", "0.25", "much", "5000", "12.5",
        "y", "", "n", "y", "3", "n", "y",
    )  # fmt: skip
    assert code == 0, screen
    for text in (
        "No bars are stored yet. The sample has SYN1 (2024-10-21 to 2024-12-13)",
        'found "S?N"',
        'found "2024-13-01", allowed is a date like',
        "the end 2024-11-01 is before the start 2024-11-04.",
        "There is no strategy 'nosuch'.",
        "  4  Sized: Buys what the config allows.",
        "every: 'maybe' is not true or false.",
        "word: 'left' is not a text out of 'up', 'down'.",
        "share: 2.0 is not a number from 0.0 to 1.0.",
        'found "much", allowed is a number.',
        "To be written to session_configs/mine.json",
        "Written: session_configs/mine.json",
    ):
        assert text in screen, screen
    written = json.loads((desk / "session_configs" / "mine.json").read_text(encoding="utf-8"))
    assert written["symbols"] == ["SYN2"]
    assert written["strategies"][0]["params"] == {"every": True, "word": "down", "share": 0.25}
    assert written["sizing"] == {"method": "percent_equity", "percent": 12.5}
    assert written["account"] == {"cash": 5000}
    assert written["risk"] == {"max_position_percent": 25}
    assert written["protection"] == {"stop_loss_percent": 3}


@pytest.mark.parametrize(("answer", "code"), [("", 130), ("n", 130), ("y", 0)])
def test_a_file_that_is_there_is_written_over_by_leave_alone(
    desk: Path, answered: Callable[..., tuple[int, str]], strategies_told: None,
    monkeypatch: pytest.MonkeyPatch, answer: str, code: int,
) -> None:  # fmt: skip
    from app.cli.config import new as config_new

    monkeypatch.setattr(config_new, "listed", list)
    (desk / "mine.json").write_text("mine", encoding="utf-8")
    found, screen = answered(["config", "new", "mine.json"], answer, *[""] * 14)
    assert found == code, screen
    is_kept = (desk / "mine.json").read_text(encoding="utf-8") == "mine"
    assert is_kept is bool(code)


@pytest.mark.parametrize("answers", [0, 1, 6])
def test_who_leaves_leaves_nothing_behind(
    desk: Path, answered: Callable[..., tuple[int, str]], strategies_told: None,
    monkeypatch: pytest.MonkeyPatch, answers: int,
) -> None:  # fmt: skip
    from app.cli.config import new as config_new

    monkeypatch.setattr(config_new, "listed", list)
    code, _ = answered(["config", "new"], *[""] * answers, "\x04")
    assert code == 130
    assert files_of(desk) == []


# -- the parts -----------------------------------------------------------------------------------


def test_a_word_s_beginning_is_enough_where_it_is_one_s_alone() -> None:
    check = one_of("replay", "live", "list")
    assert (check("r"), check("LIV"), check("replay")) == ("replay", "live", "replay")
    for text in ("", "li", "x", "replayed"):
        with pytest.raises(UsageError, match="is none of replay, live, list"):
            check(text)


def test_who_is_not_asked_takes_the_default_and_an_option_is_a_yes() -> None:
    asker = Asker({"cash": "5"}, asks=False)
    assert asker.ask("name", "Name", "usual", str.upper) == "USUAL"
    assert asker.ask("cash", "Cash", "1", int) == 5
    assert (asker.agrees("cash", "Cash?"), asker.agrees("name", "Name?")) == (True, False)
    assert asker.used >= {"cash"}


def test_a_part_that_is_refused_leaves_the_draft_as_it_was() -> None:
    draft = Draft(Path("new"))
    draft.put(["SYN1"], "symbols")
    with pytest.raises(UsageError, match="found 0, allowed is a number above 0"):
        draft.put(0, "account", "cash")
    assert draft.words == {"symbols": ["SYN1"]}


PLACES = [
    ("name",), ("symbols",), ("replay", "start"), ("replay", "end"), ("account", "cash"),
    ("sizing",), ("risk", "max_position_percent"), ("protection", "stop_loss_percent"),
]  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates().map(str),
    st.lists(st.sampled_from(["SYN1", "AAPL", "a b", ""])),
    st.fixed_dictionaries({"method": st.just("percent_equity"), "percent": st.floats()}),
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), max_size=8))
def test_whatever_is_put_in_is_refused_or_part_of_a_config_that_is_right(
    parts: list[tuple[tuple[str, ...], Any]],
) -> None:
    draft = Draft(Path("new"))
    for place, value in parts:
        before = draft.ordered()
        try:
            draft.put(value, *place)
        except UsageError as error:
            assert str(error)
            assert draft.ordered() == before
    sound = {"name": "n", "symbols": ["S"], "strategies": [{"use": "a.py"}]}
    dates = {"start": "2024-11-01", "end": "9999-12-31", **draft.words.get("replay", {})}
    words = {**sound, **draft.words, "replay": dates}
    if dates["start"] <= dates["end"]:
        config_of(Path("new"), words, SessionConfig)


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("1,000.5", 1000.5), ("1_000", 1000), ("1e3", 1000.0), ("five", "five"), ("", "")],
)
def test_a_number_is_read_as_people_write_it(text: str, value: object) -> None:
    assert number(text) == value
