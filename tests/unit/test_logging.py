"""Logs: what reaches the console, what reaches the file, and what reaches neither."""

import io
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from app.core import logging
from app.core.errors import ConfigError
from app.core.logging import (
    HIDDEN,
    LEVELS,
    configure_logging,
    info_for_file,
    known_level,
    log_path,
    redact,
    store_level,
    stored_level,
)
from app.managers.system_manager.live.live_means import LiveMeans
from app.managers.time_manager import WallClock

SECRETS = st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_", min_size=8, max_size=40)


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    yield
    logger.remove()
    logger.configure(patcher=lambda record: None)


def logged(folder: Path) -> str:
    return log_path(folder).read_text(encoding="utf-8")


def test_a_time_zone_a_day_from_utc_is_refused_as_no_line_could_tell_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC+25")
        time.tzset()
        with pytest.raises(ConfigError, match=r"TZ='UTC\+25' lies a day or more from UTC; use"):
            configure_logging(tmp_path, "INFO")
    time.tzset()


def test_half_a_character_is_written_out_and_breaks_neither_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "INFO")
    logger.info("a name as \udcff")
    assert logged(tmp_path).endswith("a name as \\udcff\n")
    assert capsys.readouterr().err.endswith("a name as \\udcff\n")


def test_a_line_names_its_level_function_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "INFO")
    logger.info("read 3 bars")
    console = capsys.readouterr().err
    function = "test_a_line_names_its_level_function_and_line"
    assert f"INFO     {function}:" in console
    assert console.endswith("read 3 bars\n")
    assert f"test_logging.{function}:" in logged(tmp_path)


def test_a_line_for_the_file_is_in_no_other_log_of_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "_configured", [])
    logger.remove()
    logger.add(sys.stderr)
    info_for_file("run {} ended", 1)
    assert capsys.readouterr().err == ""
    configure_logging(tmp_path, "INFO")
    info_for_file("run {} ended", 2)
    assert capsys.readouterr().err == ""
    function = "test_a_line_for_the_file_is_in_no_other_log_of_a_script"
    assert f"test_logging.{function}:" in logged(tmp_path)
    assert logged(tmp_path).endswith("run 2 ended\n")


def test_less_than_the_level_is_written_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "WARNING")
    logger.info("chatter")
    assert "chatter" not in capsys.readouterr().err
    assert "chatter" not in logged(tmp_path)


def test_a_traceback_goes_to_the_file_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "INFO")
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logger.exception("it failed")
    console = capsys.readouterr().err
    assert "it failed" in console
    assert "Traceback" not in console
    assert "Traceback (most recent call last)" in logged(tmp_path)
    assert "RuntimeError: broken" in logged(tmp_path)


def test_secrets_are_hidden_in_messages_and_inside_exceptions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "INFO", secrets=["correct-horse"])
    logger.info("connecting with correct-horse and api_key=abc123def")
    try:
        raise ConnectionError("refused: postgresql://me:hunter2@db/x (correct-horse)")
    except ConnectionError:
        logger.exception("no connection")
    for text in (capsys.readouterr().err, logged(tmp_path)):
        assert HIDDEN in text
        for secret in ("correct-horse", "abc123def", "hunter2"):
            assert secret not in text


def test_colours_are_left_out_where_nobody_looks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "INFO")
    logger.error("plain")
    assert "\x1b[" not in capsys.readouterr().err


@given(secret=SECRETS)
@pytest.mark.parametrize(
    "form",
    [
        "password={}",
        "PASSWORD: {}",
        '{{"api_key": "{}"}}',
        "apikey='{}'",
        "client-secret = {}",
        "access_token={}&user=me",
        "/api/v3/order?symbol=BTCUSDT&timestamp=1&signature={} (Caused by",
        "Authorization: Bearer {}",
        "postgresql://me:{}@host/name",
        "wss://:{}@host",
        "postgresql://me:one@{}@host/name",
        "https://a-whole-t0ken-{}@host/path",
        "Authorization: Token {}",
        "passphrase={}",
        "private-key: {}",
        "curl https://hooks.slack.com/services/T0/B0/{} failed",
        "https://discord.com/api/webhooks/1/{}",
        "https://api.telegram.org/bot1:{}/sendMessage",
    ],
)
def test_what_looks_like_a_secret_is_hidden(form: str, secret: str) -> None:
    assert secret not in redact(form.format(secret)).replace(form.format(""), "")


