"""A database as the migrations leave it, made once: to run them takes longer than most tests."""

import tempfile
from functools import cache
from pathlib import Path

from app.repositories.database import ensure_database, open_database, sqlite_url

NAME = "mismartera.db"


def put_database(folder: Path) -> str:
    """Put it into a folder that has none; its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / NAME).exists():
        (folder / NAME).write_bytes(_content())
    return sqlite_url(folder)


@cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(sqlite_url(Path(folder)))
        ensure_database(engine)
        engine.dispose()
        return (Path(folder) / NAME).read_bytes()
