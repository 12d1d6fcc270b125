"""Looks at strategies in a process of its own: their code is theirs, and may do anything.

Reads one JSON object from standard input, and writes a line of JSON for each thing asked for.
"""

import ctypes
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TextIO

from app.core.errors import AppError
from app.core.import_path import look_here_last

_PARENT_DEATH_SIGNAL: Final = 1  # of Linux
_MOST_PRINTED: Final = 200  # characters of what a file prints


def main() -> None:
    """Answer what is asked, in order."""
    _die_with_parent()
    look_here_last()
    asked = json.load(sys.stdin)
    with tempfile.TemporaryFile("w+") as printed, os.fdopen(os.dup(1), "w") as answers:
        _redirect(printed)
        look = _looks(asked["seconds"])[asked["what"]]
        for one in asked["of"]:
            answer = _answer(look, one)
            answer["printed"] = _taken(printed)
            answers.write(json.dumps(answer, default=str) + "\n")
            answers.flush()
        answers.flush()
        os._exit(0)  # threads that their code left behind are not waited for


def _die_with_parent() -> None:
    """Where the system can: else code that hangs would outlive whoever asked, were that killed."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _redirect(printed: TextIO) -> None:
    """What their code writes goes into a file, and it reads nothing."""
    sys.stdout.flush()
    for number in (1, 2):
        os.dup2(printed.fileno(), number)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)


def _taken(printed: TextIO) -> str:
    """The beginning of what was written since the last time."""
    sys.stdout.flush()
    sys.stderr.flush()
    printed.seek(0)
    text = printed.read(_MOST_PRINTED)
    printed.seek(0)
    printed.truncate()
    return text.strip()


def _looks(seconds: float) -> dict[str, Callable[[Any], Any]]:
    from loguru import logger

    from app.core.settings import read_settings
    from app.managers.system_manager.strategies.strategy_look import classes_of, looked_into
    from app.repositories.strategy_shelf import Place

    logger.remove()  # what a setup logs is no print
    settings = read_settings()

    def classes(one: dict[str, Any]) -> object:
        place = Place(one["use"], one["kind"], None, tuple(one["classes"]))
        return classes_of(place, settings.strategies_folder, seconds)

    return {
        "classes": classes,
        "strategy": lambda one: looked_into(one["use"], settings, one["config"], seconds),
    }


def _answer(look: Callable[[Any], Any], one: Any) -> dict[str, Any]:
    try:
        return {"found": look(one), "error": None, "code": 0}
    except AppError as error:
        return {"found": None, "error": str(error), "code": error.exit_code}
    except Exception as error:  # what their class does when it is only asked for its name
        said = f"it cannot be looked at: {type(error).__name__}: {error}"
        return {"found": None, "error": said, "code": AppError.exit_code}


if __name__ == "__main__":
    main()
