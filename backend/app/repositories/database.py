"""The database: SQLite by default, PostgreSQL by URL; the packaged migrations make its schema."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.orm import Session

from app.core.errors import ConfigError, DatabaseAway, DataError
from app.core.folders import can_only_read

if TYPE_CHECKING:
    from app.core.settings import Settings

SCHEMA_REVISION = "0006"  # the newest migration; revisions are numbered, so they compare as text
MIGRATIONS = "app.models:migrations"
BUSY_TIMEOUT_MS = 10_000
# PostgreSQL's: a server that is not reached, or goes without a word as its machine or the network
# does, is away after 10 to 15 s. What a URL says itself counts.
_BOUNDS = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_URLS = "use sqlite:///path/to/file.db or postgresql://user:password@host/name"
_ADVISORY_LOCK = 7_403_118  # any number, the same in every process of ours


def sqlite_url(folder: Path) -> str:
    """The default database of a data folder."""
    return URL.create("sqlite", database=str(folder / "mismartera.db")).render_as_string()


def url_of(settings: "Settings") -> str:
    """The database that the settings name, else that of their data folder."""
    url = settings.database_url
    return url.get_secret_value() if url else sqlite_url(settings.data_folder)


def open_database(url: str) -> Engine:
    """An engine for the URL; nothing is read yet, but a SQLite file's folder is made."""
    try:
        parsed = make_url(url)
        _check_supported(parsed)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        reader = _reader_of(parsed)
        engine = create_engine(parsed, **_means_of(parsed, reader))
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise ConfigError(f"MISMARTERA_DATABASE_URL is not a database URL; {_URLS}.") from error
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The database needs the Python package '{error.name}', which is not installed; "
            "'./start_cli.sh --setup postgres' brings what postgresql:// needs."
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, "journal_mode=WAL" if reader is None else "query_only=ON")
    else:
        _prepare_postgresql(engine)
    return engine


def shown_url(url: URL) -> str:
    """As it may be told: without its password, and its query, which may hold others."""
    return url.set(query={}).render_as_string(hide_password=True)


def _check_supported(url: URL) -> None:
    """Refuse what our tables have never been tried on."""
    name = url.get_backend_name()
    if name not in ("sqlite", "postgresql", "postgres"):
        raise ConfigError(
            f"MISMARTERA_DATABASE_URL names a database of {name}, which is not supported; {_URLS}."
        )
    if "@" in (url.host or ""):  # the rest of a password, which errors would tell
        raise ConfigError(
            f"MISMARTERA_DATABASE_URL has an '@' too many: write a password's as %40; {_URLS}."
        )


class _Connection(sqlite3.Connection):
    """Closes with whoever holds it: Python warns of one that was only dropped."""

    def __del__(self) -> None:
        try:  # at the end of a process, too, when names of this module are gone
            self.close()
        except Exception:  # it is another thread's, as of a database in memory
            return


def _means_of(url: URL, reader: Callable[[], sqlite3.Connection] | None) -> dict[str, Any]:
    """How an engine comes to its connections."""
    if reader is not None:
        return {"creator": reader}
    if url.drivername.startswith("sqlite"):
        return {"connect_args": {"factory": _Connection}}
    bounds = {name: value for name, value in _BOUNDS.items() if name not in url.query}
    return {"connect_args": bounds, "pool_pre_ping": True}  # a server that was restarted is found


def _reader_of(url: URL) -> Callable[[], sqlite3.Connection] | None:
    """What opens a SQLite file in a folder that can only be read; None of any other database.

    SQLite itself puts files beside it even to read. Where a writer's are there it reads with them;
    where none are, the file is all there is.
    """
    path = url.database if url.drivername.startswith("sqlite") else None
    if not path or path.startswith("file:") or not can_only_read(Path(path).parent):
        return None

    def connect() -> sqlite3.Connection:
        place = f"file:{quote(str(Path(path).absolute()))}"
        try:
            return _readable(f"{place}?mode=ro")
        except sqlite3.OperationalError:
            log = Path(f"{path}-wal")
            if log.exists() and log.stat().st_size:
                raise  # a part of it is in there
            return _readable(f"{place}?immutable=1")

    return connect


