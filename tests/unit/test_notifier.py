"""Alarms: to the log, to listeners, to a real command; and none of them can block or break."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger
from pydantic import ValidationError
from tests.waiting import until

from app.core.config_live import NotifyConfig
from app.threads.watch.notifier import BOUND, Alarm, AlarmNotifier


class StillClock:
    def now_ns(self) -> int:
        return 1_700_000_000_000_000_000


@pytest.fixture
def log() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), format="{message}")
    yield lines
    logger.remove(sink)


def python(*words: str) -> list[str]:
    return [sys.executable, "-c", *words]


def test_the_command_reads_the_alarm_as_json(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')"
    notifier = AlarmNotifier(StillClock(), python(script, str(heard)))
    notifier.start()
    notifier.alarm("killed", "flatten: $(touch pwned); `id`")
    notifier.alarm("halted", "AAA")
    notifier.stop()
    told = [json.loads(line) for line in heard.read_text().splitlines()]
    assert [alarm["what"] for alarm in told] == ["killed", "halted"]
    assert told[0]["details"] == "flatten: $(touch pwned); `id`"
    assert notifier.failures == 0


def test_a_command_that_is_not_there_or_fails_is_counted_and_logged(log: list[str]) -> None:
    for command, why in (
        (["/no/such/command"], "No such file"),
        (python("raise SystemExit(3)"), "it ended with 3"),
    ):
        notifier = AlarmNotifier(StillClock(), command)
        notifier.start()
        notifier.alarm("killed", "x")
        notifier.stop()
        assert notifier.failures == 1
        assert any(why in line for line in log)


def test_a_command_that_hangs_is_ended_and_the_next_alarm_is_told(
    tmp_path: Path, log: list[str]
) -> None:
    heard = tmp_path / "heard"
    script = (
        "import sys, time; text = sys.stdin.read(); open(sys.argv[1], 'a').write(text); "
        "time.sleep(60 if 'first' in text else 0)"
    )
    notifier = AlarmNotifier(StillClock(), python(script, str(heard)), timeout_seconds=1.0)
    notifier.start()
    notifier.alarm("first", "")
    notifier.alarm("second", "")
    until(lambda: heard.exists() and "second" in heard.read_text())
    notifier.stop()
    assert notifier.failures == 1
    assert any("was ended" in line for line in log)


def test_telling_blocks_nobody_and_what_does_not_fit_is_counted(log: list[str]) -> None:
    notifier = AlarmNotifier(StillClock(), python("pass"))  # never started: nothing is taken
    for number in range(BOUND + 3):
        notifier.alarm("busy", str(number))
    assert notifier.dropped == 3
    assert sum("Alarm, busy" in line for line in log) == BOUND + 3


def test_listeners_are_told_until_they_detach_and_one_that_fails_harms_nobody(
    log: list[str],
) -> None:
    notifier, heard = AlarmNotifier(StillClock()), list[Alarm]()

    def fails(alarm: Alarm) -> None:
        raise RuntimeError("no such client")

    notifier.attach(fails)
    detach = notifier.attach(heard.append)
    notifier.alarm("halted", "AAA")
    detach()
    notifier.alarm("halted", "BBB")
    assert [alarm.details for alarm in heard] == ["AAA"]
    assert any("no such client" in line for line in log)


def test_no_secret_reaches_the_command_or_a_listener() -> None:
    notifier, heard = AlarmNotifier(StillClock()), list[Alarm]()
    notifier.attach(heard.append)
    notifier.alarm("venue", "GET /orders?api_key=hunter2 failed")
    assert "hunter2" not in heard[0].details


@pytest.mark.parametrize("words", [
    "curl -u me:hunter2 https://hooks.example",
    "curl https://hooks.slack.com/services/T0/B0/hunter2",
    "send --token hunter2",
    "send --api-key hunter2",
])  # fmt: skip
def test_a_command_that_holds_what_looks_like_a_secret_is_refused(words: str) -> None:
    with pytest.raises(ValidationError, match="have the program read that from the environment"):
        NotifyConfig(command=tuple(words.split()))


@pytest.mark.parametrize("words", ["send --token-file token", "send --user me", "tell --to a:b"])
def test_a_command_that_names_where_a_secret_is_is_taken(words: str) -> None:
    assert NotifyConfig(command=tuple(words.split())).command == tuple(words.split())
