"""Reading a JSON file that a person wrote: strictly, and with every fault named by its path."""

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.core.errors import ConfigError, NotFoundError, near_file

PathParts = tuple[str | int, ...]  # ("strategies", 0, "params", "fast")
Fault = tuple[PathParts, str]  # where something is wrong, from some object on, and what
Problem = tuple[str, str]  # the JSON path from the file's root, and what is wrong there

USUAL_FOLDER = Path("session_configs")  # of configs, from where a command is run
MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_SHOWN = 50
_OF_PYTHON = {"True": "true", "False": "false", "None": "null"}
_BEYOND = re.compile(r"\s*[-+]?[\d_.]+[eE][-+]?\d{4,}\s*")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]{1,64}")


class InvalidConfigError(ConfigError):
    """A config with all its problems, each with its JSON path; `path` is its file's, where it is
    known.
    """

    def __init__(self, path: Path | None, problems: Sequence[Problem]) -> None:
        self.problems = tuple((where, _printable(what)) for where, what in problems)
        whole = "all of it" if path is None else "the file"
        lines = [f"{where or whole}: {what}" for where, what in self.problems[:MAX_SHOWN]]
        if len(problems) > MAX_SHOWN:
            lines.append(f"and {len(problems) - MAX_SHOWN} more.")
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        name = "The session config" if path is None else _quoted(path)
        super().__init__("\n  ".join([f"{name} has {count}:", *lines]))

    def of(self, path: Path) -> "InvalidConfigError":
        """The same of this file."""
        return InvalidConfigError(path, self.problems)


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys it was given more than once."""

    repeated: tuple[str, ...] = ()


def read_json(path: Path) -> Any:
    """The file's JSON value; raises when it is not there, not text or not JSON."""
    text = _read_text(path)
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        what = f"not JSON at {where}: {error.msg}.{_slip(text, error.pos)}"
        raise InvalidConfigError(path, [("", what)]) from None
    except RecursionError:
        raise InvalidConfigError(path, [("", "it is nested too deep.")]) from None
    except ValueError:  # Python refuses to read whole numbers of thousands of digits
        raise InvalidConfigError(path, [("", "it holds a number that is too long.")]) from None


def as_written(words: object) -> Any:
    """What a file of these words would hold: a date is text, a number of numpy a plain one."""
    try:
        return json.loads(json.dumps(words, default=_plain), object_pairs_hook=_object)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidConfigError(None, [("", f"JSON cannot hold it: {error}.")]) from None


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime) and value.time() == dt.time.min:  # as pandas has dates
        value = value.date()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, type):
        raise TypeError(f"a class is named by text, '{value.__module__}:{value.__qualname__}'")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # of numpy and pandas
        return value.tolist()
    raise TypeError(f"{str(value)[:60]} is of type {type(value).__name__}")


def clean(value: Any) -> tuple[Any, dict[PathParts, str]]:
    """The value with null for what JSON does not allow, and what was wrong by its path."""
    problems: dict[PathParts, str] = {}
    return _clean(value, (), problems), problems


def json_path(parts: PathParts) -> str:
    """`strategies[0].params.fast`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}"
        else:
            text += f"[{shown(part)}]"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """A value as JSON, cut short, in characters any terminal can print."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _printable(text: str) -> str:
    """A message may repeat what the file holds, but must not steer the terminal with it."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _quoted(path: Path) -> str:
    return json.dumps(str(path))


def _read_text(path: Path) -> str:
    try:
        if not path.exists():
            near = near_file(path, USUAL_FOLDER, ending=".json")
            raise NotFoundError(
                f"There is no file {_quoted(path)}; give the path of a JSON file.{near}"
            )
        if not path.is_file():
            raise ConfigError(f"{_quoted(path)} is not a file; give the path of a JSON file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{_quoted(path)} cannot be read: {reason}.") from None
    if len(content) > MAX_BYTES:
        raise InvalidConfigError(path, [("", f"it is larger than {MAX_BYTES:,} bytes.")])
    try:
        return content.decode("utf-8-sig")  # editors on Windows put a mark at the start
    except UnicodeDecodeError as error:
        what = f"it is not UTF-8 text (byte {error.start}); save it as UTF-8."
        raise InvalidConfigError(path, [("", what)]) from None


def _slip(text: str, at: int) -> str:
    """Which slip of the hand makes it no JSON, where it is one of the usual; else ""."""
    before, rest = text[:at].rstrip(), text[at : at + 200].lstrip()
    if rest.startswith(("//", "/*", "#")):
        return " JSON has no comments: take it out."
    if re.match(r",?\s*[}\]]", rest) and (before + rest[:1]).endswith((",", ",}", ",]")):
        return " Take out the comma before the closing bracket."
    if rest[:1] in tuple("'‘’“”`"):
        return ' Texts stand in straight double quotes: "name".'
    if word := re.match(r"(True|False|None)\b", rest):
        return f" Write {_OF_PYTHON[word[1]]}."
    if not before and re.match(r"[\w-]+\s*[:=]|---", rest):
        return ' YAML and the like are not read: write an object, {"name": ...}.'
    return ""


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    result = _Object(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        result.repeated = tuple(key for key in result if keys.count(key) > 1)
    return result


def _clean(value: Any, parts: PathParts, problems: dict[PathParts, str]) -> Any:
    if len(parts) > MAX_DEPTH:
        problems[parts[:1]] = f"it is nested deeper than {MAX_DEPTH} levels."
        return None
    if isinstance(value, list):
        return [_clean(item, (*parts, index), problems) for index, item in enumerate(value)]
    if isinstance(value, _Object):
        for key in value.repeated:
            problems[(*parts, key)] = "the key is given more than once; keep one."
        items = {key: _clean(item, (*parts, key), problems) for key, item in value.items()}
        for key in [key for key in items if _has_half_characters(key)]:
            problems[(*parts, key)] = "the key holds half a character; write it out."
            del items[key]
        return items
    if isinstance(value, float) and not math.isfinite(value):
        problems[parts] = f"found {shown(value)}, JSON has finite numbers only."
        return None
    if isinstance(value, str) and _BEYOND.fullmatch(value):
        problems[parts] = f"found {shown(value)}, a number whose digits would fill the memory."
        return None
    if isinstance(value, str) and _has_half_characters(value):
        problems[parts] = f"found {shown(value)}, half a character; write it out."
        return None
    return value


def _has_half_characters(text: str) -> bool:
    """Whether it holds one half of a surrogate pair, which no encoding can write."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
