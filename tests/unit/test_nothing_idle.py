"""What the program defines, the program uses: nothing is kept for its tests alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "backend" / "app"
# Somebody else comes for these: a user's config, whoever writes an adapter, the interpreter.
FOR_OTHERS = ("strategies/examples/", "cli/strategies/skeleton/", "integrations/_template/")
HOOK = "__getattr__"


def defined(tree: ast.Module) -> Iterator[str]:
    """Functions and classes of a module, and the properties of its classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list:
            yield node.name
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and any(
                    isinstance(one, ast.Name) and one.id == "property"
                    for one in method.decorator_list
                ):
                    yield method.name


def used(tree: ast.Module) -> Iterator[str]:
    """Each name that is read, imported or given in a text such as `module:Class`."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name
            case ast.Constant(value=str(text)) if not re.search(r"\s", text):  # no sentence
                yield from re.findall(r"\w+", text)


def idle(trees: dict[str, ast.Module]) -> list[str]:
    """What is defined and not used, with the module that has it."""
    names = {name for tree in trees.values() for name in used(tree)}
    return [
        f"{path}: {name}"
        for path, tree in trees.items()
        for name in defined(tree)
        if name not in names
    ]


def test_the_program_uses_what_it_defines() -> None:
    trees = {
        path.relative_to(APP).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in APP.rglob("*.py")
    }
    left = [
        place
        for place in idle(trees)
        if not place.startswith(FOR_OTHERS) and not place.endswith(HOOK)
    ]
    assert not left, f"Nothing but tests, if anything, comes to {left}: delete them."


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def one(): pass", ["one"]),
        ("def one(): pass\none()", []),
        ("class One: pass\nname = 'module:One'", []),
        ("@command\ndef one(): pass", []),
        ("class One:\n    @property\n    def two(self): ...\nOne()", ["two"]),
        ("class One:\n    @property\n    def two(self): ...\nOne().two", []),
    ],
)
def test_what_is_idle_is_found(source: str, found: list[str]) -> None:
    assert idle({"a.py": ast.parse(source)}) == [f"a.py: {name}" for name in found]