@pytest.mark.parametrize(
    "text",
    [
        "read 390 bars of AAPL in 0.1 s",
        "https://example.org/path?symbol=AAPL",
        "the token was refused",
        "at 09:30:00 order 12 filled 100 @ 150.25",
        "http://127.0.0.1:8790/path@x",
        "ws://me@host/x",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_a_longer_secret_is_hidden_before_one_it_contains(tmp_path: Path) -> None:
    configure_logging(tmp_path, "INFO", secrets=["abcd", "abcdefgh"])
    logger.info("x abcdefgh y")
    assert f"x {HIDDEN} y" in logged(tmp_path)


def test_a_stored_level_counts_until_another_is_stored(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert stored_level(folder) == "INFO"
    for level in LEVELS:
        store_level(folder, level)
        assert stored_level(folder) == level


def test_a_stored_word_that_is_no_level_is_refused_with_its_file(tmp_path: Path) -> None:
    store_level(tmp_path, "LOUD")
    with pytest.raises(ConfigError, match=r"log-level cannot be used: 'LOUD' is not a log level"):
        configure_logging(tmp_path, None)


def test_a_misspelt_level_gets_a_suggestion() -> None:
    assert known_level("warning") == "WARNING"
    with pytest.raises(ValueError, match="Did you mean 'DEBUG'"):
        known_level("DEBGU")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ConfigError, match="Set MISMARTERA_DATA_FOLDER"):
        configure_logging(tmp_path / "file", "INFO")


def test_a_new_data_folder_is_its_owner_s_and_one_that_is_there_stays_as_it_is(
    tmp_path: Path,
) -> None:
    configure_logging(tmp_path / "below" / "new", "INFO")
    assert (tmp_path / "below" / "new").stat().st_mode & 0o777 == 0o700
    (tmp_path / "there").mkdir(mode=0o755)
    configure_logging(tmp_path / "there", "INFO")
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_costs_the_log_its_lines_and_the_console_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_path(tmp_path).parent.mkdir()
    log_path(tmp_path).symlink_to("/dev/full")
    configure_logging(tmp_path, "INFO")
    for number in range(3):
        logger.info("line {}", number)
    told = capsys.readouterr().err.splitlines()
    assert [line.split()[-1] for line in told if " line " in line] == ["0", "1", "2"]
    (refused,) = (line for line in told if " line " not in line)
    assert refused.endswith("app.log cannot be written: No space left on device.")
    with open("/dev/full", "w", buffering=1, encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stderr", full)
        logger.info("to a console that is a file there")
        monkeypatch.undo()
        with suppress(OSError):
            full.close()
    assert not capsys.readouterr().err


def test_beside_a_live_run_nobody_waits_for_a_terminal_that_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands, goes, shown = threading.Event(), threading.Event(), io.StringIO()

    class Terminal:
        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> None:
            stands.set()
            assert goes.wait(20)
            shown.write(text)

    monkeypatch.setattr(sys, "stderr", Terminal())
    configure_logging(tmp_path, "INFO")
    means = LiveMeans(WallClock(), lambda: None)
    logger.info("first")
    assert stands.wait(20)
    logger.info("second")  # it hung here, and with it a kill, its alarms and the gate
    logging._outlets[1].bind(20)
    assert [line.split()[-1] for line in logged(tmp_path).splitlines()] == ["first", "second"]
    goes.set()
    means.close()
    assert [line.split()[-1] for line in shown.getvalue().splitlines()] == ["first", "second"]
    logger.info("third")  # at once again
    assert shown.getvalue().endswith("third\n")


def test_another_loguru_logs_to_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "loguru._file_sink", None)
    configure_logging(tmp_path, "INFO")
    logger.info("hello")
    assert "hello" in logged(tmp_path)


def test_a_line_of_a_million_letters_is_looked_through_in_no_time() -> None:
    begin_ns = time.perf_counter_ns()
    assert redact("x" * 1_000_000 + " my_token=abc") == "x" * 1_000_000 + f" my_token={HIDDEN}"
    assert time.perf_counter_ns() - begin_ns < 10 * 10**9  # it was hours


@pytest.mark.parametrize(
    "part", ["token", "token:", "token ", "://", "://a:", "@", "bearer ", "x=token=", "signature-"]
)
def test_no_words_of_a_venue_make_the_search_for_secrets_slow(part: str) -> None:
    begin_ns = time.perf_counter_ns()
    redact(part * (500_000 // len(part)))
    assert time.perf_counter_ns() - begin_ns < 10 * 10**9  # 80 kB took 38 s


def test_words_from_outside_steer_no_terminal_and_look_like_no_other_entry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, "INFO")
    words = "\x1b[2J\x1b]0;mine\x07all is well\r\n09:30:00.000 INFO     _tell:1 flat\u202e\x9b"
    logger.warning("The venue answered: {}", words)
    try:
        raise ValueError(words)
    except ValueError:
        logger.exception("It failed: {}", words)
    for text in (capsys.readouterr().err, logged(tmp_path)):
        assert all(char.isprintable() or char == "\n" for char in text)
        assert "\\x1b[2J" in text
        assert not [line for line in text.splitlines() if line.startswith("09:30:00.000")]


def test_what_a_thread_or_an_object_raises_is_one_line_and_its_traceback_is_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    configure_logging(tmp_path, "INFO")

    class Falls:
        def __del__(self) -> None:
            raise ValueError("in vain")

    def fall() -> None:
        raise KeyError("nobody")

    thread = threading.Thread(target=fall, name="astray")
    thread.start()
    thread.join(5)
    Falls()
    console = capsys.readouterr().err
    assert "In the thread 'astray' nobody caught KeyError: 'nobody'" in console
    assert "nobody caught ValueError: in vain" in console
    assert "Traceback" not in console
    assert logged(tmp_path).count("Traceback") == 2


@pytest.mark.parametrize("name", ["{x}", "{time}", "{", "a}b"])
def test_braces_in_the_data_folder_s_name_are_its_name(tmp_path: Path, name: str) -> None:
    configure_logging(tmp_path / name, "INFO")
    logger.info("here")
    logger.remove()
    assert "here" in logged(tmp_path / name)
    assert [one.name for one in tmp_path.iterdir()] == [name]
