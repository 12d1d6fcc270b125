"""Is a database well: reachable, of this program's schema, and its pages whole."""

import sqlite3
from collections.abc import Callable

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app.repositories.database import SCHEMA_REVISION, database_errors, revision_of

_STEPS = 10_000  # of SQLite's machine between two looks at the time
_MOST_FAULTS = 3


class Health(msgspec.Struct, frozen=True):
    """What was found."""

    revision: str | None  # None: no tables of ours yet
    faults: tuple[str, ...]  # of its pages
    is_whole: bool  # whether all of it was looked at; it may take longer than there was time

    @property
    def is_current(self) -> bool:
        return self.revision == SCHEMA_REVISION


def examined(engine: Engine, is_late: Callable[[], bool]) -> Health:
    """Look at it until it is late; DataError when it cannot be used at all."""
    with database_errors(engine), engine.connect() as connection:
        revision = revision_of(connection)
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            return Health(revision, (), True)
        driver.set_progress_handler(is_late, _STEPS)
        try:
            rows = connection.exec_driver_sql(f"PRAGMA quick_check({_MOST_FAULTS})").scalars()
            told = tuple(str(row) for row in rows)
        except OperationalError as error:
            if "interrupted" not in str(error.orig):
                raise
            return Health(revision, (), False)
        finally:
            driver.set_progress_handler(None, _STEPS)
        return Health(revision, () if told == ("ok",) else told, True)
