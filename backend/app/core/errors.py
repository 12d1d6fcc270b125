"""Every error this project raises on purpose.

    AppError                      exit code 1
    ├── UsageError                2   the words given make no sense
    ├── NotFoundError             3   a run, symbol, file or session that is not there
    ├── ConfigError               4   a session config or setting that cannot be used
    ├── RunTimeoutError           5   a run that did not finish in the time given
    ├── DataError                 1   bars, files or actions that cannot be used
    │   └── DatabaseLocked            another process holds the database: try again
    ├── StrategyError             1   a user's strategy failed (its own traceback inside)
    │   ├── LookaheadError            it, or its indicator, read past the clock
    │   └── NotReadyError             it read an indicator that is still warming up
    └── StateError                1   the system was asked for something its state forbids

A message says what happened, where, and what to do. All are recoverable for the
caller; whatever else escapes is a defect of ours.
"""

import difflib
import itertools
import re
from collections.abc import Iterable
from pathlib import Path


class AppError(Exception):
    """Base of every deliberate error; `exit_code` is what a command ends with."""

    exit_code = 1


class UsageError(AppError):
    exit_code = 2


class NotFoundError(AppError):
    exit_code = 3


class ConfigError(AppError):
    exit_code = 4


class RunTimeoutError(AppError):
    exit_code = 5


class DataError(AppError):
    pass


class DatabaseLocked(DataError):
    pass


class StrategyError(AppError):
    pass


class LookaheadError(StrategyError):
    pass


class NotReadyError(StrategyError):
    pass


class StateError(AppError):
    pass


EXIT_INTERRUPTED = 130
_COMMA = re.compile(r"[-+]?\d{1,20}(,\d{1,20}){1,7}", re.ASCII)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_LONGEST_WORD = 200  # that is searched for; the time it takes grows with its square
_MOST_FILES = 1_000  # of a folder, that are looked at


def did_you_mean(word: object, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A trailing " Did you mean 'x'?" when one of `known` is close to `word`, else ""."""
    candidates = {name.lower(): name for name in known}
    close = difflib.get_close_matches(
        str(word)[:_LONGEST_WORD].lower(), candidates, n=1, cutoff=cutoff
    )
    return f" Did you mean '{candidates[close[0]]}'?" if close else ""


def near_file(path: Path) -> str:
    """A trailing " Did you mean 'x.json'?" when its folder has a name close to the path's."""
    try:
        names = [found.name for found in itertools.islice(path.parent.iterdir(), _MOST_FILES)]
    except OSError:
        return ""
    return did_you_mean(path.name, names, cutoff=0.75)  # their endings alone make them alike


def of_comma(text: str) -> str:
    """A trailing " A number here has no comma: write 30.5." for `30,5`, else ""."""
    word = text.strip()
    if not _COMMA.fullmatch(word):
        return ""
    point, thousands = word.replace(",", ".", 1), word.replace(",", "")
    ways = [thousands] * bool(_THOUSANDS.fullmatch(word)) + [point] * (word.count(",") == 1)
    return f" A number here has no comma: write {' or '.join(ways)}." if ways else ""
