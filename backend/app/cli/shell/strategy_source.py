"""What a strategy's source says of it, read without running it: its classes and parameters."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

_LONGEST_BYTES = 1_000_000


class Written(msgspec.Struct, frozen=True):
    """A strategy class as it is written."""

    name: str
    about: str  # the first line of its docstring, else of its file's
    parameters: tuple[tuple[str, str], ...]  # each with its default, as it is written


def classes_of(path: Path) -> list[Written]:
    """The strategies of a file; none where it cannot be read or is no Python."""
    try:
        if path.stat().st_size > _LONGEST_BYTES:
            return []
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return list(_strategies(tree))


def _strategies(tree: ast.Module) -> Iterator[Written]:
    known: dict[str, Written] = {}
    for item in tree.body:
        if not isinstance(item, ast.ClassDef):
            continue
        bases = [ast.unparse(base).rpartition(".")[2] for base in item.bases]
        if "Strategy" not in bases and not known.keys() & {*bases}:
            continue
        parameters = {n: d for base in bases if base in known for n, d in known[base].parameters}
        parameters.update(_parameters(item))
        about = (ast.get_docstring(item) or ast.get_docstring(tree) or "").partition("\n")[0]
        known[item.name] = Written(item.name, about, tuple(parameters.items()))
    yield from known.values()


def _parameters(item: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """`fast = Param(10, low=2)`: its name and its default."""
    for line in item.body:
        if isinstance(line, ast.Assign):
            targets, value = line.targets, line.value
        elif isinstance(line, ast.AnnAssign) and line.value is not None:
            targets, value = [line.target], line.value
        else:
            continue
        if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("Param"):
            default = ast.unparse(value.args[0]) if value.args else ""
            yield from ((one.id, default) for one in targets if isinstance(one, ast.Name))
