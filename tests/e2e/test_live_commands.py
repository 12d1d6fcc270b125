"""Live runs on a practice venue by the commands a user gives, each in a process of its own."""

import contextlib
import json
import signal
import sqlite3
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.live_terminal import (
    HALF_DAY,
    LiveTerminal,
    adapter,
    executions,
    held,
    wait_until,
)
from tests.practice_house import Practice, order

from app.core.message_codec import encode_message
from app.core.messages import Command
from app.core.money import from_units
from app.repositories import journal_format as form
from app.repositories.database import open_database, sqlite_url
from app.repositories.journal_file import Entry, JournalWriter
from app.repositories.run_repository import RunRepository
from app.threads.stream.commands import PAUSE

pytestmark = pytest.mark.live

# A venue goes fast: the two seconds a start takes are minutes of its time.
PAPER_RATE = 5000  # 03:00 to the close take eight seconds
CROSS = {"use": "app.strategies.examples.sma_cross:SmaCross", "params": {"fast": 5, "slow": 20}}
SYMBOLS = ["SYN1", "SYN2", "THIN"]
WATCHED = ("bars", "orders", "fills", "trades", "final_equity", "fingerprint")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveTerminal]:
    made = LiveTerminal(tmp_path_factory.mktemp("live"))
    assert made.run("data", "sample")[0] == 0
    yield made
    made.close()


@pytest.fixture
def open_venue(terminal: LiveTerminal) -> Iterator[Practice]:
    """Each test has one of its own: it closes three minutes later, which tests that share it reach
    on a busy machine.
    """
    venue = in_mid_session(terminal)
    yield venue
    venue.close()


def in_mid_session(terminal: LiveTerminal) -> Practice:
    """A venue with a minute a second, and trades every twenty seconds of its time."""
    return terminal.venue(
        "--at", f"{HALF_DAY}T10:00", "--rate", "60", "--ticks", "--participation", "1"
    )


def fills_of(terminal: LiveTerminal, run_id: str) -> list[tuple[str, int, float]]:
    """Symbol, shares and price of a run's fills, as its record has them."""
    engine = open_database(sqlite_url(terminal.data))
    found = RunRepository(engine).get_fills(run_id)
    return [(fill["symbol"], int(fill["quantity"]), fill["price"]) for fill in found]


def test_a_paper_run_over_a_session_is_the_replay_of_it_to_the_last_decision(
    terminal: LiveTerminal,
) -> None:
    venue = terminal.venue("--at", f"{HALF_DAY}T03:00", "--rate", str(PAPER_RATE))
    parts: dict[str, Any] = {"symbols": SYMBOLS, "strategies": [CROSS]}
    live = terminal.config(venue.url, "paper", {"broker": "paper"}, **parts)
    dates = {"start": HALF_DAY, "end": HALF_DAY}
    replay = terminal.write("replay", {"name": "replay", "replay": dates, **parts})
    code, out, err = terminal.run("system", "start", str(live))
    assert code == 0, err
    assert "none leaves" in err
    assert err.count("a fill is told about a minute late") == 1
    assert "finished" in out
    (run,) = [one for one in terminal.json("runs", "list") if one["run_id"].endswith("paper")]
    lived = terminal.facts(run["run_id"])["summary"]
    replayed = terminal.json("system", "start", str(replay))
    assert {name: lived[name] for name in WATCHED} == {name: replayed[name] for name in WATCHED}
    assert lived["fills"] > 50
    assert adapter(venue).executions(0) == []


def test_a_run_to_the_close_has_the_venues_executions_and_cash_and_proves_itself(
    terminal: LiveTerminal,
) -> None:
    venue = terminal.venue("--at", f"{HALF_DAY}T12:15", "--rate", "400")
    path = terminal.config(venue.url, "whole", {}, symbols=["SYN1", "SYN2"])
    summary = terminal.json("system", "start", str(path))
    run_id = summary["run_id"]
    fills = fills_of(terminal, run_id)
    assert len(fills) > 10
    assert sorted(fills) == sorted(executions(venue, run_id))
    facts = terminal.facts(run_id)
    (book,) = facts["books"]
    assert float(from_units(adapter(venue).cash()["USD"])) == pytest.approx(float(book["cash"]))
    for runner in ("inline", "pool"):  # on one thread, and on four
        verdict = terminal.json("verify", run_id, "--runner", runner)
        assert verdict["equal"]
        assert verdict["fingerprint"] == summary["fingerprint"]
    _damage_is_found(terminal, run_id)


