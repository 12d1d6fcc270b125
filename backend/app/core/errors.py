"""Every error this project raises on purpose.

    AppError                      exit code 1
    ├── UsageError                2   the words given make no sense
    ├── NotFoundError             3   a run, symbol, file or session that is not there
    ├── ConfigError               4   a session config or setting that cannot be used
    ├── RunTimeoutError           5   a run that did not finish in the time given
    ├── DataError                 1   bars, files or actions that cannot be used
    │   └── DatabaseAway              it is held by another process, or its server away: try again
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
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class AppError(Exception):
    """Base of every deliberate error; `exit_code` is what a command ends with."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """As another process raised it: what made it does not make it again of its message."""
        return _received, (type(self), self.args, self.__dict__)


def _received(kind: type[AppError], args: tuple[Any, ...], facts: dict[str, Any]) -> AppError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


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


class DatabaseAway(DataError):
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
_LEAST_PART = 3  # letters that a longer word may begin or end with
_MOST_FILES = 1_000  # of a folder, that are looked at


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A trailing " Did you mean 'x'?" for what is close to `word`, or begins or ends with it.

    "" where nothing of what is `known` does. Small letters and capitals are the same.
    """
    return _meant(str(word), {name: name for name in known}, 0.6)


def near_file(path: Path, *folders: Path, ending: str = "") -> str:
    """The same of files that end so: those beside `path`, and those in the folders besides."""
    found: dict[str, str] = {}
    for folder in (*folders, path.parent):
        with suppress(OSError):
            for one in itertools.islice(folder.iterdir(), _MOST_FILES):
                if one.name.endswith(ending) and str(one).isprintable():
                    found[one.name.removesuffix(ending)] = str(one)
    alike = 0.6 if ending else 0.75  # endings alone make names alike
    return _meant(path.name.removesuffix(ending), found, alike)


def _meant(word: str, told_by_name: Mapping[str, str], cutoff: float) -> str:
    candidates = {name.lower(): told for name, told in told_by_name.items()}
    plain = word[:_LONGEST_WORD].lower()
    near = difflib.get_close_matches(plain, candidates, n=1, cutoff=cutoff)
    if not near and len(plain) >= _LEAST_PART:
        near = [name for name in candidates if name.startswith(plain) or name.endswith(plain)]
    return f" Did you mean '{candidates[near[0]]}'?" if near else ""


def of_comma(text: str) -> str:
    """A trailing " A number here has no comma: write 30.5." for `30,5`, else ""."""
    word = text.strip()
    if not _COMMA.fullmatch(word):
        return ""
    point, thousands = word.replace(",", ".", 1), word.replace(",", "")
    ways = [thousands] * bool(_THOUSANDS.fullmatch(word)) + [point] * (word.count(",") == 1)
    return f" A number here has no comma: write {' or '.join(ways)}." if ways else ""
