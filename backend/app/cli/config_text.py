"""How a session config is written: as people do, what is short on one line; with its schema."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.core.config_json import USUAL_FOLDER

CONFIGS_FOLDER: Final = USUAL_FOLDER
SCHEMA: Final = "schema.json"
_WIDTH: Final = 88


def config_texts(path: Path, words: Mapping[str, Any]) -> dict[Path, str]:
    """The files of a new config: itself, and the schema it names where there is none yet."""
    beside, usual = path.parent / SCHEMA, CONFIGS_FOLDER / SCHEMA
    schema = beside if beside.exists() or not usual.exists() else usual
    name = Path(os.path.relpath(schema, path.parent)).as_posix()
    if not name.startswith("."):
        name = f"./{name}"
    texts = {path: written({"$schema": name, **words}) + "\n"}
    if not schema.exists():
        from app.core.config import export_schema

        texts[schema] = json.dumps(export_schema(), indent=2) + "\n"
    return texts


def written(value: Any, indent: int = 0) -> str:
    """JSON with what fits on one line on one; the outermost has a line for each key."""
    line = one_line(value)
    if not isinstance(value, dict | list | tuple) or (indent and len(line) + indent <= _WIDTH):
        return line
    if isinstance(value, dict):
        rows = [f"{one_line(key)}: {written(part, indent + 2)}" for key, part in value.items()]
        return _block("{}", rows, indent)
    return _block("[]", [written(part, indent + 2) for part in value], indent)


def one_line(value: Any) -> str:
    """JSON on one line."""
    if isinstance(value, dict) and value:
        parts = ", ".join(f"{one_line(key)}: {one_line(part)}" for key, part in value.items())
        return f"{{ {parts} }}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(one_line, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _block(ends: str, rows: list[str], indent: int) -> str:
    space = " " * (indent + 2)
    body = ",\n".join(space + row for row in rows)
    return f"{ends[0]}\n{body}\n{' ' * indent}{ends[1]}"
