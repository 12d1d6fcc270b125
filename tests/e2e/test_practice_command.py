"""`practice start` as a user starts it: what it says, what it refuses, how it ends."""

import json
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.practice_house import order
from tests.processes import PIPE, Process, begin

from app.core.venue import VenueUnclear
from app.integrations.registry import open_venue

pytestmark = pytest.mark.live

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def started(folder: Path, *words: str) -> Process:
    environment = {**os.environ, "MISMARTERA_DATA_FOLDER": str(folder / "data")}
    given = ["practice", "start", "--port", "0", *words]
    return begin(given, folder, environment, stdout=PIPE, stderr=PIPE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_in_order(tmp_path: Path, number: int) -> None:
    process = started(tmp_path)  # without data: on the sample
    assert process.stdout is not None
    line = process.stdout.readline()
    process.send_signal(number)
    out, errors = process.communicate(timeout=20)
    assert line.startswith("Practice venue at http://127.0.0.1:")
    assert "SYN1, SYN2, THIN on XNYS, from 2024-10-28 09:25:0" in line
    assert (process.returncode, out, errors) == (0, "", "")
    assert (tmp_path / "data" / "practice" / "books.jsonl").stat().st_mode & 0o077 == 0


def test_for_scripts_it_prints_one_json_object(tmp_path: Path) -> None:
    process = started(tmp_path, "--json", "--symbols", "SYN1", "--at", "2024-11-05T10:00")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    process.terminate()
    assert process.communicate(timeout=20) == ("", "")
    assert told["now"].startswith("2024-11-05 10:00:0")
    assert (told["market"], told["symbols"], told["rate"]) == ("XNYS", ["SYN1"], 1.0)
    assert told["goes_on"] is False
    again = started(tmp_path, "--symbols", "SYN1", "--at", "2024-11-05T10:00")
    assert again.stdout is not None
    lines = [again.stdout.readline() for _ in range(2)]
    again.terminate()
    assert again.communicate(timeout=20) == ("", "")
    assert lines[1].startswith(f"It goes on with the books in {tmp_path / 'data' / 'practice'}, ")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("--symbols", "SYN9"), 3, "No bars of SYN9 on XNYS are stored"),
        (("--symbols", ","), 2, "--symbols names none"),
        (("--market", "XTKS"), 3, "No 1m bars on XTKS are stored"),
        (("--market", "XNYZ"), 3, "XNYZ"),
        (("--at", "yesterday"), 2, "--at 'yesterday' is no time"),
        (("--rate", "0"), 2, "--rate is 0"),
        (("--participation", "2"), 2, "--participation is 2"),
        (("--cash", "much"), 2, "--cash is 'much'"),
        (("--port", "70000"), 2, "--port"),
        (("--books", "file"), 1, "The books in file cannot be opened"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_refused(
    cli: Run, tmp_path: Path, words: tuple[str, ...], code: int, reason: str
) -> None:
    (tmp_path / "file").write_text("")
    done = cli("practice", "start", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_refused(cli: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = cli("practice", "start", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot be used: Address already in use. '--port 0' takes one" in done.stderr


def test_books_that_cannot_be_written_end_it_with_a_reason(tmp_path: Path) -> None:
    """A venue that cannot keep what it says must say nothing."""
    process = started(tmp_path, "--json", "--books", "books")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    room = (tmp_path / "books" / "books.jsonl").stat().st_size + 500
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, room))
    _place_until_refused(url)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "books.jsonl cannot be written: File too large" in errors
    assert "Traceback" not in errors


def _place_until_refused(url: str) -> None:

    venue = open_venue("practice", url)
    with pytest.raises(VenueUnclear):
        for number in range(20):
            venue.place(order(f"o{number}", 10, symbol="SYN1"))
    venue.close()