def _damage_is_found(terminal: LiveTerminal, run_id: str) -> None:
    """One byte of the journal changed: `verify` says so, and where."""
    (part,) = (terminal.data / "runs" / run_id / "journal").iterdir()
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    code, out, err = terminal.run("verify", run_id)
    assert (code, out) == (1, "")
    assert "part-0001" in err


def be_restarted(data: Path) -> None:
    """As if the machine had been: who holds an account is of another boot, and long silent."""
    with contextlib.closing(sqlite3.connect(data / "mismartera.db")) as connection, connection:
        connection.execute(
            "UPDATE account_locks SET machine = 'before', heartbeat_ns = heartbeat_ns - 60000000000"
        )


def test_a_killed_run_is_previewed_recovered_under_its_id_and_proves_itself(
    terminal: LiveTerminal,
) -> None:
    venue = terminal.venue("--at", f"{HALF_DAY}T12:20", "--rate", "180")
    path = terminal.config(venue.url, "killed", {})
    process = terminal.begin("system", "start", str(path))
    wait_until(lambda: len(adapter(venue).executions(0)) > 1, "fills")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    journal = next((terminal.data / "runs").glob("*-killed/journal/part-*"))
    before = journal.read_bytes()
    recover = ("system", "recover", "--account", "killed")
    code, out, err = terminal.run(*recover, "--dry-run")
    assert code == 0, err
    assert "broke off" in out
    assert "Nothing was changed or sent." in out
    assert journal.read_bytes() == before
    be_restarted(terminal.data)
    assert terminal.run(*recover, "--dry-run")[0] == 0
    summary = terminal.json(*recover)
    run_id = journal.parent.parent.name
    assert (summary["run_id"], summary["state"]) == (run_id, "finished")
    assert sorted(fills_of(terminal, run_id)) == sorted(executions(venue, run_id))
    assert terminal.json("verify", run_id)["equal"]
    code, _, err = terminal.run(*recover)
    assert code == 3
    assert "there is nothing to recover" in err


def test_a_killed_run_is_recovered_in_a_process_of_its_own(
    terminal: LiveTerminal, open_venue: Practice
) -> None:
    words = ("system", "recover", "--account", "again", "--detach")
    code, out, err = terminal.run(*words)
    assert (code, out) == (3, "")
    assert "No live run of the account 'again' broke off" in err
    code, _, err = terminal.run("system", "kill", "--mode", "fltten")
    assert (code, "Did you mean 'flatten'?" in err) == (2, True)
    for other in ("--dry-run", "--give-up"):
        code, _, err = terminal.run(*words, other)
        assert code == 2
        assert "--detach is for a run that goes on" in err
    path = terminal.config(open_venue.url, "again", {"on_stop": "flatten"})
    first = terminal.detached("start", str(path))
    run_id = first["run_id"]
    wait_until(lambda: executions(open_venue, run_id), "fills")
    terminal.kill_detached()
    broken_off = {"run_id": run_id, "account": "again"}
    assert broken_off in terminal.json("system", "status")["broken_off"]
    told = " ".join(terminal.run("system", "status")[1].split())
    assert (
        f"Run {run_id} of the account 'again' broke off. 'system recover --account again'" in told
    )
    assert "this is what it had come to" in terminal.run("verify", run_id)[1]
    assert terminal.json("runs", "rebuild", run_id)["state"] == "abandoned"
    run = terminal.detached(*words[1:-1])
    assert (run["run_id"], run["log"]) == (run_id, first["log"])
    assert (first["goes_on"], run["goes_on"]) == (False, True)
    with open(run["log"], encoding="utf-8") as log:
        text = log.read()
    assert text.index(f"Run {run_id}: 1 session of") < text.index("it goes on, by the config")
    made = len(executions(open_venue, run_id))
    wait_until(lambda: len(executions(open_venue, run_id)) > made, "it trades on")
    code, out, _ = terminal.run("system", "stop", run_id)
    assert code == 0
    assert "It closes what it holds first" in out
    assert "│ final equity" in out  # as 'system start' prints it
    assert held(open_venue, "SYN1") == 0
    assert terminal.json("verify", run_id)["equal"]


