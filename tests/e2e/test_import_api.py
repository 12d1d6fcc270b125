"""`data import-api` and `data sources` as a user types them, at venues on this machine."""

import json
import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data_house import same_bars
from tests.fetch_house import BTC, Import, MinutePeer, files_of, minutes
from tests.own_ports import free_ports
from tests.practice_house import Practice

from app.cli.main import main
from app.cli.tree import LAUNCHER, walk
from app.integrations import registry
from app.integrations.binance import places
from app.managers.time_manager import TimeManager
from app.repositories.bar_store import BarStore

COUNT = 7_000
Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def peer() -> Iterator[MinutePeer]:
    found = MinutePeer(COUNT)
    yield found
    found.close()


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """A command in this process: its exit code, and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def practice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Practice]:
    """A venue that plays the sample, with data of its own."""
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "theirs"))
    found = Practice(tmp_path)
    assert main(["data", "sample"]) == 0
    found.start_here("SYN1,SYN2,THIN", "2024-12-05T12:00")
    yield found
    found.close()


def of_binance(peer: MinutePeer, *words: str) -> tuple[str, ...]:
    return ("data", "import-api", *words, "--source", "binance", "--url", peer.url)


def test_each_example_of_these_commands_runs_as_it_is_written(
    ask: Ask,
    peer: MinutePeer,
    practice: Practice,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setattr(places, "TESTNET_URL", peer.url)
    monkeypatch.setattr(registry, "_USUAL_PRACTICE_URL", practice.url)
    examples = [one.removeprefix(f"{LAUNCHER} ") for node in walk() for one in node.examples]
    ours = [one for one in examples if one.startswith(("data import-api", "data sources"))]
    assert len(ours) >= 5
    for words in ours:
        code, said, errors = ask(*shlex.split(words))
        assert (code, errors) == (0, ""), words
        assert said, words
        json.loads(ask(*shlex.split(words), "--json")[1])


# -- import ----------------------------------------------------------------------------------------


def test_days_back_are_imported_with_the_sizes_of_the_symbol(ask: Ask, peer: MinutePeer) -> None:
    code, said, _ = ask(*of_binance(peer, BTC, "2"))
    assert code == 0
    # two whole days and today so far: 2025-01-04T20:40 is the peer's end
    assert "BTC/USDT 1m from binance-peer: 4,120 bars added" in said
    assert "ticks of 0.01 and lots of 0.00001, orders from 5 USDT on" in said
    assert "41 bars in which nothing was traded" in said
    again = json.loads(ask(*of_binance(peer, BTC, "2", "--json"))[1])
    assert again["source"] == "binance"
    told = again["imports"][0]
    assert (told["added"], told["present"], told["pages"]) == (0, 4_120, 0)
    assert (told["start"], told["end"][:16]) == ("2025-01-02T00:00+00:00", "2025-01-04T20:40")
    sizes = json.loads(ask("data", "instruments", "list", "--json")[1])
    assert [(one["symbol"], one["lot"], one["least_value"]) for one in sizes] == [
        (BTC, "0.00001", "5")
    ]
    listed = json.loads(ask("data", "list", "--json")[1])
    assert [(one["bars"], one["venues"]) for one in listed] == [(4_120, ["binance-peer"])]


def test_sizes_that_were_others_are_named(ask: Ask, peer: MinutePeer) -> None:
    ask("data", "instruments", "set", BTC, "--market", "24/7", "--tick", "0.1")
    dates = ("--start", "2024-12-31", "--end", "2024-12-31T01:00")
    told = json.loads(ask(*of_binance(peer, BTC, *dates, "--json"))[1])["imports"][0]
    assert (told["added"], told["sizes"]["before"]) == (
        60,
        {"tick": "0.1", "lot": "0.00001", "least_value": None},
    )
    told = json.loads(ask(*of_binance(peer, BTC, *dates, "--json"))[1])["imports"][0]
    assert told["sizes"]["before"] is None


def test_what_is_missing_is_listed(ask: Ask) -> None:
    peer = MinutePeer(600, range(100, 160))
    code, said, _ = ask(*of_binance(peer, BTC, "1"))
    peer.close()
    assert code == 0
    assert "540 bars added" in said
    assert "bars that binance-peer does not have" in said
    assert "2024-12-31T01:40" in said
    assert "2024-12-31T02:40" in said


def test_several_symbols_of_a_practice_venue_are_imported_at_once(
    ask: Ask, practice: Practice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("data", "import-api", "SYN1,THIN", "1", "--source", "practice", "--url", practice.url)
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    code, said, _ = ask(*words, "--json")
    told = json.loads(said)["imports"]
    assert (code, [one["symbol"] for one in told]) == (0, ["SYN1", "THIN"])
    assert told[0]["expected"] == told[0]["added"] == 390 + 149
    assert told[1]["missing"] > 100
    assert told[0]["sizes"] is None


def test_a_month_over_a_half_day_and_a_clock_change_is_imported_as_it_is_stored_there(
    ask: Ask, practice: Practice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(tmp_path / "data"))
    dates = ("--start", "2024-10-25", "--end", "2024-12-04")
    words = ("SYN1,THIN", *dates, "--source", "practice", "--url", practice.url, "--json")
    told = json.loads(ask("data", "import-api", *words)[1])["imports"]
    assert told[0]["missing"] == 0
    assert told[0]["expected"] == 27 * 390 + 210  # the day after Thanksgiving closes at 13:00
    start_ns, end_ns = (
        int(np.datetime64(day, "ns").astype(int)) for day in ("2024-10-25", "2024-12-05")
    )
    for symbol in ("SYN1", "THIN"):
        here, there = (
            BarStore(tmp_path / name, TimeManager(tmp_path / name).zone).columns(
                "XNYS", symbol, "1m", start_ns, end_ns
            )
            for name in ("data", "theirs")
        )
        assert len(here) > 5_000
        assert same_bars(here, there)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder for those commands that leave nothing in it but a calendar."""
    return tmp_path_factory.mktemp("refusing")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        ((BTC,), 2, "Say how far back, by one of them: 30"),
        ((BTC, "3", "--start", "2025-01-01"), 2, "Say how far back"),
        ((BTC, "0"), 2, "allowed is 1 or more"),
        ((",", "3"), 2, "The symbol is missing"),
        (("BTCUSDT", "3"), 3, "Did you mean 'BTC/USDT'?"),
        (("BTC/USTD", "3"), 3, "Did you mean 'BTC/USDT'?"),
        (("btc/usdt", "3"), 3, "Did you mean 'BTC/USDT'?"),
        ((BTC, "3", "--interval", "7m"), 1, "no bars of 7m; it has 1m, 3m"),
        ((BTC, "3", "--interval", "minute"), 2, "'minute' is not an interval"),
        ((BTC, "--start", "2025-03-01"), 2, "nothing to import yet"),
        ((BTC, "--start", "yesterday"), 2, "'yesterday' is neither a date"),
        ((BTC, "3", "--source", "binanse"), 2, "Did you mean 'binance'?"),
        ((BTC, "3", "--url", "https://api.binance.com"), 2, "--source binance-public"),
        ((BTC, "3", "--url", "http://a:word@evil.example:80"), 2, "is no address of the source"),
        ((BTC, "3", "--source", "binance-public"), 2, "has one address"),
        ((BTC, "3", "--url", "http://127.0.0.1:9"), 1, "'data sources test binance' looks closer."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_imported_is_told_with_what_to_do(
    ask: Ask,
    peer: MinutePeer,
    refusing: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    reason: str,
) -> None:
    monkeypatch.setenv("MISMARTERA_DATA_FOLDER", str(refusing))
    found, said, errors = ask(*of_binance(peer), *words)
    assert (found, said) == (code, "")
    assert errors.startswith("error: ")
    assert reason in errors
    assert "word@" not in errors


def test_without_a_source_it_says_how_to_name_one(ask: Ask) -> None:
    code, _, errors = ask("data", "import-api", BTC, "30")
    assert (code, "Missing option '--source'" in errors) == (2, True)
    assert "'data sources list' names it" in ask("help", "data", "import-api")[1]


# -- killed ----------------------------------------------------------------------------------------


def bars_in(folder: Path) -> Any:
    store = BarStore(folder, TimeManager(folder).zone)
    return store.columns("24/7", BTC, "1m", 0, 1 << 62)


def killed_at_page(warm: str, folder: Path, peer: MinutePeer, page: int) -> None:
    """It dies while its page is on the way."""
    is_there = threading.Event()
    running: list[Import] = []
    first = peer.pages

    def kill(asked: int) -> None:
        if asked - first == page:
            is_there.wait(20)
            running[0].kill()

    peer.on_page = kill
    running.append(Import(warm, folder, peer))
    is_there.set()
    assert running[0].end()[0] == -signal.SIGKILL
    peer.on_page = lambda asked: None


def killed_at_part(warm: str, folder: Path, peer: MinutePeer) -> None:
    """It dies while it writes a year's file."""
    running = Import(warm, folder, peer)
    end = time.monotonic() + 30
    while not any(name.name.endswith(".part") for name in (folder / "data").glob("bars/*/*/*/*")):
        assert time.monotonic() < end, "it wrote nothing"
        time.sleep(0.0005)
    running.kill()
    assert running.end()[0] == -signal.SIGKILL


def test_killed_where_it_may_be_the_same_command_goes_on_to_the_same_files(
    tmp_path: Path, warm: str, peer: MinutePeer
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    assert Import(warm, whole, peer).end()[0] == 0

    killed_at_page(warm, broken, peer, 2)  # nothing is stored yet
    killed_at_part(warm, broken, peer)
    there = bars_in(broken / "data")
    assert np.isin(there.start_ns, minutes(COUNT).start_ns).all()
    killed_at_page(warm, broken, peer, 1 if len(there) else 6)
    code, said, errors = Import(warm, broken, peer, "--json").end()
    told = json.loads(said)["imports"][0]
    assert (code, errors, told["present"], told["missing"]) == (0, "", COUNT, 0)
    assert told["added"] <= COUNT
    assert same_bars(bars_in(broken / "data"), minutes(COUNT))
    assert files_of(broken / "data") == files_of(whole / "data")
    assert peer.refused == 0


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_says_what_is_stored_and_how_to_go_on(
    tmp_path: Path, warm: str, peer: MinutePeer
) -> None:
    begun = threading.Event()
    running: list[Import] = []
    first = peer.pages

    def interrupt(asked: int) -> None:
        if asked - first == 3:
            begun.wait(20)
            running[0].kill(signal.SIGINT)
            time.sleep(0.05)  # it is waiting for this page when it hears of it

    peer.on_page = interrupt
    running.append(Import(warm, tmp_path, peer))
    begun.set()
    code, said, errors = running[0].end()
    peer.on_page = lambda asked: None
    assert (code, said) == (130, "")
    assert errors.startswith("error: interrupted. Of 24/7 BTC/USDT 1m ")
    assert errors.endswith("The same command goes on from there.\n")
    assert len(bars_in(tmp_path / "data")) >= 2_000


# -- sources ---------------------------------------------------------------------------------------


def test_sources_are_listed_without_asking_any(ask: Ask) -> None:
    code, said, _ = ask("data", "sources", "list")
    assert code == 0
    for name in ("binance", "binance-public", "practice"):
        assert name in said
    rows = json.loads(ask("data", "sources", "list", "--json")[1])
    assert [(row["source"], row["needs_keys"], row["page_bars"]) for row in rows] == [
        ("binance", False, 1_000),
        ("binance-public", False, 1_000),
        ("practice", False, 5_000),
    ]


def test_whether_each_source_can_be_reached_is_asked_for(
    ask: Ask, peer: MinutePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "TESTNET_URL", peer.url)
    for module, name in ((places, "PUBLIC_URL"), (registry, "_USUAL_PRACTICE_URL")):
        monkeypatch.setattr(module, name, "http://127.0.0.1:9")
    rows = json.loads(ask("data", "sources", "list", "--reach", "--json")[1])
    assert rows[0]["reachable"] is None
    assert all(row["reachable"].startswith("no: No answer from") for row in rows[1:])
    assert "reachable" in ask("data", "sources", "list", "--reach")[1]


def test_a_source_is_tested_in_earnest(ask: Ask, practice: Practice) -> None:
    code, said, _ = ask("data", "sources", "test", "practice", "--url", practice.url, "--json")
    told = json.loads(said)
    assert (code, told["ok"]) == (0, True)
    states = {one["check"]: (one["state"], one["what"]) for one in told["findings"]}
    assert {check: state for check, (state, _) in states.items()} == dict.fromkeys(
        ("time", "symbols", "page", "history", "live"), "ok"
    )
    assert "1d bars of SYN1 from 2024-10-21 on" in states["history"][1]


def test_binance_is_tested_at_its_peer_whose_clock_is_another(ask: Ask, peer: MinutePeer) -> None:
    code, said, _ = ask("data", "sources", "test", "binance", "--url", peer.url)
    assert code == 0
    assert "4 ok, 1 warning, 0 failing" in said
    assert "time (warning): have the machine keep its time by NTP" in said
    assert "1d bars of BTC/USDT from 2024-12-31 on" in said


def test_a_source_that_is_not_there_fails_with_a_remedy(ask: Ask) -> None:
    url = f"http://127.0.0.1:{free_ports(1)}"
    for name, remedy in (("practice", "practice start"), ("binance", "see to the network")):
        code, said, _ = ask("data", "sources", "test", name, "--url", url)
        assert code == 1
        assert "0 ok, 0 warning, 1 failing" in said
        assert remedy in said


def test_symbols_are_found_by_a_part_of_their_name(ask: Ask, peer: MinutePeer) -> None:
    words = ("data", "sources", "search", "binance")
    found = json.loads(ask(*words, "btcus", "--url", peer.url, "--json")[1])
    assert [(one["symbol"], one["theirs"], one["least_value"]) for one in found] == [
        (BTC, "BTCUSDT", "5")
    ]
    assert "BTC/USDT" in ask(*words, "btc", "--url", peer.url)[1]
    assert "No symbol of binance has 'DOGE' in it." in ask(*words, "DOGE", "--url", peer.url)[1]


def test_no_key_of_the_environment_is_ever_sent(
    ask: Ask, peer: MinutePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    answer = peer.face.answer

    def noted(request: Any, at: Any) -> Any:
        sent.append(f"{request.raw_query} {request.headers} {request.body!r}")
        return answer(request, at)

    monkeypatch.setattr(peer.face, "answer", noted)
    monkeypatch.setenv("MISMARTERA_BINANCE_KEY", "canary-key")
    monkeypatch.setenv("MISMARTERA_BINANCE_SECRET", "canary-secret")
    assert ask(*of_binance(peer, BTC, "1"))[0] == 0
    assert ask("data", "sources", "test", "binance", "--url", peer.url)[0] == 0
    assert sent
    assert not [one for one in sent if "canary" in one or "signature" in one]
    assert os.environ["MISMARTERA_BINANCE_KEY"] == "canary-key"
