"""Logs: short on the console, in full in `<data folder>/logs/app.log`; secrets in neither.

A traceback goes to the file alone. The level stored by `admin log-level` is one word in
`<data folder>/log-level`; MISMARTERA_LOG_LEVEL wins over it.
"""

import os
import re
import sys
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.core.errors import ConfigError, did_you_mean
from app.core.folders import can_only_read, make_private
from app.core.log_outlet import LogOutlet
from app.core.stray_errors import tell_stray_errors

if TYPE_CHECKING:
    from loguru import Record

LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
DEFAULT_LEVEL = "INFO"
HIDDEN = "***"
_DAY_SECONDS = 86_400
_BIND_SECONDS = 1.0  # for what waits to be written
_KEPT: Final[dict[str, Any]] = {
    "rotation": "10 MB", "retention": "30 days", "compression": "zip", "encoding": "utf-8",
}  # fmt: skip

CONSOLE_FORMAT = (
    "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <8}</level> "
    "<dim>{function}:{line}</dim> {message}"
)
FILE_FORMAT = (
    "{time:YYYY-MM-DD HH:mm:ss.SSSZZ} {level: <8} {process} {thread.name} "
    "{module}.{function}:{line} {message}{extra[traceback]}"
)

# Each is linear in the text, whatever a venue says: what has been taken is not given back (`++`).
_KEYED = re.compile(
    r"""(?ix) (?<![\w-])
        (?= [\w-]*
            (?: passw(?:or)?d | passphrase | secret | token | (?:api|access|private)[_-]?key
                | authorization | signature ) )
        ( [\w-]++ ["']?+ \s*+ [=:] \s*+ (?: (?: bearer | basic | token ) \s++ )?+ ["']?+ )
        [^\s"',;&}]++"""
)
_BEARER = re.compile(r"(?i)(bearer\s++)[\w.~+/=-]{8,}")
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*+:)[^\s/]+@")
_URL_TOKEN = re.compile(r"(://)[^\s:/@]{16,}+@")  # a user without a password
_WEBHOOK = re.compile(  # of a chat: who knows its address may speak there
    r"""(?ix) ( \b (?: hooks\.slack\.com/services/ | discord(?:app)?\.com/api/webhooks/
        | api\.telegram\.org/(?:file/)?bot ) ) [^\s"']++"""
)


_known_secrets: list[str] = []  # of this process's settings, the longest first
_configured: list[Path] = []  # the folder that was logged to last
_outlets: list[LogOutlet] = []  # of its logs


def log_path(folder: Path) -> Path:
    return folder / "logs" / "app.log"


def configure_logging(folder: Path, level: str | None, secrets: Iterable[str] = ()) -> None:
    """Log to the console at `level` (None: the stored one) and to the folder's file."""
    from loguru import logger

    _known_secrets[:] = sorted(filter(None, secrets), key=len, reverse=True)

    def hide_secrets(record: "Record") -> None:
        text = ""
        if record["exception"] is not None:
            text = "\n" + "".join(traceback.format_exception(record["exception"].value)).rstrip()
        record["exception"] = None  # else loguru would write it unredacted
        record["extra"]["traceback"] = _writable(redact(text))
        record["message"] = _writable(redact(record["message"]))

    if abs(time.timezone) >= _DAY_SECONDS:  # no datetime has it, nor a line's time
        raise ConfigError(
            f"TZ={os.environ.get('TZ', '')!r} lies a day or more from UTC; use a name such as"
            " America/New_York or UTC."
        )
    tell_stray_errors()
    _configured[:] = [folder]
    wanted = level or stored_level(folder)
    logger.remove()
    _outlets[:] = [LogOutlet("console log", _to_console)]
    logger.add(
        _outlets[0].put,
        level=wanted,
        format=CONSOLE_FORMAT,
        colorize=_wants_colour(),
        filter=lambda record: "file_only" not in record["extra"],
    )
    logger.configure(patcher=hide_secrets)
    if not can_only_read(folder):  # else only what reads can go on, and has little to tell
        _log_to_file(folder, wanted)


def info_for_file(message: str, *args: object) -> None:
    """A line for the file alone; a script or a notebook, which configures no log, has none."""
    from loguru import logger

    if _configured:
        logger.bind(file_only=True).opt(depth=1).info(message, *args)


