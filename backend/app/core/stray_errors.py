"""Errors that nobody catches: of a thread that a strategy started, or of an object's `__del__`.

Python would print a traceback to the terminal. It is one line there; the log file has all of it.
"""

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_MOST_CHARS = 500


def tell_stray_errors() -> None:
    """From now on, in this process."""
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_object


def _of_thread(found: threading.ExceptHookArgs) -> None:
    name = "a thread" if found.thread is None else f"the thread '{found.thread.name}'"
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        _tell(name, found.exc_value)


def _of_object(found: "UnraisableHookArgs") -> None:
    if found.exc_value is not None:
        _tell(f"{found.object!r}"[:_MOST_CHARS], found.exc_value)


def _tell(where: str, error: BaseException) -> None:
    from loguru import logger

    text = f"{type(error).__name__}: {error}"[:_MOST_CHARS]
    logger.opt(exception=error).error("In {} nobody caught {}", where, text)