def test_a_detached_run_is_watched_and_steered_and_stopped_flat(
    terminal: LiveTerminal, open_venue: Practice
) -> None:
    path = terminal.config(open_venue.url, "steered", {"on_stop": "flatten"})
    run_id = terminal.detach(path)
    code, _, err = terminal.run("system", "start", str(path))
    assert code == 1
    assert f"Account steered is traded by run {run_id}: process " in err
    code, _, err = terminal.run("system", "recover", "--account", "steered", "--dry-run")
    assert code == 1
    assert "goes on as process" in err
    follower = terminal.begin("system", "attach", run_id)
    wait_until(lambda: executions(open_venue, run_id), "fills")
    (session,) = terminal.json("system", "status")["sessions"]
    assert (session["run_id"], session["mode"], session["state"]) == (run_id, "live", "RUNNING")
    assert terminal.json("system", "fills")[0]["symbol"] == "SYN1"
    assert "│ 2024-11-" in terminal.run("system", "fills")[1]  # the market's time, for people
    assert isinstance(terminal.json("system", "orders"), list)
    wait_until(lambda: held(open_venue, "SYN1") == 10, "a position")
    assert "no entries until it is resumed" in terminal.run("system", "pause")[1]
    wait_until(lambda: held(open_venue, "SYN1") == 0, "the exit passes")
    seen = terminal.json("data", "session", "--once")
    (one,) = seen["symbols"]
    assert (seen["state"], seen["speed"]) == ("PAUSED", None)
    assert one["no_entries"] == "the run is paused"
    assert -1.0 < seen["lag_seconds"] < 30.0
    assert seen["queues"]["inbox"] >= 0
    assert one["bars"]["1m"][-1]["close"] == one["position"]["price"]
    assert "no entries: the run is paused" in terminal.run("watch", "SYN1", "--once")[1]
    made = len(executions(open_venue, run_id))
    bars = terminal.json("system", "status")["sessions"][0]["bars"]
    wait_until(
        lambda: terminal.json("system", "status")["sessions"][0]["bars"] >= bars + 4,
        "bars at which it would enter",
    )
    for words in (("step",), ("speed", "max"), ("step",)):
        code, _, err = terminal.run("system", *words)
        assert code == 1
        assert "is for replays" in err
    assert terminal.json("system", "positions") == []
    assert len(executions(open_venue, run_id)) == made
    assert terminal.json("system", "resume")["done"] == "resume"
    wait_until(lambda: held(open_venue, "SYN1") == 10, "entries pass again")
    assert terminal.json("system", "stop")["state"] == "stopped"
    assert held(open_venue, "SYN1") == 0
    out, _ = follower.communicate(timeout=20)
    assert "USD" in out
    assert f"Run {run_id} has ended." in out
    orders = terminal.json("runs", "orders", run_id)
    assert any("the run is paused" in (one["reason"] or "") for one in orders)
    assert terminal.json("verify", run_id)["equal"]


def test_runs_of_three_accounts_end_as_they_are_told_to(
    terminal: LiveTerminal, open_venue: Practice
) -> None:
    told = terminal.folder / "alarms.jsonl"
    script = terminal.folder / "tell.py"
    script.write_text(
        f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))", encoding="utf-8"
    )
    live = {"notify": {"command": [sys.executable, str(script)]}}
    use = [{"use": "holding.py"}]
    runs = {}
    for symbol in SYMBOLS:
        path = terminal.config(
            open_venue.url, f"ends-{symbol.lower()}", live, symbols=[symbol], strategies=use
        )
        runs[symbol] = terminal.detach(path)
    for symbol in SYMBOLS:
        wait_until(lambda name=symbol: held(open_venue, name) == 10, f"10 {symbol}")
    halted = terminal.json("system", "halt", runs["SYN1"], "--reason", "news at noon")
    assert halted["done"] == "halt"
    wait_until(lambda: told.exists() and "news at noon" in told.read_text("utf-8"), "an alarm")
    assert terminal.json("system", "stop", runs["SYN1"])["state"] == "stopped"
    assert terminal.json("system", "kill", runs["SYN2"])["state"] == "stopped"
    assert terminal.json("system", "kill", runs["THIN"], "--mode", "flatten")["state"] == "stopped"
    assert [held(open_venue, symbol) for symbol in SYMBOLS] == [10, 10, 0]
    alarms = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
    assert [alarm["what"] for alarm in alarms].count("killed") == 2
    assert all(terminal.json("verify", run_id)["equal"] for run_id in runs.values())