def free_logs() -> None:
    """From now on nobody waits for what the logs write: a disk or a terminal may stand still."""
    for outlet in _outlets:
        outlet.free()


def bind_logs() -> None:
    """Each line is written at once again, when all that waits is."""
    for outlet in _outlets:
        outlet.bind(_BIND_SECONDS)


class _LogFile:
    """loguru's own file; on a disk that refuses it would print a traceback for each line."""

    def __init__(self, path: Path) -> None:
        from loguru._file_sink import FileSink

        made: Any = FileSink  # untyped
        self._path = path
        self._sink = made(_plain(path), **_KEPT)
        self._has_failed = False
        self._outlet = LogOutlet("file log", self._write)
        self.write = self._outlet.put
        _outlets.append(self._outlet)

    def _write(self, line: str) -> None:
        """To the file; where it takes none, that is told once to the console."""
        try:
            self._sink.write(line)
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                self._has_failed = True
                why = error.strerror or error
                _to_console(f"The log {self._path} cannot be written: {why}.\n")

    def stop(self) -> None:
        """End the file."""
        self._outlet.bind(_BIND_SECONDS)
        with suppress(OSError):
            self._sink.stop()


def _log_to_file(folder: Path, level: str) -> None:
    from loguru import logger

    path = log_path(folder)
    try:
        make_private(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            logger.add(_LogFile(path), level=level, format=FILE_FORMAT)
        except (ImportError, TypeError):  # a loguru whose file is made otherwise
            logger.add(_plain(path), level=level, format=FILE_FORMAT, **_KEPT)
    except OSError as error:
        raise ConfigError(
            f"The log {path} cannot be written: {error.strerror}. "
            "Set MISMARTERA_DATA_FOLDER to a folder you may write to."
        ) from error


def _plain(path: Path) -> str:
    """The path for loguru, which would put a time in place of `{time}`, and raise for `{x}`."""
    return str(path).replace("{", "{{").replace("}", "}}")


def redact(text: str) -> str:
    """`text` without the secrets of the settings and without what looks like one."""
    text = without_secrets(text)
    for pattern in (_URL_PASSWORD, _URL_TOKEN):
        text = pattern.sub(rf"\1{HIDDEN}@", text)
    for pattern in (_WEBHOOK, _BEARER, _KEYED):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def _writable(text: str) -> str:
    """As an entry may hold it, whoever's words are in it: they steer no terminal, break no file,
    and what stands on lines of its own is indented, so that it is taken for no other entry.
    """
    if text.isprintable():
        return text
    kept = "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )
    return kept.replace("\n", "\n  ")


def without_secrets(text: str) -> str:
    """`text` without the secrets of the settings, as far as they were read."""
    for secret in _known_secrets:
        text = text.replace(secret, HIDDEN)
    return text


def known_level(word: str) -> str:
    """The level in capitals; ValueError for a word that is none, as pydantic expects."""
    level = word.upper()
    if level not in LEVELS:
        raise ValueError(
            f"'{word}' is not a log level; use one of {', '.join(LEVELS)}."
            + did_you_mean(level, LEVELS)
        )
    return level


def store_level(folder: Path, level: str) -> None:
    """Keep the level for later commands."""
    folder.mkdir(parents=True, exist_ok=True)
    _level_path(folder).write_text(level + "\n", encoding="utf-8")


def stored_level(folder: Path) -> str:
    """What `store_level` kept, else INFO."""
    path = _level_path(folder)
    if not path.exists():
        return DEFAULT_LEVEL
    try:
        return known_level(path.read_text(encoding="utf-8").strip())
    except (ValueError, OSError) as error:
        raise ConfigError(f"{path} cannot be used: {error} Delete it, or store a level.") from error


def _level_path(folder: Path) -> Path:
    return folder / "log-level"


def _to_console(text: str) -> None:
    """To what is standard error now: a prompt puts itself in front of it for a while. Where that is
    a file of a full disk, as a detached session's is, the line is lost, and nothing else.
    """
    with suppress(OSError):
        sys.stderr.write(text)


def _wants_colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