def _readable(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False, factory=_Connection)
    try:
        connection.execute("SELECT name FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def ensure_database(engine: Engine) -> bool:
    """Bring the schema up to date; returns whether anything had to be done."""
    with database_errors(engine):
        with engine.connect() as connection:
            found = revision_of(connection)
        if found == SCHEMA_REVISION:
            return False
        if found is not None and found > SCHEMA_REVISION:
            raise DataError(
                f"The database {_name(engine)} was written by a newer version of this program "
                f"(schema {found}, this one knows {SCHEMA_REVISION}). Update the program, "
                "or set MISMARTERA_DATABASE_URL to another database."
            )
        with engine.execution_options(write_lock=True).begin() as connection:
            _migrate(connection)
        return True


@contextmanager
def database_errors(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors into ours, naming the database and the way out."""
    try:
        yield
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).strip()
        cause = words.splitlines()[0] if words else type(error).__name__
        if isinstance(error, IntegrityError):
            raise DataError(f"The database {_name(engine)} refused a record: {cause}.") from error
        is_server = engine.dialect.name != "sqlite"
        is_away = isinstance(error, OperationalError) if is_server else "locked" in cause
        kind = DatabaseAway if is_away else DataError
        raise kind(
            f"The database {_name(engine)} cannot be used: {cause}. {_way_out(cause)}"
        ) from error


def copy_rows(engine: Engine, command: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Send rows to PostgreSQL, all or none: a fifth of the time that inserting them takes."""
    failure = engine.dialect.loaded_dbapi.Error
    with database_errors(engine), engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor() as cursor, cursor.copy(command) as copy:
                for row in rows:
                    copy.write_row(row)
        except failure as error:
            raise DBAPIError.instance(command, None, error, failure) from error


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A transaction that reads what it then writes. SQLite waits for others only at its beginning:
    one that has read is refused at once when another has written meanwhile.
    """
    with Session(engine.execution_options(write_lock=True)) as session, session.begin():
        yield session


def _prepare_sqlite(engine: Engine, way: str) -> None:
    """`way` is a pragma: how it is written, or that it is not."""
    path = engine.url.database
    if path and path != ":memory:" and not path.startswith("file:"):
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder of {path} cannot be made: {error.strerror}.") from error

    @event.listens_for(engine, "connect")
    def configure(dbapi: Any, record: object) -> None:
        dbapi.isolation_level = None  # the driver's own BEGIN would leave DDL outside
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            way,
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        locks = connection.get_execution_options().get("write_lock")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if locks else "BEGIN")


def _prepare_postgresql(engine: Engine) -> None:
    """Wait for others' locks as long as on SQLite, unless server, role or URL says for how long."""

    @event.listens_for(engine, "connect")
    def configure(dbapi: Any, record: object) -> None:
        dbapi.execute(
            "SELECT set_config('lock_timeout', %s, false) "
            "WHERE current_setting('lock_timeout') = '0'",
            (str(BUSY_TIMEOUT_MS),),
        )
        dbapi.commit()


def revision_of(connection: Connection) -> str | None:
    """The schema's; None when there is none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection) -> None:
    """Run what is missing, in one transaction; a second process waits, then finds it done."""
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _name(engine: Engine) -> str:
    if engine.dialect.name == "sqlite" and engine.url.database:
        return engine.url.database
    return shown_url(engine.url)


def _way_out(cause: str) -> str:
    if "not a database" in cause or "malformed" in cause:
        return (
            "Move the file away, or set MISMARTERA_DATABASE_URL to another one; the rows of a live "
            "run come back by 'runs rebuild RUN'."
        )
    if "locked" in cause or "lock timeout" in cause:
        return "Another process has been writing for long; try again."
    return "Check that it can be reached and written; MISMARTERA_DATABASE_URL names another."