def test_a_halt_is_lifted_with_a_reason_and_not_while_the_venue_differs(
    terminal: LiveTerminal,
) -> None:
    venue = terminal.venue("--at", f"{HALF_DAY}T10:00", "--rate", "60", "--participation", "1")
    run_id = terminal.detach(terminal.config(venue.url, "released", {"on_stop": "flatten"}))
    wait_until(lambda: executions(venue, run_id), "fills")
    release = ("system", "release", "--reason")
    assert "not halted" in terminal.run(*release, "why not")[2]
    assert terminal.run("system", "release")[0] == 2
    terminal.json("system", "halt", "--reason", "news at noon")
    wait_until(lambda: held(venue, "SYN1") == 0, "the exit passes")
    made = len(executions(venue, run_id))
    assert terminal.json(*release, "it was nothing") == {"run_id": run_id, "done": "release"}
    wait_until(lambda: len(executions(venue, run_id)) > made, "entries pass again")
    terminal.json("system", "halt", "--reason", "who was that")
    adapter(venue).place(order("somebody", 3, symbol="SYN1"))
    wait_until(lambda: any(one.client_id == "somebody" for one in adapter(venue).executions(0)), "")
    code, _, err = terminal.run(*release, "it was me")
    assert code == 1
    assert "The halt stays: cash USD: ours " in err
    assert terminal.json("system", "stop")["state"] == "stopped"
    assert terminal.json("verify", run_id)["equal"]


def test_what_was_held_before_the_start_halts_is_left_alone_or_is_adopted(
    terminal: LiveTerminal,
) -> None:
    """Each at a venue of its own: one that sells what it found moves what the others look at."""
    venues, runs = dict[str, Practice](), dict[str, str]()
    for external in ("halt", "adopt", "ignore"):
        venues[external] = venue = in_mid_session(terminal)
        adapter(venue).place(order("bought-before", 10, symbol="SYN1"))
        wait_until(partial(_holds_ten, venue), "10 SYN1")
        path = terminal.config(venue.url, f"found-{external}", {"external": external})
        runs[external] = terminal.detach(path)

    def made(external: str) -> list[tuple[str, int, float]]:
        return executions(venues[external], runs[external])

    wait_until(lambda: made("ignore"), "the one that ignores trades")
    assert made("halt") == []
    wait_until(lambda: made("adopt"), "the one that adopts trades")
    assert made("adopt")[0][1] < 0  # it sells what it found
    sessions = terminal.json("system", "status")["sessions"]
    alarms = {one["run_id"]: one["alarms"] for one in sessions}
    assert alarms[runs["halt"]] >= 1
    for run_id in runs.values():
        assert terminal.json("system", "kill", run_id)["state"] == "stopped"
        assert terminal.json("verify", run_id)["equal"]
    _check_counts(terminal, runs["adopt"])


def _check_counts(terminal: LiveTerminal, run_id: str) -> None:
    """What it found is on record and in its trades, and nowhere counted as a fill."""
    rows = RunRepository(open_database(sqlite_url(terminal.data))).get_fills(run_id)
    assert [(row["fill_id"], row["quantity"]) for row in rows[:2]] == [(-1, "10"), (1, "-10")]
    counted = len(rows) - 1
    told = terminal.json("runs", "show", run_id)
    assert (told["summary"]["fills"], told["fills"]) == (counted, counted)
    out = terminal.data / "exported"
    terminal.json("report", "export", run_id, "--what", "fills,trades", "--output", str(out))
    assert len((out / "fills.csv").read_text().splitlines()) == 1 + counted
    assert terminal.json("runs", "rebuild", run_id)["fills"] == counted


def _holds_ten(venue: Practice) -> bool:
    return held(venue, "SYN1") == 10


@pytest.mark.parametrize(
    ("live", "parts", "code", "reason"),
    [
        ({"url": "http://127.0.0.1:1"}, {}, 1, "'practice start' starts a practice venue"),
        ({"url": "127.0.0.1:8790"}, {}, 2, "is no address of a venue"),
        ({"venue": "practise"}, {}, 2, "Did you mean 'practice'?"),
        ({"notify": {"command": ["no-such-program"]}}, {}, 4, "no program 'no-such-program'"),
        ({}, {"symbols": ["SYN1", "SYN9"]}, 3, "has no bars of SYN9. The venue answered 422"),
        ({"broker": "paper"}, {"symbols": ["SYN9"]}, 3, "'SYN9' is not traded here"),
        ({}, {"account": {"currency": "EUR", "rates": {"USD": "SYN2"}}}, 1, "account has no EUR"),
    ],
    ids=lambda value: str(value),
)
def test_what_cannot_trade_is_refused_with_a_reason(
    terminal: LiveTerminal,
    open_venue: Practice,
    live: dict[str, Any],
    parts: dict[str, Any],
    code: int,
    reason: str,
) -> None:
    path = terminal.config(open_venue.url, "refused", live, **parts)
    found, out, err = terminal.run("system", "start", str(path))
    assert (found, out) == (code, "")
    assert err.splitlines()[-1].startswith("error: ")
    assert reason in err
    assert not any((terminal.data / "runs").glob("*-refused"))


