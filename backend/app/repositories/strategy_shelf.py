"""The strategies there are, found without running any of them: by folders, names and source text.

What a class really is only its import tells; this says which words could name it.
"""

import ast
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from app.core.errors import NotFoundError, UsageError, did_you_mean

EXAMPLES = "app.strategies.examples"
EXAMPLES_FOLDER = Path(__file__).parents[1] / "strategies" / "examples"

_FILE = re.compile(r"([\w-]+/)*[\w-]+\.py")  # what a config may name
_OF_TESTS = ("test_", "conftest.")
_LARGEST_BYTES = 1_000_000  # of source that is read for its classes
_MOST_FILES = 1_000


class Place(msgspec.Struct, frozen=True):
    """A module or file that may hold strategies."""

    use: str  # without a class
    kind: str  # "example", "file" or "module"
    path: Path | None
    classes: tuple[str, ...]  # that its text defines, strategies or not
    configs: tuple[str, ...] = ()  # session configs that use it

    @property
    def stem(self) -> str:
        """Its short name."""
        return self.use.removesuffix(".py").replace("/", ".").rpartition(".")[2]

    def use_of(self, class_name: str) -> str:
        """How a config names a class of it."""
        return f"{self.use}:{class_name}"


def places(folder: Path, used: Mapping[str, Sequence[str]] | None = None) -> list[Place]:
    """Shipped examples, files of the strategies folder, then what configs use besides.

    `used` has the configs by the `use` they name.
    """
    uses = [use.partition(":") for use in used or ()]
    found = [
        Place(f"{EXAMPLES}.{path.stem}", "example", path, classes_in(path))
        for path in sorted(EXAMPLES_FOLDER.glob("[!_]*.py"))
    ]
    found += [
        Place(name, "file", folder / name, classes_in(folder / name)) for name in _files(folder)
    ]
    known = {place.use for place in found}
    for where in dict.fromkeys(where for where, _, _ in uses if where not in known):
        classes = dict.fromkeys(name for one, _, name in uses if one == where and name)
        path = folder / where if where.endswith(".py") else None
        found.append(Place(where, "file" if path else "module", path, tuple(classes)))
    return [msgspec.structs.replace(place, configs=_configs(place.use, used)) for place in found]


def _configs(where: str, used: Mapping[str, Sequence[str]] | None) -> tuple[str, ...]:
    names: set[str] = set()
    for use, configs in (used or {}).items():
        if use.partition(":")[0] == where:
            names.update(configs)
    return tuple(sorted(names))


def classes_in(path: Path) -> tuple[str, ...]:
    """The classes a file's text defines at its top; none of one that cannot be read."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the author's escapes; this is not the place
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()  # its import says why
    return tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.bases)


def words_for(found: Iterable[Place]) -> list[str]:
    """Every word that names one of them."""
    words = (name for place in found for name in (place.stem, place.use, *place.classes))
    return list(dict.fromkeys(words))


def use_named(name: str, found: Sequence[Place]) -> str:
    """The `use` that a name stands for: one itself, or a class's or file's that is unique."""
    if ":" in name or name.endswith(".py"):
        return name.removesuffix(":") or name
    for fold in (str, str.lower):
        uses = list(dict.fromkeys(_uses(fold(name), found, fold)))
        if len(uses) > 1:
            raise UsageError(f"'{name}' may be {' or '.join(uses)}: write one of them.")
        if uses:
            return uses[0]
    raise NotFoundError(
        f"There is no strategy '{name}'. 'strategies list' shows them."
        + did_you_mean(name, words_for(found))
    )


def _uses(name: str, found: Sequence[Place], fold: Callable[[str], str]) -> Iterator[str]:
    for place in found:
        classes = [one for one in place.classes if fold(one) == name]
        if classes:
            yield place.use_of(classes[0])
        elif name in (fold(place.stem), fold(place.use)):
            # A file's only strategy is found when it is loaded; a module's has to be named.
            yield from [place.use] if place.kind == "file" else map(place.use_of, place.classes)


def _files(folder: Path) -> list[str]:
    """Files of the strategies folder that a config could name, those of tests aside."""
    names: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one[0] not in "._" and one != "tests")
        for file in sorted(files):
            name = (Path(parent) / file).relative_to(folder).as_posix()
            if _FILE.fullmatch(name) and not file.startswith(_OF_TESTS):
                names.append(name)
        if len(names) > _MOST_FILES:
            break  # this is no folder of strategies
    return names[:_MOST_FILES]
