"""What is stored: the database, the calendars, the bars, and the runs that broke off."""

import datetime as dt
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from app.cli.doctor.finding import Ground, Verdict, failing, ok, warning
from app.core.accounts import account_of
from app.core.errors import AppError
from app.managers.time_manager.clock import WallClock

if TYPE_CHECKING:
    from sqlalchemy import Engine, RowMapping

LOOK_SECONDS: Final = 1.0  # that pages and files are looked at; then the rest is left
_LOOPBACK: Final = ("", "localhost", "127.0.0.1", "::1")
_AHEAD: Final = dt.timedelta(days=30)  # calendars should reach this far


class Deadline:
    """Says when a look has taken long enough."""

    def __init__(self, seconds: float) -> None:
        self._clock = WallClock()
        self._until_ns = self._clock.monotonic_ns() + int(seconds * 1e9)

    def is_past(self) -> bool:
        return self._clock.monotonic_ns() > self._until_ns


def check_database(ground: Ground) -> Iterator[Verdict]:
    """It can be reached, its schema is this program's, and its pages are whole."""
    from app.repositories.database import shown_url
    from app.repositories.database_health import examined

    path = sqlite_path(ground)
    if path is not None and not path.exists():
        yield ok(f"none yet: the first command that needs one makes {path}")
        return
    engine = open_engine(ground)
    try:
        if host := host_elsewhere(engine):
            yield ok(f"at {host}; not looked at, as this uses no network")
            return
        health = examined(engine, Deadline(LOOK_SECONDS).is_past)
    except AppError as error:
        yield failing(str(error), _move_away(path))
        return
    finally:
        engine.dispose()
    name = path or shown_url(engine.url)
    if health.faults:
        yield failing(f"{name} is damaged: {health.faults[0]}", _move_away(path))
    elif health.revision is None:
        yield ok(f"{name} is empty: the first command that needs it makes its tables")
    elif not health.is_current:
        yield warning(
            f"{name} has the schema {health.revision}, which is not this program's",
            "./start_cli.sh init-db",
        )
    else:
        part = "its pages are whole" if health.is_whole else "too large to look at all pages"
        yield ok(f"{name}: schema {health.revision}, {part}")


def host_elsewhere(engine: "Engine") -> str:
    """The host of a database that only a network reaches, else ""."""
    host = str(engine.url.query.get("host") or engine.url.host or "")
    is_here = engine.dialect.name == "sqlite" or host in _LOOPBACK or host.startswith("/")
    return "" if is_here else host


def sqlite_path(ground: Ground) -> Path | None:
    """The database's file; None where it is a server's."""
    from sqlalchemy import make_url

    from app.repositories.database import url_of

    parsed = make_url(url_of(ground.settings))
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def open_engine(ground: Ground) -> "Engine":
    from app.repositories.database import open_database, url_of

    return open_database(url_of(ground.settings))


def _move_away(path: Path | None) -> str:
    """A command that takes a damaged file out of the way, with what belongs to it and is there by
    then: what others hold open beside it goes as they close it.
    """
    if path is None:
        return "./start_cli.sh init-db"
    folder = path.with_name(f"{path.name}.damaged")
    found = ["find", str(path.parent), "-maxdepth", "1", "-type", "f", "-name", f"{path.name}*"]
    moved = f"{shlex.join([*found, '-exec', 'mv', '{}', str(folder)])} ';'"
    return f"mkdir -p {shlex.quote(str(folder))} && {moved}"


class StoredRuns(NamedTuple):
    """What the database knows of runs."""

    ids: set[str]
    unfinished: "list[tuple[RowMapping, bool]]"  # each without an end, and whether it goes on


def stored_runs(ground: Ground) -> StoredRuns | None:
    """None where the database does not tell."""
    from app.repositories.account_locks import is_under_way
    from app.repositories.run_repository import RunRepository

    path = sqlite_path(ground)
    if path is not None and not path.exists():
        return StoredRuns(set(), [])
    engine, wall = open_engine(ground), WallClock()
    try:
        if host_elsewhere(engine):
            return None
        runs = RunRepository(engine)
        found = [(run, is_under_way(run, engine, wall)) for run in runs.unfinished_runs()]
        return StoredRuns(runs.run_ids(), found)
    except AppError:
        return None
    finally:
        engine.dispose()


