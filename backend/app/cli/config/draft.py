"""A session config in the making: each part is held against the config's own rules as it comes."""

import copy
import re
from pathlib import Path
from typing import Any, Final

from app.core.config import SessionConfig
from app.core.config_file import config_of
from app.core.config_json import InvalidConfigError, json_path
from app.core.errors import UsageError

_THOUSANDS: Final = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)

Words = dict[str, Any]

# What is sound by itself, for the parts that are not there yet.
_SOUND: Final[Words] = {
    "name": "new",
    "symbols": ["SYN1"],
    "strategies": [{"use": "app.strategies.examples.sma_cross:SmaCross"}],
}
BY_MODE: Final[dict[str, Words]] = {
    "replay": {"replay": {"start": "2024-11-01", "end": "2024-12-13"}},
    "live": {},
}
ORDER: Final = (
    "name", "mode", "market", "symbols", "replay", "live", "base_interval", "strategies", "sizing",
    "account", "risk", "protection",
)  # fmt: skip


class Draft:
    """Words of a config so far; what is put in is right, as far as it can be seen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.words: Words = {}

    def put(self, value: Any, *parts: str) -> None:
        """Take a part in, or raise UsageError with what is allowed there."""
        words = copy.deepcopy(self.words)
        place = words
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
        wrong = _wrong_at(json_path(parts), words)
        if wrong:
            raise UsageError(" ".join(wrong))
        self.words = words

    def config(self) -> SessionConfig:
        """All of it, checked as a file is."""
        return config_of(self.path, self.ordered(), SessionConfig)

    def ordered(self) -> Words:
        """In the order in which people read it."""
        return {key: self.words[key] for key in ORDER if key in self.words}


def _wrong_at(place: str, words: Words) -> list[str]:
    mode = words.get("mode", "replay")
    sound = {**_SOUND, **BY_MODE.get(mode, {})}
    try:
        config_of(Path("new"), {**sound, **words}, SessionConfig)
    except InvalidConfigError as error:
        below = (f"{place}.", f"{place}[")
        return [what for at, what in error.problems if at == place or at.startswith(below)]
    return []


def number(text: str) -> int | float | str:
    """A number as people write it; what is none stays text, for the rules to refuse. A comma parts
    thousands alone: 0,5 is no 5.
    """
    plain = (text.replace(",", "") if _THOUSANDS.fullmatch(text) else text).replace("_", "")
    for kind in (int, float):
        try:
            return kind(plain)
        except ValueError:
            continue
    return text
