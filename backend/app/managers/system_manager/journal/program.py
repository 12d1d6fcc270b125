"""Which program a saved state is of: one that differs in anything does not go on from it."""

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from app.managers.system_manager.journal.platform_tag import platform_tag
from app.strategies.base import Strategy
from app.strategies.loader import source_hash

Program = dict[str, str]

_APP = Path(__file__).resolve().parents[3]


def program_of(strategies: Mapping[str, type[Strategy]]) -> Program:
    """This one, with these strategies, by their names."""
    return {
        "program": _digest(),
        "platform": platform_tag(),
        "hash seed": os.environ.get("PYTHONHASHSEED", "random"),
        **{f"strategy {name}": source_hash(kind) for name, kind in strategies.items()},
    }


@lru_cache(1)
def _digest() -> str:
    """The hash of all its modules."""
    digest = hashlib.sha256()
    for path in sorted(_APP.rglob("*.py")):
        digest.update(str(path.relative_to(_APP)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