def check_runs(ground: Ground) -> Iterator[Verdict]:
    """No live run broke off and waits to be gone on with, and the database knows them all."""
    from app.repositories.journal_reader import JOURNAL_FOLDER, has_begun

    stored = stored_runs(ground)
    if stored is None:
        yield ok("not known: see the database")
        return
    folder = ground.settings.runs_folder
    gone = [run for run, goes_on in stored.unfinished if not goes_on]
    broken = [run for run in gone if has_begun(folder / run["run_id"])]
    for run in broken:
        account = account_of(run["config"])
        yield warning(
            f"run {run['run_id']} broke off, and may have orders at its venue",
            f"./start_cli.sh system recover --account {shlex.quote(account)} --dry-run",
        )
    journals = {path.parent.name for path in folder.glob(f"*/{JOURNAL_FOLDER}/")}  # of live runs
    unknown = sorted(journals - stored.ids)
    forgotten = [run_id for run_id in unknown if has_begun(folder / run_id)]
    for run_id in forgotten:
        what = f"run {run_id} has a journal, and the database does not know it"
        yield warning(what, f"./start_cli.sh runs rebuild {shlex.quote(run_id)}")
    if not broken and not forgotten:
        yield ok(f"{len(stored.unfinished) - len(gone)} under way, no live run broke off")


def check_calendars(ground: Ground) -> Iterator[Verdict]:
    """Trading sessions are at hand for the weeks to come."""
    from app.managers.time_manager.library import source
    from app.repositories.bar_store_files import unescape
    from app.repositories.calendar_files import CalendarFiles

    folder = ground.settings.data_folder / "calendars"
    kept = (
        sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    )
    if not kept:
        yield ok("none kept yet: the first command that needs one works it out")
        return
    files = CalendarFiles(folder, source())
    today = dt.datetime.fromtimestamp(WallClock().now_ns() / 1e9, dt.UTC).date()
    last = (today + _AHEAD).year
    for folder_name in kept:
        name = unescape(folder_name)
        missing = [year for year in range(today.year, last + 1) if files.year(name, year) is None]
        remedy = f"./start_cli.sh time import-holidays --market {shlex.quote(name)} --to {last}"
        if files.market(name) is None:
            yield warning(f"{name} is of another version of the library, or damaged", remedy)
        elif not any((folder / folder_name).glob("[0-9]*.json")):  # only its zone was asked for
            yield ok(f"{name}: none kept yet")
        elif missing:
            yield warning(f"{name} lacks {missing[0]}", remedy)
        else:
            while files.year(name, last + 1) is not None:
                last += 1
            yield ok(f"{name} kept to the end of {last}, from {source()}")


def check_bars(ground: Ground) -> Iterator[Verdict]:
    """Every file of bars can be opened; how many there are, and how new."""
    from app.repositories.bar_store_codec import read_label
    from app.repositories.bar_store_files import is_year

    root = ground.settings.data_folder / "bars"
    paths = sorted(path for path in root.glob("*/*/*/*.parquet") if is_year(path.name))
    if not paths:
        yield ok("none yet: './start_cli.sh data sample' or 'data import-csv' brings some")
        return
    deadline = Deadline(LOOK_SECONDS)
    bars, newest_ns, seen = 0, 0, 0
    for path in paths:
        if deadline.is_past():
            break
        seen += 1
        try:
            label = read_label(path)
        except AppError as error:
            moved = shlex.join([str(path), f"{path}.damaged"])
            yield failing(f"{path} cannot be read: {error}", f"mv {moved}")
            continue
        bars, newest_ns = bars + label.rows, max(newest_ns, label.last_ns)
    newest = dt.datetime.fromtimestamp(newest_ns // 10**9, dt.UTC).date()
    part = "" if seen == len(paths) else f" in the first {seen} of {len(paths)} files"
    yield ok(f"{bars:,} bars{part}, the newest of {newest}")