@pytest.mark.parametrize(
    ("live", "code", "reason"),
    [
        ({"url": "ftp://127.0.0.1"}, 2, "is no address of a venue"),
        ({"venue": "practise"}, 2, "Did you mean 'practice'?"),
        ({"notify": {"command": ["no-such-program"]}}, 4, "no program 'no-such-program'"),
    ],
    ids=lambda value: str(value),
)
def test_a_check_of_a_config_finds_what_a_start_would_refuse(
    terminal: LiveTerminal, live: dict[str, Any], code: int, reason: str
) -> None:
    path = terminal.config("http://127.0.0.1:1", "checked", live)
    found, _, err = terminal.run("config", "check", str(path))
    assert found == code
    assert reason in err


def test_a_run_whose_journal_cannot_be_read_can_be_given_up(terminal: LiveTerminal) -> None:
    runs = RunRepository(open_database(sqlite_url(terminal.data)))
    config = {"live": {"account": "damaged"}}
    runs.start_run(
        "damaged", name="damaged", mode="live", config=config, started_at="2020-01-02", pid=1 << 22
    )
    folder = terminal.data / "runs" / "damaged" / "journal"
    folder.mkdir(parents=True)
    (folder / "part-0001.journal").write_bytes(b"something else altogether")
    recover = ("system", "recover", "--account", "damaged")
    code, _, err = terminal.run(*recover)
    assert (code, "part-0001" in err) == (1, True)
    given_up = {"run_id": "damaged", "state": "failed", "risk_known": False}
    assert terminal.json(*recover, "--give-up") == given_up
    assert terminal.run(*recover)[0] == 3


def test_what_cannot_be_verified_says_why(terminal: LiveTerminal) -> None:
    dates = {"start": HALF_DAY, "end": HALF_DAY}
    given = {"name": "no-journal", "symbols": ["SYN1"], "replay": dates, "strategies": [CROSS]}
    run_id = terminal.json("system", "start", str(terminal.write("no-journal", given)))["run_id"]
    code, out, err = terminal.run("verify", run_id)
    assert (code, out) == (3, "")
    assert "is a replay" in err
    code, _, err = terminal.run("verify", "1999")
    assert code == 3
    assert "There is no run '1999'" in err


def test_a_journal_of_another_version_is_refused_by_its_name(terminal: LiveTerminal) -> None:
    engine = open_database(sqlite_url(terminal.data))
    config = {"live": {"account": "elder"}}
    RunRepository(engine).start_run(
        "elder", name="elder", mode="live", config=config, started_at="2020-01-02", pid=1 << 22
    )
    journal = JournalWriter(terminal.data / "runs" / "elder" / "journal")
    journal.begin_part({"format": 99})
    journal.append([Entry(form.INPUT, 1, encode_message(Command(PAUSE, "", 1)))])
    journal.close()
    recover = ("system", "recover", "--account", "elder")
    for words in (("verify", "elder"), recover):
        code, out, err = terminal.run(*words)
        assert (code, out) == (1, "")
        assert "has the form 99; this version reads 1." in err


def test_a_start_of_a_halted_account_says_so_and_what_clears_it_also_detached(
    terminal: LiveTerminal,
) -> None:
    url = terminal.venue("--at", f"{HALF_DAY}T10:00", "--rate", "60").url
    path = terminal.config(url, "shut", {}, strategies=[{"use": "holding.py"}])
    terminal.json("risk", "halt", "--reason", "nobody is there", "--account", "shut")
    way_out = "'risk resume --account shut' clears it"
    why = f"the account is halted, by a person, nobody is there; {way_out}"
    code, out, err = terminal.run("system", "start", str(path), "--detach")
    assert code == 0, err
    assert err == f"warning: risk: person: {why}\n"
    run_id = out.split()[1]
    wait_until(lambda: terminal.json("system", "status")["sessions"][0]["bars"] > 1, "bars")
    code, out, err = terminal.run("system", "stop", run_id)
    assert code == 0, err
    text = " ".join(out.split())
    assert "The account shut stays halted (person since " in text
    assert text.count(f"{way_out}.") == 1
    assert f"refused: 'runs orders {run_id} --refused' tells why." in text
    assert terminal.detached("start", str(path))["alarms"] == [f"risk: person: {why}"]
    assert "were refused" not in terminal.run("system", "kill")[1], "there was none"
