"""What runs: this program and the libraries below it. A saved state goes on in no other program."""

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.managers.system_manager.journal.platform_tag import library_versions, platform_tag
from app.strategies.base import Strategy
from app.strategies.loader import source_hash

Program = dict[str, str]

_APP = Path(__file__).resolve().parents[3]


def program_of(strategies: Mapping[str, type[Strategy]]) -> Program:
    """This one, with these strategies, by their names."""
    return {
        "program": program_digest(),
        "platform": platform_tag(),
        "hash seed": os.environ.get("PYTHONHASHSEED", "random"),
        **{f"strategy {name}": source_hash(kind) for name, kind in strategies.items()},
    }


def made_with() -> dict[str, Any]:
    """What a run's numbers depend on besides its inputs and strategies, for its record."""
    return {
        "versions": library_versions(),
        "platform": platform_tag(),
        "program": program_digest(),
    }


@lru_cache(1)
def program_digest() -> str:
    """The hash of all its modules."""
    digest = hashlib.sha256()
    for path in sorted(_APP.rglob("*.py")):
        digest.update(str(path.relative_to(_APP)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
