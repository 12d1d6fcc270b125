"""The examples of the help that need a session: a paced replay, a live run, one that broke off.

Each runs as it is written, in a folder with what a clone has; the example's replay is paced, and
the practice venue gets a free port. Sessions are in processes of their own.
"""

import json
import os
import shlex
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_command_examples import EXAMPLES, clone, is_of_a_session, words_of
from tests.live_terminal import wait_until
from tests.processes import PIPE, Process, begin

from app.cli.main import main
from app.core.processes import is_running
from app.strategies.examples import sma_cross

pytestmark = pytest.mark.live

__all__ = ["clone"]

Say = Callable[..., Any]
START = "system start session_configs/example_session.json --detach"
LIVE = "system start session_configs/practice_live.json --detach"
STEERED = (
    *("system pause", "system step --count 5", "system resume", "system speed 60"),
    *("system positions --json", "system orders", "system fills"),
    'system halt --reason "news at noon"',
)
LOOKED_AT = ("data session --symbols SYN1,SYN2 --once", "watch SYN1 --bars 30 --once")
FOLLOWED = ("data session", "watch SYN1")
FLATTEN = 'risk flatten --reason "it buys without end"'
FREEZE_ALL = 'risk flatten --freeze --all --reason "the line to the venue is bad"'
RELEASE = 'system release --reason "news at noon are out"'
VERIFY = ("verify last", "verify last --runner pool --json")
RELOADS = (
    "strategies reload SmaCross --file sma_cross.py --fresh",
    "strategies reload SmaCross --params fast=12 --params slow=24 --fresh",
)
FAST = 60_000  # over in a second or two
VENUES = (
    "practice start --symbols SYN1 --at 2024-11-04T09:25 --rate 60",
    "practice start --ticks --port 0 --json",
    "practice start --as binance --rate 60 --port 0",
)


@pytest.fixture
def say(clone: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Say]:
    """Run an example's words, with --json its value; sessions left running are ended."""
    example = clone / "session_configs" / "example_session.json"
    example.write_text(example.read_text().replace('"max"', "600"))

    def run(words: str, *more: str) -> Any:
        split = [*shlex.split(words), *more]
        code = main(split)
        said = capsys.readouterr()
        assert code == 0, f"{words}: {said.err}"
        return [json.loads(line) for line in said.out.splitlines()] if "--json" in split else said

    yield run
    for session in run("system status", "--json")[0]["sessions"]:
        os.kill(session["pid"], signal.SIGKILL)


@contextmanager
def beside(words: str, *more: str) -> Iterator[Process]:
    """A command in a process of its own, ended by Ctrl+C."""
    process = begin([*shlex.split(words), *more], Path.cwd(), stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_examples_that_steer_a_session_and_end_it(say: Say) -> None:
    say(START)
    for words in STEERED:
        say(words)
        assert len(say(words.removesuffix(" --json"), "--json")) == 1, words
    say(f"system speed {FAST}")
    assert "has ended" in say("system attach").out
    say(START, "--json")
    say(f"system speed {FAST} last")
    assert say("system attach", "--json")[-1]["state"]
    say(START)
    for words in FOLLOWED:
        with beside(words, "--json") as process:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())
        assert process.returncode == 0
    for words in LOOKED_AT:
        say(words)
        assert len(say(words, "--json")) == 1
    say("system stop")
    say(START)
    assert say("system kill --mode flatten", "--json")
    for words in (FLATTEN, FREEZE_ALL):
        say(START)
        say(words)
        say(words, "--json")


def test_examples_of_a_live_run_that_is_released_broken_off_and_proved(
    say: Say, clone: Path
) -> None:
    venue = "practice start --at 2024-11-29T10:00 --rate 60 --port 0 --json"
    with beside(venue) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        path = clone / "session_configs" / "practice_live.json"
        path.write_text(path.read_text().replace('"broker":', f'"url": "{url}", "broker":'))
        (clone / "strategies").mkdir()
        shutil.copy(sma_cross.__file__, clone / "strategies" / "sma_cross.py")
        say(LIVE)
        wait_until(lambda: _is_done(say, RELOADS[0]), "a run that has caught up")
        for words in RELOADS:
            assert say(words, "--json")[0]["strategy"] == "SmaCross"
        for more in ((), ("--json",)):
            say("system halt")
            say(RELEASE, *more)
        _break_off(say)
        say("system recover --dry-run")
        assert say("system recover --dry-run", "--json")[0]["run_id"]
        assert "broke off, and goes on as process" in say("system recover --detach").out
        _break_off(say)
        with beside("system recover") as recovered:
            wait_until(lambda: _sessions(say), "the session")
        assert recovered.returncode == 130
    for words in (*VERIFY, "runs rebuild last", "runs rebuild last --json"):
        say(words)


def test_examples_of_a_practice_venue(say: Say) -> None:
    say("data sample")
    for words in VENUES:
        with beside(words, "--port", "0") as process:
            assert process.stdout is not None
            told = process.stdout.readline()
            assert "http://127.0.0.1:" in told
            if "--json" in words:
                assert {"host", "port", "url"} <= json.loads(told).keys()
        assert process.returncode == 0


def test_every_example_that_needs_a_session_is_here() -> None:
    here = {
        *STEERED, *LOOKED_AT, *FOLLOWED, *VERIFY, *VENUES, "data session --once --json",
         START, FLATTEN, FREEZE_ALL, RELEASE, *RELOADS,
        *("system attach", "system stop", "system kill --mode flatten", "runs rebuild last"),
        *("system recover --dry-run", "system recover", "system recover --detach"),
    }  # fmt: skip
    assert {words_of(one) for one in EXAMPLES if is_of_a_session(one)} == here


def _is_done(say: Say, words: str) -> bool:
    try:
        say(words)
    except AssertionError:
        return False
    return True


def _sessions(say: Say) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = say("system status", "--json")[0]["sessions"]
    return found


def _break_off(say: Say) -> None:
    """The session's process dies, and has died."""
    (session,) = _sessions(say)
    os.kill(session["pid"], signal.SIGKILL)
    wait_until(lambda: not is_running(session["pid"]), "its end")
