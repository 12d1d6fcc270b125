"""A new strategy: a small rule that works, a test that replays it, a config that runs it."""

import importlib.util
import keyword
import re
import shlex
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from app.cli.config_text import CONFIGS_FOLDER, config_texts
from app.cli.new_files import refuse_existing, write_new
from app.cli.strategies.facts import shelf
from app.core.called import LAUNCHER, is_clone
from app.core.errors import UsageError

_SKELETON: Final = Path(__file__).parent / "skeleton"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MOST_CHARS: Final = 40
_OURS: Final = (
    "Any",
    "Bar",
    "Bracket",
    "ClassVar",
    "Mapping",
    "OrderView",
    "Param",
    "Path",
    "PositionView",
    "SessionConfig",
    "Settings",
    "Strategy",
    "Summary",
    "SystemManager",
    "TradingSession",
)  # that its files import, or its author will
_SYMBOLS, _START, _END = ["SYN1", "SYN2"], "2024-11-01", "2024-12-13"  # of the sample


class Made(msgspec.Struct, frozen=True):
    """What was written, and what to type next."""

    class_name: str
    strategy: Path
    test: Path
    config: Path | None
    files: tuple[Path, ...]

    def next_commands(self) -> list[str]:
        """Look at it, test it, run it."""
        run = f"config new --strategy {self.strategy.name}"
        if self.config is not None:
            run = f"system start {shlex.quote(str(self.config))}"
        test = shlex.join([_python(), "-m", "pytest", str(self.test)])
        if importlib.util.find_spec("pytest") is None:
            bring = (
                f"{LAUNCHER} --setup dev" if is_clone() else f"{_python()} -m pip install pytest"
            )
            test = f"{bring} && {test}"
        return [f"strategies show {self.class_name}", test, run]


def make_strategy(name: str, folder: Path, with_config: bool) -> Made:
    """Write a strategy of this name; what is there already is left as it is."""
    stem, class_name = names_of(name)
    strategy, test = folder / f"{stem}.py", folder / "tests" / f"test_{stem}.py"
    config = CONFIGS_FOLDER / f"{stem}.json" if with_config else None
    _refuse_taken(name, stem, class_name, strategy)
    texts = {
        strategy: _filled("strategy.py", stem, class_name),
        test: _filled("replayed.py", stem, class_name),
    }
    if config is not None:
        texts |= config_texts(config, _config_words(stem))
    write_new(texts)
    return Made(class_name, strategy, test, config, tuple(texts))


def names_of(name: str) -> tuple[str, str]:
    """The file's and the class's: `my_dip` and `MyDip`, whichever was given."""
    if not _NAME.fullmatch(name) or len(name) > _MOST_CHARS:
        proposed = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:_MOST_CHARS]
        hint = f" Did you mean '{proposed}'?" if proposed else ""
        raise UsageError(
            f"'{name}' cannot name a strategy: allowed are up to {_MOST_CHARS} of A-Z a-z 0-9 _, "
            f"beginning with a letter, such as my_dip or MyDip.{hint}"
        )
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    stem = re.sub(r"_+", "_", words.lower()).strip("_")
    return stem, "".join(word[:1].upper() + word[1:] for word in stem.split("_"))


def _config_words(stem: str) -> dict[str, Any]:
    """A replay of the sample by the skeleton's rule."""
    return {
        "name": stem,
        "symbols": _SYMBOLS,
        "replay": {"start": _START, "end": _END},
        "strategies": [{"use": f"{stem}.py", "params": {"period": 20, "quantity": 100}}],
        "account": {"cash": 100_000},
    }


def _refuse_taken(name: str, stem: str, class_name: str, strategy: Path) -> None:
    """Names that mean something else already, to Python or on the shelf."""
    refuse_existing([strategy])
    if keyword.iskeyword(stem) or keyword.issoftkeyword(stem) or class_name in ("True", "None"):
        raise UsageError(f"'{name}' is a word of Python's own; choose another name.")
    is_module = stem in sys.stdlib_module_names or importlib.util.find_spec(stem) is not None
    if is_module or class_name in _OURS:
        raise UsageError(f"'{name}' is the name of a module or class there is; choose another.")
    for place in shelf():
        if place.stem == stem or class_name in place.classes:
            raise UsageError(f"'{name}' is the name of a strategy in {place.use}; choose another.")


def _filled(part: str, stem: str, class_name: str) -> str:
    text = (_SKELETON / part).read_text(encoding="utf-8")
    return text.replace("Skeleton", class_name).replace("skeleton", stem)


def _python() -> str:
    """This interpreter, as short as it can be written from here."""
    path = Path(sys.executable)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
